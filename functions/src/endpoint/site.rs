//! What belongs to no shop: assets, the language switch, and everything that is not there.

use ::http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};

use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    i18n::Lang,
    page, session,
};

/// Stylesheet, script, icon. The address changes with the content, so browsers and the edge may keep it for ever.
pub async fn asset(_ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let name = http::path(&request, "file")?;
    let (content_type, bytes) = page::asset(&name).ok_or(ApiError::NotFound)?;
    let mut response =
        http::respond(StatusCode::OK, content_type, Body::Text(String::from_utf8_lossy(bytes).into_owned()));
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}

/// Remembers the reader's language and goes back to where it was chosen.
pub async fn set_locale(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let next = http::query(&request, "next").filter(|next| is_local(next)).unwrap_or_else(|| "/".to_owned());
    let mut response = http::redirect(StatusCode::SEE_OTHER, &next);
    if let Some(lang) = http::query(&request, "locale").and_then(|code| Lang::parse(&code)) {
        let secure = ctx.config().public_url.starts_with("https://");
        http::set_cookie(&mut response, &session::lang_cookie(lang, secure));
    }
    Ok(response)
}

/// A path of this site, not of another one (`//elsewhere`, `/\elsewhere`).
fn is_local(next: &str) -> bool {
    next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && !next.contains(|letter: char| letter.is_control())
}

/// Whatever no route knows. An address without its slash at the end leads to the one that has it (spec rest-api 0.2).
pub async fn missing(_ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = request.raw_http_path();
    let is_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if *request.method() == Method::GET && !path.ends_with('/') && !is_file && is_local(path) {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(http::redirect(StatusCode::MOVED_PERMANENTLY, &format!("{path}/{query}")));
    }
    Err(ApiError::NotFound)
}
