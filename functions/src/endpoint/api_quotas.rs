//! Quotas in the REST API (spec rest-api 5.4, domain 4).

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    Caller,
    field::{Field, Kind},
    list::{Filter, Wanted, asks_for},
    number,
    read::Faults,
    resource::{self, Ground, Resource},
    segments,
};
use crate::{
    boxoffice::{Availability, Quota},
    catalogue::edit::{self, sql::QUOTAS},
    ctx::Ctx,
    http::{self, ApiError},
    port::db::{DbError, Query},
    record::{self, Record, Table, Target, reference, references},
    staff::{Permission, Scope},
    time::Timestamp,
};

/// Answers every route of quotas: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), segments(&request).get(8).copied()) {
        (&Method::GET, Some("availability")) => availability(ctx, request).await,
        (_, Some(_)) => Err(ApiError::MethodNotAllowed),
        _ => resource::handle::<Quotas>(ctx, request).await,
    }
}

/// Quotas of an event.
pub struct Quotas;

impl Resource for Quotas {
    const KEY: &'static str = "quota";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Text(200)).required(),
        Field::new("size", Kind::Number(0, i32::MAX as i64)).null(),
        Field::new("items", Kind::Refs(Target::Item)),
        Field::new("variations", Kind::Refs(Target::Variation)),
        Field::new("subevent", Kind::Ref(Target::Date)).column("subevent_id").null(),
        Field::new("close_when_sold_out", Kind::Flag),
        Field::new("closed", Kind::Flag),
        Field::new("release_after_exit", Kind::Fixed("false")),
        Field::new("ignore_for_event_availability", Kind::Flag),
    ];
    const TABLE: &'static Table = &QUOTAS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.quota.added", "pretix.event.quota.changed", "pretix.event.quota.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("subevent", Wanted::Number),
        Filter::new("subevent__in", Wanted::Numbers),
        Filter::new("items__in", Wanted::Numbers),
    ];
    const ORDERINGS: &'static [&'static str] = &["id", "size"];
    const TELLS_CHANGES: bool = true;
    const IN_USE: &'static str = "This quota is in use and cannot be deleted.";

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let event = ground.event();
        match (event.has_subevents, reference(draft, "subevent_id")) {
            (true, None) => faults.add("subevent", "A date is needed in a series."),
            (false, Some(_)) => faults.add("subevent", "This event has no dates."),
            _ => {}
        }
        let (items, variations) = (references(draft, "items"), references(draft, "variations"));
        let known = edit::variations_of(ground.tx, event.id, &items).await?;
        let is_counted = |variation: &Option<i64>| variation.is_none_or(|id| variations.contains(&id));
        let counts: Vec<_> = known.iter().filter(|(_, variation)| is_counted(variation)).collect();
        if items.iter().any(|item| !counts.iter().any(|(counted, _)| counted == item)) {
            faults.add("variations", "One or more items has variations but none of these are in the variations list.");
        }
        if variations.iter().any(|id| !known.iter().any(|(_, variation)| *variation == Some(*id))) {
            faults.add("variations", "All variations must belong to an item contained in the items list.");
        }
        let counts: Vec<Value> =
            counts.iter().map(|(item, variation)| json!({ "item_id": item, "variation_id": variation })).collect();
        draft.insert("counts".to_owned(), json!(counts));
        Ok(())
    }

    async fn written(ground: &Ground<'_>, id: i64, draft: &Record, before: Option<&Record>) -> Result<(), ApiError> {
        let counted = |record: &Record| {
            let mut ids = [references(record, "items"), references(record, "variations")];
            ids.iter_mut().for_each(|ids| ids.sort_unstable());
            (ids, reference(record, "subevent_id"))
        };
        match before {
            Some(before) if counted(before) == counted(draft) => Ok(()),
            _ => Ok(record::recount(ground.lock(), Some(id)).await?),
        }
    }

    async fn complete(
        q: &impl Query,
        request: &Request,
        scope: Scope,
        told: &mut [Value],
        now: Timestamp,
    ) -> Result<(), DbError> {
        let Some(event) = scope.event().filter(|_| asks_for(request, "with_availability")) else { return Ok(()) };
        let ids = told.iter().filter_map(|quota| quota["id"].as_i64()).collect();
        for (id, quota) in edit::quota_uses(q, event, &ids, now).await? {
            let found = told.iter_mut().find(|it| it["id"] == id);
            if let Some(told) = found {
                let (available, number) = free(&quota);
                told["available"] = json!(available);
                told["available_number"] = json!(number);
            }
        }
        Ok(())
    }
}

/// Whether something can be had, and how much; null is without limit.
fn free(quota: &Quota) -> (bool, Option<i64>) {
    match quota.availability() {
        Availability::Ok(number) => (true, number),
        Availability::Gone | Availability::Ordered | Availability::Reserved => (false, Some(0)),
    }
}

/// Where the places of a quota are.
async fn availability(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Quotas::READ).await?;
    let id = number(&request, Quotas::KEY)?;
    let event = caller.scope.event().ok_or(ApiError::NotFound)?;
    let found = edit::quota_uses(&*db, event, &vec![id], ctx.now()).await?;
    let (_, quota) = found.first().ok_or(ApiError::NotFound)?;
    let (available, number) = free(quota);
    let body = json!({
        "paid_orders": quota.uses.paid,
        "pending_orders": quota.uses.pending,
        "exited_orders": 0,
        "blocking_vouchers": quota.uses.vouchers,
        "cart_positions": quota.uses.carts,
        "waiting_list": quota.uses.waiting,
        "available_number": number,
        "available": available,
        "total_size": quota.size,
    });
    Ok(http::json(StatusCode::OK, &body))
}
