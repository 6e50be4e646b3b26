//! Orders in the REST API (spec rest-api 9): list, detail, and what can be done to one.

mod actions;
mod address;
mod answers;
mod attendee;
mod blocks;
mod carts;
mod change;
mod create;
mod download;
mod fields;
mod file;
pub(in crate::endpoint) mod json;
mod money;
mod organizer;
mod patch;
mod positions;
pub mod print;
pub(in crate::endpoint) mod query;
mod reader;
mod secrets;

use self::json::{Extra, order_json, problem_json};
use crate::{
    ctx::Ctx,
    endpoint::api::segments,
    event::Event,
    http::{self, ApiError},
    mail::feedback,
    order::{self, Order},
    port::db::Query,
    staff::{Permission, Staff},
};
use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};

/// Answers every order route: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = segments(&request);
    match (request.method(), &path[4..]) {
        (&Method::GET, ["orders"]) => return organizer::orders(ctx, request).await,
        (&Method::GET, ["orderpositions"]) => return organizer::positions(ctx, request).await,
        (&Method::GET, ["transactions"] | ["events", _, "transactions"]) => {
            return organizer::transactions(ctx, request).await;
        }
        (_, ["events", _, "cartpositions"] | ["events", _, "cartpositions", _]) => {
            return carts::handle(ctx, request).await;
        }
        (&Method::GET, ["events", _, "revokedsecrets"]) => return secrets::revoked(ctx, request).await,
        (&Method::GET, ["events", _, "blockedsecrets"]) => return blocks::list(ctx, request).await,
        (&Method::POST, ["events", _, "orderpositions", _, "add_block"]) => {
            return blocks::change(ctx, request, true).await;
        }
        (&Method::POST, ["events", _, "orderpositions", _, "remove_block"]) => {
            return blocks::change(ctx, request, false).await;
        }
        (&Method::POST, ["events", _, "orderpositions", _, "printlog"]) => return print::add(ctx, request).await,
        (&Method::POST, ["events", _, _, _, "regenerate_secrets"]) => return secrets::regenerate(ctx, request).await,
        _ => {}
    }
    if let (&Method::GET, ["events", _, "orderpositions", _, "answer", _]) = (request.method(), &path[4..]) {
        return file::show(ctx, request).await;
    }
    if path.get(8) == Some(&"download") {
        return download::show(ctx, request).await;
    }
    if path.get(6) == Some(&"orderpositions") {
        return match (request.method(), path.len()) {
            (&Method::GET, 7) => query::positions(ctx, request).await,
            (&Method::GET, 8) => query::position(ctx, request).await,
            (&Method::POST, 7) | (&Method::PATCH | &Method::DELETE, 8) => positions::write(ctx, request).await,
            _ => Err(ApiError::MethodNotAllowed),
        };
    }
    if matches!(path.get(8), Some(&("payments" | "refunds"))) {
        return money::handle(ctx, request).await;
    }
    let one = http::path(&request, "code").is_ok();
    match (request.method(), one, actions::Action::of(request.raw_http_path())) {
        (&Method::GET, false, None) => query::orders(ctx, request).await,
        (&Method::PATCH, true, None) => patch::patch(ctx, request).await,
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

async fn find(q: &impl Query, event: &Event, request: &Request) -> Result<Order, ApiError> {
    order::by_code(q, event, &http::path(request, "code")?).await?.ok_or(ApiError::NotFound)
}

/// One order.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let order = find(&*db, &event, &request).await?;
    let problems = feedback::sql::of_order(&*db, event.id, order.id).await?;
    let extra = Extra::of_event(ctx, &*db, &event).await?.asked_by(&request);
    let mut body = order_json(ctx, &event, &order, &extra);
    query::add_history(&*db, event.id, query::positions_of(&mut body).collect(), None).await?;
    let mut body = query::trimmed(&request, body);
    body["mail_problems"] = problems.iter().map(problem_json).collect();
    Ok(http::json(StatusCode::OK, &body))
}
