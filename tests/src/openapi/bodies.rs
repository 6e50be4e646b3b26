//! Bodies of calls that are no objects of a kind: what they must have. More may be there.

use serde_json::{Value, json};

use super::reference;

fn text() -> Value {
    json!({ "type": "string", "pattern": r"[^\s\x00]" })
}

fn id() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX })
}

fn ids() -> Value {
    json!({ "type": "array", "items": id(), "minItems": 1 })
}

/// An object with all of these.
fn object(fields: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<_, _> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// What a call with this method, whose path ends like this, must send.
pub fn of(method: &str, path: &str) -> Option<Value> {
    let position = object(&[("item", id())]);
    let file = object(&[("file", json!({ "type": "string", "pattern": "^file:" }))]);
    let some = |value: Value| json!({ "type": "array", "items": value, "minItems": 1, "maxItems": 500 });
    let all = [
        ("POST", "checkinrpc/redeem/", object(&[("lists", ids()), ("secret", text())])),
        ("POST", "checkinrpc/annul/", object(&[("lists", ids()), ("nonce", text())])),
        ("POST", "device/initialize", {
            let words = ["token", "hardware_brand", "hardware_model", "software_brand", "software_version"];
            object(&words.map(|word| (word, text())))
        }),
        ("POST", "bulk_actions/", object(&[("action", text())])),
        ("POST", "cartpositions/", position.clone()),
        ("POST", "cartpositions/bulk_create/", some(position.clone())),
        ("POST", "{event}/clone/", reference("EventCreate")),
        ("POST", "orderpositions/", object(&[("order", text()), ("item", id())])),
        ("PATCH", "orderpositions/{orderposition}/", object(&[])),
        ("POST", "{event}/orders/", object(&[("positions", some(position))])),
        ("POST", "vouchers/batch_create/", some(reference("VoucherCreate"))),
        ("POST", "giftcards/{giftcard}/transact/", object(&[("value", json!({ "type": "string" }))])),
        ("POST", "webhooks/", object(&[("target_url", json!({ "type": "string", "format": "uri" }))])),
        ("POST", "api/v1/uploads/", object(&[("file_name", text()), ("content_type", text())])),
        ("PUT", "picture/", file.clone()),
        ("PUT", "logo/", file),
        ("PATCH", "settings/", object(&[])),
    ];
    all.into_iter().find(|(of, end, _)| *of == method && path.ends_with(end)).map(|(.., schema)| schema)
}
