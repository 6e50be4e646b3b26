//! Statements about questions.

use serde_json::Value;

use super::{Dependency, Question, QuestionOption, QuestionType};
use crate::{
    event::Localized,
    id::{EventId, QuestionId},
    port::db::{DbError, Query, Row, p},
};

const QUESTIONS: &str = "
    select q.id, q.question, q.help_text, q.identifier, q.type, q.required, q.hidden, q.ask_during_checkin,
           q.position, q.dependency_question_id, q.dependency_values,
           array(select i.item_id from question_item i where i.event_id = $1 and i.question_id = q.id order by i.item_id)
               as item_ids,
           (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'identifier', o.identifier, 'answer', o.answer)
                                      order by o.position, o.id), '[]')
              from question_option o where o.event_id = $1 and o.question_id = q.id) as options
      from question q where q.event_id = $1 order by q.position, q.id";

pub(super) async fn questions(q: &impl Query, event: EventId) -> Result<Vec<Question>, DbError> {
    q.query(QUESTIONS, &[p(&event)]).await?.iter().map(read_question).collect()
}

fn read_question(row: &Row) -> Result<Question, DbError> {
    let kind: String = row.get("type")?;
    let parent: Option<QuestionId> = row.get("dependency_question_id")?;
    let values: Vec<String> = row.get("dependency_values")?;
    let options: Value = row.get("options")?;
    let options_text = options.to_string();
    let options: Vec<QuestionOption> = serde_json::from_value(options)
        .map_err(|_| DbError::UnknownValue { what: "question option", value: options_text })?;
    Ok(Question {
        id: row.get("id")?,
        question: Localized::from_row(row, "question")?,
        help_text: Localized::from_row_opt(row, "help_text")?,
        identifier: row.get("identifier")?,
        kind: QuestionType::parse(&kind).ok_or(DbError::UnknownValue { what: "question type", value: kind })?,
        required: row.get("required")?,
        hidden: row.get("hidden")?,
        ask_during_checkin: row.get("ask_during_checkin")?,
        position: row.get("position")?,
        dependency: parent.map(|question| Dependency { question, values }),
        items: row.get("item_ids")?,
        options,
    })
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[QUESTIONS];
