//! What an event source mapping does: takes batches from a queue, calls its worker, deletes what was handled. What the
//! worker names as failed becomes visible again by itself, and in the end goes to the dead-letter queue.

use std::{collections::HashSet, time::Duration};

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::{
    error::DisplayErrorContext,
    types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName},
};
use shop::{
    port::queue::Queue,
    worker::{self, Worker},
};
use tokio::sync::watch;

use crate::functions::Sandbox;

/// How long one poll waits for a message.
const POLL_SECONDS: i32 = 20;
/// How long to leave a queue alone that cannot be asked.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Serves the queue of `worker` with one sandbox until `stopping` says so; a batch that was begun is finished.
pub async fn poll(sandbox: Sandbox, worker: &'static Worker, mut stopping: watch::Receiver<bool>) {
    let queue = worker.queue;
    let queues = sandbox.queues().await;
    let (client, url) = (queues.client(), queues.url(queue));
    loop {
        let receive = client
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(worker.batch_max.into())
            .wait_time_seconds(POLL_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let received = tokio::select! {
            received = receive.send() => received,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let messages = match received {
            Ok(answer) => answer.messages.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(queue = queue.name(), error = %DisplayErrorContext(&error), "the queue could not be polled");
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        };
        let handled = invoke(sandbox, worker, &messages).await;
        if handled.is_empty() {
            continue;
        }
        // A message that could not be deleted comes again; the worker knows what it has done.
        if let Err(error) = client.delete_message_batch().queue_url(&url).set_entries(Some(handled)).send().await {
            tracing::warn!(queue = queue.name(), error = %DisplayErrorContext(&error), "handled messages were not deleted");
        }
    }
}

/// Calls the worker; returns what is to be deleted.
async fn invoke(
    sandbox: Sandbox,
    worker: &'static Worker,
    messages: &[Message],
) -> Vec<DeleteMessageBatchRequestEntry> {
    if messages.is_empty() {
        return Vec::new();
    }
    // A task of its own, so that a panic is one failed invocation.
    let answer = match tokio::spawn(worker::run(sandbox, worker, event(worker.queue, messages))).await {
        Ok(answer) => answer,
        Err(panic) => {
            tracing::error!(queue = worker.queue.name(), %panic, "a worker panicked");
            return Vec::new();
        }
    };
    let failed: HashSet<String> = answer.batch_item_failures.into_iter().map(|item| item.item_identifier).collect();
    let handled =
        messages.iter().enumerate().filter(|(_, message)| !failed.contains(message.message_id().unwrap_or_default()));
    let entries = handled.map(|(number, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build().expect("id and handle are set")
    });
    entries.collect()
}

/// The event that a worker gets for messages of a queue.
pub fn event(queue: Queue, messages: &[Message]) -> SqsEvent {
    let (region, account, prefix) = (crate::sqs::REGION, crate::sqs::ACCOUNT, crate::sqs::NAME_PREFIX);
    let arn = format!("arn:aws:sqs:{region}:{account}:{prefix}{}", queue.name());
    let records = messages.iter().map(|message| {
        let mut record = SqsMessage::default();
        record.message_id = message.message_id.clone();
        record.receipt_handle = message.receipt_handle.clone();
        record.body = message.body.clone();
        record.md5_of_body = message.md5_of_body.clone();
        let attributes = message.attributes().into_iter().flatten();
        record.attributes = attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
        record.event_source = Some("aws:sqs".to_owned());
        record.event_source_arn = Some(arn.clone());
        record.aws_region = Some(region.to_owned());
        record
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}
