//! What happens to messages that fail.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use local::{queues, sqs};
use shop::port::queue::Queue;

use crate::shop::TestShop;

/// Takes what is in a queue, waiting for it as long as SQS allows.
async fn receive(shop: &TestShop, queue: Queue) -> Vec<Message> {
    let queues = shop.ctx.queues().await;
    let receive = queues.client().receive_message().queue_url(queues.url(queue)).wait_time_seconds(20);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All).max_number_of_messages(10);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

fn attribute(message: &Message, name: MessageSystemAttributeName) -> Option<&str> {
    message.attributes()?.get(&name).map(String::as_str)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_failed_comes_again_by_plan_and_not_by_the_time_of_the_queue() {
    let shop = TestShop::empty().await;
    shop.ctx.queues().await.send(Queue::Checkout, &["not json".to_owned()]).await;
    let begun = Instant::now();
    shop.work().await;
    let again = receive(&shop, Queue::Checkout).await;
    assert_eq!(attribute(&again[0], MessageSystemAttributeName::ApproximateReceiveCount), Some("2"));
    let waited = begun.elapsed();
    // The plan says two seconds; the queue itself would keep it for thirty.
    assert!((Duration::from_millis(1500)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_seen_and_given_back() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let server = sqs::start().await.unwrap();
    let queues = queues::client(&sqs::url_prefix(&server.url()));
    for queue in Queue::ALL {
        sqs::create_queue(queues.client(), queue.name()).await.unwrap();
    }
    let bodies: Vec<String> = (0..13).map(|number| format!("poison {number}")).collect();
    assert_eq!(queues.send(Queue::Mail, &bodies).await.len(), 13);
    let url = queues.url(Queue::Mail);
    let take = async || {
        let receive = queues.client().receive_message().queue_url(&url).max_number_of_messages(10);
        receive.send().await.unwrap().messages.unwrap_or_default()
    };
    // Five tries each; whoever looks for the sixth time moves it away.
    loop {
        let messages = take().await;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            queues.put_back(Queue::Mail, message.receipt_handle().unwrap(), 0).await;
        }
    }
    let db = shop.ctx.db().await.unwrap();
    let mail =
        async || queues::depths(&queues, &*db).await.unwrap().into_iter().find(|it| it.queue == Queue::Mail).unwrap();
    let depth = mail().await;
    assert_eq!((depth.waiting, depth.dead), (0, 13));
    let open = depth.open.expect("the mail to the buyer is recorded");
    assert_eq!((open.count, open.resent, open.given_up), (1, 0, 0));
    assert!(open.oldest.seconds_until(shop.ctx.now()) < 60);

    assert_eq!(queues::redrive(&queues, Queue::Mail).await.unwrap(), 13);
    let depth = mail().await;
    assert_eq!((depth.waiting, depth.dead), (13, 0));
    let mut back: Vec<String> = Vec::new();
    while back.len() < 13 {
        back.extend(take().await.into_iter().map(|message| message.body.unwrap()));
    }
    back.sort_unstable();
    let mut sent = bodies.clone();
    sent.sort_unstable();
    assert_eq!(back, sent, "none is lost and none is doubled");
    assert_eq!(queues::redrive(&queues, Queue::Mail).await.unwrap(), 0);
}
