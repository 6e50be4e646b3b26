//! `PATCH …/orders/CODE/`: notes and contact data (spec rest-api 9.4). Everything else in the body is ignored.

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::{
    address, authorise,
    fields::Fields,
    find,
    json::{Extra, order_json},
    query::{add_history, positions_of},
};
use crate::{
    boxoffice::CreateOrder,
    ctx::Ctx,
    endpoint::api::{
        Around,
        field::{Field, Kind},
        keep_refusal, read, respond,
    },
    event::Event,
    http::ApiError,
    idempotency::{Answer, Call},
    order,
    port::{db::Tx, lock::EventLock},
    record::Record,
    staff::{Permission, Staff},
    time::Timestamp,
};

const FIELDS: &[Field] = &[
    Field::new("comment", Kind::Text(10_000)),
    Field::new("custom_followup_at", Kind::Day).null(),
    Field::new("checkin_attention", Kind::Flag),
    Field::new("checkin_text", Kind::Text(10_000)).null(),
    Field::new("email", Kind::Text(254)),
    Field::new("locale", Kind::Text(20)),
    Field::new("phone", Kind::Text(50)).null(),
    Field::new("valid_if_pending", Kind::Flag),
    Field::new("api_meta", Kind::Json),
    Field::new(address::NAME, Kind::Json).null(),
];

/// What the log calls a change of a field.
const ACTIONS: &[(&str, &str)] = &[
    ("comment", "pretix.event.order.comment"),
    ("custom_followup_at", "pretix.event.order.custom_followup_at"),
    ("checkin_attention", "pretix.event.order.checkin_attention"),
    ("checkin_text", "pretix.event.order.checkin_text"),
    ("email", "pretix.event.order.contact.changed"),
    ("locale", "pretix.event.order.locale.changed"),
    ("phone", "pretix.event.order.phone.changed"),
    ("valid_if_pending", "pretix.event.order.valid_if_pending"),
    ("api_meta", "pretix.event.order.api_meta.changed"),
    (address::NAME, "pretix.event.order.modified"),
];

/// Changes an order's notes, once for each idempotency key.
pub(super) async fn patch(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event)).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (staff, event): (&Staff, &Event),
) -> Result<Answer, ApiError> {
    let now = ctx.now();
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok(answer);
    }
    // A change of the order as a whole looks at when it was changed last.
    let _lock = EventLock::acquire(tx, event.id).await?;
    let order = find(tx, event, request).await?;
    let around = around(event, now);
    let before = before(&order);
    let read::Written { mut record, mut faults, .. } =
        read::read(FIELDS, &read::object(request)?, Some(&before), false, &around);
    check(&record, &before, event, &mut faults);
    address::check(&mut record, &before, &around, &mut faults);
    faults.check()?;
    if record != before {
        record.insert("modified_at".to_owned(), json!(now.to_string()));
        order::sql::set_notes(tx, event.id, order.id, &record).await?;
        for (field, action) in ACTIONS.iter().filter(|(field, _)| record.get(*field) != before.get(*field)) {
            tracing::debug!(order.code = order.code, field, "order changed");
            order::log_by(tx, staff, event, order.id, action, now).await?;
        }
    }
    let order = find(tx, event, request).await?;
    let extra = Extra::of_event(ctx, tx, event).await?;
    let mut body = order_json(ctx, event, &order, &extra);
    add_history(tx, event.id, positions_of(&mut body).collect(), None).await?;
    let answer = Answer { status: 200, body };
    call.end(tx, &answer).await?;
    Ok(answer)
}

/// What is noted at an order that is to be created, by column.
pub(super) fn notes_of_new(
    event: &Event,
    fields: &Fields,
    wanted: &CreateOrder,
    now: Timestamp,
) -> Result<Record, ApiError> {
    let names = ["custom_followup_at", "checkin_attention", "checkin_text", "api_meta", address::NAME];
    let said = names.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(name)?.clone()))).collect();
    let before = Record::from_iter([
        ("email".to_owned(), json!(wanted.email)),
        ("locale".to_owned(), json!(wanted.locale)),
        ("checkin_attention".to_owned(), json!(false)),
        ("api_meta".to_owned(), json!({})),
    ]);
    let around = around(event, now);
    let read::Written { mut record, mut faults, .. } = read::read(FIELDS, &said, Some(&before), false, &around);
    check(&record, &before, event, &mut faults);
    address::check(&mut record, &before, &around, &mut faults);
    faults.check()?;
    record.retain(|name, value| names.contains(&name.as_str()) && !value.is_null());
    Ok(record)
}

fn around(event: &Event, now: Timestamp) -> Around {
    Around {
        currency: event.currency,
        zone: event.timezone.clone(),
        channels: Vec::new(),
        now,
        public_url: String::new(),
        organizer_slug: event.organizer.slug.clone(),
        event_slug: Some(event.slug.clone()),
    }
}

fn before(order: &order::Order) -> Record {
    let notes = &order.notes;
    let body = json!({
        "comment": order.comment,
        "custom_followup_at": notes.followup_at,
        "checkin_attention": notes.checkin_attention,
        "checkin_text": notes.checkin_text,
        "email": order.email,
        "locale": order.locale,
        "phone": order.phone,
        "valid_if_pending": order.valid_if_pending,
        "api_meta": notes.api_meta,
        address::NAME: notes.invoice_address,
    });
    if let Value::Object(record) = body { record } else { Record::new() }
}

fn check(record: &Record, before: &Record, event: &Event, faults: &mut read::Faults) {
    let said = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default();
    let changes = |field: &str| record.get(field) != before.get(field);
    let email = said("email");
    if changes("email") && !email.is_empty() && email.parse::<lettre::Address>().is_err() {
        faults.add("email", "Enter a valid email address.");
    }
    if changes("locale") && !event.settings.locales().contains(&said("locale")) {
        faults.add("locale", "This language is not offered by the event.");
    }
    if record.get("api_meta").is_some_and(|meta| !meta.is_object()) {
        faults.add("api_meta", "Expected an object.");
    }
}
