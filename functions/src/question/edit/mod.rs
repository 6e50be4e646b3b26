//! What programs of organisers change about questions.

pub mod sql;

use crate::{
    id::EventId,
    port::db::{DbError, Query, p},
};

/// What the rules about dependencies look at.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The question.
    pub id: i64,
    /// Its type's code.
    pub kind: String,
    /// It is asked at the door, not in the shop.
    pub ask_during_checkin: bool,
    /// The question that it depends on.
    pub parent: Option<i64>,
}

/// All questions of an event.
pub async fn asked(q: &impl Query, event: EventId) -> Result<Vec<Asked>, DbError> {
    let rows = q.query(sql::ASKED, &[p(&event)]).await?;
    let read = rows.iter().map(|row| {
        Ok(Asked {
            id: row.get("id")?,
            kind: row.get("type")?,
            ask_during_checkin: row.get("ask_during_checkin")?,
            parent: row.get("dependency_question_id")?,
        })
    });
    read.collect()
}

/// Whether somebody has answered a question.
pub async fn has_answers(q: &impl Query, event: EventId, question: i64) -> Result<bool, DbError> {
    q.one(sql::HAS_ANSWERS, &[p(&event), p(&question)]).await?.get("found")
}
