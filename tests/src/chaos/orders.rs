//! Paid orders, made by the shop's own function.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http::Method;
use lambda_http::{Body, RequestExt as _};
use serde_json::json;
use shop::{
    ctx::Ctx,
    routes::{self, ROUTES},
};
use tokio::task::JoinHandle;

use super::{Failure, stack::Stack};

/// Every so many orders come from a sandbox that never sends a message.
const CUT_OFF_EVERY: u64 = 10;

/// Orders that are being made.
pub struct Making {
    made: Arc<AtomicU64>,
    task: JoinHandle<Result<(), Failure>>,
}

impl Making {
    /// How many there are.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Whether no more come.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for the last one.
    pub async fn end(self) -> Result<(), Failure> {
        self.task.await?
    }
}

/// Makes orders, one after the other.
pub fn make(stack: &Stack, count: u64) -> Making {
    let made = Arc::new(AtomicU64::new(0));
    let (counter, ctx, cut_off) = (made.clone(), stack.ctx, stack.cut_off);
    let (token, item) = (stack.token.clone(), stack.item);
    let task = tokio::spawn(async move {
        for number in 1..=count {
            let from = if number.is_multiple_of(CUT_OFF_EVERY) { cut_off } else { ctx };
            create(from, &token, item, number).await?;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    });
    Making { made, task }
}

async fn create(ctx: &'static Ctx, token: &str, item: i64, number: u64) -> Result<(), Failure> {
    let path = "/api/v1/organizers/org/events/gig/orders/";
    let body = json!({
        "email": format!("buyer{number}@example.org"), "locale": if number.is_multiple_of(2) { "en" } else { "de" }, "status": "p",
        "payment_provider": "manual", "send_email": true, "positions": [{"item": item, "attendee_name": "Ada Lovelace"}]
    });
    let parameters =
        [("organizer", "org"), ("event", "gig")].map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    let request = http::Request::builder().method(Method::POST).uri(path);
    let request = request.header("content-type", "application/json").header("authorization", format!("Token {token}"));
    let request = request.body(Body::Text(body.to_string()))?;
    let request = request.with_path_parameters(HashMap::from(parameters)).with_raw_http_path(path);
    let route = ROUTES
        .iter()
        .find(|route| route.name == "api_orders" && route.method == "POST" && route.path.ends_with("/orders/"));
    let response = routes::answer(ctx, route.ok_or("no route")?, request).await;
    if response.status() == http::StatusCode::CREATED {
        return Ok(());
    }
    Err(format!("order {number} was not made: {} {:?}", response.status(), response.body()).into())
}
