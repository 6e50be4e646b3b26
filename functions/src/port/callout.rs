//! Requests to addresses that others have chosen: only to public ones, once, with bounded time and size.
//!
//! The address that was checked is the one that is connected to: a name that leads elsewhere a moment later changes
//! nothing. Redirects are not followed.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

/// How long a receiver may take, from its name to the end of its answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long finding out where a name leads may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);
/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Not a web address.
    #[error("not a web address")]
    Address,
    /// It leads into a private network.
    #[error("the address is not public")]
    Private,
    /// Nobody knows the name.
    #[error("the name cannot be resolved: {0}")]
    Resolve(String),
    /// Nobody listens, or what was said is no HTTP.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It took too long.
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
}

impl CallError {
    fn connection(error: impl std::fmt::Display) -> Self {
        Self::Connection(error.to_string())
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The beginning of the body, as text.
    pub body: String,
}

/// A web address in its parts.
#[derive(Debug, Clone)]
pub struct Target {
    https: bool,
    host: String,
    port: u16,
    path: String,
    authorization: Option<String>,
}

impl Target {
    /// Reads `https://user:password@host:port/path?query`; user and password become basic authentication.
    pub fn parse(url: &str) -> Result<Self, CallError> {
        let uri: Uri = url.parse().map_err(|_| CallError::Address)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(CallError::Address),
        };
        let authority = uri.authority().ok_or(CallError::Address)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(CallError::Address);
        }
        let (usual_port, place) = (if https { 443 } else { 80 }, authority.as_str().rsplit('@').next());
        // Not `port_u16`, which takes a port that is none for a missing one.
        let port = match place.and_then(|place| place.strip_prefix(authority.host())?.strip_prefix(':')) {
            Some(port) => port.parse().map_err(|_| CallError::Address)?,
            None => usual_port,
        };
        let user = authority
            .as_str()
            .rsplit_once('@')
            .map(|(user, _)| percent_encoding::percent_decode_str(user).collect::<Vec<u8>>());
        Ok(Self {
            https,
            host: host.to_owned(),
            port,
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            authorization: user.map(|user| format!("Basic {}", STANDARD.encode(user))),
        })
    }

    /// The value of the `Host` header.
    fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.https { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

/// Decides where requests may go.
pub struct Guard<'a> {
    exceptions: &'a [IpAddr],
}

impl<'a> Guard<'a> {
    /// Lets requests go to public addresses, and to these.
    pub fn new(exceptions: &'a [IpAddr]) -> Self {
        Self { exceptions }
    }

    /// Where a target is. One private address among several is enough to refuse it: it would be a matter of luck.
    pub async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, CallError> {
        let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
        let found = match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
            Ok(Ok(found)) => found.collect::<Vec<_>>(),
            Ok(Err(error)) => return Err(CallError::Resolve(error.to_string())),
            Err(_) => return Err(CallError::Resolve("no answer".to_owned())),
        };
        let may = |address: &SocketAddr| is_public(address.ip()) || self.exceptions.contains(&address.ip());
        if !found.iter().all(may) {
            return Err(CallError::Private);
        }
        if found.is_empty() {
            return Err(CallError::Resolve("it has no address".to_owned()));
        }
        Ok(found)
    }

    /// Sends a body and reads the answer.
    pub async fn post(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answer, CallError> {
        let exchange = async {
            let addresses = self.resolve(target).await?;
            let stream = TcpStream::connect(addresses.as_slice()).await.map_err(CallError::connection)?;
            let request = request(target, headers, body)?;
            if !target.https {
                return speak(TokioIo::new(stream), request).await;
            }
            let name = ServerName::try_from(target.host.clone()).map_err(CallError::connection)?;
            let tls = tokio_rustls::TlsConnector::from(tls_config()).connect(name, stream).await;
            speak(TokioIo::new(tls.map_err(CallError::connection)?), request).await
        };
        tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or(Err(CallError::Timeout))
    }
}

fn request(
    target: &Target,
    headers: &[(&'static str, String)],
    body: String,
) -> Result<Request<Full<Bytes>>, CallError> {
    let mut request = Request::post(&target.path).header(header::HOST, target.host_header());
    request = request.header(header::CONNECTION, "close");
    if let Some(authorization) = &target.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Full::new(Bytes::from(body))).map_err(CallError::connection)
}

/// One request over one connection, which ends with it.
async fn speak<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, CallError>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(CallError::connection)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(CallError::connection)?;
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        Ok(Answer { status, retry_after, body: beginning(response.into_body()).await })
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // The receiver has closed the connection; what it said before is still to be read.
        _ = connection => exchange.await,
    }
}

/// The first bytes of a body; what comes later, or never, is left.
async fn beginning(mut body: Incoming) -> String {
    let mut read = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        let room = ANSWER_BYTES_MAX - read.len();
        read.extend_from_slice(&data[..data.len().min(room)]);
        if read.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&read).replace('\0', "\u{fffd}")
}

fn tls_config() -> Arc<rustls::ClientConfig> {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    let make = || {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the default versions of TLS");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    };
    CONFIG.get_or_init(make).clone()
}

/// Whether an address is one of the public internet: not of this machine, a private network, a cloud's metadata
/// service, a test network, or a group.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., _, _)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = || {
        let ([g1, g2], [h1, h2]) = (g.to_be_bytes(), h.to_be_bytes());
        is_public_v4(Ipv4Addr::new(g1, g2, h1, h2))
    };
    match (a, b) {
        // IPv4 written as IPv6, and what a translator makes of it: what counts is where it ends.
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => inner(),
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => inner(),
        // Protocol assignments with Teredo, documentation, and 6to4, which hides an IPv4 address.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff) => false,
        // Global unicast. All others are of this machine, link or site, groups, or nobody's.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn what_is_not_the_internet_is_refused() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff:0:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!public(private), "{private}");
        }
    }

    #[test]
    fn the_internet_is_not() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.1.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[tokio::test]
    async fn odd_ways_to_write_this_machine_are_seen_through() {
        let guard = Guard::new(&[]);
        for url in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://localhost/",
            "http://[::ffff:127.0.0.1]/",
            "http://user@127.0.0.1:8080/a?b",
        ] {
            let refused = guard.resolve(&Target::parse(url).unwrap()).await;
            assert!(matches!(refused, Err(CallError::Private)), "{url}: {refused:?}");
        }
        let local = ["127.0.0.1".parse().unwrap()];
        let target = Target::parse("http://127.0.0.1:9/").unwrap();
        assert_eq!(Guard::new(&local).resolve(&target).await.unwrap(), ["127.0.0.1:9".parse().unwrap()]);
    }

    #[test]
    fn addresses_are_read_or_refused() {
        let target = Target::parse("https://ada:s%40crt@example.org/hook?a=1").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("example.org", 443, "/hook?a=1"));
        assert_eq!(target.authorization.as_deref(), Some("Basic YWRhOnNAY3J0"));
        assert_eq!(target.host_header(), "example.org");
        assert_eq!(Target::parse("http://[2606:4700::1]:81").unwrap().host_header(), "[2606:4700::1]:81");
        for wrong in [
            "",
            "example.org",
            "/hook",
            "ftp://example.org/",
            "https://",
            "http://:80/",
            "http://a:99999/",
            "javascript:alert(1)",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
