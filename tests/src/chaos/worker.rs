//! A worker process: all queues, every message twice.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use local::poller;
use rand::RngExt as _;
use shop::{
    config::Config,
    ctx::Ctx,
    port::{clock::Clock, codes::Codes},
    time::Timestamp,
    worker::{self, WORKERS, Worker},
};

use super::Failure;

/// A clock that goes `times` as fast as others since `origin`. All processes of a run have the same time.
pub fn hurry(origin: Timestamp, times: u64) -> &'static Clock {
    let (real, clock): (_, &'static Clock) = (Clock::default(), Box::leak(Box::default()));
    tokio::spawn(async move {
        let mut ahead = 0;
        loop {
            let passed = origin.seconds_until(real.now().plus_seconds(1)) - 1;
            let wanted = passed.max(0) * i64::try_from(times.saturating_sub(1)).unwrap_or_default();
            clock.advance_seconds(wanted - ahead);
            ahead = wanted;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    clock
}

/// Serves every queue until it is killed.
pub async fn serve(origin: i64, times: u64) -> Result<(), Failure> {
    let config = Config::from_env()?;
    let clock = hurry(Timestamp::from_micros(origin), times);
    let sandbox = || -> &'static Ctx { Box::leak(Box::new(Ctx::with(config.clone(), clock, Codes::random()))) };
    let polls: Vec<_> = WORKERS.iter().map(|worker| tokio::spawn(poll([sandbox(), sandbox()], worker))).collect();
    for poll in polls {
        poll.await??;
    }
    Ok(())
}

/// Takes batches and has each handled by two sandboxes, one after the other or both at once. Only what both have
/// handled is deleted.
async fn poll(sandboxes: [&'static Ctx; 2], worker: &'static Worker) -> Result<(), Failure> {
    let queues = sandboxes[0].queues().await;
    let (client, url) = (queues.client(), queues.url(worker.queue));
    loop {
        let receive = client.receive_message().queue_url(&url).max_number_of_messages(worker.batch_max.into());
        let receive = receive.wait_time_seconds(1).message_system_attribute_names(MessageSystemAttributeName::All);
        let messages = receive.send().await?.messages.unwrap_or_default();
        if messages.is_empty() {
            continue;
        }
        let event = || poller::event(worker.queue, &messages);
        let (first, second) = (run(sandboxes[0], worker, event()), run(sandboxes[1], worker, event()));
        let answers = if rand::rng().random_bool(0.5) {
            <[_; 2]>::from(tokio::join!(first, second))
        } else {
            [first.await, second.await]
        };
        let failed = |id: &str| {
            let failures = answers.iter().flat_map(|answer| &answer.batch_item_failures);
            failures.into_iter().any(|failure| failure.item_identifier == id)
        };
        let handled = messages.iter().filter(|message| !failed(message.message_id().unwrap_or_default()));
        let entries = handled.enumerate().map(|(number, message)| {
            let handle = message.receipt_handle().unwrap_or_default();
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(handle).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        if !entries.is_empty() {
            client.delete_message_batch().queue_url(&url).set_entries(Some(entries)).send().await?;
        }
    }
}

async fn run(ctx: &'static Ctx, worker: &'static Worker, event: SqsEvent) -> SqsBatchResponse {
    worker::run(ctx, worker, event).await
}
