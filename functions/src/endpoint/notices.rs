//! The page on which a member of staff chooses what to be told by mail. Its address is the key to it: mails lead there.

use std::collections::BTreeSet;

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt as _, Response};

use crate::{
    ctx::Ctx,
    http::{self, ApiError, Form},
    i18n::Lang,
    id::EventId,
    page::{
        self, Frame, Message, MessageKind,
        notice::{NoticeLine, NoticePage},
    },
    staff::notice::{self, Reader, TYPES},
};

/// Shows the page and keeps what is chosen there. A mail program may also send the form that ends all such mails
/// (RFC 8058).
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (user, token) = (http::path(&request, "user")?, http::path(&request, "token")?);
    let mut db = ctx.db().await?;
    let reader = notice::reader(&*db, ctx.config(), &user, &token).await?.ok_or(ApiError::NotFound)?;
    let event = match http::query(&request, "event") {
        None => None,
        Some(id) => {
            let id = EventId(id.parse().map_err(|_| ApiError::NotFound)?);
            Some(notice::event_of(&*db, &reader, id).await?.ok_or(ApiError::NotFound)?)
        }
    };
    let id = event.as_ref().map(|event| event.id);
    if request.method() == Method::GET {
        let wanted = notice::wanted(&*db, &reader, id).await?;
        let lang = Lang::parse(&reader.locale).unwrap_or_default();
        let name = event.map(|event| event.name.get(lang).to_owned());
        let page = show(&request, lang, &reader, name, &wanted);
        return Ok(http::html(StatusCode::OK, page::render(&page)));
    }
    let form = Form::read(&request)?;
    let one_click = form.get("List-Unsubscribe") == Some("One-Click");
    if !one_click && !http::is_from_this_site(&request, &ctx.config().public_url) {
        return Err(ApiError::ForeignForm);
    }
    let wanted: BTreeSet<&str> = form.all("wanted").collect();
    let tx = db.begin().await?;
    let kept = match (one_click, id, form.get("follow")) {
        (true, ..) => notice::stop(&tx, &reader).await,
        (false, Some(event), Some(_)) => notice::follow(&tx, &reader, event).await,
        (false, event, _) => notice::choose(&tx, &reader, event, &wanted).await,
    };
    tx.finish(kept).await?;
    if one_click {
        // A mail program has sent it, which goes nowhere from here (RFC 8058).
        return Ok(http::respond(StatusCode::OK, "text/plain", Body::Empty));
    }
    let query = id.map(|event| format!("event={event}&")).unwrap_or_default();
    Ok(http::redirect(StatusCode::SEE_OTHER, &format!("{}?{query}saved=yes", request.raw_http_path())))
}

fn show(
    request: &Request,
    lang: Lang,
    reader: &Reader,
    event: Option<String>,
    wanted: &BTreeSet<&'static str>,
) -> NoticePage {
    let saved = http::query(request, "saved").is_some();
    let message = || Message { kind: MessageKind::Success, text: lang.text("notice-saved") };
    let line = |(name, key): &(&str, &str)| NoticeLine {
        name: (*name).to_owned(),
        title: lang.text(key),
        wanted: wanted.contains(name),
    };
    NoticePage {
        frame: Frame {
            title: lang.text("notice-heading"),
            noindex: true,
            messages: saved.then(message).into_iter().collect(),
            ..Frame::bare(lang)
        },
        email: reader.email.clone(),
        everywhere_url: event.is_some().then(|| request.raw_http_path().to_owned()),
        event,
        lines: TYPES.iter().map(line).collect(),
    }
}
