//! A wire between a sandbox and its database that can break at any moment.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// What happens to the next commit that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It arrives, and so does the answer.
    Passes,
    /// It happens, but the wire breaks before the answer arrives.
    AnswerLost,
    /// The wire breaks before it arrives.
    NeverSent,
    /// It does not arrive, and nothing breaks until [`Wire::cut`]: whoever has sent it was stopped.
    Held,
}

/// The wire of one sandbox. Dropping it breaks what goes through it.
pub struct Wire {
    address: SocketAddr,
    faults: Arc<Faults>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Faults {
    /// A number of [`Commit`].
    next_commit: AtomicU8,
    cut: Notify,
}

impl Wire {
    /// A wire to the database server at `database`.
    pub async fn to(database: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let faults = Arc::new(Faults::default());
        let shared = faults.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let faults = shared.clone();
                // A broken wire is what this is for.
                tokio::spawn(async move {
                    let _broken = carry(client, database, &faults).await;
                });
            }
        });
        Ok(Self { address, faults, accepting })
    }

    /// The address of a database as it is reached through this wire.
    pub fn url(&self, direct: &str) -> String {
        direct.replacen(&address_of(direct).to_string(), &self.address.to_string(), 1)
    }

    /// Breaks what goes through it now. The next connection works.
    pub fn cut(&self) {
        self.faults.cut.notify_waiters();
    }

    /// Decides about the next commit.
    pub fn next_commit(&self, fate: Commit) {
        self.faults.next_commit.store(fate as u8, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// Host and port in the address of a database on this machine.
pub fn address_of(url: &str) -> SocketAddr {
    let address = url.split('@').nth(1).and_then(|rest| rest.split(['/', '?']).next());
    address.and_then(|address| address.parse().ok()).expect("the address of a local database has numbers")
}

async fn carry(client: TcpStream, database: SocketAddr, faults: &Faults) -> std::io::Result<()> {
    let server = TcpStream::connect(database).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_deaf = AtomicU8::new(0);
    let up = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from_client.read(&mut buffer).await?;
            if length == 0 {
                return std::io::Result::Ok(());
            }
            if buffer[..length].ends_with(b"commit\0") {
                match faults.next_commit.swap(Commit::Passes as u8, Ordering::Relaxed) {
                    fate if fate == Commit::NeverSent as u8 => return Ok(()),
                    fate if fate == Commit::Held as u8 => std::future::pending().await,
                    fate => is_deaf.store(u8::from(fate == Commit::AnswerLost as u8), Ordering::Relaxed),
                }
            }
            to_server.write_all(&buffer[..length]).await?;
        }
    };
    let down = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from_server.read(&mut buffer).await?;
            if length == 0 || is_deaf.load(Ordering::Relaxed) == 1 {
                return std::io::Result::Ok(());
            }
            to_client.write_all(&buffer[..length]).await?;
        }
    };
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
        () = faults.cut.notified() => Ok(()),
    }
}
