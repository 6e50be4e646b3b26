//! What a batch of messages came to, as CloudWatch counts it.

use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::{Value, json};

use crate::{port::queue::Queue, time::Timestamp};

/// Counts of one batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that did what they asked for.
    pub handled: u64,
    /// Messages that come again.
    pub failed: u64,
    /// Messages that had come before.
    pub retried: u64,
    /// Copies of messages that were handled before.
    pub duplicates: u64,
    /// Longest time from sending to this batch.
    pub oldest_ms: i64,
}

/// A number among the attributes that SQS adds to a message; 0 if it is missing.
pub(super) fn attribute(record: &SqsMessage, name: &str) -> i64 {
    record.attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or_default()
}

impl Tally {
    /// A message is taken up.
    pub fn receive(&mut self, record: &SqsMessage, now: Timestamp) {
        self.retried += u64::from(attribute(record, "ApproximateReceiveCount") > 1);
        let sent_ms = attribute(record, "SentTimestamp");
        if sent_ms > 0 {
            self.oldest_ms = self.oldest_ms.max(now.as_micros() / 1000 - sent_ms);
        }
    }

    /// The counts in CloudWatch's embedded metric format: a line of the log that becomes metrics.
    pub fn metrics(&self, queue: Queue, now: Timestamp) -> Value {
        let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
        let count = |name| metric(name, "Count");
        json!({
            "_aws": {
                "Timestamp": now.as_micros() / 1000,
                "CloudWatchMetrics": [{
                    "Namespace": "Onsale",
                    "Dimensions": [["Queue"]],
                    "Metrics": [
                        count("Handled"),
                        count("Failed"),
                        count("Retried"),
                        count("DuplicatesDropped"),
                        metric("QueueAge", "Milliseconds"),
                    ],
                }],
            },
            "Queue": queue.name(),
            "Handled": self.handled,
            "Failed": self.failed,
            "Retried": self.retried,
            "DuplicatesDropped": self.duplicates,
            "QueueAge": self.oldest_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(attributes: &[(&str, &str)]) -> SqsMessage {
        let mut record = SqsMessage::default();
        record.attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        record
    }

    #[test]
    fn the_oldest_message_and_those_that_came_before_are_counted() {
        let now = Timestamp::from_micros(1_700_000_010_000_000);
        let mut tally = Tally::default();
        tally.receive(&record(&[("ApproximateReceiveCount", "1"), ("SentTimestamp", "1700000001000")]), now);
        tally.receive(&record(&[("ApproximateReceiveCount", "3"), ("SentTimestamp", "1700000009000")]), now);
        tally.receive(&record(&[]), now);
        assert_eq!(tally, Tally { retried: 1, oldest_ms: 9_000, ..Tally::default() });
    }

    #[test]
    fn every_metric_that_is_declared_has_a_value() {
        let line =
            Tally { handled: 2, failed: 1, ..Tally::default() }.metrics(Queue::Mail, Timestamp::from_micros(7_000));
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        let names = declared["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap());
        let names: Vec<&str> = names.collect();
        assert_eq!(names.len(), 5);
        assert!(names.iter().all(|name| line[*name].is_number()), "{line}");
        assert_eq!(
            (&line["Queue"], &line["Handled"], &line["_aws"]["Timestamp"]),
            (&json!("mail"), &json!(2), &json!(7))
        );
        assert_eq!(declared["Dimensions"], json!([["Queue"]]));
    }
}
