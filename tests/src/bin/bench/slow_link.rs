//! A database that is further away: a relay that holds back what goes to it.

use std::{
    net::SocketAddr,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

static STATEMENTS: AtomicU64 = AtomicU64::new(0);

/// Statements that went through relays so far.
pub fn statements() -> u64 {
    STATEMENTS.load(Ordering::Relaxed)
}

type Chunk = (Instant, Vec<u8>, UnboundedSender<Vec<u8>>);

/// Starts a relay that adds `delay` to every round trip. A thread of its own waits, because timers of the runtime are
/// no finer than a millisecond.
pub async fn start(to: SocketAddr, delay: Duration) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (late, chunks) = mpsc::channel::<Chunk>();
    std::thread::spawn(move || {
        for (at, chunk, to) in chunks {
            std::thread::sleep((at + delay).saturating_duration_since(Instant::now()));
            let _ = to.send(chunk);
        }
    });
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let late = late.clone();
            tokio::spawn(async move {
                if let Ok(server) = TcpStream::connect(to).await {
                    relay(client, server, late).await;
                }
            });
        }
    });
    Ok(address)
}

async fn relay(client: TcpStream, server: TcpStream, late: mpsc::Sender<Chunk>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let (out, mut due) = unbounded_channel::<Vec<u8>>();
    tokio::spawn(hold_back(from_client, late, out));
    tokio::spawn(async move {
        while let Some(chunk) = due.recv().await {
            if to_server.write_all(&chunk).await.is_err() {
                break;
            }
        }
    });
    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
}

async fn hold_back(mut from: OwnedReadHalf, late: mpsc::Sender<Chunk>, out: UnboundedSender<Vec<u8>>) {
    let (mut buffer, mut messages) = (vec![0; 64 * 1024], Messages::default());
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        messages.count(&buffer[..read]);
        if late.send((Instant::now(), buffer[..read].to_vec(), out.clone())).is_err() {
            break;
        }
    }
}

/// Follows the protocol as far as is needed to count statements.
#[derive(Default)]
struct Messages {
    /// The message that began the connection has no type.
    started: bool,
    header: Vec<u8>,
    /// Bytes of the present message that are still to come.
    rest: usize,
}

impl Messages {
    fn count(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = &bytes[skipped..];
            let typed = usize::from(self.started);
            while self.header.len() < 4 + typed && !bytes.is_empty() {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
            }
            if self.rest == 0 && self.header.len() == 4 + typed {
                let length = u32::from_be_bytes(self.header[typed..].try_into().expect("four bytes"));
                // Parse and simple query.
                if self.started && matches!(self.header[0], b'P' | b'Q') {
                    STATEMENTS.fetch_add(1, Ordering::Relaxed);
                }
                self.rest = length as usize - 4;
                self.started = true;
                self.header.clear();
            }
        }
    }
}
