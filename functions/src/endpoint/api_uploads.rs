//! Files that programs send, in the REST API (spec rest-api 1). The reference knows only the first way; the form is for
//! files that are larger than what a function takes.

use ::http::{Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    staff::Program,
    upload::{self, Upload, UploadError},
};

/// Answers every route of uploads: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    if request.method() != Method::POST {
        return Err(ApiError::MethodNotAllowed);
    }
    let program = Program::authenticate(&request, &*ctx.db().await?).await?;
    if let Ok(id) = http::path(&request, "upload") {
        let upload = upload::finish(ctx, &program, &id, ctx.now()).await.map_err(|error| said(error, "file"))?;
        return Ok(http::json(StatusCode::OK, &show(&upload)));
    }
    let is_form = request.raw_http_path().ends_with('/');
    if is_form { begin(ctx, &program, &request).await } else { store(ctx, &program, request).await }
}

/// What is going to be sent.
#[derive(Deserialize)]
struct Fields {
    file_name: String,
    content_type: String,
}

/// Answers with a form; the file is `file:…` in other calls once its sender has said that it is there.
async fn begin(ctx: &Ctx, program: &Program, request: &Request) -> Result<Response<Body>, ApiError> {
    let fields: Fields =
        serde_json::from_slice(request.body()).map_err(|error| ApiError::BadRequest(format!("JSON: {error}")))?;
    let kind = upload::kind(&fields.content_type).map_err(|error| said(error, "content_type"))?;
    let begun = upload::begin(ctx, program, &fields.file_name, kind, ctx.now()).await;
    let (upload, form) = begun.map_err(|error| said(error, "file_name"))?;
    let finish = format!("{}/api/v1/uploads/{}/finish/", ctx.config().public_url, upload.id);
    let fields: serde_json::Map<String, Value> =
        form.fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let body = json!({
        "id": upload.reference(),
        "form": { "url": form.url, "fields": fields },
        "finish": finish,
    });
    Ok(http::json(StatusCode::CREATED, &body))
}

/// Takes the file as the body of the request.
async fn store(ctx: &Ctx, program: &Program, request: Request) -> Result<Response<Body>, ApiError> {
    let text = |name| http::header_text(request.headers(), name).unwrap_or_default();
    let kind = upload::kind(&text(header::CONTENT_TYPE)).map_err(|error| said(error, "file"))?;
    let name = named(&text(header::CONTENT_DISPOSITION)).ok_or_else(|| {
        ApiError::field("file", "A header such as Content-Disposition: attachment; filename=\"a.png\"")
    })?;
    let bytes = request.into_body().as_ref().to_vec();
    let stored = upload::store(ctx, program, &name, kind, bytes, ctx.now()).await;
    let upload = stored.map_err(|error| said(error, "file"))?;
    Ok(http::json(StatusCode::CREATED, &json!({ "id": upload.reference() })))
}

/// `attachment; filename="a.png"` → `a.png`
fn named(disposition: &str) -> Option<String> {
    let parts = disposition.split(';').map(str::trim);
    let name = parts.filter_map(|part| part.strip_prefix("filename=")).next()?;
    Some(name.trim_matches('"').to_owned())
}

fn show(upload: &Upload) -> Value {
    json!({
        "id": upload.reference(),
        "file_name": upload.file_name,
        "content_type": upload.kind.content_type(),
    })
}

/// What a program hears about a file.
pub fn said(error: UploadError, field: &str) -> ApiError {
    match error {
        UploadError::Unknown => ApiError::NotFound,
        UploadError::Refused(why) => ApiError::field(field, why),
        UploadError::Media(error) => ApiError::internal(error),
        UploadError::Db(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_in_its_header() {
        assert_eq!(named("attachment; filename=\"a b.png\"").as_deref(), Some("a b.png"));
        assert_eq!(named("attachment;filename=a.png").as_deref(), Some("a.png"));
        assert_eq!(named("inline"), None);
    }
}
