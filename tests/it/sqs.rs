//! The local SQS behaves like SQS in everything that the shop and its workers rely on.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_sdk_sqs::{
    Client,
    types::{
        DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
        SendMessageBatchRequestEntry,
    },
};
use local::{s3, server::Server, sqs};
use shop::{config::Config, port::queue::Queues};

/// A server of its own for one test.
struct Sqs {
    client: Client,
    _server: Server,
}

async fn start() -> Sqs {
    let server = sqs::start().await.unwrap();
    let queues = Queues::new(&config("AWS_ENDPOINT_URL", server.url()));
    Sqs { client: queues.client().clone(), _server: server }
}

/// A configuration that is only good for AWS clients.
pub fn config(endpoint: &'static str, url: String) -> Config {
    let variables = HashMap::from([
        ("DATABASE_URL", "postgres://nobody@127.0.0.1/none".to_owned()),
        ("AWS_REGION", sqs::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", s3::ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", s3::SECRET_ACCESS_KEY.to_owned()),
        ("QUEUE_URL_PREFIX", sqs::url_prefix(&url)),
        ("MEDIA_BUCKET", s3::BUCKET.to_owned()),
        ("MAIL_URL", "ses:".to_owned()),
        ("MAIL_FROM", "tickets@example.org".to_owned()),
        ("PUBLIC_URL", "http://localhost".to_owned()),
        ("SECRET_KEY", "a key for tests only, long enough".to_owned()),
        (endpoint, url),
    ]);
    Config::from_lookup(|name| variables.get(name).cloned()).unwrap()
}

impl Sqs {
    async fn queue(&self, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
        let mut create = self.client.create_queue().queue_name(name);
        for (attribute, value) in attributes {
            create = create.attributes(attribute.clone(), *value);
        }
        create.send().await.unwrap().queue_url.unwrap()
    }

    async fn fifo(&self) -> String {
        self.queue(
            "line.fifo",
            &[(QueueAttributeName::FifoQueue, "true"), (QueueAttributeName::VisibilityTimeout, "1")],
        )
        .await
    }

    async fn send(&self, url: &str, body: &str) {
        self.client.send_message().queue_url(url).message_body(body).send().await.unwrap();
    }

    async fn send_in_group(&self, url: &str, group: &str, id: &str, body: &str) -> String {
        let send = self.client.send_message().queue_url(url).message_body(body);
        send.message_group_id(group).message_deduplication_id(id).send().await.unwrap().message_id.unwrap()
    }

    async fn receive(&self, url: &str, wait_seconds: i32) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.wait_time_seconds(wait_seconds).send().await.unwrap().messages.unwrap_or_default()
    }

    async fn delete(&self, url: &str, message: &Message) {
        let handle = message.receipt_handle().unwrap();
        self.client.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn receive_count(message: &Message) -> &str {
    &message.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_when_a_message_arrives_and_not_before() {
    let sqs = start().await;
    let url = sqs.queue("q", &[]).await;
    let began = Instant::now();
    let (received, ()) = tokio::join!(sqs.receive(&url, 20), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqs.send(&url, "now").await;
    });
    assert_eq!(bodies(&received), ["now"]);
    assert!((300..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());

    sqs.delete(&url, &received[0]).await;
    let began = Instant::now();
    assert!(sqs.receive(&url, 1).await.is_empty());
    assert!((900..3_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_deleted_comes_again_after_the_visibility_timeout() {
    let sqs = start().await;
    let url = sqs.queue("q", &[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    sqs.send(&url, "again").await;
    let first = sqs.receive(&url, 0).await;
    assert_eq!((bodies(&first), receive_count(&first[0])), (vec!["again"], "1"));
    assert!(sqs.receive(&url, 0).await.is_empty(), "it is in flight");
    let second = sqs.receive(&url, 5).await;
    assert_eq!((bodies(&second), receive_count(&second[0])), (vec!["again"], "2"));
    assert_eq!(first[0].message_id(), second[0].message_id());

    sqs.delete(&url, &second[0]).await;
    assert!(sqs.receive(&url, 2).await.is_empty(), "it is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn visibility_can_be_ended_and_extended() {
    let sqs = start().await;
    let url = sqs.queue("q", &[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    sqs.send(&url, "later").await;
    let change = async |message: &Message, seconds| {
        let change = sqs.client.change_message_visibility().queue_url(&url).visibility_timeout(seconds);
        change.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    };
    change(&sqs.receive(&url, 0).await[0], 0).await;
    let again = sqs.receive(&url, 0).await;
    assert_eq!(bodies(&again), ["later"], "a timeout of zero gives it back at once");
    change(&again[0], 30).await;
    assert!(sqs.receive(&url, 2).await.is_empty(), "an extended timeout outlives the queue's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_message_comes_late() {
    let sqs = start().await;
    let url = sqs.queue("q", &[]).await;
    sqs.client.send_message().queue_url(&url).message_body("late").delay_seconds(1).send().await.unwrap();
    assert!(sqs.receive(&url, 0).await.is_empty());
    assert_eq!(bodies(&sqs.receive(&url, 5).await), ["late"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_in_parts_and_deleted_in_parts() {
    let sqs = start().await;
    let url = sqs.queue("q", &[]).await;
    let entry =
        |id: &str, body: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap();
    let batch = vec![entry("a", "one"), entry("b", ""), entry("c", "three")];
    let sent = sqs.client.send_message_batch().queue_url(&url).set_entries(Some(batch)).send().await.unwrap();
    let taken: Vec<&str> = sent.successful().iter().map(|entry| entry.id()).collect();
    let refused: Vec<&str> = sent.failed().iter().map(|entry| entry.id()).collect();
    assert_eq!((taken, refused), (vec!["a", "c"], vec!["b"]));

    // What a worker with one failed message does.
    let received = sqs.receive(&url, 0).await;
    assert_eq!(bodies(&received), ["one", "three"]);
    let handle = received[0].receipt_handle().unwrap();
    let delete = DeleteMessageBatchRequestEntry::builder().id("0").receipt_handle(handle).build().unwrap();
    sqs.client.delete_message_batch().queue_url(&url).entries(delete).send().await.unwrap();
    let give_back = sqs.client.change_message_visibility().queue_url(&url).visibility_timeout(0);
    give_back.receipt_handle(received[1].receipt_handle().unwrap()).send().await.unwrap();
    assert_eq!(bodies(&sqs.receive(&url, 0).await), ["three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_too_often_ends_in_the_dead_letter_queue() {
    let sqs = start().await;
    sqs::create_queue(&sqs.client, "mail").await.unwrap();
    let find = async |name: &str| sqs.client.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let (url, dead_letters) = (find("onsale-mail").await, find("onsale-mail-dlq").await);
    sqs.send(&url, "poison").await;
    sqs.send(&url, "healthy").await;
    for attempt in 1..=5 {
        let received = sqs.receive(&url, 0).await;
        let poison = received.iter().find(|message| message.body() == Some("poison")).unwrap();
        assert_eq!(receive_count(poison), attempt.to_string());
        for message in &received {
            if message.body() == Some("healthy") {
                sqs.delete(&url, message).await;
            }
        }
        let give_back = sqs.client.change_message_visibility().queue_url(&url).visibility_timeout(0);
        give_back.receipt_handle(poison.receipt_handle().unwrap()).send().await.unwrap();
    }
    assert!(sqs.receive(&url, 1).await.is_empty(), "the sixth attempt is not made");
    assert_eq!(bodies(&sqs.receive(&dead_letters, 5).await), ["poison"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn making_a_queue_again_changes_nothing() {
    let sqs = start().await;
    sqs::create_queue(&sqs.client, "mail").await.unwrap();
    sqs::create_queue(&sqs.client, "mail").await.unwrap();
    assert_eq!(sqs.client.list_queues().send().await.unwrap().queue_urls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_queue_knows_a_message_by_its_deduplication_id() {
    let sqs = start().await;
    let url = sqs.fifo().await;
    let first = sqs.send_in_group(&url, "g", "id-1", "once").await;
    assert_eq!(sqs.send_in_group(&url, "g", "id-1", "once").await, first, "the first message answers for its copy");
    let received = sqs.receive(&url, 0).await;
    assert_eq!(bodies(&received), ["once"]);
    sqs.delete(&url, &received[0]).await;
    sqs.send_in_group(&url, "g", "id-1", "once").await;
    assert!(sqs.receive(&url, 1).await.is_empty(), "handled ones are still known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_a_fifo_queue_waits_for_what_is_in_flight() {
    let sqs = start().await;
    let url = sqs.fifo().await;
    sqs.send_in_group(&url, "a", "1", "a1").await;
    let first = sqs.receive(&url, 0).await;
    assert_eq!(bodies(&first), ["a1"]);
    sqs.send_in_group(&url, "a", "2", "a2").await;
    sqs.send_in_group(&url, "b", "3", "b1").await;
    assert_eq!(bodies(&sqs.receive(&url, 0).await), ["b1"], "another group does not wait");
    sqs.delete(&url, &first[0]).await;
    assert_eq!(bodies(&sqs.receive(&url, 0).await), ["a2"]);

    // Not deleted: it comes again before anything behind it.
    sqs.send_in_group(&url, "a", "4", "a3").await;
    let again = sqs.receive(&url, 5).await;
    assert_eq!(bodies(&again)[0], "a2");
}
