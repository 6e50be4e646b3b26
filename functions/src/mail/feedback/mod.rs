//! What the provider tells about a mail after it took it: nobody is there, or somebody complained.
//!
//! Amazon SES tells it to a topic of SNS, which puts it into the queue `notifications`: a message in their form, not ours.

pub mod sql;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    port::db::{DbError, Query},
    time::Timestamp,
};

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its address does not exist or refuses mail for good.
    Bounced,
    /// It could not be delivered for now: a full mailbox, somebody away.
    Delayed,
    /// Its reader calls it spam.
    Complained,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bounced, Self::Delayed, Self::Complained];

    /// The word in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Delayed => "delayed",
            Self::Complained => "complained",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|verdict| verdict.name() == name);
        found.ok_or_else(|| DbError::UnknownValue { what: "verdict about a mail", value: name.to_owned() })
    }
}

/// What the provider tells about one mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// How the provider calls the mail.
    pub provider_id: String,
    /// What became of it; `None` for news of no interest, such as that it was delivered.
    pub verdict: Option<Verdict>,
    /// What the other mail server said.
    pub detail: String,
}

/// Longest text of the other mail server that is kept.
const DETAIL_LENGTH_MAX: usize = 500;

/// Reads a message of SES, in the envelope of SNS or without it. `None` if it is something else.
pub fn parse(body: &str) -> Option<Feedback> {
    let outer: Value = serde_json::from_str(body).ok()?;
    let news = match outer["Message"].as_str() {
        Some(inner) if outer["Type"] == "Notification" => serde_json::from_str(inner).ok()?,
        _ => outer,
    };
    let provider_id = news["mail"]["messageId"].as_str()?.to_owned();
    // Identities say "notificationType", configuration sets "eventType".
    let kind = news["notificationType"].as_str().or_else(|| news["eventType"].as_str())?;
    let (verdict, detail) = match kind {
        "Bounce" => {
            let bounce = &news["bounce"];
            let verdict = if bounce["bounceType"] == "Transient" { Verdict::Delayed } else { Verdict::Bounced };
            let said = &bounce["bouncedRecipients"][0]["diagnosticCode"];
            (Some(verdict), said.as_str().or_else(|| bounce["bounceSubType"].as_str()))
        }
        "Complaint" => (Some(Verdict::Complained), news["complaint"]["complaintFeedbackType"].as_str()),
        _ => (None, None),
    };
    let detail = detail.unwrap_or_default().replace('\0', "").chars().take(DETAIL_LENGTH_MAX).collect();
    Some(Feedback { provider_id, verdict, detail })
}

/// What is known about the mails of an order.
pub struct Problem {
    /// Where the mail went.
    pub recipient: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What the other mail server said.
    pub detail: String,
    /// When the provider told.
    pub recorded_at: Timestamp,
}

/// Records what the provider tells. False if no mail of this shop is called so: then it is kept for two weeks, should it have
/// come before the worker that sent the mail has noted its name.
pub async fn record(q: &impl Query, feedback: &Feedback, now: Timestamp) -> Result<bool, DbError> {
    let Some(verdict) = feedback.verdict else { return Ok(true) };
    if sql::record(q, &feedback.provider_id, verdict, &feedback.detail, now).await? {
        return Ok(true);
    }
    sql::keep_early(q, &feedback.provider_id, verdict, &feedback.detail, now).await?;
    // The name may have been noted in between, by somebody who did not see this.
    settle(q, &feedback.provider_id).await
}

/// Gives a mail what was told about it before its name was known. Both who notes the name and who keeps what was told call
/// this after it is written, so one of them finds the two together. True if there was something.
pub async fn settle(q: &impl Query, provider_id: &str) -> Result<bool, DbError> {
    sql::settle(q, provider_id).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounce(kind: &str) -> Value {
        json!({
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": kind, "bounceSubType": "General",
                "bouncedRecipients": [{
                    "emailAddress": "ada@example.org", "action": "failed", "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown"
                }],
                "timestamp": "2026-11-25T04:00:00.000Z", "feedbackId": "f"
            },
            "mail": {"messageId": "0102-ses", "source": "tickets@example.org", "destination": ["ada@example.org"]}
        })
    }

    fn in_topic(news: &Value) -> String {
        json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-central-1:1:mail",
               "Message": news.to_string(), "Timestamp": "2026-11-25T04:00:01.000Z", "SignatureVersion": "1"})
        .to_string()
    }

    #[test]
    fn bounces_and_complaints_are_read_in_both_envelopes() {
        for body in [in_topic(&bounce("Permanent")), bounce("Permanent").to_string()] {
            let read = parse(&body).unwrap();
            assert_eq!((read.provider_id.as_str(), read.verdict), ("0102-ses", Some(Verdict::Bounced)));
            assert_eq!(read.detail, "smtp; 550 5.1.1 user unknown");
        }
        assert_eq!(parse(&in_topic(&bounce("Transient"))).unwrap().verdict, Some(Verdict::Delayed));
        let complaint = json!({"eventType": "Complaint", "complaint": {"complaintFeedbackType": "abuse"},
                               "mail": {"messageId": "0103"}});
        let read = parse(&in_topic(&complaint)).unwrap();
        assert_eq!((read.verdict, read.detail.as_str()), (Some(Verdict::Complained), "abuse"));
        let delivered = json!({"notificationType": "Delivery", "mail": {"messageId": "0104"}});
        assert_eq!(parse(&in_topic(&delivered)).unwrap().verdict, None);
    }

    #[test]
    fn other_messages_are_not_taken_for_feedback() {
        for body in
            ["", "[]", "not json", r#"{"v":1,"kind":"mail.send","mail":1}"#, r#"{"Type":"Notification","Message":"x"}"#]
        {
            assert_eq!(parse(body), None, "{body}");
        }
    }
}
