//! What was printed of tickets: programs and devices that print tell it (spec rest-api 9.7).

pub mod sql;

use serde_json::{Value, json};

use crate::{
    id::{EventId, PositionId},
    port::db::{DbError, Tx},
    record,
    staff::Scope,
    time::Timestamp,
};

/// What can be printed.
pub const TYPES: &[&str] = &["badge", "ticket", "certificate", "other"];

/// A print as it is told.
#[derive(Debug)]
pub struct Print<'a> {
    /// What of, one of [`TYPES`].
    pub kind: &'a str,
    /// What has printed it.
    pub source: &'a str,
    /// Whether something came out.
    pub successful: bool,
    /// When.
    pub at: Timestamp,
    /// What the program notes with it.
    pub info: &'a Value,
    /// The device that tells it, if it is one.
    pub device: Option<i64>,
}

/// Writes that something was printed, of a ticket that may have been cancelled since; `None` if there is no such ticket.
/// Returns it as the API tells it.
pub async fn add(
    tx: &Tx<'_>,
    scope: Scope,
    (event, position): (EventId, PositionId),
    print: &Print<'_>,
    now: Timestamp,
) -> Result<Option<Value>, DbError> {
    // The order first, as everybody takes them: devices that keep orders ask for those that have changed.
    let Some(order) = sql::touch_order(tx, event, position, now).await? else { return Ok(None) };
    let told = sql::insert(tx, event, position, print, now).await?;
    let data = json!({ "orderposition_id": position, "type": print.kind, "source": print.source,
                       "successful": print.successful });
    record::log(tx, scope, ("order", order.0), "pretix.event.order.print", &data, now).await?;
    Ok(Some(told))
}
