//! Forms that came when too many others did are sent again by themselves, also without a script (spec shop-ux 20).
//!
//! A page without a script can load addresses by itself, but not send forms. So the busy page hands the form to the
//! browser as a cookie and loads `…/again` a little later, which serves the form as if it had been sent there. Loading
//! that address changes something, but only what this buyer has asked for a moment before: forms are kept only if they
//! carry a form token, so each acts once however often it comes; their CSRF token is checked again; other sites cannot
//! make the browser load it with the cookie (`SameSite=Strict`); and it is worth no more than the form that it holds.

use ::http::{HeaderValue, Method, header};
use lambda_http::{Body, Request, RequestExt as _, Response};

use crate::{http, page::field};

const COOKIE: &str = "again";
/// Browsers keep about 4 KB in a cookie. Forms with more are not kept; the page says so and can be loaded again by hand.
const BODY_MAX: usize = 3_000;
/// After so many times the page does not try again by itself.
const TRIES_MAX: u32 = 24;
/// How long the form is kept.
const COOKIE_SECONDS: i64 = 120;
/// Pause before the next try.
pub const PAUSE_SECONDS: u32 = 5;

/// Forms that may wait for others, by their paths below the shop.
const FORMS: [&str; 3] = ["cart/add", "checkout/addons/", "checkout/confirm/"];

/// A form that can be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Root of the shop, such as `/org/event/`.
    pub shop: String,
    /// Where the form was sent to, below the shop.
    pub form: String,
    body: String,
    tries: u32,
}

impl Kept {
    /// The form of a request, if it can be sent again by itself; of `…/again`, the form that this is about.
    pub fn of(request: &Request) -> Option<Self> {
        let path = request.raw_http_path();
        let mut slashes = path.match_indices('/').map(|(at, _)| at + 1);
        let (shop, form) = path.split_at(slashes.nth(2)?);
        if *request.method() == Method::GET {
            return if form == "again" { Self::from_cookie(shop, &http::cookie(request, COOKIE)?) } else { None };
        }
        if *request.method() != Method::POST || !FORMS.contains(&form) || request.body().len() > BODY_MAX {
            return None;
        }
        let body = std::str::from_utf8(request.body()).ok()?;
        let counts_once =
            form_urlencoded::parse(body.as_bytes()).any(|(name, value)| name == field::FORM_TOKEN && !value.is_empty());
        let fits = is_plain(body) && is_plain(path);
        let kept = Self { shop: shop.to_owned(), form: form.to_owned(), body: body.to_owned(), tries: 0 };
        (counts_once && fits).then_some(kept)
    }

    fn from_cookie(shop: &str, cookie: &str) -> Option<Self> {
        let (tries, rest) = cookie.split_once(':')?;
        let (form, body) = rest.split_once('?')?;
        let tries = tries.parse().ok()?;
        let kept = Self { shop: shop.to_owned(), form: form.to_owned(), body: body.to_owned(), tries };
        FORMS.contains(&form).then_some(kept)
    }

    /// Where the busy page leads by itself; nowhere if it has tried often enough.
    pub fn address(&self) -> Option<String> {
        (self.tries < TRIES_MAX).then(|| format!("{}again", self.shop))
    }

    /// Gives the form to the browser for one try more.
    pub fn keep(&self, response: &mut Response<Body>, secure: bool) {
        let Self { form, body, tries, .. } = self;
        self.set_cookie(response, &format!("{}:{form}?{body}", tries + 1), COOKIE_SECONDS, secure);
    }

    /// Takes the form from the browser: it was served.
    pub fn forget(&self, response: &mut Response<Body>, secure: bool) {
        self.set_cookie(response, "", 0, secure);
    }

    fn set_cookie(&self, response: &mut Response<Body>, value: &str, seconds: i64, secure: bool) {
        let secure = if secure { "; Secure" } else { "" };
        let path = format!("{}again", self.shop);
        let cookie = format!("{COOKIE}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        http::set_cookie(response, &cookie);
    }

    /// The request that sends the form, made of the one that asks for it.
    pub fn restored(&self, mut request: Request) -> Request {
        *request.method_mut() = Method::POST;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(header::CONTENT_TYPE, form);
        *request.body_mut() = Body::Text(self.body.clone());
        request
    }
}

/// Whether a text can stand in a cookie as it is. Browsers send forms like this.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte))
}
