//! Check-in in the REST API (spec rest-api 10): lists, who is on them, scanning, and every attempt.

mod expand;
mod people;
mod redeem;

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use self::expand::Expansion;
use super::{
    api::{
        Around, Caller,
        field::{self, Field, Kind},
        list::{Filter, Page, Wanted, read_filters},
        number,
        read::Faults,
        resource::{self, Ground, Resource},
        segments,
    },
    api_orders::query::trimmed,
};
use crate::{
    checkin::{
        guests, rules,
        sql::{self, ATTEMPT_TABLE, CHECKIN_LISTS},
    },
    ctx::Ctx,
    event::{self, Event, Localized},
    http::{self, ApiError},
    i18n::Lang,
    port::db::{DbError, Query},
    record::{self, Record, Table, Target, flag, reference, references},
    staff::{Permission, Scope},
    time::Timestamp,
};

/// Answers every route of check-in: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = segments(&request);
    match (request.method(), &path[4..]) {
        (&Method::POST, ["checkinrpc", "redeem"]) => redeem::by_secret(ctx, request).await,
        (&Method::POST, ["checkinrpc", "annul"]) => redeem::annul(ctx, request).await,
        (&Method::GET, ["checkinrpc", "search"]) => people::search(ctx, request).await,
        (&Method::GET, ["events", _, "checkins"]) => attempts(ctx, request).await,
        (&Method::GET, ["events", _, _, _, "status"]) => status(ctx, request).await,
        (&Method::GET, ["events", _, _, _, "positions"]) => people::on_list(ctx, request).await,
        (&Method::POST, ["events", _, _, _, "failed_checkins"]) => redeem::failed(ctx, request).await,
        (&Method::POST, ["events", _, _, _, "positions", _, "redeem"]) => redeem::at_list(ctx, request).await,
        (_, ["events", _, _] | ["events", _, _, _]) => resource::handle::<Lists>(ctx, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// Check-in lists of an event.
pub struct Lists;

impl Resource for Lists {
    const KEY: &'static str = "checkinlist";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Text(190)).required(),
        Field::new("all_products", Kind::Flag).default("true"),
        Field::new("limit_products", Kind::Refs(Target::Item)),
        Field::new("subevent", Kind::Ref(Target::Date)).column("subevent_id").null(),
        Field::new("checkin_count", Kind::Number(0, i64::MAX)).read_only(),
        Field::new("position_count", Kind::Number(0, i64::MAX)).read_only(),
        Field::new("include_pending", Kind::Flag),
        Field::new("allow_multiple_entries", Kind::Flag),
        Field::new("allow_entry_after_exit", Kind::Flag).default("true"),
        Field::new("rules", Kind::Json),
        Field::new("exit_all_at", Kind::Fixed("null")),
        Field::new("addon_match", Kind::Flag),
        Field::new("ignore_in_statistics", Kind::Flag),
        Field::new("consider_tickets_used", Kind::Flag).default("true"),
    ];
    const TABLE: &'static Table = &CHECKIN_LISTS;
    const READ: Permission = Permission::CheckinRead;
    const WRITE: Permission = Permission::EventWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.checkinlist.added", "pretix.event.checkinlist.changed", "pretix.event.checkinlist.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("subevent", Wanted::Number),
        Filter::new("subevent_match", Wanted::Number),
        Filter::new("ends_after", Wanted::Moment),
    ];
    const ORDERINGS: &'static [&'static str] = &["id", "name"];

    async fn complete(
        q: &impl Query,
        request: &Request,
        scope: Scope,
        told: &mut [Value],
        now: Timestamp,
    ) -> Result<(), DbError> {
        let expansion = Expansion::of(request);
        if expansion.wants("subevent")
            && let Some(event) = scope.event()
        {
            let around = Around::plain(&event::by_id(q, event).await?.ok_or(DbError::RowCount(0))?, now);
            expansion.apply(q, (scope, &around), told).await?;
        }
        told.iter_mut().for_each(|list| *list = trimmed(request, list.take()));
        Ok(())
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        if !ground.event().has_subevents && reference(draft, "subevent_id").is_some() {
            faults.add("subevent", "This event has no dates.");
        }
        if flag(draft, "all_products") && !references(draft, "limit_products").is_empty() {
            faults.add("limit_products", "This must be empty with all_products.");
        }
        if draft.get("rules").is_none_or(Value::is_null) {
            draft.insert("rules".to_owned(), json!({}));
        }
        if let Err(message) = draft.get("rules").map_or(Ok(()), rules::check) {
            faults.add("rules", message);
        }
        Ok(())
    }
}

/// The event of a path, and the number of its list.
async fn at_list_of_path(
    ctx: &Ctx,
    request: &Request,
    permission: Permission,
) -> Result<(Caller, Event, i64), ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(request, &*db, permission).await?;
    let id = number(request, Lists::KEY)?;
    let event = caller.event.clone().ok_or(ApiError::NotFound)?;
    let found = sql::lists(&*db, caller.organizer.id, &vec![id]).await?;
    if !found.iter().any(|(list, _)| list.event == event.id) {
        return Err(ApiError::NotFound);
    }
    Ok((caller, event, id))
}

async fn status(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (caller, event, id) = at_list_of_path(ctx, &request, Permission::CheckinRead).await?;
    let db = ctx.db().await?;
    let lists = sql::lists(&*db, caller.organizer.id, &vec![id]).await?;
    let (list, _) = lists.first().ok_or(ApiError::NotFound)?;
    let rows = guests::status(&*db, list).await?;
    let mut items: Vec<Value> = Vec::new();
    let (mut sums, mut inside) = ([0_i64; 2], 0_i64);
    for row in &rows {
        let counts = [row.get::<i64>("checkins")?, row.get::<i64>("positions")?];
        inside += row.get::<i64>("inside")?;
        let item: i64 = row.get("item_id")?;
        if items.last().is_none_or(|last| last["id"] != item) {
            items.push(
                json!({ "id": item, "name": shown(&event, row.get("name")?), "admission": row.get::<bool>("admission")?,
                               "checkin_count": 0, "position_count": 0, "variations": [] }),
            );
        }
        let Some(told) = items.last_mut() else { continue };
        for (place, name) in ["checkin_count", "position_count"].into_iter().enumerate() {
            sums[place] += counts[place];
            told[name] = json!(told[name].as_i64().unwrap_or_default() + counts[place]);
        }
        if let (Some(variation), Some(list)) =
            (row.get::<Option<i64>>("variation_id")?, told["variations"].as_array_mut())
        {
            list.push(json!({ "id": variation, "value": shown(&event, row.get("value")?), "checkin_count": counts[0],
                              "position_count": counts[1] }));
        }
    }
    let body = json!({ "event": { "name": event.name.get(language(&event)) }, "checkin_count": sums[0],
                       "position_count": sums[1], "inside_count": inside, "items": items });
    Ok(http::json(StatusCode::OK, &body))
}

/// A name in the language of the event.
fn shown(event: &Event, name: Option<Value>) -> Option<String> {
    let name: Localized = serde_json::from_value(name?).ok()?;
    Some(name.get(language(event)).to_owned())
}

const ATTEMPT_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)),
    Field::new("successful", Kind::Flag),
    Field::new("error_reason", Kind::Text(190)).null(),
    Field::new("error_explanation", Kind::Text(1000)).null(),
    Field::new("position", Kind::Number(1, i64::MAX)).column("position_id").null(),
    Field::new("datetime", Kind::Moment),
    Field::new("list", Kind::Number(1, i64::MAX)).column("list_id"),
    Field::new("created", Kind::Moment).column("created_at"),
    Field::new("auto_checked_in", Kind::Flag),
    Field::new("gate", Kind::Fixed("null")),
    Field::new("device", Kind::Number(1, i64::MAX)).column("device_id").null(),
    Field::new("device_id", Kind::Number(1, i64::MAX)).column("device_number").null(),
    Field::new("type", Kind::Choice(&["entry", "exit"])),
];
const ATTEMPT_FILTERS: &[Filter] = &[
    Filter::new("successful", Wanted::Flag),
    Filter::new("error_reason", Wanted::Text),
    Filter::new("list", Wanted::Number),
    Filter::new("type", Wanted::Lower(&["entry", "exit"])),
    Filter::new("device", Wanted::Number),
    Filter::new("auto_checked_in", Wanted::Flag),
    Filter::new("created_since", Wanted::Moment),
    Filter::new("created_before", Wanted::Moment),
    Filter::new("datetime_since", Wanted::Moment),
    Filter::new("datetime_before", Wanted::Moment),
];

async fn attempts(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::OrdersRead).await?;
    let around = caller.around(ctx, &*db, ATTEMPT_FIELDS, ctx.now()).await?;
    let page = Page::read(&request)?;
    let part = page.part(&request, read_filters(&request, ATTEMPT_FILTERS, &around)?, &["id", "datetime"]);
    let (found, total) = record::list(&*db, &ATTEMPT_TABLE, caller.scope, &part).await?;
    page.answer(ctx, &request, total, found.iter().map(|it| field::show(ATTEMPT_FIELDS, it, &around)).collect())
}

fn language(event: &Event) -> Lang {
    Lang::parse(event.settings.locale()).unwrap_or_default()
}
