//! The stack `edge`: who reaches the functions, and who watches them.

use std::time::Duration;

use serde_json::{Value, json};
use shop::{
    port::queue::Queue,
    routes::ROUTES,
    worker::{SCHEDULES, Schedule, WORKERS, Worker},
};

use super::{
    alarms,
    base::queue_id,
    cloudfront, functions,
    parts::{
        Resources, allow, arn, assume_role, function_arn, id, is_given, log_group, output, reference, stage_parameter,
        sub, text, text_or,
    },
};

/// Messages for a batch are gathered for this long where nobody waits for them; a page shows tickets as they come.
const WINDOW_SECONDS: u64 = 1;

/// The template.
pub fn template() -> Value {
    let mut resources = Resources::default();
    add_stage(&mut resources);
    for function in super::http_functions() {
        add_integration(&mut resources, function);
    }
    for route in ROUTES {
        resources.add(
            format!("{}Route", route_id(route.method, route.path)),
            json!({
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": reference("ApiId"),
                    "RouteKey": route_key(route.method, route.path),
                    "Target": sub(&format!("integrations/${{{}Integration}}", id(route.name))),
                },
            }),
        );
    }
    for worker in WORKERS {
        resources.add(format!("{}Source", id(worker.name)), event_source(worker));
    }
    resources.add("SchedulerRole", scheduler_role());
    for schedule in SCHEDULES {
        resources.add(format!("{}Schedule", id(schedule.name)), schedule_entry(schedule));
    }
    cloudfront::add(&mut resources);
    alarms::add(&mut resources, &functions());
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Onsale, edge: routes, event sources, schedules, CloudFront, alarms. Generated from the shop's tables.",
        "Parameters": parameters(),
        "Conditions": { "HasDomain": is_given("Domain"), "HasCluster": is_given("DatabaseCluster") },
        "Resources": resources.into_value(),
        "Outputs": {
            "DistributionDomain": {
                "Condition": "HasDomain",
                "Description": "Where the domain's DNS entry has to point to",
                "Value": { "Fn::GetAtt": ["Distribution", "DomainName"] },
            },
            "Dashboard": output("The dashboard", reference("Dashboard")),
        },
    })
}

fn parameters() -> Value {
    let number =
        |what: &str, default: u64| json!({ "Type": "Number", "Description": what, "Default": default, "MinValue": 1 });
    let mut parameters = json!({
        "Stage": stage_parameter(),
        "ApiId": text("The HTTP API, of the stack base"),
        "AlarmTopicArn": text("Topic that wakes somebody up"),
        "MediaBucket": text("Bucket of the stack base"),
        "RequestsPerSecond": number("What the API lets in each second; the rest is told to come again", 2000),
        "RequestsBurst": number("What it lets in at once", 4000),
        "Schedules": {
            "Type": "String",
            "Description": "While they are disabled nothing expires and nothing is sent again, and the database may sleep",
            "AllowedValues": ["ENABLED", "DISABLED"],
            "Default": "ENABLED",
        },
        "Domain": text_or("Domain of the shop; without one there is no CloudFront", ""),
        "CertificateArn": text_or("Certificate for the domain, in us-east-1", "arn:aws:acm:us-east-1:000000000000:certificate/none"),
        "DatabaseCluster": text_or("Cluster of the stack data, for its alarm", ""),
        "ConnectionsMax": number("More connections to the cluster raise an alarm", 200),
    });
    for queue in Queue::ALL {
        parameters[format!("{}Arn", queue_id(queue))] = text("A queue of the stack base");
    }
    parameters
}

fn add_stage(resources: &mut Resources) {
    resources.add("ApiLog", log_group("/aws/apigateway/onsale-${Stage}"));
    // The route and not the path: addresses of orders contain their secret.
    let format = json!({
        "requestId": "$context.requestId",
        "route": "$context.routeKey",
        "status": "$context.status",
        "latency_ms": "$context.responseLatency",
        "error": "$context.integrationErrorMessage",
    });
    resources.add(
        "ApiStage",
        json!({
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": reference("ApiId"),
                "StageName": "$default",
                "AutoDeploy": true,
                "AccessLogSettings": { "DestinationArn": arn("ApiLog"), "Format": format.to_string() },
                "DefaultRouteSettings": {
                    "DetailedMetricsEnabled": true,
                    "ThrottlingRateLimit": reference("RequestsPerSecond"),
                    "ThrottlingBurstLimit": reference("RequestsBurst"),
                },
            },
        }),
    );
}

/// The key of a route in API Gateway.
pub fn route_key(method: &str, path: &str) -> String {
    if path == "$default" { path.to_owned() } else { format!("{method} {path}") }
}

/// `GET /{organizer}/{event}/` → `GetOrganizerEvent`.
fn route_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method.to_lowercase().as_str()).chain(words).map(id).collect()
}

fn add_integration(resources: &mut Resources, function: &str) {
    let id = id(function);
    resources.add(
        format!("{id}Integration"),
        json!({
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": reference("ApiId"),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function_arn(function),
                "PayloadFormatVersion": "2.0",
            },
        }),
    );
    resources.add(
        format!("{id}Permission"),
        json!({
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function_arn(function),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApiId}/*"),
            },
        }),
    );
}

fn event_source(worker: &Worker) -> Value {
    let (batch, concurrency) = (worker.batch_max, worker.concurrency_max);
    let window = if batch > 1 { WINDOW_SECONDS } else { 0 };
    json!({
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": function_arn(worker.name),
            "EventSourceArn": reference(&format!("{}Arn", queue_id(worker.queue))),
            "BatchSize": batch,
            "MaximumBatchingWindowInSeconds": window,
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
            "State": reference("Schedules"),
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "Target": {
                "Arn": reference(&format!("{}Arn", queue_id(Queue::Background))),
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
    let queue = reference(&format!("{}Arn", queue_id(Queue::Background)));
    assume_role("scheduler.amazonaws.com", vec![allow(&["sqs:SendMessage"], queue)])
}
