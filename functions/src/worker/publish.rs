//! Copies of shops for the edge: what a visitor sees when the shop itself cannot be reached (design: reads).

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::WorkError;
use crate::{
    ctx::Ctx,
    endpoint,
    event::{
        Event,
        snapshot::{self, Snapshot},
    },
    port::db::DbError,
    time::Timestamp,
    upload::removal,
};

/// A copy is made anew after this long.
const FRESH_SECONDS: i64 = 240;
/// Copies of one run.
const SHOPS_MAX: i64 = 500;
/// No copy begins later than this after the first: the worker has a minute.
const TIME: Duration = Duration::from_secs(30);

/// Makes the oldest copies anew, and removes those of shops that are closed.
pub(super) async fn shops(ctx: &'static Ctx, now: Timestamp) -> Result<(), WorkError> {
    let begun = Instant::now();
    // Not in the head of the loop: there the connection would be held until its end.
    let closed = snapshot::closed(&*ctx.db().await?, now, SHOPS_MAX).await?;
    let mut failed = None;
    for old in closed {
        // One shop must not keep the others from being copied.
        if let Err(error) = withdraw(ctx, &old).await {
            let id = old.event;
            tracing::error!(event.id = id.0, error = &error as &dyn std::error::Error, "the copy of a shop stays");
            failed = Some(error);
        }
    }
    let due = snapshot::due(&*ctx.db().await?, now, now.plus_seconds(-FRESH_SECONDS), SHOPS_MAX).await?;
    for (event, known) in due {
        if begun.elapsed() > TIME {
            break;
        }
        let id = event.id;
        if let Err(error) = publish(ctx, event, known, now).await {
            tracing::error!(event.id = id.0, error = &error as &dyn std::error::Error, "a shop could not be copied");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Removes the copy of a shop that is closed.
async fn withdraw(ctx: &Ctx, old: &Snapshot) -> Result<(), WorkError> {
    ctx.media().await.delete(&old.object_key).await?;
    Ok(snapshot::forget(&*ctx.db().await?, old.event).await?)
}

async fn publish(ctx: &'static Ctx, event: Event, known: Option<String>, now: Timestamp) -> Result<(), WorkError> {
    let (organizer, id) = (event.organizer.id, event.id);
    let object_key = format!("pub/shops/{}/{}/index.html", event.organizer.slug, event.slug);
    let html = endpoint::event::snapshot(ctx, &*ctx.db().await?, event, now).await.map_err(WorkError::Page)?;
    let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&html)[..15]);
    if known.as_ref() != Some(&hash) {
        removal::keep(&*ctx.db().await?, &[&object_key]).await?;
        let media = ctx.media().await;
        media.publish_for(&object_key, "text/html; charset=utf-8", html.into_bytes(), "public, max-age=60").await?;
    }
    let made = Snapshot { event: id, organizer, object_key, hash };
    let recorded = snapshot::record(&*ctx.db().await?, &made, now).await;
    if let Err(DbError::Constraint { .. }) = recorded {
        // The event was deleted meanwhile.
        ctx.media().await.delete(&made.object_key).await?;
        return Ok(());
    }
    Ok(recorded?)
}
