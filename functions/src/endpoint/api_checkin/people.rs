//! Who is on lists (spec rest-api 10.1, 10.3).

use std::collections::BTreeMap;

use lambda_http::{Body, Request, RequestExt as _, Response};
use serde_json::{Value, json};

use super::expand::{Expansion, add_ons};
use crate::{
    checkin::{
        List,
        guests::{self, Listed},
        sql,
    },
    ctx::Ctx,
    endpoint::{
        api::{
            Around, Caller,
            list::{Filter, Page, Wanted, asks_for, read_filters},
        },
        api_orders::{
            json::{Extra, position_json},
            query::{add_history, around_event, trimmed},
        },
    },
    event::{self, Event},
    http::ApiError,
    id::OrderId,
    order::{self, Order},
    port::db::{Db, Query},
    staff::{self, Credential, Permission},
};

const FILTERS: &[Filter] = &[
    Filter::new("order", Wanted::Text),
    Filter::new("order__status", Wanted::Lower(&["n", "p", "e", "c"])),
    Filter::new("item", Wanted::Number),
    Filter::new("variation", Wanted::Number),
    Filter::new("subevent", Wanted::Number),
    Filter::new("secret", Wanted::Text),
    Filter::new("has_checkin", Wanted::Flag),
    Filter::new("search", Wanted::Text),
];
const ORDERINGS: &[&str] =
    &["attendee_name", "order__code", "order__datetime", "order__email", "positionid", "last_checked_in"];
/// Whoever may not see orders has to know this much of whom they look for.
const SEARCH_LENGTH_MIN: usize = 3;

/// A position as doors are told it, without who came in.
pub(super) fn told(event: &Event, order: &Order, id: i64, extra: &Extra) -> Option<Value> {
    let position = order.positions.iter().find(|position| position.id.0 == id)?;
    let mut told = position_json(event, order, position, extra);
    if told["attendee_name"].is_null() {
        let parent = position.parent.and_then(|parent| order.positions.iter().find(|it| it.id == parent));
        if let Some(name) = parent.and_then(|parent| parent.attendee.name.as_ref()) {
            told["attendee_name"] = json!(name);
            told["attendee_name_parts"] = json!({ "_scheme": "full", "full_name": name });
        }
    }
    told["order__status"] = json!(order.status.code());
    told["order__valid_if_pending"] = json!(order.valid_if_pending);
    told["order__require_approval"] = json!(order.require_approval);
    told["order__locale"] = json!(order.locale);
    Some(told)
}

/// One page of who is on the list of the path.
pub(super) async fn on_list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (caller, _, id) = super::at_list_of_path(ctx, &request, Permission::CheckinRead).await?;
    let mut db = ctx.db().await?;
    let credential = staff::authenticate(&request, &*db).await?;
    let lists = sql::lists(&*db, caller.organizer.id, &vec![id]).await?;
    let lists = lists.into_iter().map(|(list, _)| list).collect();
    page(ctx, &request, &caller, &credential, lists, &mut db).await
}

/// One page of who is on some lists of the organiser.
pub(super) async fn search(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::CheckinRead).await?;
    let credential = staff::authenticate(&request, &*db).await?;
    let said = request.query_string_parameters_ref().and_then(|parameters| parameters.all("list")).unwrap_or_default();
    let ids: Vec<i64> = said.iter().flat_map(|text| text.split(',')).filter_map(|text| text.parse().ok()).collect();
    if ids.is_empty() {
        return Err(ApiError::field("list", "This field is required."));
    }
    let lists = sql::lists(&*db, caller.organizer.id, &ids).await?;
    let is_ours = |list: &List| credential.includes(list.event);
    let lists: Vec<List> = lists.into_iter().map(|(list, _)| list).filter(is_ours).collect();
    let missing: Vec<String> =
        ids.iter().filter(|id| lists.iter().all(|list| list.id != **id)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        return Err(ApiError::Refused(format!("There is no access to these lists: {}.", missing.join(", "))));
    }
    page(ctx, &request, &caller, &credential, lists, &mut db).await
}

async fn page(
    ctx: &'static Ctx,
    request: &Request,
    caller: &Caller,
    credential: &Credential,
    lists: Vec<List>,
    db: &mut Db,
) -> Result<Response<Body>, ApiError> {
    let around: Around = caller.around(ctx, &*db, &[], ctx.now()).await?;
    let page = Page::read(request)?;
    let mut filter = read_filters(request, FILTERS, &around)?;
    filter.insert("ignore_status".to_owned(), json!(asks_for(request, "ignore_status")));
    let searched = filter.get("search").and_then(Value::as_str).map_or(0, |text| text.chars().count());
    if !credential.grants(Permission::OrdersRead) && searched < SEARCH_LENGTH_MIN {
        return page.answer(ctx, request, Some(0), Vec::new());
    }
    let part = page.part(request, filter, ORDERINGS);
    let (found, total) = guests::of_lists(db, &lists, &part).await?;
    let q = &*db;
    let mut by_event: BTreeMap<_, Vec<&Listed>> = BTreeMap::new();
    for listed in &found {
        by_event.entry(listed.event).or_default().push(listed);
    }
    let expansion = Expansion::of(request);
    let mut all: BTreeMap<(i64, i64), Value> = BTreeMap::new();
    for (id, listed) in by_event {
        let event = event::by_id(q, id).await?.ok_or(ApiError::NotFound)?;
        let extra = Extra::without_files(ctx.storefronts().catalogue(q, &event).await?, ctx.now()).asked_by(request);
        let mut of_event = of_event(q, &event, &listed, &extra, expansion.wants("addons")).await?;
        let channels = event::sales_channels(q, event.organizer.id).await?;
        let around = Around { channels, ..around_event(ctx, &event) };
        let (keys, mut told): (Vec<_>, Vec<_>) = std::mem::take(&mut of_event).into_iter().unzip();
        expansion.apply(q, (caller.scope.within(event.id), &around), &mut told).await?;
        all.extend(keys.into_iter().zip(told));
    }
    let told = found.iter().filter_map(|it| all.remove(&(it.list, it.position.0)));
    let told = told.map(|position| trimmed(request, position)).collect();
    page.answer(ctx, request, total, told)
}

async fn of_event(
    q: &impl Query,
    event: &Event,
    listed: &[&Listed],
    extra: &Extra,
    with_add_ons: bool,
) -> Result<BTreeMap<(i64, i64), Value>, ApiError> {
    let mut ids: Vec<OrderId> = listed.iter().map(|it| it.order).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders = order::list::in_order(q, event, &ids).await?;
    let mut lists: Vec<i64> = listed.iter().map(|it| it.list).collect();
    lists.sort_unstable();
    lists.dedup();
    let mut all = BTreeMap::new();
    for list in lists {
        let of_list = || listed.iter().filter(|it| it.list == list);
        let ids: Vec<i64> = of_list().map(|it| it.position.0).collect();
        let attention = sql::attention(q, event.id, &ids).await?;
        let mut told = Vec::new();
        for it in of_list() {
            let Some(order) = orders.iter().find(|order| order.id == it.order) else { continue };
            let Some(mut position) = self::told(event, order, it.position.0, extra) else { continue };
            position["require_attention"] = json!(attention.contains(&it.position.0));
            position["checkin_list"] = json!(list);
            if with_add_ons {
                position["addons"] = add_ons(event, order, it.position.0, extra);
            }
            told.push(position);
        }
        add_history(q, event.id, told.iter_mut().collect(), Some(list)).await?;
        all.extend(told.into_iter().filter_map(|position| Some(((list, position["id"].as_i64()?), position))));
    }
    Ok(all)
}
