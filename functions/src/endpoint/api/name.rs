//! Names of people, which clients say and read as one text and in parts.

use serde_json::{Value, json};

use super::read::Faults;
use crate::record::Record;

/// A name in parts; the shop keeps it as one.
pub fn parts_of(name: &str) -> Value {
    json!({ "_scheme": "full", "full_name": name })
}

/// Makes one text of what was written into `name` or `name_parts`. It is said in one way, not in two.
pub fn check(draft: &mut Record, before: Option<&Record>, max: usize, faults: &mut Faults) {
    let Some(parts) = draft.get("name_parts").and_then(Value::as_object) else {
        faults.add("name_parts", "Expected an object.");
        return;
    };
    let was = |column: &str| before.and_then(|before| before.get(column)).cloned().unwrap_or_default();
    let said_parts = !parts.is_empty() && Value::Object(parts.clone()) != was("name_parts");
    let said_name = draft.get("name").is_some_and(|name| *name != was("name"));
    if !said_parts {
        return;
    }
    if said_name {
        faults.add("name", "Say either name or name_parts.");
    }
    let of_scheme = |(key, part): (&String, &Value)| (key != "_scheme").then(|| part.as_str().map(str::to_owned));
    let words: Option<Vec<String>> = parts.iter().filter_map(of_scheme).collect();
    let full = words.map(|words| words.join(" ").trim().to_owned());
    match full.filter(|name| name.chars().count() <= max) {
        Some(name) => drop(draft.insert("name".to_owned(), if name.is_empty() { Value::Null } else { json!(name) })),
        None => faults.add("name_parts", format!("Expected texts of at most {max} characters in all.")),
    }
}
