//! The page on which somebody accepts an invitation to a team. Its address is the key to it: a mail leads there.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt as _, Response};

use crate::{
    ctx::Ctx,
    http::{self, ApiError, Form},
    i18n::Lang,
    page::{self, Frame, invite::InvitePage},
    question, session,
    staff::{
        invite::{self, Invite},
        notice,
    },
};

/// Longest name of a member.
const NAME_MAX: usize = 255;

/// Shows the invitation and accepts it. Accepted twice, it is accepted once.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (id, token) = (http::path(&request, "invite")?, http::path(&request, "token")?);
    let mut db = ctx.db().await?;
    let invite = invite::find(&*db, ctx.config(), &id, &token).await?.ok_or(ApiError::NotFound)?;
    let lang = session::lang(&request, &Lang::ALL);
    if request.method() == Method::GET {
        return Ok(http::html(StatusCode::OK, page::render(&show(ctx, &request, lang, invite))));
    }
    let form = Form::read(&request)?;
    if !http::is_from_this_site(&request, &ctx.config().public_url) {
        return Err(ApiError::ForeignForm);
    }
    let name: String = question::one_line(form.get("full_name").unwrap_or_default()).chars().take(NAME_MAX).collect();
    let tx = db.begin().await?;
    let accepted = invite::accept(&tx, &invite, &name, lang, ctx.now()).await;
    tx.finish(accepted).await?;
    Ok(http::redirect(StatusCode::SEE_OTHER, request.raw_http_path()))
}

fn show(ctx: &Ctx, request: &Request, lang: Lang, invite: Invite) -> InvitePage {
    InvitePage {
        frame: Frame {
            title: lang.text_with("invite-heading", &[("name", invite.team_name.as_str().into())]),
            langs: Lang::ALL.to_vec(),
            noindex: true,
            path: request.raw_http_path().to_owned(),
            ..Frame::bare(lang)
        },
        email: invite.email,
        team: invite.team_name,
        organizer: invite.organizer_name,
        notices_url: invite.user.map(|user| notice::url(ctx.config(), user, None)),
    }
}
