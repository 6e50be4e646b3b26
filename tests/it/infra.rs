//! The deployment description agrees with the tables it is made from, and with itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shop::{
    port::queue::Queue,
    worker::{SCHEDULES, WORKERS},
};
use tests::infra::{self, rights::Right};

/// A committed file.
pub fn committed(name: &str) -> Value {
    let text = std::fs::read_to_string(infra::path(name)).expect("the file is there");
    serde_json::from_str(&text).expect("the file is JSON")
}

/// Resources of a type, with their names.
pub fn resources<'t>(template: &'t Value, kind: &str) -> Vec<(&'t str, &'t Value)> {
    let all = template["Resources"].as_object().expect("there are resources");
    all.iter().filter(|(_, resource)| resource["Type"] == kind).map(|(id, resource)| (id.as_str(), resource)).collect()
}

#[test]
fn the_committed_files_are_what_the_tables_give() {
    for (path, content) in infra::files() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let path = path.display();
        assert!(
            text == infra::text(&content),
            "{path} is old: run `cargo run -p tests --bin infra` and commit the result"
        );
    }
}

#[test]
fn what_is_referred_to_exists() {
    for name in ["base.json", "edge.json"] {
        let template = committed(name);
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for part in ["Parameters", "Resources", "Conditions"] {
            known.extend(template[part].as_object().expect("a map").keys().map(String::as_str));
        }
        let mut used = Vec::new();
        references(&template, &mut used);
        assert!(used.len() > 100, "the search finds references");
        let missing: Vec<_> =
            used.iter().filter(|name| !name.starts_with("AWS::") && !known.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

#[test]
fn what_the_edge_asks_for_is_an_output_of_the_base() {
    let (base, edge, list) = (committed("base.json"), committed("edge.json"), committed("functions.json"));
    let outputs = base["Outputs"].as_object().expect("a map");
    let asked = edge["Parameters"].as_object().expect("a map").keys().filter(|name| name.ends_with("QueueArn"));
    let roles = list["functions"].as_object().expect("a map").values().filter_map(|function| function["role"].as_str());
    for name in asked.map(String::as_str).chain(roles) {
        assert!(outputs.contains_key(name), "{name}");
    }
    assert!(outputs.len() <= 200, "CloudFormation takes no more");
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
    let (base, edge) = (committed("base.json"), committed("edge.json"));
    for function in infra::functions() {
        let of_function = |resource: &Value| resource["Properties"].to_string().contains(&format!("-{function}\""));
        for (template, kind) in [(&base, "AWS::Logs::LogGroup"), (&edge, "AWS::CloudWatch::Alarm")] {
            let found = resources(template, kind).into_iter().filter(|(_, resource)| of_function(resource)).count();
            assert_eq!(found, 1, "{kind} of {function}");
        }
    }
    assert_eq!(resources(&base, "AWS::IAM::Role").len(), infra::functions().len(), "each has a role of its own");
    let list = committed("functions.json");
    let roles: BTreeSet<_> = list["functions"].as_object().unwrap().values().map(|it| it["role"].to_string()).collect();
    assert_eq!(roles.len(), infra::functions().len());
}

#[test]
fn every_queue_has_a_worker_a_dead_letter_queue_and_alarms() {
    let (base, edge) = (committed("base.json"), committed("edge.json"));
    assert_eq!(resources(&base, "AWS::SQS::Queue").len(), 2 * Queue::ALL.len());
    assert_eq!(resources(&edge, "AWS::Lambda::EventSourceMapping").len(), Queue::ALL.len());
    for queue in Queue::ALL {
        assert_eq!(WORKERS.iter().filter(|worker| worker.queue == queue).count(), 1, "{queue:?}");
        let name = format!("onsale-${{Stage}}-{}", queue.name());
        for watched in [format!("{name}\""), format!("{name}-dead\"")] {
            let alarms = resources(&edge, "AWS::CloudWatch::Alarm").into_iter();
            let alarms = alarms.filter(|(_, alarm)| alarm["Properties"]["Dimensions"].to_string().contains(&watched));
            assert_eq!(alarms.count(), 1, "{watched}");
        }
    }
    assert_eq!(resources(&edge, "AWS::Scheduler::Schedule").len(), SCHEDULES.len());
}

#[test]
fn a_mail_is_not_claimed_twice_while_it_is_sent() {
    let seconds = committed("functions.json")["functions"]["worker_mail"]["timeout_seconds"].as_i64();
    assert!(seconds.is_some() && seconds < Some(shop::mail::CLAIM_STALE_SECONDS), "{seconds:?}");
}

/// What each function may do, in the words of IAM. A right is in two places on purpose: whoever gives a function more
/// has to say so here as well.
const EXPECTED_RIGHTS: &[(&str, &[&str])] = &[
    ("ApiBulkActions", &["send checkout", "send notifications"]),
    ("ApiExporters", &["s3:GetObject exports", "send default", "send notifications"]),
    (
        "ApiOrders",
        &[
            "find tickets/*",
            "find uploads/*",
            "s3:GetObject answers",
            "s3:GetObject tickets",
            "s3:GetObject uploads",
            "s3:PutObject answers",
            "send default",
            "send mail",
            "send notifications",
        ],
    ),
    ("ApiPictures", &["s3:DeleteObject pub", "send default", "send notifications"]),
    ("ApiUploads", &["find uploads/*", "s3:DeleteObject uploads", "s3:GetObject uploads", "s3:PutObject uploads"]),
    ("ApiWebhooks", &["send notifications"]),
    ("CartAdd", &["send default", "send mail", "send notifications"]),
    ("CartAnswerShow", &["s3:GetObject answers"]),
    ("CartClear", &["send default", "send mail", "send notifications"]),
    ("CartExtend", &["send default", "send mail", "send notifications"]),
    ("CartRemove", &["send default", "send mail", "send notifications"]),
    ("CartVoucher", &["send default", "send mail", "send notifications"]),
    ("CheckoutAddonsSave", &["send default", "send mail", "send notifications"]),
    ("CheckoutQuestionsSave", &["s3:PutObject answers"]),
    ("FormAgain", &["send default", "send mail", "send notifications"]),
    ("OrderAnswerShow", &["s3:GetObject answers"]),
    ("OrderPlace", &["send default", "send mail", "send notifications"]),
    ("TicketRequest", &["send default", "send notifications"]),
    ("TicketShow", &["find tickets/*", "s3:GetObject tickets"]),
    (
        "WorkerBackground",
        &[
            "receive background",
            "s3:DeleteObject answers",
            "s3:DeleteObject exports",
            "s3:DeleteObject pub",
            "s3:DeleteObject uploads",
            "s3:PutObject pub",
            "send checkout",
            "send default",
            "send mail",
            "send notifications",
        ],
    ),
    ("WorkerCheckout", &["receive checkout", "send checkout", "send notifications"]),
    (
        "WorkerDefault",
        &[
            "receive default",
            "s3:AbortMultipartUpload exports",
            "find pub/*",
            "find uploads/*",
            "s3:DeleteObject pub",
            "s3:GetObject pub",
            "s3:GetObject uploads",
            "s3:PutObject exports",
            "s3:PutObject pub",
            "s3:PutObject tickets",
            "send mail",
            "send notifications",
        ],
    ),
    ("WorkerMail", &["receive mail", "find tickets/*", "s3:GetObject tickets", "ses:SendEmail", "ses:SendRawEmail"]),
    ("WorkerNotifications", &["receive notifications", "send mail", "send notifications"]),
];

/// A right in the words of the list above. Panics at what no function needs.
fn words(id: &str, action: &str, resource: &Value) -> Option<String> {
    let text = resource.to_string();
    let queue = || {
        let named = |queue: &Queue| resource["Fn::GetAtt"][0] == infra::base::queue_id(*queue);
        Queue::ALL.into_iter().find(named).unwrap_or_else(|| panic!("{id}: {action} of {text}")).name()
    };
    let folder = || {
        let folders = ["tickets", "exports", "uploads", "answers", "pub"];
        let is = |folder: &&str| text == format!("{{\"Fn::Sub\":\"${{MediaBucket.Arn}}/{folder}/*\"}}");
        folders.into_iter().find(is).unwrap_or_else(|| panic!("{id}: {action} of {text}"))
    };
    match action.split_once(':').unwrap() {
        ("logs", "CreateLogStream" | "PutLogEvents") if text.contains(&format!("{id}Log.Arn")) => None,
        // These know no resource; without them Lambda cannot attach a function to a network.
        ("ec2", _) => None,
        // These neither: traces, if the stage wants them.
        ("xray", "PutTelemetryRecords" | "PutTraceSegments") => None,
        ("sqs", "SendMessage") => Some(format!("send {}", queue())),
        ("sqs", "ReceiveMessage") => Some(format!("receive {}", queue())),
        ("sqs", "ChangeMessageVisibility" | "DeleteMessage" | "GetQueueAttributes") => {
            assert_eq!(id.strip_prefix("Worker").map(str::to_lowercase).as_deref(), Some(queue()), "{action}");
            None
        }
        ("s3", _) => Some(format!("{action} {}", folder())),
        ("ses", _) => Some(action.to_owned()),
        _ => panic!("{id}: {action} of {text}"),
    }
}

#[test]
fn no_function_may_do_more_than_it_has_to() {
    let base = committed("base.json");
    let mut found = Vec::new();
    for (role, content) in resources(&base, "AWS::IAM::Role") {
        let id = role.strip_suffix("Role").expect("roles are called so");
        let properties = &content["Properties"];
        assert!(
            properties["ManagedPolicyArns"].is_null() && properties["Policies"].as_array().unwrap().len() == 1,
            "{id}"
        );
        let mut rights = BTreeSet::new();
        let mut statements = properties["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        let sign_in =
            statements.iter().position(|statement| statement["Fn::If"][0] == "SignsIn").expect("it may sign in");
        let sign_in = &statements.remove(sign_in)["Fn::If"];
        assert_eq!(sign_in[1]["Action"], json!(["rds-db:connect"]), "{id}");
        assert_eq!(
            (&sign_in[1]["Resource"]["Ref"], &sign_in[2]["Ref"]),
            (&json!("DatabaseUserArn"), &json!("AWS::NoValue"))
        );
        for statement in &statements {
            assert_eq!(statement["Effect"], "Allow");
            for action in statement["Action"].as_array().expect("actions are listed") {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{id}: {action}");
                if action.starts_with("ses:") {
                    assert!(statement["Condition"]["StringEquals"]["ses:FromAddress"].is_object(), "{id}");
                }
                if action == "s3:ListBucket" {
                    let folder = statement["Condition"]["StringLike"]["s3:prefix"].as_str().expect("one folder");
                    rights.insert(format!("find {folder}"));
                    continue;
                }
                rights.extend(words(id, action, &statement["Resource"]));
            }
        }
        if !rights.is_empty() {
            found.push((id, rights));
        }
    }
    let expected =
        EXPECTED_RIGHTS.iter().map(|(id, rights)| (*id, rights.iter().map(|right| (*right).to_owned()).collect()));
    for (found, expected) in found.iter().zip(expected.clone()) {
        assert_eq!(*found, expected);
    }
    assert_eq!(found.len(), expected.count());
}

#[test]
fn every_right_names_code_that_needs_it() {
    for (function, rights) in infra::rights::RIGHTS {
        for (right, code) in *rights {
            let path = infra::path("../functions/src").join(code);
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            let needle = match right {
                Right::Send(_) => ["dispatch(", "send_later("].as_slice(),
                Right::ReadTickets | Right::ReadExports | Right::ReadAnswers => {
                    &["download_url(", "attachment_url(", "media().await.find("]
                }
                Right::WriteTickets | Right::WriteAnswers => &[".put("],
                Right::WriteExports => &["begin_upload("],
                Right::DeleteAnswers | Right::DeleteExports | Right::DeleteUploads | Right::DeletePublic => {
                    &[".delete("]
                }
                Right::WriteUploads => &[".put(", "upload_form("],
                Right::ReadUploads | Right::ReadPublic => &[".find("],
                Right::WritePublic => &[".publish(", ".publish_for("],
                Right::SendMail => &["mailer()"],
            };
            let used = needle.iter().any(|call| source.contains(call));
            // What follows from an order is recorded by the domain and handed over by its endpoint.
            let recorded = matches!(right, Right::Send(_)) && source.contains("outbox::record(");
            assert!(used || recorded, "{function}: {right:?} is not needed in {code}");
        }
    }
}

#[test]
fn the_edge_has_a_page_for_forms_that_are_too_large() {
    let edge = committed("edge.json");
    let [(_, function)] = resources(&edge, "AWS::CloudFront::Function")[..] else { panic!("one function") };
    let code = function["Properties"]["FunctionCode"].as_str().unwrap();
    assert!(code.len() < 10_000, "CloudFront takes no more than 10 KB");
    assert!(!code.contains("BYTES_MAX") && !code.contains("PAGE"), "{code}");
    let config = &resources(&edge, "AWS::CloudFront::Distribution")[0].1["Properties"]["DistributionConfig"];
    assert_eq!(config["DefaultCacheBehavior"]["FunctionAssociations"][0]["EventType"], "viewer-request");
    // Whoever is told of 4 MB can send as much.
    const { assert!(shop::question::file::BYTES_MAX + 256 * 1024 < shop::http::FORM_BYTES_MAX) }
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
    let list = committed("functions.json");
    let set: BTreeSet<&str> = list["environment"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let readme = include_str!("../../README.md");
    assert!(variables().contains("DATABASE_URL"), "the search finds variables");
    for variable in variables() {
        assert!(readme.contains(&format!("`{variable}`")), "README.md does not name {variable}");
        // Lambda sets these for the function's role.
        let by_lambda = variable.starts_with("AWS_");
        assert_ne!(set.contains(variable), by_lambda, "{variable}");
    }
}
