//! Answers that programs write (spec rest-api 9.3, 9.7): nobody is asked by a form, so nothing is required, but what is
//! answered must be an answer to the question.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    catalogue::Catalogue,
    event::Event,
    http::ApiError,
    id::QuestionId,
    question::{self, AnswerError, Question, QuestionType},
};

/// The answers in a position's body, in their stored form; `None` if it says nothing about them.
pub(super) fn read(
    fields: &Fields,
    catalogue: &Catalogue,
    event: &Event,
) -> Result<Option<Vec<(QuestionId, String)>>, ApiError> {
    if fields.get("answers").is_none() {
        return Ok(None);
    }
    let (mut answers, mut faults, mut named) = (Vec::new(), Vec::new(), BTreeSet::new());
    for value in fields.list("answers")? {
        match answer(value, catalogue, event) {
            Ok((question, _)) if !named.insert(question) => {
                faults.push(json!({ "question": ["This question is answered twice."] }));
            }
            Ok((question, stored)) => {
                answers.extend(stored.map(|stored| (question, stored)));
                faults.push(json!({}));
            }
            Err(error) => faults.push(crate::http::api_body(&error)),
        }
    }
    match faults.iter().all(|fault| *fault == json!({})) {
        true => Ok(Some(answers)),
        false => Err(ApiError::InvalidParts(json!({ "answers": faults }))),
    }
}

fn answer(value: &Value, catalogue: &Catalogue, event: &Event) -> Result<(QuestionId, Option<String>), ApiError> {
    let fields = Fields::of(value)?;
    let id = fields.number("question")?.ok_or_else(|| ApiError::field("question", "This field is required."))?;
    let found = catalogue.questions.iter().find(|question| question.id == QuestionId(id));
    let unknown = || ApiError::field("question", format!("Invalid pk \"{id}\" - object does not exist."));
    // Nobody must answer here.
    let question = Question { required: false, ..found.ok_or_else(unknown)?.clone() };
    let has_options = matches!(question.kind, QuestionType::Choice | QuestionType::Choices);
    let said = if has_options { chosen(&fields, &question)? } else { written(&fields)? };
    let raw: Vec<&str> = said.iter().map(String::as_str).collect();
    let stored = question::validate(&question, &raw, &event.timezone);
    Ok((question.id, stored.map_err(|error| fault(has_options, error))?))
}

fn fault(has_options: bool, error: AnswerError) -> ApiError {
    ApiError::field(if has_options { "options" } else { "answer" }, error.to_string())
}

/// What is written where there is nothing to choose: a text, a number, true or false.
fn written(fields: &Fields) -> Result<Vec<String>, ApiError> {
    match fields.get("answer") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Bool(true)) => Ok(vec!["True".to_owned()]),
        Some(Value::Bool(false)) => Ok(Vec::new()),
        Some(Value::Number(number)) => Ok(vec![number.to_string()]),
        Some(_) => Err(ApiError::field("answer", "Not a valid string.")),
    }
}

/// Options by their ids; without them, the answer by identifiers.
fn chosen(fields: &Fields, question: &Question) -> Result<Vec<String>, ApiError> {
    let options = fields.list("options")?;
    if options.is_empty() {
        return written(fields);
    }
    let unknown = |id: &Value| ApiError::field("options", format!("Invalid pk \"{id}\" - object does not exist."));
    let name = |id: &Value| {
        let option = question.options.iter().find(|option| Some(option.id) == id.as_i64());
        option.map(|option| option.identifier.clone()).ok_or_else(|| unknown(id))
    };
    options.iter().map(name).collect()
}
