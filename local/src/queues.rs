//! How the queues of a running stack are, and their dead letters.

use aws_sdk_sqs::{
    Client, Error,
    types::{DeleteMessageBatchRequestEntry, QueueAttributeName, SendMessageBatchRequestEntry},
};
use shop::{
    config::Config,
    outbox::{self, Open},
    port::{
        db::{DbError, Query},
        queue::{Queue, Queues},
    },
};

use crate::{s3, sqs};

/// One queue as SQS and the outbox see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Depth {
    /// Which one.
    pub queue: Queue,
    /// Messages that a worker could take.
    pub waiting: i64,
    /// Messages that a worker has, or that wait for their next try.
    pub in_flight: i64,
    /// Messages that are held back.
    pub delayed: i64,
    /// Messages that failed too often.
    pub dead: i64,
    /// What is recorded in the outbox and not handled.
    pub open: Option<Open>,
}

/// A client for the queues whose addresses begin like this.
pub fn client(url_prefix: &str) -> Queues {
    let endpoint = url_prefix.split('/').take(3).collect::<Vec<_>>().join("/");
    // Only what a client of SQS needs means anything.
    let variable = |name: &str| {
        let value = match name {
            "DATABASE_URL" => "postgres://localhost/none",
            "AWS_REGION" => sqs::REGION,
            "AWS_ENDPOINT_URL" => &endpoint,
            "AWS_ACCESS_KEY_ID" => s3::ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY" => s3::SECRET_ACCESS_KEY,
            "QUEUE_URL_PREFIX" => url_prefix,
            "MEDIA_BUCKET" => s3::BUCKET,
            "MAIL_URL" => "ses:",
            "MAIL_FROM" => "nobody@localhost.localdomain",
            "PUBLIC_URL" => "http://localhost",
            "SECRET_KEY" => "nothing is signed with this key here",
            _ => return None,
        };
        Some(value.to_owned())
    };
    Queues::new(&Config::from_lookup(variable).expect("every variable has a value"))
}

/// Where the dead letters of a queue are.
fn dead_letters(queues: &Queues, queue: Queue) -> String {
    format!("{}{}", queues.url(queue), sqs::DEAD_LETTERS)
}

/// All queues as they are now.
pub async fn depths(queues: &Queues, q: &impl Query) -> Result<Vec<Depth>, DepthError> {
    let open = outbox::sql::open_by_queue(q).await?;
    let mut depths = Vec::new();
    for queue in Queue::ALL {
        let [waiting, in_flight, delayed] = counts(queues.client(), &queues.url(queue)).await?;
        let [dead, in_hand, _] = counts(queues.client(), &dead_letters(queues, queue)).await?;
        let open = open.iter().find(|(name, _)| *name == queue).map(|(_, open)| *open);
        depths.push(Depth { queue, waiting, in_flight, delayed, dead: dead + in_hand, open });
    }
    Ok(depths)
}

/// Why nothing is known about the queues.
#[derive(Debug, thiserror::Error)]
pub enum DepthError {
    /// SQS.
    #[error("The queues do not answer: {0}.")]
    Sqs(String),
    /// The database.
    #[error("The outbox cannot be read: {0}.")]
    Db(#[from] DbError),
}

impl From<Error> for DepthError {
    fn from(error: Error) -> Self {
        Self::Sqs(aws_sdk_sqs::error::DisplayErrorContext(error).to_string())
    }
}

async fn counts(client: &Client, url: &str) -> Result<[i64; 3], Error> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let asked = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec())).send().await?;
    let attributes = asked.attributes.unwrap_or_default();
    Ok(names.map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or_default()))
}

/// Gives the dead letters of a queue back to its worker; returns how many. A letter leaves its queue only when the
/// other one has it: interrupted, this may repeat one, and workers know copies.
pub async fn redrive(queues: &Queues, queue: Queue) -> Result<usize, DepthError> {
    let (client, from, to) = (queues.client(), dead_letters(queues, queue), queues.url(queue));
    let mut moved = 0;
    loop {
        let received = client.receive_message().queue_url(&from).max_number_of_messages(10).send().await;
        let messages = received.map_err(Error::from)?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(moved);
        }
        let numbered = || messages.iter().enumerate();
        let send = numbered().map(|(number, message)| {
            let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
            entry.message_body(message.body().unwrap_or_default()).build().expect("id and body are set")
        });
        let sent = client.send_message_batch().queue_url(&to).set_entries(Some(send.collect())).send().await;
        let sent = sent.map_err(Error::from)?;
        let taken = |number: usize| sent.successful().iter().any(|entry| entry.id() == number.to_string());
        let gone = numbered().filter(|(number, _)| taken(*number)).map(|(number, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build().expect("id and handle are set")
        });
        let gone: Vec<_> = gone.collect();
        if gone.is_empty() {
            return Err(DepthError::Sqs("the queue takes no messages".to_owned()));
        }
        moved += gone.len();
        client.delete_message_batch().queue_url(&from).set_entries(Some(gone)).send().await.map_err(Error::from)?;
    }
}
