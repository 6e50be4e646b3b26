//! The stack `base`: what functions need before they exist.

use serde_json::{Value, json};
use shop::{
    port::queue::Queue,
    worker::{WORKERS, Worker},
};

use super::{
    functions,
    parts::{
        Resources, allow, arn, get, id, is_given, log_group, output, reference, stage_parameter, sub, text, text_or,
    },
    rights,
};

/// A message that failed this often ends in the dead-letter queue.
const RECEIVES_MAX: u64 = 5;
/// AWS asks for six times the function's timeout, so that throttled batches do not come back while they run.
const VISIBILITY_SECONDS: u64 = 6 * super::WORKER_SECONDS;
/// A queue's worker may be broken for a long weekend.
const MESSAGE_DAYS: u64 = 4;
/// The longest that SQS keeps a message: time to look at what failed.
const DEAD_LETTER_DAYS: u64 = 14;
/// The sweep removes exports after their time; this is for those it has forgotten.
const EXPORT_DAYS: u64 = 30;
/// Longer than a file that was sent is known (`upload::KEEP_SECONDS`).
const UPLOAD_DAYS: u64 = 3;
/// Longer than a drawing is known (`ticket::KEEP_SECONDS`) with any mail that carries it.
const TICKET_DAYS: u64 = 7;

/// The template.
pub fn template() -> Value {
    let mut resources = Resources::default();
    resources.add("Secret", secret());
    resources.add("MediaBucket", bucket());
    resources.add("Api", api());
    for queue in Queue::ALL {
        add_queue(&mut resources, queue);
    }
    for function in functions() {
        let (id, worker) = (id(function), worker(function));
        resources.add(format!("{id}Role"), rights::role(&id, function, worker));
        resources.add(format!("{id}Log"), log_group(&format!("/aws/lambda/onsale-${{Stage}}-{function}")));
    }
    add_topics(&mut resources);
    let mut outputs = json!({
        "ApiId": output("The HTTP API", reference("Api")),
        "ApiUrl": output("Address of the shop when it has no domain", get("Api", "ApiEndpoint")),
        "SecretArn": output("Secret with SECRET_KEY", reference("Secret")),
        "MediaBucket": output("Bucket for ticket files, exports and pictures", reference("MediaBucket")),
        "AlarmTopicArn": output("Topic that wakes somebody up", reference("AlarmTopic")),
        "MailFeedbackTopicArn": output("Where SES shall tell bounces and complaints", reference("MailFeedbackTopic")),
    });
    for queue in Queue::ALL {
        let id = queue_id(queue);
        outputs[format!("{id}Url")] = output("Address of the queue", reference(&id));
        outputs[format!("{id}Arn")] = output("The queue", arn(&id));
        outputs[format!("{id}DeadUrl")] = output("Its dead letters", reference(&format!("{id}Dead")));
        outputs[format!("{id}DeadArn")] = output("Its dead letters", arn(&format!("{id}Dead")));
    }
    for function in functions() {
        let id = id(function);
        outputs[format!("{id}RoleArn")] = output("The role of the function", arn(&format!("{id}Role")));
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Onsale, base: queues, bucket, roles and logs of functions. Generated from the shop's tables.",
        "Parameters": {
            "Stage": stage_parameter(),
            "MailFrom": text("Sender's address of mails; a verified identity of SES"),
            "DatabaseUserArn": text_or("The user of the database that functions sign in as; none, if its address has a password", ""),
            "AlarmMail": text_or("Who is woken up by alarms; nobody, if it is empty", ""),
            "ApiOrigin": text_or("Web page of others that may call the REST API from browsers; none, if it is empty", ""),
            "ReceivesMax": {
                "Type": "Number",
                "Description": "A message that failed this often ends in the dead-letter queue",
                "Default": RECEIVES_MAX,
                "MinValue": 1,
                "MaxValue": 1000,
            },
        },
        "Conditions": { "HasAlarmMail": is_given("AlarmMail"), "HasApiOrigin": is_given("ApiOrigin"), "SignsIn": is_given("DatabaseUserArn") },
        "Resources": resources.into_value(),
        "Outputs": outputs,
    })
}

/// The worker with that name.
pub fn worker(function: &str) -> Option<&'static Worker> {
    WORKERS.iter().find(|worker| worker.name == function)
}

/// The name of a queue among the resources.
pub fn queue_id(queue: Queue) -> String {
    format!("{}Queue", id(queue.name()))
}

fn secret() -> Value {
    json!({
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Name": sub("onsale-${Stage}-shop"),
            "Description": "Signs cookies, forms and webhooks",
            "GenerateSecretString": {
                "SecretStringTemplate": "{}",
                "GenerateStringKey": "SECRET_KEY",
                "PasswordLength": 64,
                "ExcludePunctuation": true,
                // Which an emulator that does not know the line above would choose, and which means something in files.
                "ExcludeCharacters": "'\"`\\$",
            },
        },
    })
}

fn bucket() -> Value {
    json!({
        "Type": "AWS::S3::Bucket",
        // Tickets and exports outlive the stack.
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            },
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    { "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } },
                ],
            },
            "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "uploads-that-nobody-finished",
                        "Status": "Enabled",
                        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 1 },
                    },
                    {
                        "Id": "forgotten-exports",
                        "Status": "Enabled",
                        "Prefix": "exports/",
                        "ExpirationInDays": EXPORT_DAYS,
                    },
                    {
                        "Id": "forgotten-uploads",
                        "Status": "Enabled",
                        "Prefix": "uploads/",
                        "ExpirationInDays": UPLOAD_DAYS,
                    },
                    {
                        "Id": "drawn-tickets",
                        "Status": "Enabled",
                        "Prefix": "tickets/",
                        "ExpirationInDays": TICKET_DAYS,
                    },
                ],
            },
        },
    })
}

/// Here and not with its routes: functions must know its address before there are any.
fn api() -> Value {
    let cors = json!({
        "AllowOrigins": [reference("ApiOrigin")],
        "AllowMethods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
        "AllowHeaders": ["authorization", "content-type", "x-idempotency-key"],
        "MaxAge": 3600,
    });
    json!({
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {
            "Name": sub("onsale-${Stage}"),
            "ProtocolType": "HTTP",
            "CorsConfiguration": { "Fn::If": ["HasApiOrigin", cors, reference("AWS::NoValue")] },
        },
    })
}

fn add_queue(resources: &mut Resources, queue: Queue) {
    let (id, name) = (queue_id(queue), queue.name());
    resources.add(
        id.clone(),
        json!({
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": sub(&format!("onsale-${{Stage}}-{name}")),
                "VisibilityTimeout": VISIBILITY_SECONDS,
                "MessageRetentionPeriod": MESSAGE_DAYS * 24 * 3600,
                "SqsManagedSseEnabled": true,
                "RedrivePolicy": { "deadLetterTargetArn": arn(&format!("{id}Dead")), "maxReceiveCount": reference("ReceivesMax") },
            },
        }),
    );
    resources.add(
        format!("{id}Dead"),
        json!({
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": sub(&format!("onsale-${{Stage}}-{name}-dead")),
                "MessageRetentionPeriod": DEAD_LETTER_DAYS * 24 * 3600,
                "SqsManagedSseEnabled": true,
            },
        }),
    );
}

/// Alarms, and what SES tells about mails: that goes into the queue of notifications, in the form of SNS.
fn add_topics(resources: &mut Resources) {
    let topic = |name: &str| json!({ "Type": "AWS::SNS::Topic", "Properties": { "TopicName": sub(name) } });
    resources.add("AlarmTopic", topic("onsale-${Stage}-alarms"));
    resources.add(
        "AlarmSubscription",
        json!({
            "Type": "AWS::SNS::Subscription",
            "Condition": "HasAlarmMail",
            "Properties": { "Protocol": "email", "TopicArn": reference("AlarmTopic"), "Endpoint": reference("AlarmMail") },
        }),
    );
    let queue = queue_id(Queue::Notifications);
    resources.add("MailFeedbackTopic", topic("onsale-${Stage}-mail-feedback"));
    resources.add(
        "MailFeedbackSubscription",
        json!({
            "Type": "AWS::SNS::Subscription",
            "Properties": { "Protocol": "sqs", "TopicArn": reference("MailFeedbackTopic"), "Endpoint": arn(&queue) },
        }),
    );
    let mut send = allow(&["sqs:SendMessage"], arn(&queue));
    send["Principal"] = json!({ "Service": "sns.amazonaws.com" });
    send["Condition"] = json!({ "ArnEquals": { "aws:SourceArn": reference("MailFeedbackTopic") } });
    resources.add(
        "MailFeedbackPolicy",
        json!({
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [reference(&queue)],
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [send] },
            },
        }),
    );
}
