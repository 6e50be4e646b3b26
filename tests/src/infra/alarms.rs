//! Alarms and the dashboard.

use serde_json::{Value, json};
use shop::port::queue::Queue;

use super::parts::{Resources, id, reference, sub};

/// A page that takes longer makes buyers click again.
const SLOW_MS: u64 = 1500;
/// A message that nobody has taken up for so long: its worker is broken or far behind.
fn age_max_seconds(queue: Queue) -> u64 {
    match queue {
        // Somebody waits for these.
        Queue::Checkout | Queue::Default | Queue::Mail => 300,
        Queue::Notifications | Queue::Background => 900,
    }
}

/// What raises an alarm, over how many periods of five minutes in a row.
struct Watch<'a> {
    namespace: &'a str,
    metric: &'a str,
    statistic: &'a str,
    dimensions: Value,
    threshold: Value,
    periods: u64,
}

fn alarm(watch: Watch<'_>) -> Value {
    let mut properties = json!({
        "Namespace": watch.namespace,
        "MetricName": watch.metric,
        "Dimensions": watch.dimensions,
        "Period": 300,
        "EvaluationPeriods": watch.periods,
        "Threshold": watch.threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [reference("AlarmTopicArn")],
    });
    let kind = if watch.statistic.starts_with('p') { "ExtendedStatistic" } else { "Statistic" };
    properties[kind] = json!(watch.statistic);
    json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": properties })
}

/// One is too many.
fn any<'a>(namespace: &'a str, metric: &'a str, statistic: &'a str, dimensions: Value) -> Watch<'a> {
    Watch { namespace, metric, statistic, dimensions, threshold: json!(1), periods: 1 }
}

fn named(name: &str, value: Value) -> Value {
    json!([{ "Name": name, "Value": value }])
}

/// The full name of a queue.
fn queue_name(queue: Queue, suffix: &str) -> Value {
    sub(&format!("onsale-${{Stage}}-{}{suffix}", queue.name()))
}

/// Adds all of them.
pub fn add(resources: &mut Resources, functions: &[&str]) {
    let api = || named("ApiId", reference("ApiId"));
    resources.add("ApiAlarm", alarm(any("AWS/ApiGateway", "5xx", "Sum", api())));
    let slow = Watch {
        statistic: "p99",
        threshold: json!(SLOW_MS),
        periods: 3,
        ..any("AWS/ApiGateway", "Latency", "", api())
    };
    resources.add("ApiSlowAlarm", alarm(slow));
    // Of all functions of the account together: whoever is throttled, the limit is shared.
    resources.add("ThrottlesAlarm", alarm(any("AWS/Lambda", "Throttles", "Sum", json!([]))));
    for function in functions {
        let name = named("FunctionName", sub(&format!("onsale-${{Stage}}-{function}")));
        resources.add(format!("{}Alarm", id(function)), alarm(any("AWS/Lambda", "Errors", "Sum", name)));
    }
    for queue in Queue::ALL {
        let id = super::base::queue_id(queue);
        let dead = named("QueueName", queue_name(queue, "-dead"));
        resources.add(
            format!("{id}DeadAlarm"),
            alarm(any("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", dead)),
        );
        let old = any("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", named("QueueName", queue_name(queue, "")));
        let old = Watch { threshold: json!(age_max_seconds(queue)), ..old };
        resources.add(format!("{id}AgeAlarm"), alarm(old));
    }
    // The hourly audit counts places anew; a difference is a bug in what is sold.
    resources.add("StockDriftAlarm", alarm(any("Onsale", "StockDrift", "Maximum", json!([]))));
    let cluster = named("DBClusterIdentifier", reference("DatabaseCluster"));
    let connections = any("AWS/RDS", "DatabaseConnections", "Maximum", cluster);
    let mut connections = alarm(Watch { threshold: reference("ConnectionsMax"), ..connections });
    connections["Condition"] = json!("HasCluster");
    resources.add("ConnectionsAlarm", connections);
    resources.add(
        "Dashboard",
        json!({
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": { "DashboardName": sub("onsale-${Stage}"), "DashboardBody": sub(&dashboard().to_string()) },
        }),
    );
}

/// Two columns: what buyers notice, and why.
fn dashboard() -> Value {
    let mut widgets: Vec<Value> = Vec::new();
    let mut add = |title: &str, statistic: &str, metrics: Value| {
        let (column, row) = (widgets.len() % 2, widgets.len() / 2);
        widgets.push(json!({
            "type": "metric", "x": 12 * column, "y": 6 * row, "width": 12, "height": 6,
            "properties": { "title": title, "stat": statistic, "period": 60, "region": "${AWS::Region}", "metrics": metrics },
        }));
    };
    let search = |expression: &str| json!([[{ "expression": format!("SEARCH('{expression}', 'Sum', 60)") }]]);
    let api = |metric: &str| json!(["AWS/ApiGateway", metric, "ApiId", "${ApiId}"]);
    let queues = |metric: &str, suffix: &str| -> Value {
        let names = Queue::ALL.map(|queue| format!("onsale-${{Stage}}-{}{suffix}", queue.name()));
        names.iter().map(|name| json!(["AWS/SQS", metric, "QueueName", name])).collect()
    };
    let own = |metric: &str| -> Value {
        Queue::ALL.iter().map(|queue| json!(["Onsale", metric, "Queue", queue.name()])).collect()
    };
    add("Requests and errors", "Sum", json!([api("Count"), api("4xx"), api("5xx")]));
    add("Time to answer, p99 (ms)", "p99", json!([api("Latency"), api("IntegrationLatency")]));
    add("Functions: errors", "Sum", search("{AWS/Lambda,FunctionName} MetricName=\\\"Errors\\\" onsale-${Stage}"));
    add(
        "Functions: throttles",
        "Sum",
        search("{AWS/Lambda,FunctionName} MetricName=\\\"Throttles\\\" onsale-${Stage}"),
    );
    add("Queues: waiting", "Maximum", queues("ApproximateNumberOfMessagesVisible", ""));
    add("Queues: oldest message (s)", "Maximum", queues("ApproximateAgeOfOldestMessage", ""));
    add("Dead letters", "Maximum", queues("ApproximateNumberOfMessagesVisible", "-dead"));
    add("Messages handled", "Sum", own("Handled"));
    add("Messages that failed", "Sum", own("Failed"));
    add("Places that differ from what was counted", "Maximum", json!([["Onsale", "StockDrift"]]));
    json!({ "widgets": widgets })
}
