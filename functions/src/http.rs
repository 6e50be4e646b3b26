//! HTTP in and out: reading requests, the one error type that knows status codes, and its three renderings.

mod multipart;

use std::{borrow::Cow, collections::BTreeMap, error::Error as StdError, pin::Pin};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
pub use multipart::FormFile;
use tracing::Instrument as _;

use crate::{
    boxoffice::SubmitError,
    config::Config,
    ctx::Ctx,
    i18n::Lang,
    page::{self, Frame, notice::ErrorPage},
    port::db::DbError,
    repeat::{self, Kept},
    routes::methods_at,
    trace,
};

/// What answers a request.
pub type Handler = fn(&'static Ctx, Request) -> Pin<Box<dyn Future<Output = Result<Response<Body>, ApiError>> + Send>>;

/// A request that cannot be answered as asked. Rendered as a page, as an RFC 9457 problem, or in the dialect of
/// `/api/v1` (spec rest-api 0.3), by where it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: readable, but some fields are wrong. Field name → what is allowed.
    #[error("some fields are wrong")]
    Invalid(BTreeMap<String, Vec<String>>),
    /// 400: some parts of a nested body are wrong, in the API's form (spec rest-api 0.3).
    #[error("some parts are wrong")]
    InvalidParts(serde_json::Value),
    /// 400: unreadable, or not possible in this state.
    #[error("{0}")]
    BadRequest(String),
    /// 401: nobody, or an unknown token.
    #[error("authentication is missing or wrong")]
    Unauthenticated,
    /// 403: known and refused.
    #[error("not permitted")]
    Forbidden,
    /// 403: permitted, but not with this object as it is.
    #[error("{0}")]
    Refused(String),
    /// 409: right in itself, but not with the object as it is now. In the API's form.
    #[error("not possible now")]
    Conflict(serde_json::Value),
    /// 412: it has changed since.
    #[error("it has changed since")]
    ChangedSince,
    /// 403: the shop is not open for the public (spec shop-ux 19).
    #[error("the shop is offline")]
    ShopOffline,
    /// 403: a form that was not made by this shop for this visitor.
    #[error("the form has expired")]
    ForeignForm,
    /// 404: missing, or secret; the answer does not tell which.
    #[error("not found")]
    NotFound,
    /// 302: the same page under its right spelling.
    #[error("moved to {0}")]
    Moved(String),
    /// 404: beyond the last page of a list.
    #[error("invalid page")]
    InvalidPage,
    /// 405.
    #[error("this method is not offered")]
    MethodNotAllowed,
    /// 413.
    #[error("the body is too large")]
    TooLarge,
    /// 415.
    #[error("{0}")]
    UnsupportedMedia(String),
    /// 503 with Retry-After; 409 in the API.
    #[error("busy")]
    Busy(#[source] Box<dyn StdError + Send + Sync>),
    /// 500: a bug. Its text stays in the log.
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy(_) => Self::Busy(Box::new(error)),
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::TooMany => Self::Busy(Box::new(error)),
            SubmitError::Db(error) => error.into(),
        }
    }
}

impl ApiError {
    /// One wrong field.
    pub fn field(name: &str, message: impl Into<String>) -> Self {
        Self::Invalid(BTreeMap::from([(name.to_owned(), vec![message.into()])]))
    }

    /// A bug, with what caused it.
    pub fn internal(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }

    /// What was asked for is not possible as asked: asking again gives the same answer.
    pub fn is_refusal(&self) -> bool {
        self.status() == StatusCode::BAD_REQUEST
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::InvalidParts(_) | Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Refused(_) | Self::ShopOffline | Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::ChangedSince => StatusCode::PRECONDITION_FAILED,
            Self::NotFound | Self::InvalidPage => StatusCode::NOT_FOUND,
            Self::Moved(_) => StatusCode::FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable name for programs.
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::InvalidParts(_) => "invalid",
            Self::BadRequest(_) => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Refused(_) => "refused",
            Self::Conflict(_) => "conflict",
            Self::ChangedSince => "changed_since",
            Self::ShopOffline => "shop_offline",
            Self::ForeignForm => "foreign_form",
            Self::NotFound | Self::InvalidPage => "not_found",
            Self::Moved(_) => "moved",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::UnsupportedMedia(_) => "unsupported_media",
            Self::Busy(_) => "busy",
            Self::Internal(_) => "internal",
        }
    }
}

/// What an error rendering must know of the request that caused it.
struct Asked {
    method: Method,
    path: String,
    wants_json: bool,
    lang: Lang,
}

impl Asked {
    fn by(request: &Request) -> Self {
        let text = |name| header_text(request.headers(), name).unwrap_or_default();
        let accept = text(header::ACCEPT);
        Self {
            method: request.method().clone(),
            path: request.raw_http_path().to_owned(),
            wants_json: accept.contains("json") && !accept.contains("text/html"),
            lang: Lang::negotiate(&text(header::ACCEPT_LANGUAGE), &[Lang::En, Lang::De]),
        }
    }
}

impl Asked {
    /// The path without the secret that addresses of orders, and of pages of staff, carry.
    fn loggable_path(&self) -> &str {
        let secrets = ["/order/", "/_notices/", "/_invites/"];
        secrets.iter().find_map(|part| self.path.split_once(part)).map_or(&self.path, |(shop, _)| shop)
    }

    /// What the path of the API offers instead, if it is there and does not offer this method.
    fn offered_instead(&self) -> Option<String> {
        methods_at(&self.path).filter(|methods| methods.split(", ").all(|method| method != self.method.as_str()))
    }
}

/// Largest body of an API request (spec rest-api 0.2); the gateway stops at it too.
const API_BODY_MAX: usize = 10 * 1024 * 1024;
/// Largest body of a shop form.
const FORM_BODY_MAX: usize = 256 * 1024;
/// Of the one that may hold files: no more than Lambda takes, which stops what is larger before it comes here.
const FILES_BODY_MAX: usize = 6 * 1024 * 1024;
/// Where that one is sent to, in every shop.
const FILES_FORM: &str = "/checkout/questions/";

/// Answers a request, whatever happens in the handler; adds the headers that every answer has.
pub async fn answer<F>(
    ctx: &'static Ctx,
    request: Request,
    handle: impl FnOnce(&'static Ctx, Request) -> F,
) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, ApiError>>,
{
    let asked = Asked::by(&request);
    let kept = Kept::of(&request);
    let limit = match &asked.path {
        path if path.starts_with("/api/") => API_BODY_MAX,
        path if path.ends_with(FILES_FORM) => FILES_BODY_MAX,
        _ => FORM_BODY_MAX,
    };
    let outcome = if request.body().len() > limit { Err(ApiError::TooLarge) } else { handle(ctx, request).await };
    let mut response = outcome.unwrap_or_else(|error| match (error, kept) {
        (ApiError::Busy(source), Some(kept)) => busy_page(ctx, &asked, &ApiError::Busy(source), &kept),
        (error, _) => render_error(&asked, error),
    });
    // A word of the table may have been taken for the name of something that is not there.
    if response.status() == StatusCode::NOT_FOUND
        && let Some(methods) = asked.offered_instead()
    {
        response = render_error(&asked, ApiError::MethodNotAllowed);
        response.headers_mut().extend(HeaderValue::from_str(&methods).ok().map(|methods| (header::ALLOW, methods)));
    }
    add_headers(response.headers_mut());
    response
}

fn add_headers(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Order pages carry their secret in the address (spec domain 31).
        (header::REFERRER_POLICY, "origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The page that tries again by itself.
fn busy_page(ctx: &Ctx, asked: &Asked, error: &ApiError, kept: &Kept) -> Response<Body> {
    warn_busy(asked, error);
    let page = ErrorPage::busy(Frame::bare(asked.lang), kept.address());
    let mut response = html(error.status(), page::render(&page));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(repeat::PAUSE_SECONDS));
    kept.keep(&mut response, ctx.config().public_url.starts_with("https://"));
    response
}

fn warn_busy(asked: &Asked, error: &ApiError) {
    let source = error.source();
    tracing::warn!(error = source, path = asked.loggable_path(), "request met a busy database");
}

fn render_error(asked: &Asked, error: ApiError) -> Response<Body> {
    let status = error.status();
    match &error {
        ApiError::Internal(source) => {
            tracing::error!(error = source.as_ref() as &dyn StdError, path = asked.loggable_path(), "request failed")
        }
        ApiError::Busy(_) => warn_busy(asked, &error),
        _ => {}
    }
    if let ApiError::Moved(location) = &error {
        return redirect(StatusCode::FOUND, location);
    }
    let mut response = if asked.path.starts_with("/api/") {
        // Clients of the API know a lock that was not free in time as a conflict.
        let status = if let ApiError::Busy(_) = error { StatusCode::CONFLICT } else { status };
        json(status, &api_body(&error))
    } else if asked.wants_json {
        let mut response = json(status, &problem_body(&error));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    } else {
        html(status, error_page(asked.lang, &error))
    };
    if let ApiError::Busy(_) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if let ApiError::Unauthenticated = error {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
    }
    response
}

/// The error bodies that clients of the REST API know (spec rest-api 0.3).
pub fn api_body(error: &ApiError) -> serde_json::Value {
    let detail: Cow<'_, str> = match error {
        ApiError::Invalid(fields) => return serde_json::json!(fields),
        ApiError::InvalidParts(body) | ApiError::Conflict(body) => return body.clone(),
        ApiError::BadRequest(text) | ApiError::Refused(text) | ApiError::UnsupportedMedia(text) => text.into(),
        ApiError::ChangedSince => "The object has been changed since.".into(),
        ApiError::Unauthenticated => "Authentication credentials were not provided or are not valid.".into(),
        ApiError::Forbidden | ApiError::ShopOffline | ApiError::ForeignForm => {
            "You do not have permission to perform this action.".into()
        }
        ApiError::NotFound | ApiError::Moved(_) => "Not found.".into(),
        ApiError::InvalidPage => "Invalid page.".into(),
        ApiError::MethodNotAllowed => "Method not allowed.".into(),
        ApiError::TooLarge => "The body is larger than 10 MB.".into(),
        ApiError::Busy(_) => "The server was too busy to process this request. Please try again.".into(),
        ApiError::Internal(_) => "The server failed. The failure was recorded.".into(),
    };
    serde_json::json!({ "detail": detail })
}

fn problem_body(error: &ApiError) -> serde_json::Value {
    let status = error.status();
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": error.to_string(),
        "code": error.code(),
    });
    if let ApiError::Invalid(fields) = error {
        body["errors"] = serde_json::json!(fields);
    }
    body
}

fn error_page(lang: Lang, error: &ApiError) -> String {
    let frame = Frame::bare(lang);
    let page = match error {
        ApiError::ForeignForm => ErrorPage::stale_form(frame),
        ApiError::UnsupportedMedia(_) => ErrorPage::of_status(frame, 400),
        ApiError::MethodNotAllowed | ApiError::Unauthenticated => ErrorPage::of_status(frame, 404),
        other => ErrorPage::of_status(frame, other.status().as_u16()),
    };
    page::render(&page)
}

/// Runs a function that answers HTTP requests. The whole body of such a bin.
pub fn serve<F>(handler: fn(&'static Ctx, Request) -> F) -> Result<(), lambda_http::Error>
where
    F: Future<Output = Result<Response<Body>, ApiError>> + Send + 'static,
{
    trace::init();
    let ctx: &'static Ctx = Box::leak(Box::new(Ctx::new(Config::from_env()?)));
    let run = lambda_http::run(lambda_http::service_fn(move |request: Request| {
        let span = trace::invocation(&request.lambda_context());
        async move { Ok::<_, std::convert::Infallible>(answer(ctx, request, handler).await) }.instrument(span)
    }));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}

// --- reading ---

/// A parameter of the route's path. The gateway only calls a handler whose path has matched.
pub fn path(request: &Request, name: &str) -> Result<String, ApiError> {
    request.path_parameters_ref().and_then(|parameters| parameters.first(name)).map(storable).ok_or(ApiError::NotFound)
}

/// A parameter of the query.
pub fn query(request: &Request, name: &str) -> Option<String> {
    request.query_string_parameters_ref().and_then(|parameters| parameters.first(name)).map(storable)
}

/// Postgres has no NUL in its texts; what contains one is made to match nothing instead of failing.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A header as text.
pub fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The value of a cookie.
pub fn cookie(request: &Request, name: &str) -> Option<String> {
    let headers = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// Fields of a submitted form, in order, and the files that came with it.
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    files: Vec<FormFile>,
}

/// Largest event that Lambda takes.
pub const EVENT_BYTES_MAX: usize = 6_291_556;
/// Largest form: on its way to Lambda it is a third longer, and comes with all that a browser says of itself.
pub const FORM_BYTES_MAX: usize = (EVENT_BYTES_MAX - 64 * 1024) / 4 * 3;

impl Form {
    /// Reads a form body. Anything else is refused with what is allowed.
    pub fn read(request: &Request) -> Result<Self, ApiError> {
        if request.method() != Method::POST {
            return Err(ApiError::MethodNotAllowed);
        }
        let content_type = header_text(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
        let is = |kind: &str| content_type.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case(kind));
        let (fields, files) = if is("multipart/form-data") {
            let unreadable = || ApiError::BadRequest("The form cannot be read.".to_owned());
            multipart::parse(&content_type, request.body()).ok_or_else(unreadable)?
        } else if is("application/x-www-form-urlencoded") || request.body().is_empty() {
            let fields = form_urlencoded::parse(request.body());
            (fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(), Vec::new())
        } else {
            let allowed = "This address takes application/x-www-form-urlencoded and multipart/form-data.";
            return Err(ApiError::UnsupportedMedia(allowed.to_owned()));
        };
        // Text that cannot be stored (NUL) is dropped; line ends are kept as the browser sends them.
        let fields = fields.into_iter().map(|(name, value): (String, String)| (name, value.replace('\0', "")));
        Ok(Self { fields: fields.collect(), files })
    }

    /// The file of a field, if one was chosen.
    pub fn file(&self, name: &str) -> Option<&FormFile> {
        self.files.iter().find(|file| file.field == name && !(file.name.is_empty() && file.bytes.is_empty()))
    }

    /// The first value of a field, without white space around it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// All values of a field: several check boxes may share a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Fields in the order of the form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.trim()))
    }
}

/// Whether a form was sent by a page of this site, as far as the browser says. Old browsers say nothing at all; for
/// them the form's token and `SameSite` cookies must do.
pub fn is_from_this_site(request: &Request, public_url: &str) -> bool {
    let said = |name: &'static str| header_text(request.headers(), header::HeaderName::from_static(name));
    match (said("sec-fetch-site"), said("origin")) {
        (Some(site), _) => matches!(site.as_str(), "same-origin" | "none"),
        (None, Some(origin)) => origin == public_url,
        (None, None) => true,
    }
}

// --- writing ---

/// A page.
pub fn html(status: StatusCode, body: String) -> Response<Body> {
    respond(status, "text/html; charset=utf-8", Body::Text(body))
}

/// A JSON document.
pub fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    respond(status, "application/json", Body::Text(body.to_string()))
}

/// A response with a body.
pub fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Sends the browser to another page of the shop.
pub fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = respond(status, "text/plain; charset=utf-8", Body::Empty);
    // Locations are built from slugs, codes and percent-encoded parts, which are plain ASCII.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// Adds a `Set-Cookie` header.
pub fn set_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
