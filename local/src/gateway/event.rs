//! HTTP to the event that API Gateway would send, and from there to the request that a handler sees: the last step is
//! the runtime's own code, so that a handler cannot tell the difference.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use lambda_http::{Request, aws_lambda_events::apigw::ApiGatewayV2httpRequest, request::LambdaRequest};

use shop::http::EVENT_BYTES_MAX;

use super::matching::Match;

/// Bodies of these types are handed on as text; all others, forms included, travel as base64.
const TEXT_TYPES: [&str; 4] = ["text/", "application/json", "application/javascript", "application/xml"];

/// Only this machine reaches the gateway.
const CLIENT: &str = "127.0.0.1";

/// Whether Lambda takes the event that a request becomes.
pub fn fits(headers: &HeaderMap, body: &[u8]) -> bool {
    let carried = if as_text(headers, body).is_some() { body.len() } else { body.len().div_ceil(3) * 4 };
    let told: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    carried + told <= EVENT_BYTES_MAX
}

/// The body, if it is handed on as text.
fn as_text<'b>(headers: &HeaderMap, body: &'b [u8]) -> Option<&'b str> {
    let content_type = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let is_text = TEXT_TYPES.iter().any(|kind| content_type.starts_with(kind));
    std::str::from_utf8(body).ok().filter(|_| is_text)
}

/// The request that the handler of `route_key` sees. Panics on a host that is not one, as the runtime does.
pub fn lambda_request(parts: Parts, body: &Bytes, found: Match, route_key: String) -> Request {
    let path = parts.uri.path().to_owned();
    let body_text = as_text(&parts.headers, body).map(str::to_owned);
    let mut event = ApiGatewayV2httpRequest::default();
    event.version = Some("2.0".to_owned());
    event.route_key = Some(route_key.clone());
    event.raw_path = Some(path.clone());
    event.raw_query_string = Some(parts.uri.query().unwrap_or_default().to_owned());
    event.path_parameters = found.parameters;
    event.cookies = cookies(&parts.headers);
    event.headers = single_headers(&parts.headers);

    let context = &mut event.request_context;
    context.route_key = Some(route_key);
    context.stage = Some("$default".to_owned());
    context.account_id = Some(crate::sqs::ACCOUNT.to_owned());
    context.request_id = Some(format!("{:016x}", rand::random::<u64>()));
    context.domain_name = text(&parts.headers, &header::HOST).map(str::to_owned);
    context.http.method = parts.method;
    context.http.path = Some(path);
    context.http.protocol = Some("HTTP/1.1".to_owned());
    context.http.source_ip = Some(CLIENT.to_owned());
    context.http.user_agent = text(&parts.headers, &header::USER_AGENT).map(str::to_owned);

    if !body.is_empty() {
        match body_text {
            Some(body) => event.body = Some(body),
            None => {
                event.body = Some(base64(body));
                event.is_base64_encoded = true;
            }
        }
    }
    LambdaRequest::ApiGatewayV2(event).into()
}

/// Cookies go into a list of their own, one element a cookie, from however many header lines.
fn cookies(headers: &HeaderMap) -> Option<Vec<String>> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<String> = lines.flat_map(|line| line.split(';')).map(|cookie| cookie.trim().to_owned()).collect();
    (!cookies.is_empty()).then_some(cookies)
}

/// One value a header: repeated ones are joined with commas. What the gateway adds tells where the request came from.
fn single_headers(headers: &HeaderMap) -> HeaderMap {
    let mut single = HeaderMap::new();
    for name in headers.keys().filter(|name| **name != header::COOKIE) {
        let values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(value) = HeaderValue::from_bytes(&values.join(&b","[..])) {
            single.insert(name.clone(), value);
        }
    }
    single.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static("http"));
    single.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(CLIENT));
    single
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
