//! Workers: SQS messages in, effects out. One function per queue.

pub mod background;
mod backoff;
pub mod checkout;
pub mod default;
pub mod mail;
pub mod notifications;
mod publish;
mod tally;

use std::{pin::Pin, time::Duration};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::LambdaEvent;
use tally::Tally;
use tracing::Instrument as _;

use crate::{
    config::Config,
    ctx::Ctx,
    export::MakeError,
    http::ApiError,
    outbox::{Envelope, Job, Message},
    port::{db::DbError, mailer::MailError, media::MediaError, queue::Queue},
    ticket::RenderError,
    trace,
    upload::picture::PictureError,
};

/// Why a message was not handled. It stays in the queue and comes again.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The bucket.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The mail server.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The ticket.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The export.
    #[error(transparent)]
    Export(#[from] MakeError),
    /// A page.
    #[error("a page was not made")]
    Page(#[source] ApiError),
    /// The picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A message that this worker does not know: it ends in the dead-letter queue.
    #[error("a message of another queue or version")]
    Unknown,
}

/// What became of a message that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// What it asks for is done.
    Handled,
    /// It was done before: this is a copy.
    Duplicate,
}

/// What handles one message.
pub type Handler = fn(&'static Ctx, Envelope) -> Pin<Box<dyn Future<Output = Result<Done, WorkError>> + Send>>;

/// One worker function.
pub struct Worker {
    /// Name of the function and of its bin.
    pub name: &'static str,
    /// The queue it serves.
    pub queue: Queue,
    /// Most messages in one invocation.
    pub batch_max: u16,
    /// Most invocations at a time: what the queue may take from the database and the mail server.
    pub concurrency_max: u16,
    /// What it does with a message.
    pub handler: Handler,
}

macro_rules! worker {
    ($name:literal, $queue:ident, $batch_max:literal, $concurrency_max:literal, $handler:path) => {
        Worker {
            name: $name,
            queue: Queue::$queue,
            batch_max: $batch_max,
            concurrency_max: $concurrency_max,
            handler: |ctx, envelope| Box::pin($handler(ctx, envelope)),
        }
    };
}

/// All workers. Read by the local stack and tests, never by a bin.
pub const WORKERS: &[Worker] = &[
    worker!("worker_checkout", Checkout, 1, 10, checkout::handle),
    worker!("worker_mail", Mail, 10, 5, mail::handle),
    // Three receivers that say nothing must not cost more than the time of one invocation.
    worker!("worker_notifications", Notifications, 3, 10, notifications::handle),
    worker!("worker_background", Background, 1, 2, background::handle),
    worker!("worker_default", Default, 5, 10, default::handle),
];

/// A periodic job and how often the scheduler sends it to the background queue.
pub struct Schedule {
    /// Name of the schedule in infra.
    pub name: &'static str,
    /// The job.
    pub job: Job,
    /// Time between two runs.
    pub every: Duration,
}

impl Schedule {
    /// The message that the scheduler sends.
    pub fn body(&self) -> String {
        Envelope::unrecorded(Message::Periodic { job: self.job }).body()
    }
}

/// All schedules.
pub const SCHEDULES: &[Schedule] = &[
    Schedule { name: "relay_outbox", job: Job::RelayOutbox, every: Duration::from_secs(60) },
    Schedule { name: "expire_orders", job: Job::ExpireOrders, every: Duration::from_secs(60) },
    Schedule { name: "requeue_mails", job: Job::RequeueMails, every: Duration::from_secs(60) },
    Schedule { name: "requeue_webhooks", job: Job::RequeueWebhooks, every: Duration::from_secs(60) },
    Schedule { name: "keep_words", job: Job::KeepWords, every: Duration::from_secs(60) },
    Schedule { name: "publish_shops", job: Job::PublishShops, every: Duration::from_secs(300) },
    Schedule { name: "sweep", job: Job::Sweep, every: Duration::from_secs(3600) },
    Schedule { name: "audit_stock", job: Job::AuditStock, every: Duration::from_secs(3600) },
];

/// Handles a batch one message after the other and names those that must come again, each after its time.
pub async fn run_batch<F>(
    ctx: &'static Ctx,
    event: SqsEvent,
    handle: impl Fn(&'static Ctx, Envelope) -> F,
) -> SqsBatchResponse
where
    F: Future<Output = Result<Done, WorkError>>,
{
    let mut answer = SqsBatchResponse::default();
    let mut tally = Tally::default();
    let queue = event.records.first().and_then(queue_of);
    for record in event.records {
        tally.receive(&record, ctx.now());
        let outcome = match record.body.as_deref().and_then(Envelope::parse) {
            Some(envelope) => handle(ctx, envelope).await,
            None => Err(WorkError::Unknown),
        };
        match outcome {
            Ok(Done::Handled) => tally.handled += 1,
            Ok(Done::Duplicate) => tally.duplicates += 1,
            Err(error) => {
                tally.failed += 1;
                if let Some(queue) = queue {
                    put_back(ctx, queue, &record).await;
                }
                let message_id = record.message_id.unwrap_or_default();
                tracing::error!(message_id, error = &error as &dyn std::error::Error, "a message was not handled");
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message_id;
                answer.batch_item_failures.push(failure);
            }
        }
    }
    if let Some(queue) = queue {
        trace::metrics(&tally.metrics(queue, ctx.now()));
    }
    answer
}

/// The queue that a message came from: the last word of its ARN.
fn queue_of(record: &SqsMessage) -> Option<Queue> {
    Queue::parse(record.event_source_arn.as_deref()?.rsplit('-').next()?)
}

/// Lets a message that failed come again after its time, not after the queue's.
async fn put_back(ctx: &Ctx, queue: Queue, record: &SqsMessage) {
    let receives = u32::try_from(tally::attribute(record, "ApproximateReceiveCount")).unwrap_or_default();
    if let Some(receipt) = &record.receipt_handle {
        ctx.queues().await.put_back(queue, receipt, backoff::delay_seconds(queue, receives)).await;
    }
}

/// Runs a worker of the table on a batch.
pub async fn run(ctx: &'static Ctx, worker: &Worker, event: SqsEvent) -> SqsBatchResponse {
    run_batch(ctx, event, worker.handler).await
}

/// Runs a worker function. The whole body of such a bin.
pub fn serve<F>(handler: fn(&'static Ctx, Envelope) -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Done, WorkError>> + Send + 'static,
{
    trace::init();
    let ctx: &'static Ctx = Box::leak(Box::new(Ctx::new(Config::from_env()?)));
    let run = lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<SqsEvent>| {
        let span = trace::invocation(&event.context);
        // Boxed: the compiler gives up on what a worker awaits within what the runtime awaits.
        let batch = Box::pin(run_batch(ctx, event.payload, handler));
        async move { Ok::<_, std::convert::Infallible>(batch.await) }.instrument(span)
    }));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}
