//! What was printed of a ticket (spec rest-api 9.7).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::{authorise, query::around_event};
use crate::{
    ctx::Ctx,
    endpoint::api::{
        field::{Field, Kind},
        keep_refusal, number, read, respond,
    },
    event::Event,
    http::ApiError,
    id::PositionId,
    idempotency::{Answer, Call},
    port::db::Tx,
    record::{flag, moment},
    staff::{self, Permission, Staff},
    ticket::print::{self, Print, TYPES},
};

/// A print.
pub const FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("successful", Kind::Flag).default("true"),
    Field::new("datetime", Kind::Moment).null(),
    Field::new("source", Kind::Text(255)).required(),
    Field::new("type", Kind::Choice(TYPES)).required(),
    Field::new("device_id", Kind::Number(1, i64::MAX)).null().read_only(),
    Field::new("info", Kind::Json),
];
/// Longest note: all prints of a ticket come with it.
const INFO_BYTES_MAX: usize = 2_000;

/// Writes that something was printed, once for each idempotency key.
pub(super) async fn add(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let device = staff::authenticate(&request, &*db).await?.device.map(|(id, _)| id);
    let call = Call::of(&request, &staff)?;
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event), device).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, ctx.now()).await?))
}

async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (staff, event): (&Staff, &Event),
    device: Option<i64>,
) -> Result<Answer, ApiError> {
    let around = around_event(ctx, event);
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let position = PositionId(number(request, "orderposition")?);
    let read::Written { record, mut faults, .. } = read::read(FIELDS, &read::object(request)?, None, true, &around);
    let word = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    let info = record.get("info").filter(|info| !info.is_null()).cloned().unwrap_or_else(|| json!({}));
    if !info.is_object() {
        faults.add("info", "Expected an object.");
    } else if info.to_string().len() > INFO_BYTES_MAX {
        faults.add("info", format!("Ensure this field has no more than {INFO_BYTES_MAX} bytes."));
    }
    faults.check()?;
    let print = Print {
        kind: word("type"),
        source: word("source"),
        successful: flag(&record, "successful"),
        at: moment(&record, "datetime").unwrap_or(around.now),
        info: &info,
        device,
    };
    let told = print::add(tx, staff.scope(), (event.id, position), &print, around.now).await?;
    let answer = Answer { status: StatusCode::CREATED.as_u16(), body: told.ok_or(ApiError::NotFound)? };
    call.end(tx, &answer).await?;
    Ok(answer)
}
