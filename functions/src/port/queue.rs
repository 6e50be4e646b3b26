//! The five queues (spec domain 27.1) over SQS.

use std::time::Duration;

use aws_sdk_sqs::{config::timeout::TimeoutConfig, types::SendMessageBatchRequestEntry};

use crate::config::Config;

/// A queue with a worker of its own, so that a slow mail server never slows a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// The asynchronous half of selling: expiry, mass changes.
    Checkout,
    /// Mail.
    Mail,
    /// Staff notifications and webhooks.
    Notifications,
    /// Periodic work.
    Background,
    /// The rest: ticket files.
    Default,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Checkout, Self::Mail, Self::Notifications, Self::Background, Self::Default];

    /// The name in URLs, infra and the outbox table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Mail => "mail",
            Self::Notifications => "notifications",
            Self::Background => "background",
            Self::Default => "default",
        }
    }

    /// The queue with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }
}

/// A message on its way into a queue.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its text.
    pub body: String,
    /// Whose it is. When one group has many messages waiting, SQS serves the others first, so that nobody waits for
    /// somebody else's rush; within a group there is no order.
    pub group: Option<String>,
}

/// Sends messages.
pub struct Queues {
    client: aws_sdk_sqs::Client,
    url_prefix: String,
    /// Whether messages say whose they are: SQS takes that on every queue, emulators only on FIFO ones.
    groups: bool,
}

/// How long one call may take: a buyer waits for it, and the relay exists for the rest.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that SQS holds a message back.
pub const DELAY_SECONDS_MAX: i64 = 900;
/// SQS takes at most ten messages in one call.
const BATCH_MAX: usize = 10;

impl Queues {
    /// A client; connects on first use.
    pub fn new(config: &Config) -> Self {
        let mut builder = aws_sdk_sqs::config::Builder::from(&super::aws::sdk_config(&config.aws));
        builder.set_endpoint_url(config.aws.endpoint_sqs.clone());
        // Receiving waits for messages to come, longer than other operations may take.
        builder.set_timeout_config(Some(TimeoutConfig::disabled()));
        Self {
            client: aws_sdk_sqs::Client::from_conf(builder.build()),
            url_prefix: config.queue_url_prefix.clone(),
            groups: config.aws.endpoint_sqs.is_none(),
        }
    }

    /// The address of a queue.
    pub fn url(&self, queue: Queue) -> String {
        format!("{}{}", self.url_prefix, queue.name())
    }

    /// The client itself, for the local stack and tests.
    pub fn client(&self) -> &aws_sdk_sqs::Client {
        &self.client
    }

    /// Keeps a message that was received away from workers for so many seconds. A failure is only logged: it comes again
    /// after the queue's own time.
    pub async fn put_back(&self, queue: Queue, receipt_handle: &str, seconds: i32) {
        let change = self.client.change_message_visibility().queue_url(self.url(queue)).receipt_handle(receipt_handle);
        let config = aws_sdk_sqs::config::Builder::default().timeout_config(super::aws::within(SEND_TIMEOUT));
        if let Err(error) = change.visibility_timeout(seconds).customize().config_override(config).send().await {
            tracing::warn!(queue = queue.name(), error = %aws_sdk_sqs::error::DisplayErrorContext(&error), "a message was not put back");
        }
    }

    /// Hands over a message that workers get after so many seconds, at most [`DELAY_SECONDS_MAX`]. A failure is only
    /// logged: whoever sends this way has something that looks again.
    pub async fn send_later(&self, queue: Queue, body: &str, seconds: i64) {
        let send = self.client.send_message().queue_url(self.url(queue)).message_body(body);
        let send = send.delay_seconds(i32::try_from(seconds.clamp(0, DELAY_SECONDS_MAX)).unwrap_or_default());
        let config = aws_sdk_sqs::config::Builder::default().timeout_config(super::aws::within(SEND_TIMEOUT));
        if let Err(error) = send.customize().config_override(config).send().await {
            tracing::warn!(queue = queue.name(), error = %aws_sdk_sqs::error::DisplayErrorContext(&error), "a message was not taken by the queue");
        }
    }

    /// Hands over messages; returns the indexes of those that the queue took.
    pub async fn send(&self, queue: Queue, bodies: &[String]) -> Vec<usize> {
        let messages: Vec<Outgoing> = bodies.iter().map(|body| Outgoing { body: body.clone(), group: None }).collect();
        self.send_all(queue, &messages).await
    }

    /// Hands over messages with their groups; returns the indexes of those that the queue took.
    pub async fn send_all(&self, queue: Queue, messages: &[Outgoing]) -> Vec<usize> {
        let mut taken = Vec::with_capacity(messages.len());
        let within = super::aws::within(SEND_TIMEOUT);
        for (chunk_number, chunk) in messages.chunks(BATCH_MAX).enumerate() {
            let entries = chunk.iter().enumerate().map(|(offset, message)| entry(offset, message, self.groups));
            let sent = self
                .client
                .send_message_batch()
                .queue_url(self.url(queue))
                .set_entries(Some(entries.collect()))
                .customize()
                .config_override(aws_sdk_sqs::config::Builder::default().timeout_config(within.clone()))
                .send()
                .await;
            match sent {
                Ok(answer) => {
                    let offsets = answer.successful().iter().filter_map(|entry| entry.id().parse::<usize>().ok());
                    taken.extend(offsets.map(|offset| chunk_number * BATCH_MAX + offset));
                }
                // The relay sends again what stays in the outbox; the next chunk would only wait for as long.
                Err(error) => {
                    tracing::warn!(
                        queue = queue.name(),
                        count = messages.len() - chunk_number * BATCH_MAX,
                        error = %aws_sdk_sqs::error::DisplayErrorContext(&error),
                        "messages were not taken by the queue"
                    );
                    break;
                }
            }
        }
        taken
    }
}

/// A message as the `offset`th of a batch.
fn entry(offset: usize, message: &Outgoing, groups: bool) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(offset.to_string())
        .message_body(&message.body)
        .set_message_group_id(message.group.clone().filter(|_| groups))
        .build()
        .expect("id and body are set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_whose_they_are_where_that_is_understood() {
        let message = Outgoing { body: "{}".to_owned(), group: Some("organizer-7".to_owned()) };
        let entry = |groups| super::entry(3, &message, groups);
        assert_eq!((entry(true).id(), entry(true).message_group_id()), ("3", Some("organizer-7")));
        assert_eq!(entry(false).message_group_id(), None);
    }
}
