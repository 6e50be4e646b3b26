//! Orders in the REST API (spec rest-api 9): list, detail, and what can be done to one.

mod actions;
mod create;
mod fields;
mod json;

use self::json::{order_json, problem_json};
use crate::{
    ctx::Ctx,
    event::Event,
    http::{self, ApiError},
    mail::feedback,
    order::{self, Filter, Order, OrderStatus},
    port::db::Query,
    staff::{Permission, Staff},
    time::Timestamp,
};
use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::json;

/// Answers every order route: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let one = http::path(&request, "code").is_ok();
    match (request.method(), one, actions::Action::of(request.raw_http_path())) {
        (&Method::GET, false, None) => list(ctx, request).await,
        (&Method::POST, false, None) => create::create(ctx, request).await,
        (&Method::GET, true, None) => show(ctx, request).await,
        (&Method::POST, true, Some(action)) => actions::take(ctx, request, action).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

async fn authorise(request: &Request, q: &impl Query, permission: Permission) -> Result<(Staff, Event), ApiError> {
    let (organizer, event) = (http::path(request, "organizer")?, http::path(request, "event")?);
    Staff::authorise(request, q, &organizer, &event, permission).await
}

/// Default and largest page (spec rest-api 0.2).
const PAGE_SIZE_MAX: i64 = 50;

/// Parameters that the list understands.
const PARAMETERS: [&str; 10] = [
    "status",
    "email",
    "code",
    "testmode",
    "locale",
    "sales_channel",
    "created_since",
    "created_before",
    "modified_since",
    "ordering",
];
/// Parameters of the dialect that would change the list, but not yet here: refused, so that nobody takes all orders
/// for the chosen ones. `false` asks for what is done anyway.
const PARAMETERS_TO_COME: [&str; 14] = [
    "require_approval",
    "customer",
    "payment_provider",
    "item",
    "variation",
    "subevent",
    "subevent_after",
    "subevent_before",
    "search",
    "include_canceled_positions",
    "include_canceled_fees",
    "pdf_data",
    "include",
    "exclude",
];

/// A parameter that is not empty.
fn parameter(request: &Request, name: &str) -> Option<String> {
    http::query(request, name).filter(|value| !value.is_empty())
}

fn read_filter(request: &Request) -> Result<Filter, ApiError> {
    let asked = |name: &&str| parameter(request, name).is_some_and(|value| value != "false");
    if let Some(name) = PARAMETERS_TO_COME.into_iter().find(asked) {
        return Err(ApiError::field(name, "This filter is not available."));
    }
    let status = parameter(request, "status").map(|code| {
        OrderStatus::parse(&code.to_ascii_lowercase())
            .map_err(|_| ApiError::field("status", "Allowed are n, p, e and c."))
    });
    let testmode = parameter(request, "testmode").map(|value| {
        value.to_ascii_lowercase().parse().map_err(|_| ApiError::field("testmode", "Allowed are true and false."))
    });
    let moment = |name: &str| {
        // A plus sign that was not encoded arrives as a space.
        let read = |text: String| Timestamp::parse(&text.replace(' ', "+"));
        let wrong = || ApiError::field(name, "Enter a date and time with a zone, such as 2026-12-27T10:00:00Z.");
        parameter(request, name).map(|text| read(text).ok_or_else(wrong)).transpose()
    };
    Ok(Filter {
        status: status.transpose()?,
        email: parameter(request, "email"),
        code: parameter(request, "code"),
        testmode: testmode.transpose()?,
        locale: parameter(request, "locale"),
        sales_channel: parameter(request, "sales_channel"),
        created_since: moment("created_since")?,
        created_before: moment("created_before")?,
        modified_since: moment("modified_since")?,
        newest_first: parameter(request, "ordering").is_some_and(|order| order == "-datetime"),
    })
}

/// One page of orders, the oldest first.
pub async fn list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let number = |name: &str, default: i64| match parameter(&request, name) {
        None => Ok(default),
        Some(text) => text.parse().ok().filter(|number| *number >= 1).ok_or(ApiError::InvalidPage),
    };
    let size = number("page_size", PAGE_SIZE_MAX)?.min(PAGE_SIZE_MAX);
    let page = number("page", 1)?;
    let filter = read_filter(&request)?;
    let offset = (page - 1).saturating_mul(size);
    let (orders, count) = order::list(&*db, &event, &filter, offset, size).await?;
    if page > 1 && offset >= count {
        return Err(ApiError::InvalidPage);
    }
    let address = |page: i64| {
        let pairs = [("page_size", Some(size.to_string())), ("page", Some(page.to_string()))];
        let filters = PARAMETERS.map(|name| (name, parameter(&request, name)));
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in filters.into_iter().chain(pairs) {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        format!("{}{}?{}", ctx.config().public_url, request.raw_http_path(), query.finish())
    };
    let body = json!({
        "count": count,
        "next": (offset + size < count).then(|| address(page + 1)),
        "previous": (page > 1).then(|| address(page - 1)),
        "results": orders.iter().map(|order| order_json(ctx, &event, order)).collect::<Vec<_>>(),
    });
    Ok(http::json(StatusCode::OK, &body))
}

async fn find(q: &impl Query, event: &Event, request: &Request) -> Result<Order, ApiError> {
    order::by_code(q, event, &http::path(request, "code")?).await?.ok_or(ApiError::NotFound)
}

/// One order.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let order = find(&*db, &event, &request).await?;
    let problems = feedback::sql::of_order(&*db, event.id, order.id).await?;
    let mut body = order_json(ctx, &event, &order);
    body["mail_problems"] = problems.iter().map(problem_json).collect();
    Ok(http::json(StatusCode::OK, &body))
}
