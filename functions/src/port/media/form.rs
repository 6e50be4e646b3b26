//! Forms with which somebody sends one file straight into the bucket, signed by the shop (AWS signature version 4).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{config::AwsConfig, time::Timestamp};

/// How long a form works.
const VALID_SECONDS: i64 = 600;

/// A form: its fields, then the file in a field `file`, as `multipart/form-data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadForm {
    /// Where it is sent.
    pub url: String,
    /// What stands in it before the file.
    pub fields: Vec<(&'static str, String)>,
}

/// The one file that a form may send.
pub(super) struct Wanted<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) content_type: &'a str,
    pub(super) bytes_max: usize,
}

/// The form for one file.
pub(super) fn sign(aws: &AwsConfig, url: String, wanted: &Wanted<'_>, now: Timestamp) -> UploadForm {
    let utc = |moment: Timestamp| moment.in_zone(&TimeZone::UTC);
    let day = utc(now).strftime("%Y%m%d").to_string();
    let scope = format!("{day}/{}/s3/aws4_request", aws.region);
    let mut fields = vec![
        ("key", wanted.key.to_owned()),
        ("Content-Type", wanted.content_type.to_owned()),
        ("success_action_status", "201".to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", format!("{}/{scope}", aws.access_key_id)),
        ("x-amz-date", utc(now).strftime("%Y%m%dT%H%M%SZ").to_string()),
    ];
    if let Some(token) = &aws.session_token {
        fields.push(("x-amz-security-token", token.reveal().to_owned()));
    }
    // What a form says must be what the policy says, so nothing of it can be changed.
    let mut conditions: Vec<Value> = fields.iter().map(|(name, value)| json!({ *name: value })).collect();
    conditions.push(json!({ "bucket": wanted.bucket }));
    conditions.push(json!(["content-length-range", 1, wanted.bytes_max]));
    let expiration = utc(now.plus_seconds(VALID_SECONDS)).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let policy = STANDARD.encode(json!({ "expiration": expiration, "conditions": conditions }).to_string());
    let secret = format!("AWS4{}", aws.secret_access_key.reveal());
    let key = [&day, aws.region.as_str(), "s3", "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| keyed(&key, part.as_bytes()));
    let signature = keyed(&key, policy.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    fields.push(("policy", policy));
    fields.push(("x-amz-signature", signature));
    UploadForm { url, fields }
}

fn keyed(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
