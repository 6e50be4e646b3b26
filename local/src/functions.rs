//! The shop's functions as the stack runs them. The only place that knows the tables of routes and workers.

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use shop::{
    config::Config,
    ctx::Ctx,
    port::queue::Queue,
    routes::{self, ROUTES},
    worker,
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

/// Hands a batch to the worker function of a queue.
pub async fn work(sandbox: Sandbox, queue: Queue, event: SqsEvent) -> SqsBatchResponse {
    let worker = worker::WORKERS.iter().find(|worker| worker.queue == queue);
    worker::run(sandbox, worker.expect("every queue has a worker; a test compares the tables"), event).await
}
