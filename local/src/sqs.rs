//! SQS in this process, in memory: the real protocol. What it forgets at a restart is sent again from the outbox.

use std::sync::Arc;

use aws_sdk_sqs::types::QueueAttributeName;
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;

use crate::server::Server;

/// The region of everything local.
pub const REGION: &str = "eu-central-1";
/// The account of everything local.
pub const ACCOUNT: &str = "000000000000";
/// What queue names begin with.
pub const NAME_PREFIX: &str = "onsale-";
/// What the names of dead-letter queues end with.
pub const DEAD_LETTERS: &str = "-dlq";
/// After so many failed attempts a message goes to the dead-letter queue.
const ATTEMPTS_MAX: u32 = 5;
/// How long a worker has before its messages come to another one.
const VISIBILITY_SECONDS: u32 = 60;

/// Serves SQS on a free port. There are no queues yet.
pub async fn start() -> std::io::Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let config = SqsConfig {
        skip_signature_validation: true,
        default_region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        host: address.ip().to_string(),
        port: address.port(),
    };
    let http = SqsHttpConfig { skip_signature_validation: true, region: REGION.to_owned(), credential_provider: None };
    let handler = RustackSqsHandler::new(Arc::new(RustackSqs::new(config)));
    Server::start(listener, SqsHttpService::new(Arc::new(handler), http))
}

/// What queue URLs of a server begin with; the name of the queue follows.
pub fn url_prefix(endpoint: &str) -> String {
    format!("{}/{ACCOUNT}/{NAME_PREFIX}", endpoint.trim_end_matches('/'))
}

/// Makes a queue and its dead-letter queue, unless they exist.
pub async fn create_queue(client: &aws_sdk_sqs::Client, name: &str) -> Result<(), aws_sdk_sqs::Error> {
    let dead_letters = client.create_queue().queue_name(format!("{NAME_PREFIX}{name}{DEAD_LETTERS}")).send().await?;
    let arn = QueueAttributeName::QueueArn;
    let found = client.get_queue_attributes().set_queue_url(dead_letters.queue_url).attribute_names(arn.clone()).send();
    let found = found.await?;
    let target = found.attributes().and_then(|attributes| attributes.get(&arn)).map_or("", String::as_str);
    let redrive = serde_json::json!({ "deadLetterTargetArn": target, "maxReceiveCount": ATTEMPTS_MAX }).to_string();
    let queue = client.create_queue().queue_name(format!("{NAME_PREFIX}{name}"));
    let queue = queue.attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY_SECONDS.to_string());
    queue.attributes(QueueAttributeName::RedrivePolicy, redrive).send().await?;
    Ok(())
}
