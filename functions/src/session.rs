//! Signed cookies, form tokens and keyed hashes: what ties requests of one browser together without storing anything.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use lambda_http::Request;
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    boxoffice::CartId,
    cart::Session,
    config::Secret,
    event::Event,
    http,
    i18n::Lang,
    id::{InviteId, UserId},
};

/// Hex HMAC-SHA256 over `parts`; parts cannot run into each other.
pub fn keyed_hash(key: &str, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Equality that takes as long for a near miss as for a far one.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Signs and checks values with the shop's key.
pub struct Signer<'a>(pub &'a Secret);

impl Signer<'_> {
    fn signature(&self, purpose: &str, value: &str) -> String {
        keyed_hash(self.0.reveal(), &[purpose, value])[..32].to_owned()
    }

    /// `value.signature`
    fn sign(&self, purpose: &str, value: &str) -> String {
        format!("{value}.{}", self.signature(purpose, value))
    }

    fn verify<'v>(&self, purpose: &str, signed: &'v str) -> Option<&'v str> {
        let (value, signature) = signed.rsplit_once('.')?;
        same(self.signature(purpose, value).as_bytes(), signature.as_bytes()).then_some(value)
    }

    /// The cart of this browser in this event, if it has one.
    pub fn cart(&self, request: &Request, event: &Event) -> Option<CartId> {
        let cookie = http::cookie(request, CART_COOKIE)?;
        self.verify(&purpose(CART_COOKIE, event), &cookie).map(|id| CartId(id.to_owned()))
    }

    /// A `Set-Cookie` value that gives the browser a cart.
    pub fn cart_cookie(&self, event: &Event, cart: &CartId, secure: bool) -> String {
        let value = self.sign(&purpose(CART_COOKIE, event), &cart.0);
        cookie(CART_COOKIE, &value, &event.path(), CART_COOKIE_SECONDS, secure)
    }

    /// What the buyer of a cart has told so far: nothing, if this browser knows nothing of this cart.
    pub fn told(&self, request: &Request, event: &Event, cart: &CartId) -> Session {
        self.open(request, TOLD_COOKIE, &told_purpose(event, cart)).unwrap_or_default()
    }

    /// A `Set-Cookie` value that keeps what the buyer of a cart has told.
    pub fn told_cookie(&self, event: &Event, cart: &CartId, told: &Session, secure: bool) -> String {
        let value = self.seal(&told_purpose(event, cart), told);
        cookie(TOLD_COOKIE, &value, &event.path(), CART_COOKIE_SECONDS, secure)
    }

    /// The key of one form: whatever happens because of it happens once. `random` makes it unique.
    pub fn form_token(&self, event: &Event, random: &str) -> String {
        self.sign(&purpose("form", event), random)
    }

    /// Whether a form token is one of ours. Nobody else can choose what a cart or an order is found by.
    pub fn is_form_token(&self, event: &Event, token: &str) -> bool {
        self.verify(&purpose("form", event), token).is_some()
    }

    /// The cart that a form without a cart begins. The same form gives the same cart, so that a double click on the
    /// first "add to cart" does not make two.
    pub fn cart_begun_by(&self, event: &Event, form_token: &str) -> CartId {
        CartId(keyed_hash(self.0.reveal(), &[&purpose("new-cart", event), form_token])[..48].to_owned())
    }

    /// What nobody else can guess of the address of a member of staff's page.
    pub fn notice_token(&self, user: UserId) -> String {
        self.signature("notices", &user.to_string())
    }

    /// Whether it is the right one.
    pub fn is_notice_token(&self, user: UserId, token: &str) -> bool {
        same(self.notice_token(user).as_bytes(), token.as_bytes())
    }

    /// What nobody else can guess of the address of an invitation.
    pub fn invite_token(&self, invite: InviteId) -> String {
        self.signature("invites", &invite.to_string())
    }

    /// Whether it is the right one.
    pub fn is_invite_token(&self, invite: InviteId, token: &str) -> bool {
        same(self.invite_token(invite).as_bytes(), token.as_bytes())
    }

    /// The token of forms of this event: bound to the cart, or to nothing while there is none.
    pub fn csrf(&self, event: &Event, cart: Option<&CartId>) -> String {
        self.signature(&purpose("csrf", event), cart.map_or("", |cart| cart.0.as_str()))
    }

    /// Whether a form was made by this shop for this browser.
    pub fn csrf_fits(&self, event: &Event, cart: Option<&CartId>, token: &str) -> bool {
        same(self.csrf(event, cart).as_bytes(), token.as_bytes())
    }

    /// A `Set-Cookie` value that carries a note to the next page of this event.
    pub fn note_cookie(&self, event: &Event, note: &impl Serialize, secure: bool) -> String {
        let value = self.seal(&purpose(NOTE_COOKIE, event), note);
        cookie(NOTE_COOKIE, &value, &event.path(), NOTE_COOKIE_SECONDS, secure)
    }

    /// The note that the page before left.
    pub fn note<T: DeserializeOwned>(&self, request: &Request, event: &Event) -> Option<T> {
        self.open(request, NOTE_COOKIE, &purpose(NOTE_COOKIE, event))
    }

    /// A value as a signed text.
    fn seal(&self, purpose: &str, value: &impl Serialize) -> String {
        let json = serde_json::to_vec(value).expect("what cookies carry is plain data");
        self.sign(purpose, &URL_SAFE_NO_PAD.encode(json))
    }

    /// The value that a cookie carries, if we have signed it for this purpose.
    fn open<T: DeserializeOwned>(&self, request: &Request, name: &str, purpose: &str) -> Option<T> {
        let cookie = http::cookie(request, name)?;
        let value = self.verify(purpose, &cookie)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }
}

const CART_COOKIE: &str = "onsale_cart";
/// As long as expired carts are kept (spec domain 8.3).
const CART_COOKIE_SECONDS: i64 = 14 * 24 * 3600;
const TOLD_COOKIE: &str = "onsale_told";
const NOTE_COOKIE: &str = "onsale_note";
const NOTE_COOKIE_SECONDS: i64 = 60;
const LANG_COOKIE: &str = "onsale_lang";
const LANG_COOKIE_SECONDS: i64 = 365 * 24 * 3600;

/// A signature for one event is worth nothing in another.
fn purpose(what: &str, event: &Event) -> String {
    format!("{what}:{}", event.id)
}

/// What was told for one cart says nothing about another.
fn told_purpose(event: &Event, cart: &CartId) -> String {
    format!("{}:{}", purpose(TOLD_COOKIE, event), cart.0)
}

fn cookie(name: &str, value: &str, path: &str, seconds: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// `Set-Cookie` values that end the cart of an event, and what was told for it: it became an order.
pub fn no_cart_cookies(event: &Event, secure: bool) -> [String; 2] {
    [CART_COOKIE, TOLD_COOKIE].map(|name| cookie(name, "", &event.path(), 0, secure))
}

/// A `Set-Cookie` value that clears the note.
pub fn no_note_cookie(event: &Event, secure: bool) -> String {
    cookie(NOTE_COOKIE, "", &event.path(), 0, secure)
}

/// A `Set-Cookie` value that remembers the language; it is a wish, not a secret, so it is not signed.
pub fn lang_cookie(lang: Lang, secure: bool) -> String {
    cookie(LANG_COOKIE, lang.code(), "/", LANG_COOKIE_SECONDS, secure)
}

/// The language for a reader: what was chosen, else what the browser prefers, else the first of `allowed`
/// (spec shop-ux 17).
pub fn lang(request: &Request, allowed: &[Lang]) -> Lang {
    let chosen = http::cookie(request, LANG_COOKIE).and_then(|code| Lang::parse(&code));
    let accepted = http::header_text(request.headers(), ::http::header::ACCEPT_LANGUAGE).unwrap_or_default();
    chosen.filter(|lang| allowed.contains(lang)).unwrap_or_else(|| Lang::negotiate(&accepted, allowed))
}
