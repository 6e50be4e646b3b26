//! The waiting list in the REST API (spec rest-api 7, domain 17).

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    Around,
    field::{Field, Kind},
    list::{Filter, Wanted},
    name,
    read::Faults,
    resource::{self, Action, Ground, Resource},
    segments,
};
use crate::{
    ctx::Ctx,
    http::ApiError,
    record::{self, Record, Table, Target, reference},
    staff::Permission,
    waiting_list::{self, Entry, Wish, sql::ENTRIES},
};

/// Answers every route of the waiting list: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), segments(&request).get(8).copied()) {
        (&Method::POST, Some("send_voucher")) => resource::act::<SendVoucher>(ctx, request).await,
        (_, Some(_)) => Err(ApiError::MethodNotAllowed),
        _ => resource::handle::<Entries>(ctx, request).await,
    }
}

/// Longest name.
const NAME_MAX: usize = 200;

/// Entries of an event's waiting list.
pub struct Entries;

impl Resource for Entries {
    const KEY: &'static str = "waitinglistentry";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("created", Kind::Moment).column("created_at").read_only(),
        Field::new("name", Kind::Text(NAME_MAX)).null(),
        Field::new("name_parts", Kind::Json),
        Field::new("email", Kind::Text(254)).required(),
        Field::new("phone", Kind::Text(50)).null(),
        Field::new("voucher", Kind::Number(1, i64::MAX)).column("voucher_id").null().read_only(),
        Field::new("item", Kind::Ref(Target::Item)).column("item_id").required(),
        Field::new("variation", Kind::Ref(Target::Variation)).column("variation_id").null(),
        Field::new("locale", Kind::Text(20)),
        Field::new("subevent", Kind::Ref(Target::Date)).column("subevent_id").null(),
        Field::new("priority", Kind::Number(i32::MIN as i64, i32::MAX as i64)).default("0"),
    ];
    const TABLE: &'static Table = &ENTRIES;
    const READ: Permission = Permission::OrdersRead;
    const WRITE: Permission = Permission::OrdersWrite;
    const LOG: [&'static str; 3] = [
        "pretix.event.orders.waitinglist.added",
        "pretix.event.orders.waitinglist.changed",
        "pretix.event.orders.waitinglist.deleted",
    ];
    const FILTERS: &'static [Filter] = &[
        Filter::new("item", Wanted::Number),
        Filter::new("variation", Wanted::Number),
        Filter::new("email", Wanted::Text),
        Filter::new("locale", Wanted::Text),
        Filter::new("has_voucher", Wanted::Flag),
        Filter::new("subevent", Wanted::Number),
    ];
    const ORDERINGS: &'static [&'static str] = &["created", "id", "email", "item"];

    fn loaded(record: &mut Record, _around: &Around) {
        let parts = record.get("name").and_then(Value::as_str).map_or(json!({}), name::parts_of);
        record.insert("name_parts".to_owned(), parts);
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        if before.is_some_and(is_served) {
            return Err(ApiError::Refused("This entry has a voucher already and cannot be changed.".to_owned()));
        }
        let event = ground.event();
        name::check(draft, before, NAME_MAX, faults);
        let email = word(draft, "email");
        if email.parse::<lettre::Address>().is_err() {
            faults.add("email", "Enter a valid email address.");
        }
        let locale = word(draft, "locale");
        if locale.is_empty() {
            draft.insert("locale".to_owned(), json!(event.settings.locale()));
        } else if !event.settings.locales().contains(&locale.as_str()) {
            faults.add("locale", "This language is not offered by the event.");
        }
        if before.is_none() {
            draft.insert("created_at".to_owned(), json!(ground.now().to_string()));
        }
        let entry = before.and_then(|before| reference(before, "id"));
        let found = waiting_list::fault(ground.lock(), event, &wish(draft), &email, entry, ground.now()).await?;
        if let Some(fault) = found {
            faults.add(fault.field(), fault.text());
        }
        Ok(())
    }

    async fn written(ground: &Ground<'_>, _id: i64, draft: &Record, before: Option<&Record>) -> Result<(), ApiError> {
        if before.is_some_and(|before| wish(before) == wish(draft)) {
            return Ok(());
        }
        let items = [before, Some(draft)].into_iter().flatten().map(|record| wish(record).item).collect();
        Ok(waiting_list::recount(ground.lock(), &items).await?)
    }

    async fn deleting(_ground: &Ground<'_>, _id: i64, record: &Record) -> Result<(), ApiError> {
        match is_served(record) {
            true => Err(ApiError::Refused("This entry has a voucher already and cannot be deleted.".to_owned())),
            false => Ok(()),
        }
    }

    async fn erase(ground: &Ground<'_>, id: i64) -> Result<(), ApiError> {
        let record = record::find(ground.tx, &ENTRIES, ground.scope, id).await?.ok_or(ApiError::NotFound)?;
        record::delete(ground.tx, &ENTRIES, ground.scope, id).await?;
        Ok(waiting_list::recount(ground.lock(), &vec![wish(&record).item]).await?)
    }
}

fn word(record: &Record, column: &str) -> String {
    record.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_served(record: &Record) -> bool {
    reference(record, "voucher_id").is_some()
}

fn wish(record: &Record) -> Wish {
    Wish {
        item: reference(record, "item_id").unwrap_or_default(),
        variation: reference(record, "variation_id"),
        date: reference(record, "subevent_id"),
    }
}

/// `POST …/waitinglistentries/7/send_voucher/`: the entry gets its place now, whoever else waits.
struct SendVoucher;

impl Action for SendVoucher {
    type Of = Entries;

    async fn act(ground: &Ground<'_>, record: &Record, _request: &Request) -> Result<StatusCode, ApiError> {
        let refuse = |text: String| ApiError::InvalidParts(json!([text]));
        if is_served(record) {
            return Err(refuse("This entry has a voucher already.".to_owned()));
        }
        let id = reference(record, "id").unwrap_or_default();
        let entry = Entry { id, wish: wish(record), email: word(record, "email"), locale: word(record, "locale") };
        let (event, now) = (ground.event(), ground.now());
        let served = waiting_list::serve(ground.lock(), event, &entry, ground.ctx.codes(), now).await?;
        let voucher = served.map_err(|fault| refuse(format!("No voucher can be sent: {}.", fault.text())))?;
        let of_voucher = json!({ "item": entry.wish.item, "variation": entry.wish.variation, "block_quota": true });
        let log = |object, action| record::log(ground.tx, ground.scope, object, action, &of_voucher, now);
        log(("voucher", voucher.0), "pretix.voucher.added").await?;
        log((ENTRIES.object, id), "pretix.event.orders.waitinglist.voucher_assigned").await?;
        Ok(StatusCode::NO_CONTENT)
    }
}
