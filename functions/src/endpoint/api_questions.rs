//! Questions and their options in the REST API (spec rest-api 5.3, domain 7.1).

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    field::{Field, Kind},
    list::{Filter, Wanted},
    read::Faults,
    resource::{self, Ground, Parent, Resource},
    segments,
};
use crate::{
    ctx::Ctx,
    http::ApiError,
    question::edit::{
        self, Asked,
        sql::{OPTIONS, QUESTIONS},
    },
    record::{Record, Table, Target, flag, reference},
    staff::Permission,
};

/// Answers every route of questions: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match segments(&request).get(8).copied() {
        Some(_) => resource::handle::<Options>(ctx, request).await,
        None => resource::handle::<Questions>(ctx, request).await,
    }
}

const OPTION_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("identifier", Kind::Text(190)),
    Field::new("answer", Kind::Localized(5000)).required(),
    Field::new("position", Kind::Number(0, 1_000_000)),
];

/// Questions of an event.
pub struct Questions;

impl Resource for Questions {
    const KEY: &'static str = "question";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("question", Kind::Localized(5000)).required(),
        Field::new("type", Kind::Choice(&["N", "S", "T", "B", "C", "M", "F", "D", "H", "W", "CC", "TEL"])).required(),
        Field::new("required", Kind::Flag),
        Field::new("items", Kind::Refs(Target::Item)),
        Field::new("options", Kind::Parts(OPTION_FIELDS)).create_only(),
        Field::new("position", Kind::Number(0, 1_000_000)),
        Field::new("ask_during_checkin", Kind::Flag),
        Field::new("show_during_checkin", Kind::Flag),
        Field::new("identifier", Kind::Text(190)),
        Field::new("dependency_question", Kind::Ref(Target::Question)).column("dependency_question_id").null(),
        Field::new("dependency_values", Kind::Words(190)),
        Field::new("hidden", Kind::Flag),
        Field::new("print_on_invoice", Kind::Fixed("false")),
        Field::new("help_text", Kind::Localized(20_000)).null(),
        Field::new("valid_number_min", Kind::Fixed("null")),
        Field::new("valid_number_max", Kind::Fixed("null")),
        Field::new("valid_date_min", Kind::Fixed("null")),
        Field::new("valid_date_max", Kind::Fixed("null")),
        Field::new("valid_datetime_min", Kind::Fixed("null")),
        Field::new("valid_datetime_max", Kind::Fixed("null")),
        Field::new("valid_string_length_min", Kind::Fixed("null")),
        Field::new("valid_string_length_max", Kind::Fixed("null")),
        Field::new("valid_file_portrait", Kind::Fixed("false")),
    ];
    const TABLE: &'static Table = &QUESTIONS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.question.added", "pretix.event.question.changed", "pretix.event.question.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("ask_during_checkin", Wanted::Flag),
        Filter::new("required", Wanted::Flag),
        Filter::new("identifier", Wanted::Text),
    ];
    const ORDERINGS: &'static [&'static str] = &["position", "id"];
    const TELLS_CHANGES: bool = true;
    const IN_USE: &'static str = "This question has been answered and cannot be deleted. You can hide it instead.";

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        identify(ground, draft);
        let event = ground.event().id;
        if let Some(options) = draft.get_mut("options").and_then(Value::as_array_mut).filter(|_| before.is_none()) {
            options.iter_mut().filter_map(Value::as_object_mut).for_each(|option| identify(ground, option));
        }
        let id = before.and_then(|before| reference(before, "id"));
        let others = edit::asked(ground.tx, event).await?;
        if let Some(message) = dependency_fault(id, draft, &others) {
            faults.add("dependency_question", message);
        }
        let is_parent = others.iter().any(|other| other.parent.is_some() && other.parent == id);
        if flag(draft, "ask_during_checkin") && is_parent {
            faults.add("ask_during_checkin", "Another question depends on this one, so it must be asked in the shop.");
        }
        if reference(draft, "dependency_question_id").is_none() {
            draft.insert("dependency_values".to_owned(), json!([]));
        }
        let kind = |record: &Record| record.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if flag(draft, "ask_during_checkin") && kind(draft) == "F" {
            faults.add("ask_during_checkin", "Files are only taken in the shop.");
        }
        if let (Some(id), Some(before)) = (id, before) {
            let (old, new) = (kind(before), kind(draft));
            if old != new && !may_become(&old, &new) && edit::has_answers(ground.tx, event, id).await? {
                faults.add("type", "The type cannot be changed to this one, because there are answers already.");
            }
        }
        Ok(())
    }

    fn refused(constraint: &str) -> Option<(&'static str, &'static str)> {
        match constraint {
            "question_identifier_key" => Some(("identifier", IDENTIFIER_TAKEN)),
            "question_option_identifier_key" => Some(("options", IDENTIFIER_TAKEN)),
            _ => None,
        }
    }
}

const IDENTIFIER_TAKEN: &str = "This identifier is used already.";

/// What has no identifier gets one.
fn identify(ground: &Ground<'_>, draft: &mut Record) {
    if draft.get("identifier").is_none_or(|identifier| *identifier == "") {
        draft.insert("identifier".to_owned(), json!(ground.ctx.codes().identifier()));
    }
}

/// Spec domain 7.1: on a question with options or yes and no, not on itself, not in a circle, not at the door.
fn dependency_fault(id: Option<i64>, draft: &Record, others: &[Asked]) -> Option<&'static str> {
    let parent = reference(draft, "dependency_question_id")?;
    let find = |id: i64| others.iter().find(|other| other.id == id);
    let found = find(parent)?;
    if flag(draft, "ask_during_checkin") {
        return Some("Dependencies are not supported during check-in.");
    }
    if found.ask_during_checkin {
        return Some("A question cannot depend on one that is asked during check-in.");
    }
    if !["B", "C", "M"].contains(&found.kind.as_str()) {
        return Some("A question can only depend on a yes/no question or one with options.");
    }
    // A question of the event can be passed once at most.
    let mut at = Some(parent);
    for _ in 0..=others.len() {
        if at.is_some() && at == id {
            return Some("Circular dependency between questions detected.");
        }
        at = at.and_then(find).and_then(|question| question.parent);
    }
    None
}

/// Which types answers can be kept for.
fn may_become(old: &str, new: &str) -> bool {
    match new {
        "T" => old != "F",
        "S" => !["T", "F"].contains(&old),
        "M" => old == "C",
        _ => false,
    }
}

/// Options of a question.
pub struct Options;

impl Resource for Options {
    const KEY: &'static str = "option";
    const FIELDS: &'static [Field] = OPTION_FIELDS;
    const TABLE: &'static Table = &OPTIONS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] = [
        "pretix.event.question.option.added",
        "pretix.event.question.option.changed",
        "pretix.event.question.option.deleted",
    ];
    const PARENT: Option<Parent> = Some(Parent { key: "question", table: &QUESTIONS, column: "question_id" });
    const ORDERINGS: &'static [&'static str] = &["position", "id"];

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        _faults: &mut Faults,
    ) -> Result<(), ApiError> {
        identify(ground, draft);
        Ok(())
    }

    fn refused(constraint: &str) -> Option<(&'static str, &'static str)> {
        (constraint == "question_option_identifier_key").then_some(("identifier", IDENTIFIER_TAKEN))
    }
}
