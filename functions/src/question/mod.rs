//! Questions that an organiser asks for each ticket, and what counts as an answer (spec domain 7).

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::{
    event::Localized,
    i18n::Lang,
    id::{EventId, ItemId, QuestionId},
    port::db::{DbError, Query},
};

mod answer;
pub mod edit;
pub mod file;
pub mod sql;

pub use answer::{AnswerError, local_input, one_line, validate};

/// The kind of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionType {
    /// A decimal number.
    Number,
    /// One line of text.
    Line,
    /// Several lines of text.
    Text,
    /// Yes or no; required means that it must be yes.
    YesNo,
    /// One of the options.
    Choice,
    /// Any of the options.
    Choices,
    /// An uploaded file.
    File,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A moment.
    DateTime,
    /// A country.
    Country,
    /// A phone number.
    Phone,
}

impl QuestionType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::Number,
        Self::Line,
        Self::Text,
        Self::YesNo,
        Self::Choice,
        Self::Choices,
        Self::File,
        Self::Date,
        Self::Time,
        Self::DateTime,
        Self::Country,
        Self::Phone,
    ];

    /// The code in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Number => "N",
            Self::Line => "S",
            Self::Text => "T",
            Self::YesNo => "B",
            Self::Choice => "C",
            Self::Choices => "M",
            Self::File => "F",
            Self::Date => "D",
            Self::Time => "H",
            Self::DateTime => "W",
            Self::Country => "CC",
            Self::Phone => "TEL",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// One answer to choose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QuestionOption {
    /// Its row.
    pub id: i64,
    /// Unique in the event; answers are stored by it.
    pub identifier: String,
    /// Its text for buyers.
    pub answer: Localized,
}

/// A question is only asked if another one got one of some answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The other question.
    pub question: QuestionId,
    /// The answers: option identifiers, or `True` and `False`.
    pub values: Vec<String>,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its id.
    pub id: QuestionId,
    /// Its text.
    pub question: Localized,
    /// Text under the field.
    pub help_text: Option<Localized>,
    /// Unique in the event.
    pub identifier: String,
    /// Its kind.
    pub kind: QuestionType,
    /// Must be answered.
    pub required: bool,
    /// Only staff sees it.
    pub hidden: bool,
    /// Asked at the door instead of in the shop.
    pub ask_during_checkin: bool,
    /// Place among the questions.
    pub position: i32,
    /// When it is asked at all.
    pub dependency: Option<Dependency>,
    /// For which items it is asked.
    pub items: Vec<ItemId>,
    /// What can be chosen, in order.
    pub options: Vec<QuestionOption>,
}

impl Question {
    /// A buyer of `item` is asked, as far as other answers do not matter.
    pub fn is_asked_for(&self, item: ItemId) -> bool {
        !self.hidden && !self.ask_during_checkin && self.items.contains(&item)
    }

    /// How a stored answer reads for people: choices by their text in `lang`, files by their names, everything else as it
    /// is.
    pub fn readable(&self, answer: &str, lang: Lang) -> String {
        match self.kind {
            QuestionType::Choice | QuestionType::Choices => {
                let text = |identifier: &str| match self.options.iter().find(|option| option.identifier == identifier) {
                    Some(option) => option.answer.get(lang).to_owned(),
                    // The option was deleted since; its identifier is all that is left.
                    None => identifier.to_owned(),
                };
                answer.split(',').map(text).collect::<Vec<_>>().join(", ")
            }
            QuestionType::File => file::in_answer(answer).map_or(answer, |(_, name)| name).to_owned(),
            QuestionType::Number
            | QuestionType::Line
            | QuestionType::Text
            | QuestionType::YesNo
            | QuestionType::Date
            | QuestionType::Time
            | QuestionType::DateTime
            | QuestionType::Country
            | QuestionType::Phone => answer.to_owned(),
        }
    }

    /// True if one of the dependency's values is in the answer that the other question got.
    fn is_wanted_by(&self, parent: &Question, parent_answer: &str) -> bool {
        let Some(dependency) = &self.dependency else { return true };
        match parent.kind {
            QuestionType::Choices => parent_answer.split(',').any(|value| dependency.values.iter().any(|v| v == value)),
            _ => dependency.values.iter().any(|value| value == parent_answer),
        }
    }
}

/// The questions of an event by position, id.
pub async fn of_event(q: &impl Query, event: EventId) -> Result<Vec<Question>, DbError> {
    sql::questions(q, event).await
}

/// True if `question` is to be answered for one ticket: it depends on nothing, or the question that it depends on is
/// itself asked and active and has one of the wanted answers (spec domain 7.1). `asked` are the questions of the ticket;
/// `answer` gives stored text forms.
pub fn is_active<'a>(
    question: &Question,
    asked: &[&Question],
    answer: &impl Fn(QuestionId) -> Option<&'a str>,
) -> bool {
    let mut child = question;
    // As many steps as there are questions: a circle, which the import refuses, ends as inactive.
    for _ in 0..=asked.len() {
        let Some(dependency) = &child.dependency else { return true };
        let Some(parent) = asked.iter().find(|candidate| candidate.id == dependency.question) else { return false };
        match answer(parent.id) {
            Some(text) if child.is_wanted_by(parent, text) => child = parent,
            _ => return false,
        }
    }
    false
}

/// Stored text forms by question.
pub type Answers = Vec<(QuestionId, String)>;

/// What is wrong with answers, by question.
pub type AnswerErrors = Vec<(QuestionId, AnswerError)>;

/// The answers of one ticket, or what is wrong with them. `raw` gives what the form holds for a question; for a file, the
/// answer that one of the cart's own files is. Inactive questions are neither required nor answered.
pub fn read_answers<'a>(
    asked: &[&Question],
    raw: impl Fn(QuestionId) -> Vec<&'a str>,
    zone: &TimeZone,
) -> Result<Answers, AnswerErrors> {
    let read = |question: &&Question| match (question.kind, raw(question.id)) {
        (QuestionType::File, raw) => match raw.first() {
            None if question.required => Err(AnswerError::Required),
            file => Ok(file.map(|file| (*file).to_owned())),
        },
        (_, raw) => validate(question, &raw, zone),
    };
    let results: Vec<_> = asked.iter().map(|question| (question.id, read(question))).collect();
    // A required choice that is missing wants nothing of others: that is an error of its own.
    let stored = |id: QuestionId| {
        let (_, result) = results.iter().find(|(of, _)| *of == id)?;
        result.as_ref().ok()?.as_deref()
    };
    let (mut answers, mut errors) = (Vec::new(), Vec::new());
    for (question, (id, result)) in asked.iter().zip(&results) {
        if !is_active(question, asked, &stored) {
            continue;
        }
        match result {
            Ok(Some(text)) => answers.push((*id, text.clone())),
            Ok(None) => {}
            Err(error) => errors.push((*id, *error)),
        }
    }
    if errors.is_empty() { Ok(answers) } else { Err(errors) }
}
