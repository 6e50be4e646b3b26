//! Questions of a document (spec domain 7.1).

use std::collections::HashSet;

use serde_json::Value;

use super::{
    catalogue::ItemIndex,
    reader::{Index, Object, index},
    refused,
};
use crate::question::QuestionType;

/// References are positions in the lists of the plan.
pub(super) struct Question {
    pub(super) id: Option<i64>,
    pub(super) question: Value,
    pub(super) help_text: Option<Value>,
    pub(super) identifier: String,
    pub(super) kind: QuestionType,
    pub(super) required: bool,
    pub(super) hidden: bool,
    pub(super) position: i32,
    pub(super) items: Vec<usize>,
    pub(super) options: Vec<AnswerOption>,
    /// The question that it depends on.
    pub(super) parent: Option<usize>,
    pub(super) values: Vec<String>,
}

pub(super) struct AnswerOption {
    pub(super) identifier: String,
    pub(super) answer: Value,
    pub(super) position: i32,
}

pub(super) fn questions(document: &Object<'_>, items: &ItemIndex) -> Vec<Question> {
    let objects = document.objects("questions");
    let found = index(&objects);
    let options: Vec<Vec<Object<'_>>> = objects.iter().map(|object| object.objects("options")).collect();
    let mut identifiers = Identifiers::of(&objects);
    let mut option_identifiers = Identifiers::of(options.iter().flatten());
    let questions: Vec<Question> = objects
        .iter()
        .zip(&options)
        .map(|(object, options)| {
            let read = |option: &Object<'_>| answer_option(option, &mut option_identifiers);
            let options = options.iter().map(read).collect();
            question(object, options, identifiers.next(object, "Q"), items, &found)
        })
        .collect();
    for (position, object) in objects.iter().enumerate() {
        check_dependency(object, position, &questions);
    }
    questions
}

fn answer_option(object: &Object<'_>, identifiers: &mut Identifiers) -> AnswerOption {
    object.require(&["answer"]);
    AnswerOption {
        identifier: identifiers.next(object, "O"),
        answer: object.name("answer"),
        position: object.small_number("position").unwrap_or(0),
    }
}

fn question(
    object: &Object<'_>,
    options: Vec<AnswerOption>,
    identifier: String,
    items: &ItemIndex,
    questions: &Index,
) -> Question {
    object.require(&["question", "type"]);
    object.refuse(refused::QUESTION);
    let kind = kind(object);
    let has_options = matches!(kind, Some(QuestionType::Choice | QuestionType::Choices));
    if has_options && options.is_empty() {
        object.fault("options", "a choice needs options");
    }
    if kind.is_some() && !has_options && !options.is_empty() {
        object.fault("options", "only the types C and M have options");
    }
    // The reference still writes the older form with a single value.
    let values = match object.value("dependency_values") {
        Some(_) => object.words("dependency_values"),
        None => object.word("dependency_value", 190).map(str::to_owned).into_iter().collect(),
    };
    Question {
        id: object.id(),
        question: object.name("question"),
        help_text: object.text("help_text"),
        identifier,
        kind: kind.unwrap_or(QuestionType::Line),
        required: object.flag("required").unwrap_or(false),
        hidden: object.flag("hidden").unwrap_or(false),
        position: object.small_number("position").unwrap_or(0),
        items: object.references("items", &items.items, "item").into_iter().map(|(_, item)| item).collect(),
        options,
        parent: object.reference("dependency_question", questions, "question"),
        values,
    }
}

fn kind(object: &Object<'_>) -> Option<QuestionType> {
    let code = object.word("type", 10)?;
    match QuestionType::parse(code) {
        Some(kind) => Some(kind),
        None => {
            let codes = QuestionType::ALL.map(QuestionType::code).join(", ");
            object.fault("type", format!("one of {codes} is needed"));
            None
        }
    }
}

fn check_dependency(object: &Object<'_>, position: usize, questions: &[Question]) {
    let question = &questions[position];
    let Some(parent) = question.parent else { return };
    let known: Vec<&str> = match questions[parent].kind {
        QuestionType::YesNo => vec!["True", "False"],
        QuestionType::Choice | QuestionType::Choices => {
            questions[parent].options.iter().map(|option| option.identifier.as_str()).collect()
        }
        _ => return object.fault("dependency_question", "only questions of the types B, C and M can be depended on"),
    };
    if question.values.is_empty() {
        object.fault("dependency_values", "a dependency needs values");
    }
    for value in question.values.iter().filter(|value| !known.contains(&value.as_str())) {
        object.fault("dependency_values", format!("'{value}' is no answer of the question it depends on"));
    }
    let mut ancestor = Some(parent);
    // Longer than there are questions means that the way up leads around in a circle somewhere else.
    for _ in 0..questions.len() {
        if ancestor == Some(position) {
            object.fault("dependency_question", "the question depends on itself");
            return;
        }
        ancestor = ancestor.and_then(|question| questions[question].parent);
    }
}

/// Identifiers that are unique in the event; missing ones are made.
struct Identifiers {
    given: HashSet<String>,
    used: HashSet<String>,
}

impl Identifiers {
    fn of<'a, 'b: 'a>(objects: impl IntoIterator<Item = &'a Object<'b>>) -> Self {
        let given = |object: &Object<'_>| object.value("identifier")?.as_str().map(str::to_owned);
        Self { given: objects.into_iter().filter_map(given).collect(), used: HashSet::new() }
    }

    fn next(&mut self, object: &Object<'_>, prefix: &str) -> String {
        let identifier = match object.word("identifier", 190) {
            Some(identifier) => identifier.to_owned(),
            None => (1..)
                .map(|number| format!("{prefix}{number}"))
                .find(|new| !self.is_known(new))
                .expect("numbers do not end"),
        };
        if identifier.contains(',') {
            object.fault("identifier", "must not contain a comma");
        }
        if !self.used.insert(identifier.clone()) {
            object.fault("identifier", format!("'{identifier}' is used twice"));
        }
        identifier
    }

    fn is_known(&self, identifier: &str) -> bool {
        self.given.contains(identifier) || self.used.contains(identifier)
    }
}
