//! The deployment description agrees with the tables it is made from, and with itself.

use std::collections::BTreeSet;

use serde_json::Value;
use shop::{
    port::queue::Queue,
    worker::{SCHEDULES, WORKERS},
};
use tests::infra;

/// The committed file.
pub fn committed() -> Value {
    let text = std::fs::read_to_string(infra::path()).expect("infra/template.json is there");
    serde_json::from_str(&text).expect("infra/template.json is JSON")
}

/// Resources of a type, with their names.
pub fn resources<'t>(template: &'t Value, kind: &str) -> Vec<(&'t str, &'t Value)> {
    let all = template["Resources"].as_object().expect("there are resources");
    all.iter().filter(|(_, resource)| resource["Type"] == kind).map(|(id, resource)| (id.as_str(), resource)).collect()
}

#[test]
fn the_committed_template_is_what_the_tables_give() {
    assert!(
        committed() == infra::template(),
        "infra/template.json is old: run `cargo run -p tests --bin infra` and commit the result"
    );
}

#[test]
fn what_is_referred_to_exists() {
    let template = committed();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for part in ["Parameters", "Resources", "Conditions"] {
        known.extend(template[part].as_object().expect("a map").keys().map(String::as_str));
    }
    let mut used = Vec::new();
    references(&template, &mut used);
    assert!(used.len() > 100, "the search finds references");
    let missing: Vec<_> =
        used.iter().filter(|name| !name.starts_with("AWS::") && !known.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    ("Ref", Value::String(target)) => found.push(target.clone()),
                    ("Fn::GetAtt" | "Fn::If", Value::Array(path)) => {
                        found.extend(path[0].as_str().map(str::to_owned));
                        path[1..].iter().for_each(|branch| references(branch, found));
                    }
                    ("Fn::Sub", Value::String(text)) => {
                        let names = text.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next());
                        found.extend(names.map(str::to_owned));
                    }
                    _ => references(field, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|entry| references(entry, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_function_has_a_role_a_log_and_an_alarm() {
    let template = committed();
    for (id, function) in resources(&template, "AWS::Lambda::Function") {
        let name = id.strip_suffix("Function").expect("functions are called so");
        let resources = &template["Resources"];
        for part in ["Role", "Log", "Alarm"] {
            assert!(resources[format!("{name}{part}")].is_object(), "{id} has no {part}");
        }
        assert_eq!(function["Properties"]["Role"]["Fn::GetAtt"][0], format!("{name}Role"), "a role of its own");
    }
}

#[test]
fn every_queue_has_a_worker_and_a_dead_letter_queue() {
    let template = committed();
    assert_eq!(resources(&template, "AWS::SQS::Queue").len(), 2 * Queue::ALL.len());
    assert_eq!(resources(&template, "AWS::Lambda::EventSourceMapping").len(), Queue::ALL.len());
    for queue in Queue::ALL {
        assert_eq!(WORKERS.iter().filter(|worker| worker.queue == queue).count(), 1, "{queue:?}");
    }
    assert_eq!(resources(&template, "AWS::Scheduler::Schedule").len(), SCHEDULES.len());
}

#[test]
fn a_mail_is_not_claimed_twice_while_it_is_sent() {
    let seconds = committed()["Resources"]["WorkerMailFunction"]["Properties"]["Timeout"].as_i64();
    assert!(seconds < Some(shop::mail::CLAIM_STALE_SECONDS), "{seconds:?}");
}

#[test]
fn rights_stay_where_they_are_needed() {
    let template = committed();
    let may = |action: &str| -> Vec<&str> {
        let roles = resources(&template, "AWS::IAM::Role").into_iter();
        roles.filter(|(_, role)| role.to_string().contains(action)).map(|(id, _)| id).collect()
    };
    assert_eq!(may("ses:"), ["WorkerMailRole"]);
    assert_eq!(may("s3:PutObject"), ["ApiUploadsRole", "WorkerBackgroundRole", "WorkerDefaultRole"]);
    let readers = ["ApiExportersRole", "ApiUploadsRole", "TicketShowRole", "WorkerDefaultRole", "WorkerMailRole"];
    assert_eq!(may("s3:GetObject"), readers);
    let removers = ["ApiPicturesRole", "ApiUploadsRole", "WorkerBackgroundRole", "WorkerDefaultRole"];
    assert_eq!(may("s3:DeleteObject"), removers);
    for (id, role) in resources(&template, "AWS::IAM::Role") {
        let statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].as_array();
        for statement in statements.expect("a policy has statements") {
            let actions = statement["Action"].as_array().expect("actions are listed");
            assert!(actions.iter().all(|action| !action.to_string().contains('*')), "{id}: {statement}");
            let network = actions.iter().all(|action| action.to_string().contains("ec2:"));
            assert!(network || statement["Resource"] != "*", "{id}: {statement}");
        }
    }
}

/// Names that config.rs reads.
fn variables() -> BTreeSet<&'static str> {
    let source = include_str!("../../functions/src/config.rs");
    let calls = ["reader.required(\"", "reader.optional(\""];
    let after = |call| source.split(call).skip(1).filter_map(|rest| rest.split('"').next());
    calls.into_iter().flat_map(after).collect()
}

#[test]
fn every_variable_is_set_and_documented() {
    let template = committed();
    let readme = include_str!("../../README.md");
    assert!(variables().contains("DATABASE_URL"), "the search finds variables");
    for variable in variables() {
        assert!(readme.contains(&format!("`{variable}`")), "README.md does not name {variable}");
        // Lambda sets these for the function's role.
        let by_lambda = variable.starts_with("AWS_");
        for (id, function) in resources(&template, "AWS::Lambda::Function") {
            let set = !function["Properties"]["Environment"]["Variables"][variable].is_null();
            assert_ne!(set, by_lambda, "{variable} in {id}");
        }
    }
}
