//! The front door: HTTP on one port, answered by functions as API Gateway and Lambda would do it.

mod event;
pub mod matching;
pub mod pool;

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use shop::http::FORM_BYTES_MAX;
use tokio::net::TcpListener;

use self::{matching::Table, pool::Refused};
use crate::{functions::Sandbox, mailbox::Mailbox, server::Server};

/// API Gateway takes no larger body.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Of a form that is refused not even more than this is read.
const READ_AWAY_BYTES_MAX: usize = 100 * 1024 * 1024;
/// API Gateway waits no longer for a function.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a function answered.
pub type Answer = Pin<Box<dyn Future<Output = Result<lambda_http::Response<lambda_http::Body>, Refused>> + Send>>;

/// One route and the function behind it.
pub struct Entry {
    /// The method.
    pub method: &'static str,
    /// The path template, or `$default`.
    pub path: &'static str,
    /// Answers a request. Runs in a task of its own.
    pub function: Arc<dyn Fn(lambda_http::Request) -> Answer + Send + Sync>,
}

/// Serves routes, the mailbox under `/_local/`, and what is public of the bucket under `/pub/`, as the edge does.
pub struct Gateway {
    table: Table,
    entries: Vec<Entry>,
    mailbox: Option<Mailbox>,
    files: Option<Sandbox>,
}

type Response = http::Response<Full<Bytes>>;

impl Gateway {
    /// A gateway in front of `entries`.
    pub fn new(entries: Vec<Entry>, mailbox: Option<Mailbox>) -> Self {
        let table = Table::new(entries.iter().map(|entry| (entry.method, entry.path)));
        Self { table, entries, mailbox, files: None }
    }

    /// The same, with the public files of this sandbox's bucket.
    pub fn with_files(self, sandbox: Sandbox) -> Self {
        Self { files: Some(sandbox), ..self }
    }

    /// Serves what `listener` accepts.
    pub fn serve(self, listener: TcpListener) -> std::io::Result<Server> {
        let gateway = Arc::new(self);
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let gateway = gateway.clone();
            async move { Ok::<_, Infallible>(gateway.answer(request).await) }
        });
        Server::start(listener, service)
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Response {
        let began = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = match (path.strip_prefix("/_local/"), self.files.filter(|_| path.starts_with(PUBLIC))) {
            (Some(local), _) => self.answer_local(&method, local),
            (None, Some(files)) => public_file(files, &method, &path).await,
            (None, None) => self.invoke(request).await,
        };
        let (status, took_ms) = (response.status().as_u16(), began.elapsed().as_millis());
        tracing::debug!(%method, path, status, took_ms, "{method} {path} {status}");
        response
    }

    fn answer_local(&self, method: &Method, path: &str) -> Response {
        let page = self.mailbox.as_ref().filter(|_| method == Method::GET).and_then(|mailbox| mailbox.page(path));
        page.unwrap_or_else(|| plain(StatusCode::NOT_FOUND, "Here is only the mailbox: /_local/mailbox/"))
    }

    async fn invoke(&self, request: http::Request<Incoming>) -> Response {
        let (parts, body) = request.into_parts();
        if is_too_large_a_form(&parts) {
            // Browsers listen when they have sent everything.
            read_away(body).await;
            return large_form();
        }
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return api_error(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
            }
            Err(_) => return api_error(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        if !event::fits(&parts.headers, &body) {
            return api_error(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
        }
        let Some(found) = self.table.find(&parts.method, parts.uri.path()) else {
            return api_error(StatusCode::NOT_FOUND, "Not Found");
        };
        let entry = &self.entries[found.route];
        let route_key = if entry.path == matching::DEFAULT {
            entry.path.to_owned()
        } else {
            format!("{} {}", entry.method, entry.path)
        };
        let name = route_key.clone();
        let convert = AssertUnwindSafe(|| event::lambda_request(parts, &body, found, route_key));
        let converted = std::panic::catch_unwind(convert);
        let Ok(request) = converted else { return api_error(StatusCode::BAD_REQUEST, "Bad Request") };
        // A task of its own: a function runs to its end even when the client has gone, as in Lambda, and a panic is
        // one failed invocation.
        let function = entry.function.clone();
        let invocation = tokio::spawn(async move { function(request).await });
        match tokio::time::timeout(ANSWER_WITHIN, invocation).await {
            Ok(Ok(Ok(answer))) => to_http(answer),
            Ok(Ok(Err(Refused))) => api_error(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Ok(Err(panic)) => {
                tracing::error!(route = name, %panic, "a function panicked");
                api_error(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Err(_) => {
                tracing::error!(route = name, "a function did not answer in time");
                api_error(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        }
    }
}

/// What a browser is told whose form is too large to reach a function.
pub const LARGE_FORM: &str = include_str!("../../../infra/large_form.html");

/// What the edge does not let pass (`infra/large_form.js`). Programs hear of it from API Gateway, in its words.
fn is_too_large_a_form(parts: &http::request::Parts) -> bool {
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length > FORM_BYTES_MAX) && !parts.uri.path().starts_with("/api/")
}

async fn read_away(mut body: Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > READ_AWAY_BYTES_MAX {
            return;
        }
    }
}

fn large_form() -> Response {
    let mut response = plain(StatusCode::PAYLOAD_TOO_LARGE, LARGE_FORM);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where public files are, in the bucket and at the edge.
const PUBLIC: &str = "/pub/";

async fn public_file(files: Sandbox, method: &Method, path: &str) -> Response {
    let key = path.trim_start_matches('/');
    let plain_path = !path.contains(['%', '\\']) && path.split('/').all(|part| part != "..");
    if !matches!(*method, Method::GET | Method::HEAD) || !plain_path {
        return plain(StatusCode::NOT_FOUND, "There is no such file.");
    }
    match files.media().await.find_with_type(key).await {
        Ok(Some((bytes, content_type))) => {
            let mut response = http::Response::new(Full::from(bytes));
            if let Ok(content_type) = HeaderValue::from_str(&content_type) {
                response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            }
            response
        }
        Ok(None) => plain(StatusCode::NOT_FOUND, "There is no such file."),
        Err(error) => {
            tracing::warn!(%error, key, "a public file was not read");
            plain(StatusCode::BAD_GATEWAY, "The file store does not answer.")
        }
    }
}

fn to_http(answer: lambda_http::Response<lambda_http::Body>) -> Response {
    answer.map(|body| match body {
        lambda_http::Body::Text(text) => Full::from(text),
        lambda_http::Body::Binary(bytes) => Full::from(bytes),
        _ => Full::default(),
    })
}

/// An error of the gateway itself, in API Gateway's words.
fn api_error(status: StatusCode, message: &str) -> Response {
    let mut response = http::Response::new(Full::from(format!("{{\"message\":\"{message}\"}}")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = http::Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
