//! From what a form holds to what is stored (spec domain 7.3).

use jiff::{civil, tz::TimeZone};

use super::{Question, QuestionType};
use crate::event::settings::parse_moment;

/// Longest answer in characters. Nobody reads more at a door.
const LENGTH_MAX: usize = 5000;

/// Why an answer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Nothing was answered.
    #[error("an answer is needed")]
    Required,
    /// A required yes/no question was answered with no.
    #[error("this must be agreed to")]
    MustBeYes,
    /// Too long.
    #[error("the answer is longer than {LENGTH_MAX} characters")]
    TooLong,
    /// Not one of the options.
    #[error("this is not one of the options")]
    UnknownOption,
    /// More than one option.
    #[error("only one option can be chosen")]
    TooManyOptions,
    /// Not a number.
    #[error("a number is needed")]
    Number,
    /// Not a day.
    #[error("a date is needed")]
    Date,
    /// Not a time of day.
    #[error("a time is needed")]
    Time,
    /// Not a day and time.
    #[error("a date and a time are needed")]
    DateTime,
    /// Not a country code.
    #[error("a country is needed")]
    Country,
    /// Not a phone number.
    #[error("a phone number is needed")]
    Phone,
    /// A file, where only a form can take one.
    #[error("files are only taken in the shop")]
    File,
}

/// The stored form of what a form holds for a question, or `None` if it holds nothing: booleans `True`/`False`, dates
/// ISO (moments in UTC, typed on the clock of `zone`), choices as option identifiers separated by commas.
pub fn validate(question: &Question, raw: &[&str], zone: &TimeZone) -> Result<Option<String>, AnswerError> {
    match question.kind {
        QuestionType::YesNo => return yes_or_no(question, raw),
        QuestionType::Choice | QuestionType::Choices => return choices(question, raw),
        _ => {}
    }
    let text = clean(raw.first().copied().unwrap_or_default());
    if text.is_empty() {
        return if question.required { Err(AnswerError::Required) } else { Ok(None) };
    }
    if text.chars().count() > LENGTH_MAX {
        return Err(AnswerError::TooLong);
    }
    let stored = match question.kind {
        QuestionType::YesNo | QuestionType::Choice | QuestionType::Choices => unreachable!("handled above"),
        QuestionType::Number => number(&text).ok_or(AnswerError::Number)?,
        QuestionType::Line => one_line(&text),
        QuestionType::Text => text,
        QuestionType::File => return Err(AnswerError::File),
        QuestionType::Date => text.parse::<civil::Date>().map_err(|_| AnswerError::Date)?.to_string(),
        QuestionType::Time => text.parse::<civil::Time>().map_err(|_| AnswerError::Time)?.to_string(),
        QuestionType::DateTime => parse_moment(&text, zone).ok_or(AnswerError::DateTime)?.to_string(),
        QuestionType::Country => country(&text).ok_or(AnswerError::Country)?,
        QuestionType::Phone => phone(&text).ok_or(AnswerError::Phone)?,
    };
    Ok(Some(stored))
}

/// A stored moment as a `datetime-local` field takes it: on the clock of `zone`.
pub fn local_input(stored: &str, zone: &TimeZone) -> String {
    let local = crate::time::Timestamp::parse(stored).map(|moment| moment.in_zone(zone));
    local.map(|moment| moment.strftime("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}

/// Line ends of browsers become `\n`; other control characters mean nothing (and Postgres refuses one of them).
fn clean(raw: &str) -> String {
    raw.trim().chars().filter(|character| *character == '\n' || !character.is_control()).collect()
}

/// What a buyer has typed, as one line without control characters.
pub fn one_line(raw: &str) -> String {
    clean(raw).replace('\n', " ")
}

/// A check box that is not ticked sends nothing, so nothing means no.
fn yes_or_no(question: &Question, raw: &[&str]) -> Result<Option<String>, AnswerError> {
    let yes = raw.iter().any(|value| matches!(value.trim(), "True" | "true" | "on" | "yes" | "1"));
    match (yes, question.required) {
        (true, _) => Ok(Some("True".to_owned())),
        (false, true) => Err(AnswerError::MustBeYes),
        (false, false) => Ok(Some("False".to_owned())),
    }
}

/// Chosen identifiers in the order of the options, each once.
fn choices(question: &Question, raw: &[&str]) -> Result<Option<String>, AnswerError> {
    let chosen: Vec<&str> =
        raw.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|v| !v.is_empty()).collect();
    if chosen.iter().any(|value| !question.options.iter().any(|option| option.identifier == *value)) {
        return Err(AnswerError::UnknownOption);
    }
    let known: Vec<&str> =
        question.options.iter().map(|option| option.identifier.as_str()).filter(|id| chosen.contains(id)).collect();
    match known.len() {
        0 if question.required => Err(AnswerError::Required),
        0 => Ok(None),
        2.. if question.kind == QuestionType::Choice => Err(AnswerError::TooManyOptions),
        _ => Ok(Some(known.join(","))),
    }
}

/// A decimal number with a point or, as in German, a comma.
fn number(text: &str) -> Option<String> {
    let text = text.replace(',', ".");
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.len() <= 30 && part.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(whole) && is_number(fraction)).then_some(text)
}

/// Two capital letters.
fn country(text: &str) -> Option<String> {
    let code = text.to_ascii_uppercase();
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
}

/// A phone number without what people put between the digits.
fn phone(text: &str) -> Option<String> {
    let number: String = text.chars().filter(|character| !" ()-/.".contains(*character)).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    ((5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}
