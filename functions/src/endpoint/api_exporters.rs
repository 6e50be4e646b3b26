//! Exports in the REST API (spec rest-api 13): ask for one, and fetch it when it is made.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use crate::{
    ctx::Ctx,
    event::Event,
    export::{self, Exporter, State, Wish},
    http::{self, ApiError},
    i18n::Lang,
    id::ExportId,
    staff::{Permission, Staff},
};

/// Answers every route of exporters: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (organizer, event) = (http::path(&request, "organizer")?, http::path(&request, "event")?);
    let (staff, event) = Staff::authorise(&request, &*db, &organizer, &event, Permission::OrdersRead).await?;
    drop(db);
    let Ok(name) = http::path(&request, "exporter") else { return Ok(list(&event)) };
    let exporter = Exporter::parse(&name).ok_or(ApiError::NotFound)?;
    if request.method() == Method::POST {
        return run(ctx, &staff, &event, exporter, &request).await;
    }
    download(ctx, &staff, exporter, &request).await
}

fn list(event: &Event) -> Response<Body> {
    let lang = Lang::parse(event.settings.locale()).unwrap_or_default();
    let exporter = |exporter: Exporter| {
        let parameter = |(name, required): &(&str, bool)| match *name {
            "_format" => json!({ "name": name, "required": required, "choices": exporter.formats() }),
            _ => json!({ "name": name, "required": required }),
        };
        json!({
            "identifier": exporter.name(),
            "verbose_name": lang.text(exporter.title_key()),
            "input_parameters": Wish::parameters(exporter).iter().map(parameter).collect::<Vec<_>>(),
        })
    };
    let results: Vec<Value> = Exporter::ALL.map(exporter).to_vec();
    let body = json!({ "count": results.len(), "next": null, "previous": null, "results": results });
    http::json(StatusCode::OK, &body)
}

async fn run(
    ctx: &Ctx,
    staff: &Staff,
    event: &Event,
    exporter: Exporter,
    request: &Request,
) -> Result<Response<Body>, ApiError> {
    let wish = Wish::read(exporter, &parameters(request)?).map_err(ApiError::Invalid)?;
    let (secret, now) = (ctx.codes().form_token(), ctx.now());
    let mut db = ctx.db().await?;
    if wish.guests.is_some() && export::list(&*db, event, &wish).await?.is_none() {
        return Err(ApiError::field("list", "The event has no such check-in list."));
    }
    let tx = db.begin().await?;
    let asked = export::request(&tx, staff, event, &wish, &secret, now).await;
    let (id, outgoing) = tx.finish(asked).await?;
    drop(db);
    tracing::info!(event.id = event.id.0, export.id = id.0, exporter = exporter.name(), "Export {id} asked for");
    outgoing.dispatch(ctx).await;
    let path = format!("/api/v1/organizers/{}/events/{}/exporters", event.organizer.slug, event.slug);
    let url = format!("{}{path}/{}/download/{id}/{secret}/", ctx.config().public_url, exporter.name());
    Ok(http::json(StatusCode::ACCEPTED, &json!({ "download": url })))
}

fn parameters(request: &Request) -> Result<Map<String, Value>, ApiError> {
    if request.body().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(_) => Err(ApiError::field("non_field_errors", "Invalid data. Expected an object.")),
        Err(error) => Err(ApiError::BadRequest(format!("JSON parse error - {error}"))),
    }
}

/// Leads to the file; 409 while it is being made, 410 if that failed, 404 if there is none any more.
async fn download(ctx: &Ctx, staff: &Staff, exporter: Exporter, request: &Request) -> Result<Response<Body>, ApiError> {
    let id: i64 = http::path(request, "export")?.parse().map_err(|_| ApiError::NotFound)?;
    let secret = http::path(request, "secret")?;
    let db = ctx.db().await?;
    let found = export::find(&*db, staff, exporter, ExportId(id), &secret, ctx.now()).await?;
    drop(db);
    let found = found.ok_or(ApiError::NotFound)?;
    let state = found.state.name();
    match found.state {
        State::Waiting | State::Running => {
            let body = json!({ "status": state, "percentage": found.percentage });
            Ok(http::json(StatusCode::CONFLICT, &body))
        }
        State::Failed => {
            let body = json!({ "status": state, "message": "The file could not be made." });
            Ok(http::json(StatusCode::GONE, &body))
        }
        State::Done => {
            let url = ctx.media().await.attachment_url(&found.object_key, &found.file_name).await;
            Ok(http::redirect(StatusCode::SEE_OTHER, &url.map_err(ApiError::internal)?))
        }
    }
}
