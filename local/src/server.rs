//! HTTP servers inside this process: accept, serve, stop.

use std::net::SocketAddr;

use hyper::{body::Incoming, service::Service};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// A server that runs until it is dropped or stopped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves HTTP/1 with `service` on everything that `listener` accepts.
    pub fn start<S, B>(listener: TcpListener, service: S) -> std::io::Result<Self>
    where
        S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: hyper::body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(async move {
            loop {
                let mut stopping = stopped.clone();
                let socket = tokio::select! {
                    accepted = listener.accept() => accepted,
                    _ = stopping.wait_for(|stop| *stop) => return,
                };
                // Out of file descriptors, or a client that left: the next one may do better.
                let Ok((socket, _)) = socket else { continue };
                // Answers wait for nothing: small ones must not be held back for more.
                let _ = socket.set_nodelay(true);
                tokio::spawn(serve(socket, service.clone(), stopping));
            }
        });
        Ok(Self { address, stop, accepting })
    }

    /// The address as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting; requests that are being answered come to their end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        self.accepting.abort();
    }
}

async fn serve<S, B>(socket: tokio::net::TcpStream, service: S, mut stopping: watch::Receiver<bool>)
where
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    let connection = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    // A client that breaks off is no news.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
