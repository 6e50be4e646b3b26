//! Orders in the REST API (spec rest-api 9): list, detail, and marking as paid.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Value, json};

use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event::Event,
    http::{self, ApiError},
    order::{self, Filter, Order, OrderStatus, PayError, Payment, Position},
    port::db::Query,
    staff::{Permission, Staff},
    time::Timestamp,
};

/// Answers every order route: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let one = http::path(&request, "code").is_ok();
    match (request.method(), one, request.raw_http_path().ends_with("/mark_paid/")) {
        (&Method::GET, false, false) => list(ctx, request).await,
        (&Method::GET, true, false) => show(ctx, request).await,
        (&Method::POST, true, true) => mark_paid(ctx, request).await,
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
    Ok(http::json(StatusCode::OK, &order_json(ctx, &event, &order)))
}

/// Marks an order as paid and sends the mail with the tickets (spec rest-api 9.5).
pub async fn mark_paid(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let send_email = read_send_email(&request)?;
    let order = find(&*db, &event, &request).await?;
    let catalogue = Catalogue::load(&*db, &event).await?;
    let tx = db.begin().await?;
    let paid = order::mark_paid(&tx, &staff, &event, &catalogue, &order, send_email, ctx.now()).await;
    let outgoing = tx.finish(paid).await.map_err(|error| match error {
        PayError::Db(error) => error.into(),
        refused => ApiError::BadRequest(format!("{refused}.")),
    })?;
    let order = find(&*db, &event, &request).await?;
    drop(db);
    tracing::info!(event.id = event.id.0, order.code = order.code, "Order {} paid", order.code);
    outgoing.of(event.organizer.id).dispatch(ctx).await;
    Ok(http::json(StatusCode::OK, &order_json(ctx, &event, &order)))
}

/// `{"send_email": bool}`, true when it is not said.
fn read_send_email(request: &Request) -> Result<bool, ApiError> {
    if request.body().is_empty() {
        return Ok(true);
    }
    let body: Value = serde_json::from_slice(request.body())
        .map_err(|error| ApiError::BadRequest(format!("JSON parse error - {error}")))?;
    let Value::Object(fields) = body else {
        return Err(ApiError::field("non_field_errors", "Invalid data. Expected an object."));
    };
    match fields.get("send_email") {
        None => Ok(true),
        Some(Value::Bool(send)) => Ok(*send),
        Some(_) => Err(ApiError::field("send_email", "Must be true or false.")),
    }
}

/// An order in the dialect of the API (spec rest-api 9.1). Parts that the shop does not have yet are empty.
fn order_json(ctx: &Ctx, event: &Event, order: &Order) -> Value {
    let confirmed = order.payments.iter().rev().find_map(|payment| payment.confirmed_at);
    json!({
        "code": order.code,
        "event": event.slug,
        "status": order.status.code(),
        "testmode": order.testmode,
        "secret": order.secret,
        "email": order.email,
        "phone": order.phone,
        "customer": null,
        "locale": order.locale,
        "datetime": order.created_at.to_string(),
        "expires": order.expires_at.to_string(),
        "payment_date": confirmed.map(|moment| moment.in_zone(&event.timezone).date().to_string()),
        "payment_provider": order.payments.last().map(|payment| payment.provider.as_str()),
        "fees": [],
        "total": order.total.to_decimal(),
        "tax_rounding_mode": "line",
        "comment": order.comment,
        "custom_followup_at": null,
        "invoice_address": null,
        "positions": order.live_positions().map(|position| position_json(order, position)).collect::<Vec<_>>(),
        "downloads": [],
        "checkin_attention": false,
        "checkin_text": null,
        "last_modified": order.modified_at.to_string(),
        "payments": order.payments.iter().map(payment_json).collect::<Vec<_>>(),
        "refunds": [],
        "require_approval": false,
        "sales_channel": order.sales_channel,
        "url": format!("{}{}", ctx.config().public_url, order.path(event)),
        "valid_if_pending": false,
        "api_meta": {},
        "cancellation_date": null,
        "plugin_data": {},
    })
}

fn position_json(order: &Order, position: &Position) -> Value {
    let answers: Vec<Value> =
        position.answers.iter().map(|(question, answer)| json!({ "question": question, "answer": answer })).collect();
    json!({
        "id": position.id,
        "order": order.code,
        "positionid": position.number,
        "item": position.product.item,
        "variation": position.product.variation,
        "price": position.price.to_decimal(),
        "attendee_name": position.attendee.name,
        "attendee_email": position.attendee.email,
        "company": position.attendee.company,
        "voucher": null,
        "tax_rate": position.tax_rate.to_percent(),
        "tax_value": position.tax.to_decimal(),
        "secret": position.secret,
        "addon_to": null,
        "subevent": null,
        "checkins": [],
        "downloads": [],
        "answers": answers,
        "pseudonymization_id": position.pseudonymization_id,
        "seat": null,
        "canceled": position.canceled,
        "valid_from": null,
        "valid_until": null,
        "blocked": null,
    })
}

fn payment_json(payment: &Payment) -> Value {
    json!({
        "local_id": payment.number,
        "state": payment.state.code(),
        "amount": payment.amount.to_decimal(),
        "created": payment.created_at.to_string(),
        "payment_date": payment.confirmed_at.map(|moment| moment.to_string()),
        "provider": payment.provider,
        "details": {},
    })
}
