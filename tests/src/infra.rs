//! The deployment description: a CloudFormation template made from the tables of the shop, so that a function, a route,
//! a queue or a schedule cannot be forgotten in it. `cargo run -p tests --bin infra` writes it to `infra/template.json`.

use std::{path::PathBuf, time::Duration};

use serde_json::{Map, Value, json};
use shop::{
    port::queue::Queue,
    routes::ROUTES,
    worker::{SCHEDULES, Schedule, WORKERS, Worker},
};

/// The function that applies migrations: neither a route nor a worker.
pub const MIGRATE: &str = "migrate";

/// A page that takes longer than this has lost its reader.
const HTTP_SECONDS: u64 = 15;
/// A batch of messages is handled one after the other, and some of them draw PDF files.
const WORKER_SECONDS: u64 = 60;
/// A migration may have to rewrite a table.
const MIGRATE_SECONDS: u64 = 600;
/// Lambda assigns processor time by memory; less than this makes TLS handshakes slow.
const MEMORY_MB: u64 = 512;
/// Drawing tickets is the only work that computes.
const TICKET_MEMORY_MB: u64 = 1024;
/// A message that failed this often ends in the dead-letter queue.
const RECEIVES_MAX: u64 = 5;
/// AWS asks for six times the function's timeout, so that throttled batches do not come back while they run.
const VISIBILITY_SECONDS: u64 = 6 * WORKER_SECONDS;
/// The longest that SQS keeps a message: time to look at what failed.
const DEAD_LETTER_DAYS: u64 = 14;
const LOG_DAYS: u64 = 30;

/// What a function may do besides logging and reaching the database.
enum Right {
    /// Send to a queue.
    Send(Queue),
    /// Read ticket files; signed download addresses use this right of their maker.
    ReadTickets,
    /// Store ticket files.
    WriteTickets,
    /// Read exports, for the same reason.
    ReadExports,
    /// Write exports, in parts.
    WriteExports,
    /// Remove ticket files, exports and files that were sent, when they are not kept any longer.
    DeleteFiles,
    /// Store files that programs send; forms that send them use this right of their maker.
    WriteUploads,
    /// Read them.
    ReadUploads,
    /// Remove those that are not what they were said to be.
    DeleteUploads,
    /// Read what everybody may see.
    ReadPublic,
    /// Put something where everybody sees it.
    WritePublic,
    /// Remove what nobody is to see any more.
    DeletePublic,
    /// Hand mails to SES.
    SendMail,
}

/// The rights of functions. What is not listed has none.
const RIGHTS: &[(&str, &[Right])] = &[
    ("api_bulk_actions", &[Right::Send(Queue::Checkout), Right::Send(Queue::Notifications)]),
    ("api_exporters", &[Right::Send(Queue::Default), Right::Send(Queue::Notifications), Right::ReadExports]),
    ("api_orders", &[Right::Send(Queue::Default), Right::Send(Queue::Notifications)]),
    ("api_pictures", &[Right::Send(Queue::Default), Right::Send(Queue::Notifications), Right::DeletePublic]),
    ("api_uploads", &[Right::WriteUploads, Right::ReadUploads, Right::DeleteUploads]),
    ("api_webhooks", &[Right::Send(Queue::Notifications)]),
    ("order_place", &[Right::Send(Queue::Default), Right::Send(Queue::Mail), Right::Send(Queue::Notifications)]),
    ("ticket_request", &[Right::Send(Queue::Default), Right::Send(Queue::Notifications)]),
    ("ticket_show", &[Right::ReadTickets]),
    // The relay sends what any function has left behind.
    (
        "worker_background",
        &[
            Right::Send(Queue::Checkout),
            Right::Send(Queue::Default),
            Right::Send(Queue::Mail),
            Right::Send(Queue::Notifications),
            Right::DeleteFiles,
            Right::WritePublic,
            Right::DeletePublic,
        ],
    ),
    ("worker_checkout", &[Right::Send(Queue::Checkout), Right::Send(Queue::Notifications)]),
    (
        "worker_default",
        &[
            Right::Send(Queue::Mail),
            Right::Send(Queue::Notifications),
            Right::WriteTickets,
            Right::WriteExports,
            Right::ReadUploads,
            Right::ReadPublic,
            Right::WritePublic,
            Right::DeletePublic,
        ],
    ),
    ("worker_mail", &[Right::ReadTickets, Right::SendMail]),
    // Deliveries of webhooks, and later tries of theirs, are messages of its own queue.
    ("worker_notifications", &[Right::Send(Queue::Mail), Right::Send(Queue::Notifications)]),
];

/// Names of all functions, each once: routes, workers, migrations.
pub fn functions() -> Vec<&'static str> {
    let routes = ROUTES.iter().map(|route| route.name);
    let mut names: Vec<_> = routes.chain(WORKERS.iter().map(|worker| worker.name)).chain([MIGRATE]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Where the template is kept.
pub fn path() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.json").into()
}

/// The template as it is written to the file.
pub fn text() -> String {
    let pretty = serde_json::to_string_pretty(&template()).expect("a template is plain data");
    format!("{pretty}\n")
}

/// The template.
pub fn template() -> Value {
    let mut resources = Map::new();
    let mut add = |id: String, resource: Value| {
        assert!(resources.insert(id.clone(), resource).is_none(), "two resources are called {id}");
    };
    api(&mut add);
    for queue in Queue::ALL {
        add_queue(&mut add, queue);
    }
    let functions = functions();
    for (name, _) in RIGHTS {
        assert!(functions.contains(name), "rights are listed for {name}, which is no function");
    }
    for function in functions {
        add_function(&mut add, function);
    }
    for worker in WORKERS {
        add(format!("{}Source", id(worker.name)), event_source(worker));
    }
    add("SchedulerRole".to_owned(), scheduler_role());
    mail_feedback(&mut add);
    for schedule in SCHEDULES {
        add(format!("{}Schedule", id(schedule.name)), schedule_entry(schedule));
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Onsale: functions, routes, queues and schedules. Generated from the shop's tables.",
        "Parameters": parameters(),
        "Conditions": {
            "HasReplica": { "Fn::Equals": [reference("ReadReplica"), "yes"] },
            "HasMailFeedback": { "Fn::Not": [{ "Fn::Equals": [reference("MailFeedbackTopicArn"), ""] }] },
        },
        "Resources": resources,
        "Outputs": {
            "ApiUrl": { "Description": "Origin of the shop for CloudFront or a custom domain", "Value": get("Api", "ApiEndpoint") },
            "MigrateName": { "Description": "The function to invoke before new code", "Value": reference("MigrateFunction") },
        },
    })
}

fn parameters() -> Value {
    let text = |what: &str| json!({ "Type": "String", "Description": what });
    let with_default = |what: &str, default: &str| json!({ "Type": "String", "Description": what, "Default": default });
    json!({
        "Stage": {
            "Type": "String",
            "Description": "Part of all names, such as production",
            "AllowedPattern": "[a-z][a-z0-9-]{0,15}",
        },
        "CodeBucket": text("Bucket with the functions' code"),
        "CodePrefix": text("Folder in it: one version of the code"),
        "ConfigSecretArn": text("Secret with the keys DATABASE_URL, SECRET_KEY and, with a read replica, DATABASE_REPLICA_URL"),
        "ReadReplica": {
            "Type": "String",
            "Description": "Whether pages that may be a little old are read from a replica",
            "AllowedValues": ["no", "yes"],
            "Default": "no",
        },
        "DatabaseCa": with_default("PEM text of the authority that signed the database's certificate, if it is no public one", ""),
        "MediaBucket": text("Bucket for ticket files and pictures"),
        "MailsPerSecond": with_default("How many mails SES lets this account send in a second", "14"),
        "MailFeedbackTopicArn": with_default("Topic of SNS to which SES tells bounces and complaints, if there is one", ""),
        "MailFrom": text("Sender's address of mails; a verified identity of SES"),
        "PublicUrl": text("What buyers type, such as https://tickets.example.org"),
        "SubnetIds": { "Type": "List<AWS::EC2::Subnet::Id>", "Description": "Private subnets with a way to the database, to AWS and, for webhooks, to the internet" },
        "SecurityGroupIds": { "Type": "List<AWS::EC2::SecurityGroup::Id>", "Description": "Groups that the database lets in" },
        "AlarmTopicArn": text("Topic that wakes somebody up"),
    })
}

// --- functions ---

fn add_function(add: &mut impl FnMut(String, Value), function: &str) {
    let id = id(function);
    let worker = WORKERS.iter().find(|worker| worker.name == function);
    let (seconds, memory) = match (worker, function) {
        (Some(worker), _) if worker.queue == Queue::Default => (WORKER_SECONDS, TICKET_MEMORY_MB),
        (Some(_), _) => (WORKER_SECONDS, MEMORY_MB),
        (None, MIGRATE) => (MIGRATE_SECONDS, MEMORY_MB),
        (None, _) => (HTTP_SECONDS, MEMORY_MB),
    };
    add(
        format!("{id}Function"),
        json!({
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": sub(&format!("onsale-${{Stage}}-{function}")),
                "Runtime": "provided.al2023",
                "Architectures": ["arm64"],
                "Handler": "bootstrap",
                "Code": { "S3Bucket": reference("CodeBucket"), "S3Key": sub(&format!("${{CodePrefix}}/{function}.zip")) },
                "MemorySize": memory,
                "Timeout": seconds,
                "Role": arn(&format!("{id}Role")),
                "LoggingConfig": { "LogGroup": reference(&format!("{id}Log")) },
                "VpcConfig": { "SubnetIds": reference("SubnetIds"), "SecurityGroupIds": reference("SecurityGroupIds") },
                "Environment": { "Variables": environment() },
            },
        }),
    );
    add(format!("{id}Role"), role(&id, function, worker));
    add(format!("{id}Log"), log_group(&format!("/aws/lambda/onsale-${{Stage}}-{function}")));
    let errors = json!([{ "Name": "FunctionName", "Value": reference(&format!("{id}Function")) }]);
    add(format!("{id}Alarm"), alarm("AWS/Lambda", "Errors", "Sum", errors));
    if worker.is_none() && function != MIGRATE {
        add_integration(add, &id);
    }
}

/// Every function reads the whole configuration at start and refuses to run without it.
fn environment() -> Value {
    let secret = |key: &str| sub(&format!("{{{{resolve:secretsmanager:${{ConfigSecretArn}}:SecretString:{key}}}}}"));
    let replica = json!({ "Fn::If": ["HasReplica", secret("DATABASE_REPLICA_URL"), reference("AWS::NoValue")] });
    json!({
        "DATABASE_URL": secret("DATABASE_URL"),
        "DATABASE_REPLICA_URL": replica,
        "DATABASE_CA": reference("DatabaseCa"),
        "SECRET_KEY": secret("SECRET_KEY"),
        "QUEUE_URL_PREFIX": sub("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/onsale-${Stage}-"),
        "MEDIA_BUCKET": reference("MediaBucket"),
        "MAIL_URL": "ses:",
        "MAIL_FROM": reference("MailFrom"),
        "MAILS_PER_SECOND": reference("MailsPerSecond"),
        "PUBLIC_URL": reference("PublicUrl"),
        // None: what is not public is not for webhooks.
        "WEBHOOK_PRIVATE_ADDRESSES": "",
    })
}

fn role(id: &str, function: &str, worker: Option<&Worker>) -> Value {
    let log_streams = sub(&format!("${{{id}Log.Arn}}:*"));
    let mut statements = vec![
        allow(&["logs:CreateLogStream", "logs:PutLogEvents"], log_streams),
        // What Lambda itself needs to attach a function to a network; these actions know no resource.
        allow(
            &[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            json!("*"),
        ),
    ];
    if let Some(worker) = worker {
        let receive =
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
        statements.push(allow(&receive, arn(&queue_id(worker.queue))));
    }
    let rights = RIGHTS.iter().filter(|(name, _)| *name == function).flat_map(|(_, rights)| *rights);
    statements.extend(rights.map(statement));
    assume_role("lambda.amazonaws.com", statements)
}

fn statement(right: &Right) -> Value {
    let folder = |name: &str| sub(&format!("arn:${{AWS::Partition}}:s3:::${{MediaBucket}}/{name}/*"));
    let (tickets, exports) = (|| folder("tickets"), || folder("exports"));
    let (uploads, public) = (|| folder("uploads"), || folder("pub"));
    match right {
        Right::Send(queue) => allow(&["sqs:SendMessage"], arn(&queue_id(*queue))),
        Right::ReadTickets => allow(&["s3:GetObject"], tickets()),
        Right::WriteTickets => allow(&["s3:PutObject"], tickets()),
        Right::ReadExports => allow(&["s3:GetObject"], exports()),
        Right::WriteExports => allow(&["s3:PutObject", "s3:AbortMultipartUpload"], exports()),
        Right::DeleteFiles => allow(&["s3:DeleteObject"], json!([tickets(), exports(), uploads()])),
        Right::WriteUploads => allow(&["s3:PutObject"], uploads()),
        Right::ReadUploads => allow(&["s3:GetObject"], uploads()),
        Right::DeleteUploads => allow(&["s3:DeleteObject"], uploads()),
        Right::ReadPublic => allow(&["s3:GetObject"], public()),
        Right::WritePublic => allow(&["s3:PutObject"], public()),
        Right::DeletePublic => allow(&["s3:DeleteObject"], public()),
        Right::SendMail => {
            let identities = sub("arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*");
            let mut statement = allow(&["ses:SendEmail", "ses:SendRawEmail"], identities);
            statement["Condition"] = json!({ "StringEquals": { "ses:FromAddress": reference("MailFrom") } });
            statement
        }
    }
}

// --- the API ---

fn api(add: &mut impl FnMut(String, Value)) {
    add(
        "Api".to_owned(),
        json!({
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": { "Name": sub("onsale-${Stage}"), "ProtocolType": "HTTP" },
        }),
    );
    add("ApiLog".to_owned(), log_group("/aws/apigateway/onsale-${Stage}"));
    // The route and not the path: addresses of orders contain their secret.
    let format = json!({
        "requestId": "$context.requestId",
        "route": "$context.routeKey",
        "status": "$context.status",
        "latency_ms": "$context.responseLatency",
        "error": "$context.integrationErrorMessage",
    });
    add(
        "ApiStage".to_owned(),
        json!({
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": reference("Api"),
                "StageName": "$default",
                "AutoDeploy": true,
                "AccessLogSettings": { "DestinationArn": arn("ApiLog"), "Format": format.to_string() },
            },
        }),
    );
    let dimensions = json!([{ "Name": "ApiId", "Value": reference("Api") }]);
    add("ApiAlarm".to_owned(), alarm("AWS/ApiGateway", "5xx", "Sum", dimensions));
    // The hourly audit counts places anew; a difference is a bug in what is sold.
    add("StockDriftAlarm".to_owned(), alarm("Onsale", "StockDrift", "Maximum", json!([])));
    for route in ROUTES {
        add(
            format!("{}Route", route_id(route.method, route.path)),
            json!({
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": reference("Api"),
                    "RouteKey": route_key(route.method, route.path),
                    "Target": sub(&format!("integrations/${{{}Integration}}", id(route.name))),
                },
            }),
        );
    }
}

/// The key of a route in API Gateway.
pub fn route_key(method: &str, path: &str) -> String {
    if path == "$default" { path.to_owned() } else { format!("{method} {path}") }
}

fn add_integration(add: &mut impl FnMut(String, Value), id: &str) {
    add(
        format!("{id}Integration"),
        json!({
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": reference("Api"),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": arn(&format!("{id}Function")),
                "PayloadFormatVersion": "2.0",
            },
        }),
    );
    add(
        format!("{id}Permission"),
        json!({
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": reference(&format!("{id}Function")),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"),
            },
        }),
    );
}

// --- queues and schedules ---

fn add_queue(add: &mut impl FnMut(String, Value), queue: Queue) {
    let (id, name) = (queue_id(queue), queue.name());
    add(
        id.clone(),
        json!({
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": sub(&format!("onsale-${{Stage}}-{name}")),
                "VisibilityTimeout": VISIBILITY_SECONDS,
                "SqsManagedSseEnabled": true,
                "RedrivePolicy": { "deadLetterTargetArn": arn(&format!("{id}Dead")), "maxReceiveCount": RECEIVES_MAX },
            },
        }),
    );
    add(
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
    let dimensions = json!([{ "Name": "QueueName", "Value": get(&format!("{id}Dead"), "QueueName") }]);
    add(format!("{id}DeadAlarm"), alarm("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", dimensions));
}

/// What SES tells about mails goes into the queue of notifications, in the form of SNS.
fn mail_feedback(add: &mut impl FnMut(String, Value)) {
    let (queue, topic) = (queue_id(Queue::Notifications), reference("MailFeedbackTopicArn"));
    add(
        "MailFeedbackSubscription".to_owned(),
        json!({
            "Type": "AWS::SNS::Subscription",
            "Condition": "HasMailFeedback",
            "Properties": { "Protocol": "sqs", "TopicArn": topic, "Endpoint": arn(&queue) },
        }),
    );
    let mut send = allow(&["sqs:SendMessage"], arn(&queue));
    send["Principal"] = json!({ "Service": "sns.amazonaws.com" });
    send["Condition"] = json!({ "ArnEquals": { "aws:SourceArn": topic } });
    add(
        "MailFeedbackPolicy".to_owned(),
        json!({
            "Type": "AWS::SQS::QueuePolicy",
            "Condition": "HasMailFeedback",
            "Properties": {
                "Queues": [reference(&queue)],
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [send] },
            },
        }),
    );
}

fn event_source(worker: &Worker) -> Value {
    let (batch, concurrency) = (worker.batch_max, worker.concurrency_max);
    json!({
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": reference(&format!("{}Function", id(worker.name))),
            "EventSourceArn": arn(&queue_id(worker.queue)),
            "BatchSize": batch,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": { "MaximumConcurrency": concurrency },
        },
    })
}

fn schedule_entry(schedule: &Schedule) -> Value {
    json!({
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": sub(&format!("onsale-${{Stage}}-{}", schedule.name)),
            "ScheduleExpression": rate(schedule.every),
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "Target": {
                "Arn": arn(&queue_id(Queue::Background)),
                "RoleArn": arn("SchedulerRole"),
                "Input": schedule.body(),
                // The next run does the same: a late copy is worth nothing.
                "RetryPolicy": { "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60 },
            },
        },
    })
}

fn rate(every: Duration) -> String {
    let minutes = every.as_secs() / 60;
    assert!(minutes > 0 && every.as_secs().is_multiple_of(60), "the scheduler counts in minutes");
    if minutes == 1 { "rate(1 minute)".to_owned() } else { format!("rate({minutes} minutes)") }
}

fn scheduler_role() -> Value {
    assume_role("scheduler.amazonaws.com", vec![allow(&["sqs:SendMessage"], arn(&queue_id(Queue::Background)))])
}

// --- parts ---

fn log_group(name: &str) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": { "LogGroupName": sub(name), "RetentionInDays": LOG_DAYS },
    })
}

/// One is too many.
fn alarm(namespace: &str, metric: &str, statistic: &str, dimensions: Value) -> Value {
    json!({
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": dimensions,
            "Statistic": statistic,
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [reference("AlarmTopicArn")],
        },
    })
}

fn assume_role(service: &str, statements: Vec<Value>) -> Value {
    let assume = json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" });
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [assume] },
            "Policies": [{ "PolicyName": "rights", "PolicyDocument": policy }],
        },
    })
}

fn allow(actions: &[&str], resource: Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// `cart_add` → `CartAdd`: names of resources have no underscores.
fn id(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}

fn queue_id(queue: Queue) -> String {
    format!("{}Queue", id(queue.name()))
}

/// `GET /{organizer}/{event}/` → `GetOrganizerEvent`.
fn route_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method.to_lowercase().as_str()).chain(words).map(id).collect()
}

fn reference(id: &str) -> Value {
    json!({ "Ref": id })
}

fn get(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

fn arn(id: &str) -> Value {
    get(id, "Arn")
}

fn sub(text: &str) -> Value {
    json!({ "Fn::Sub": text })
}
