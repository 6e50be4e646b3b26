//! The gateway matches routes and hands on requests as API Gateway does.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Method;
use lambda_http::{Body, RequestExt, Response};
use local::{
    gateway::{
        Answer, Entry, Gateway,
        matching::Table,
        pool::{Pool, Refused},
    },
    server::Server,
};
use shop::http::FORM_BYTES_MAX;
use tokio::net::TcpListener;

use crate::shop::http_client;

const ROUTES: [(&str, &str); 8] = [
    ("GET", "/{organizer}/"),
    ("GET", "/{organizer}/{event}/"),
    ("POST", "/{organizer}/{event}/cart/add"),
    ("GET", "/static/{file}"),
    ("GET", "/{organizer}/{event}/{page}"),
    ("GET", "/{organizer}/{event}/cart"),
    ("GET", "/files/{path+}"),
    ("ANY", "$default"),
];

/// The template that a request matches, and its parameters in order of their names.
fn matched(method: Method, path: &str) -> (&'static str, Vec<(String, String)>) {
    let found = Table::new(ROUTES).find(&method, path).unwrap();
    let mut parameters: Vec<_> = found.parameters.into_iter().collect();
    parameters.sort();
    (ROUTES[found.route].1, parameters)
}

fn template(method: Method, path: &str) -> &'static str {
    matched(method, path).0
}

#[test]
fn the_most_specific_route_wins() {
    assert_eq!(template(Method::GET, "/org/gig/cart"), "/{organizer}/{event}/cart");
    assert_eq!(template(Method::GET, "/org/gig/other"), "/{organizer}/{event}/{page}");
    assert_eq!(template(Method::GET, "/static/shop.css"), "/static/{file}");
    assert_eq!(template(Method::GET, "/static/gig/"), "/{organizer}/{event}/");
    assert_eq!(template(Method::GET, "/files/cart"), "/files/{path+}");
    assert_eq!(template(Method::GET, "/files/a/b/c"), "/files/{path+}");
}

#[test]
fn slashes_methods_and_empty_segments_matter() {
    assert_eq!(template(Method::GET, "/org/"), "/{organizer}/");
    assert_eq!(template(Method::GET, "/org"), "$default");
    assert_eq!(template(Method::GET, "/"), "$default");
    assert_eq!(template(Method::GET, "//"), "$default");
    assert_eq!(template(Method::GET, "/org/gig/cart/"), "$default");
    assert_eq!(template(Method::GET, "/org/gig/cart/add"), "$default");
    assert_eq!(template(Method::HEAD, "/org/"), "$default");
    assert_eq!(template(Method::GET, "/$default"), "$default");
}

#[test]
fn path_parameters_are_decoded_after_matching() {
    let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = vec![parameter("event", "a/b"), parameter("organizer", "ü")];
    assert_eq!(matched(Method::GET, "/%C3%BC/a%2Fb/"), ("/{organizer}/{event}/", expected));
    assert_eq!(matched(Method::GET, "/files/a/b%20c").1, [parameter("path", "a/b c")]);
    assert_eq!(matched(Method::GET, "/nothing").1, []);
}

#[test]
fn without_a_default_nothing_may_match() {
    assert_eq!(Table::new([("GET", "/a")]).find(&Method::GET, "/b"), None);
}

/// Serves one function on every path and method.
async fn gateway(function: impl Fn(lambda_http::Request) -> Answer + Send + Sync + 'static) -> Server {
    let function: Arc<dyn Fn(lambda_http::Request) -> Answer + Send + Sync> = Arc::new(function);
    let paths = [("GET", "/{organizer}/{event}/"), ("ANY", "$default")];
    let entries = paths.map(|(method, path)| Entry { method, path, function: function.clone() });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Gateway::new(entries.into(), None).serve(listener).unwrap()
}

fn client() -> reqwest::Client {
    http_client().build().unwrap()
}

fn answer(response: Response<Body>) -> Answer {
    Box::pin(async { Ok(response) })
}

/// A gateway that keeps the last request.
async fn listening() -> (Server, Arc<Mutex<Option<lambda_http::Request>>>) {
    let seen = Arc::new(Mutex::new(None));
    let keep = seen.clone();
    let server = gateway(move |request| {
        *keep.lock().unwrap() = Some(request);
        answer(Response::new(Body::Text("ok".to_owned())))
    });
    (server.await, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_sees_what_api_gateway_would_show() {
    let (server, seen) = listening().await;
    let request = client()
        .get(format!("{}/org/caf%C3%A9/?q=a+b&q=%26&empty=", server.url()))
        .header("x-two", "1")
        .header("x-two", "2")
        .header("cookie", "a=1; b=2")
        .header("cookie", "c=3");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "ok");
    let request = seen.lock().unwrap().take().unwrap();
    assert_eq!(request.method(), Method::GET);
    assert_eq!(request.uri().to_string(), format!("{}/org/caf%C3%A9/?q=a+b&q=%26&empty=", server.url()));
    assert_eq!(request.raw_http_path(), "/org/caf%C3%A9/");
    assert_eq!(request.path_parameters().first("event"), Some("café"));
    assert_eq!(request.query_string_parameters().all("q"), Some(vec!["a b", "&"]));
    assert_eq!(request.query_string_parameters().first("empty"), Some(""));
    assert_eq!(request.headers()["x-two"], "1,2");
    assert_eq!(request.headers().get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
    assert_eq!(request.headers()["x-forwarded-proto"], "http");
    assert_eq!(*request.body(), Body::Empty);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_stays_text_and_forms_travel_as_bytes() {
    let (server, seen) = listening().await;
    let post = async |kind: &str, body: &'static str| {
        let post = client().post(server.url()).header("content-type", kind).body(body);
        assert_eq!(post.send().await.unwrap().status(), 200);
        seen.lock().unwrap().take().unwrap().into_body()
    };
    assert_eq!(post("application/json; charset=utf-8", "{}").await, Body::Text("{}".to_owned()));
    assert_eq!(post("application/x-www-form-urlencoded", "a=1").await, Body::Binary(b"a=1".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cookie_of_an_answer_arrives() {
    let server = gateway(|_| {
        let response = Response::builder().status(302).header("location", "/a");
        let response = response.header("set-cookie", "a=1; Path=/").header("set-cookie", "b=2; Path=/");
        answer(response.body(Body::Empty).unwrap())
    });
    let server = server.await;
    let client = http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let response = client.get(server.url()).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2; Path=/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_for_lambda_is_refused_and_a_browser_gets_a_page() {
    let (server, seen) = listening().await;
    let post = async |path: &str, kind: &str, bytes: usize| {
        let post = client().post(format!("{}{path}", server.url())).header("content-type", kind);
        let answer = post.body(vec![b'x'; bytes]).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (form, json, megabyte) = ("multipart/form-data; boundary=x", "application/json", 1024 * 1024);
    let called = || seen.lock().unwrap().take().is_some();
    assert_eq!(post("/org/gig/", form, FORM_BYTES_MAX).await.0, 200);
    assert!(called());
    // The same in API Gateway's words, where the edge does not look.
    assert_eq!(post("/api/v1/", form, FORM_BYTES_MAX).await.0, 200);
    assert_eq!(post("/api/v1/", json, 6 * megabyte - 1024).await.0, 200, "text is not longer on its way");
    assert!(called());
    let refused = (413, "{\"message\":\"Request Too Long\"}".to_owned());
    for (kind, bytes) in [(form, 5 * megabyte), (json, 6 * megabyte + 1024), (json, 10 * megabyte + 1)] {
        assert_eq!(post("/api/v1/", kind, bytes).await, refused, "{kind} {bytes}");
    }
    for bytes in [FORM_BYTES_MAX + 1, 20 * megabyte] {
        let (status, page) = post("/org/gig/checkout/questions/", form, bytes).await;
        assert_eq!(status, 413);
        assert!(page.contains("All files together may have 4 MB") && page.contains("Alle Dateien"), "{page}");
    }
    assert!(!called(), "no function was called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_failed_request() {
    let server = gateway(|request| {
        assert!(request.uri().path() != "/panic", "as asked");
        answer(Response::new(Body::Empty))
    });
    let server = server.await;
    let status =
        async |path: &str| client().get(format!("{}{path}", server.url())).send().await.unwrap().status().as_u16();
    assert_eq!(status("/panic").await, 500);
    assert_eq!(status("/calm").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_wait_for_a_sandbox_and_the_queue_is_bounded() {
    let pool = Pool::new(vec![1, 2], 1);
    let (first, second) = (pool.take().await.unwrap(), pool.take().await.unwrap());
    assert_ne!(first.sandbox, second.sandbox);
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.take().await.unwrap().sandbox }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(pool.take().await.err(), Some(Refused), "two run, one waits, the fourth is refused");
    let freed = second.sandbox;
    drop(second);
    assert_eq!(waiting.await.unwrap(), freed);
    drop(first);
    assert!(pool.take().await.is_ok());
}
