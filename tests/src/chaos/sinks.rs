//! Where mails and webhook calls arrive. Both count what comes, twice or not.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use local::server::Server;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::Failure;

/// How often each thing came, by its name.
pub type Counts = Arc<Mutex<HashMap<String, u64>>>;

fn count(counts: &Counts, name: &str) {
    if let Ok(mut counts) = counts.lock() {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}

/// A mail server that takes everything, perhaps slowly.
pub struct MailServer {
    /// For `MAIL_URL`.
    pub url: String,
    /// Mails by the part of their Message-ID before the `@`.
    pub taken: Counts,
}

impl MailServer {
    /// Listens on a free port.
    pub async fn start() -> Result<Self, Failure> {
        Self::start_slow(Duration::ZERO).await
    }

    /// Takes so long for every mail.
    pub async fn start_slow(delay: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (url, taken) = (format!("smtp://{}", listener.local_addr()?), Counts::default());
        let counts = taken.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let counts = counts.clone();
                // A client that is killed in the middle of a mail is what this is about.
                tokio::spawn(async move { take_mails(socket, &counts, delay).await.ok() });
            }
        });
        Ok(Self { url, taken })
    }
}

/// As much of SMTP as a client needs that trusts the server.
async fn take_mails(mut socket: TcpStream, counts: &Counts, delay: Duration) -> std::io::Result<()> {
    let (input, mut output) = socket.split();
    let mut lines = BufReader::new(input).lines();
    output.write_all(b"220 chaos\r\n").await?;
    let (mut in_data, mut name) = (false, String::new());
    while let Some(line) = lines.next_line().await? {
        if in_data {
            if let Some(id) = line.strip_prefix("Message-ID: <") {
                id.split('@').next().unwrap_or_default().clone_into(&mut name);
            }
            if line != "." {
                continue;
            }
            in_data = false;
            tokio::time::sleep(delay).await;
            // From here on the mail is this server's, whether or not the client hears of it.
            count(counts, &name);
        }
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => return output.write_all(b"221 bye\r\n").await,
            _ => b"250 fine\r\n",
        };
        output.write_all(answer).await?;
    }
    Ok(())
}

/// A receiver that takes connections and never says anything; returns where it listens.
pub async fn hanging_receiver() -> Result<String, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            open.push(socket);
        }
    });
    Ok(url)
}

/// A program of the organiser that hears of orders.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    /// Calls by their `webhook-id`.
    pub heard: Counts,
    _server: Server,
}

impl Receiver {
    /// Listens on a free port.
    pub async fn start() -> Result<Self, Failure> {
        let heard = Counts::default();
        let counts = heard.clone();
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let counts = counts.clone();
            async move {
                let (parts, body) = request.into_parts();
                // A call that breaks off was not heard.
                if body.collect().await.is_ok() {
                    let id = parts.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
                    count(&counts, id);
                }
                Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::new())))
            }
        });
        let server = Server::start(TcpListener::bind(("127.0.0.1", 0)).await?, service)?;
        Ok(Self { url: format!("{}/hook", server.url()), heard, _server: server })
    }
}
