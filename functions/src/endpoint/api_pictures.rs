//! The logo of an event and the pictures of products, by API. A worker makes their sizes; buyers see them then.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api_uploads::said;
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event::Event,
    http::{self, ApiError},
    id::ItemId,
    staff::{Permission, Staff},
    upload::{self, Picture, Subject, removal},
};

/// Answers every route of pictures: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let item = http::path(&request, "item").ok();
    let permission = if item.is_some() { Permission::ItemsWrite } else { Permission::EventWrite };
    let db = ctx.db().await?;
    let (organizer, event) = (http::path(&request, "organizer")?, http::path(&request, "event")?);
    let (staff, event) = Staff::authorise(&request, &*db, &organizer, &event, permission).await?;
    let (subject, picture) = match item {
        None => (Subject::Event, event.logo.clone()),
        Some(id) => {
            let id = ItemId(id.parse().map_err(|_| ApiError::NotFound)?);
            let catalogue = Catalogue::load(&*db, &event).await?;
            let item = catalogue.item(id).ok_or(ApiError::NotFound)?;
            (Subject::Item(id), item.picture.clone())
        }
    };
    drop(db);
    match *request.method() {
        Method::GET => Ok(http::json(StatusCode::OK, &show(ctx, picture.as_ref()))),
        Method::PUT => put(ctx, &staff, &event, subject, &request).await,
        Method::DELETE => delete(ctx, &staff, subject).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

fn show(ctx: &Ctx, picture: Option<&Picture>) -> Value {
    let url = |key: &str| format!("{}{}", ctx.config().public_url, Picture::url(key));
    let shown = picture.map(|picture| {
        json!({
            "file_name": picture.file_name,
            "url": url(&picture.large),
            "thumbnail": url(&picture.thumbnail),
            "width": picture.width,
            "height": picture.height,
        })
    });
    json!({ "picture": shown })
}

/// A file that was sent before: `file:…`.
#[derive(Deserialize)]
struct Fields {
    file: String,
}

async fn put(
    ctx: &Ctx,
    staff: &Staff,
    event: &Event,
    subject: Subject,
    request: &Request,
) -> Result<Response<Body>, ApiError> {
    let fields: Fields =
        serde_json::from_slice(request.body()).map_err(|error| ApiError::BadRequest(format!("JSON: {error}")))?;
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let used = upload::use_picture(&tx, staff, event, subject, &fields.file, ctx.now()).await;
    let outgoing = tx.finish(used).await.map_err(|error| said(error, "file"))?;
    drop(db);
    outgoing.dispatch(ctx).await;
    Ok(http::json(StatusCode::ACCEPTED, &json!({ "status": "waiting" })))
}

async fn delete(ctx: &Ctx, staff: &Staff, subject: Subject) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let dropped = upload::drop_picture(&tx, staff, subject).await;
    let old = tx.finish(dropped).await?;
    drop(db);
    if let Some(old) = old {
        removal::remove(ctx, &old.keys()).await;
    }
    Ok(http::respond(StatusCode::NO_CONTENT, "application/json", Body::Empty))
}
