//! Public files that nothing shows any more: noted with what takes them away, removed after the commit.
//!
//! A key comes from what is in the file, so a file may be wanted again while it waits to be removed. Whoever publishes one
//! calls [`keep`] before it is written; a removal holds its note until the file is gone, so the two never cross.

pub mod sql;

use crate::{
    ctx::Ctx,
    port::db::{DbError, Query},
    worker::WorkError,
};

/// Removes files that were noted. What cannot be removed now stays noted, for the job that sweeps.
pub async fn remove(ctx: &Ctx, keys: &[&str]) {
    for key in keys {
        if let Err(error) = remove_one(ctx, key).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a file is removed later");
        }
    }
}

/// Removes what is left, up to `max` files. One that cannot be removed is no other's trouble.
///
/// # Errors
///
/// The last failure, after all were tried.
pub async fn sweep(ctx: &Ctx, max: i64) -> Result<(), WorkError> {
    let keys = sql::waiting(&*ctx.db().await?, max).await?;
    let mut failed = None;
    for key in keys {
        if let Err(error) = remove_one(ctx, &key).await {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The transaction is open while the bucket is asked: it holds nothing but the note of this file.
async fn remove_one(ctx: &Ctx, key: &str) -> Result<(), WorkError> {
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let removed = async {
        if sql::take(&tx, key).await? {
            ctx.media().await.delete(key).await?;
        }
        Ok::<_, WorkError>(())
    }
    .await;
    tx.finish(removed).await
}

/// These files are about to be written: they are not to be removed.
///
/// # Errors
///
/// Those of the database.
pub async fn keep(q: &impl Query, keys: &[&str]) -> Result<(), DbError> {
    sql::keep(q, keys).await
}
