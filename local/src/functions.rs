//! The shop's functions as the stack runs them. The only place that knows the tables of routes and workers.

use std::sync::Arc;

use shop::{
    config::Config,
    ctx::Ctx,
    routes::{self, ROUTES},
};

use crate::gateway::{Entry, pool::Pool};

/// The memory of one sandbox; sandboxes live as long as the process.
pub type Sandbox = &'static Ctx;

/// A cold sandbox.
pub fn sandbox(config: &Config) -> Sandbox {
    Box::leak(Box::new(Ctx::new(config.clone())))
}

/// Every route of the shop, run in the sandboxes of `pool`.
pub fn entries(pool: &Arc<Pool<Sandbox>>) -> Vec<Entry> {
    let entries = ROUTES.iter().map(|route| {
        let pool = pool.clone();
        Entry {
            method: route.method,
            path: route.path,
            function: Arc::new(move |request| {
                let pool = pool.clone();
                Box::pin(async move {
                    let lease = pool.take().await?;
                    Ok(routes::answer(lease.sandbox, route, request).await)
                })
            }),
        }
    });
    entries.collect()
}
