//! Answers that programs write (spec rest-api 9.3, 9.7): nobody is asked by a form, so nothing is required, but what is
//! answered must be an answer to the question.

use std::collections::{BTreeMap, BTreeSet};

use lambda_http::Request;
use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::read,
    event::Event,
    http::ApiError,
    id::QuestionId,
    order::Said,
    port::db::Query,
    question::{
        self, AnswerError, Question, QuestionType,
        file::{self, AnswerFile, FileError},
    },
    staff::Staff,
    time::Timestamp,
};

/// The answers in a position's body, in their stored form; `None` if it says nothing about them.
pub(super) fn read(
    fields: &Fields,
    catalogue: &Catalogue,
    event: &Event,
) -> Result<Option<Vec<(QuestionId, String)>>, ApiError> {
    Ok(read_with(fields, catalogue, event, &Files::default())?.map(|said| said.answers))
}

/// The same, where answers may be files: those that the program has sent, or those that are there (`file:keep`).
pub(super) fn read_with(
    fields: &Fields,
    catalogue: &Catalogue,
    event: &Event,
    files: &Files,
) -> Result<Option<Said>, ApiError> {
    if fields.get("answers").is_none() {
        return Ok(None);
    }
    let (mut said, mut faults, mut named) = (Said::default(), Vec::new(), BTreeSet::new());
    for value in fields.list("answers")? {
        match answer(value, catalogue, event, files) {
            Ok((question, _)) if !named.insert(question) => {
                faults.push(json!({ "question": ["This question is answered twice."] }));
            }
            Ok((question, answer)) => {
                match answer {
                    Answered::Text(stored) => said.answers.extend(stored.map(|stored| (question, stored))),
                    Answered::File(file) => {
                        said.answers.push((question, file.answer()));
                        said.files.push(file.id.clone());
                    }
                    Answered::Kept => said.kept.push(question),
                }
                faults.push(json!({}));
            }
            Err(error) => faults.push(crate::http::api_body(&error)),
        }
    }
    match faults.iter().all(|fault| *fault == json!({})) {
        true => Ok(Some(said)),
        false => Err(ApiError::InvalidParts(json!({ "answers": faults }))),
    }
}

/// What is said about one question.
enum Answered<'a> {
    /// An answer in its stored form; nothing is no answer.
    Text(Option<String>),
    /// A file that the program has sent.
    File(&'a AnswerFile),
    /// The file that is there.
    Kept,
}

/// Files that answers name.
#[derive(Default)]
pub(super) struct Files {
    /// By how they are named; what is wrong with one is told with its answer.
    by_reference: BTreeMap<String, Result<AnswerFile, String>>,
    /// The file that is there can be kept.
    may_keep: bool,
}

/// What keeps the file that is there.
const KEEP: &str = "file:keep";
/// Files in one call.
const FILES_MAX: usize = 20;

impl Files {
    /// Takes the files that a body says are answers. What else is wrong with it is told when it is read.
    pub(super) async fn fetch(
        ctx: &Ctx,
        q: &impl Query,
        staff: &Staff,
        event: &Event,
        request: &Request,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let body = read::value(request).unwrap_or_default();
        let said = body["answers"].as_array().into_iter().flatten().filter_map(|answer| answer["answer"].as_str());
        let named: BTreeSet<&str> = said.filter(|text| text.starts_with("file:") && *text != KEEP).collect();
        let mut by_reference = BTreeMap::new();
        for reference in named.into_iter().take(FILES_MAX) {
            let taken = match file::take_upload(ctx, q, staff, event, reference, now).await {
                Ok(Some(file)) => Ok(file),
                Ok(None) => Err("The submitted file ID was not found.".to_owned()),
                Err(FileError::Media(error)) => return Err(ApiError::Busy(Box::new(error))),
                Err(FileError::Db(error)) => return Err(error.into()),
                Err(error @ (FileError::Type | FileError::TooLarge | FileError::TooMany)) => {
                    Err(format!("This file cannot be an answer: {error}."))
                }
            };
            by_reference.insert(reference.to_owned(), taken);
        }
        Ok(Self { by_reference, may_keep: true })
    }

    fn answer(&self, said: &str) -> Result<Answered<'_>, ApiError> {
        let wrong = |text: String| Err(ApiError::field("answer", text));
        match self.by_reference.get(said) {
            Some(Ok(file)) => Ok(Answered::File(file)),
            Some(Err(why)) => wrong(why.clone()),
            None if said == KEEP && self.may_keep => Ok(Answered::Kept),
            None => wrong(AnswerError::File.to_string()),
        }
    }
}

fn answer<'a>(
    value: &Value,
    catalogue: &Catalogue,
    event: &Event,
    files: &'a Files,
) -> Result<(QuestionId, Answered<'a>), ApiError> {
    let fields = Fields::of(value)?;
    let id = fields.number("question")?.ok_or_else(|| ApiError::field("question", "This field is required."))?;
    let found = catalogue.questions.iter().find(|question| question.id == QuestionId(id));
    let unknown = || ApiError::field("question", format!("Invalid pk \"{id}\" - object does not exist."));
    // Nobody must answer here.
    let question = Question { required: false, ..found.ok_or_else(unknown)?.clone() };
    if question.kind == QuestionType::File {
        let said = written(&fields)?.into_iter().next().filter(|said| !said.is_empty());
        let answered = said.map_or(Ok(Answered::Text(None)), |said| files.answer(&said))?;
        return Ok((question.id, answered));
    }
    let has_options = matches!(question.kind, QuestionType::Choice | QuestionType::Choices);
    let said = if has_options { chosen(&fields, &question)? } else { written(&fields)? };
    let raw: Vec<&str> = said.iter().map(String::as_str).collect();
    let stored = question::validate(&question, &raw, &event.timezone);
    Ok((question.id, Answered::Text(stored.map_err(|error| fault(has_options, error))?)))
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
