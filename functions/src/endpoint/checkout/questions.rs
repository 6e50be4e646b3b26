//! The first step: who buys, who comes, and what the organiser wants to know.

use std::collections::HashMap;

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{Desk, StepName, Visit};
use crate::{
    cart::{self, Attendee, Position, PositionAnswers, Session},
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::visit::answer_url,
    event::Event,
    http::{ApiError, Form},
    i18n,
    id::QuestionId,
    page::{
        self, Html,
        checkout::{PositionForm, QuestionsPage},
        field::{self, Choice, Field, Input, KeptFile},
    },
    port::db::Query,
    present,
    question::{
        self, AnswerError, Question, QuestionType,
        file::{self, FileError},
    },
};

/// Shows the form with what is known.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    Ok(match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => match desk.redirect_before(StepName::Questions) {
            Some(earlier) => earlier,
            None => render(&desk, &Filled::from_desk(&desk), &HashMap::new()),
        },
        Err(elsewhere) => elsewhere,
    })
}

/// Keeps the answers, or shows the form again with what is wrong at each field.
pub async fn save(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let form = visit.form(&request)?;
    let desk = match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => desk,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let files = Files::from_form(&desk, &*db, &form).await?;
    let read = match Read::from_form(&desk, &form, &files) {
        Ok(read) => read,
        Err(errors) => return Ok(render(&desk, &Filled::from_form(&form, files), &errors)),
    };
    if !read.positions.iter().zip(&desk.positions).all(|(told, known)| told.says_the_same_as(known)) {
        cart::save_answers(&*db, visit.event.id, &desk.cart, &read.positions).await?;
    }
    Ok(desk.go_on_telling(StepName::Questions, &read.told))
}

/// Whether everything required has been answered, also for positions that were added later.
pub(super) fn is_complete(desk: &Desk<'_>) -> bool {
    let settings = &desk.visit.event.settings;
    let named = !settings.order_phone_required() || !settings.order_phone_asked() || desk.told.phone.is_some();
    named
        && desk.positions.iter().all(|position| {
            attendee_fields(desk, position).all(|asked| asked.is_answered(position)) && answers_complete(desk, position)
        })
}

/// Whether there is anything about positions that must be answered before an order.
pub(super) fn requires_answers(visit: &Visit<'_>, catalogue: &Catalogue) -> bool {
    let settings = &visit.event.settings;
    let attendees = (settings.attendee_names_asked() && settings.attendee_names_required())
        || (settings.attendee_emails_asked() && settings.attendee_emails_required())
        || (settings.attendee_company_asked() && settings.attendee_company_required());
    attendees || catalogue.questions.iter().any(|question| question.required)
}

fn answers_complete(desk: &Desk<'_>, position: &Position) -> bool {
    let asked = desk.catalogue.questions_for(position.product.item);
    let stored = |id: QuestionId| {
        position.answers.iter().find(|(question, _)| *question == id).map(|(_, answer)| answer.as_str())
    };
    asked.iter().all(|question| {
        !question.required || stored(question.id).is_some() || !question::is_active(question, &asked, &stored)
    })
}

/// A field about the attendee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttendeeField {
    Name,
    Email,
    Company,
}

struct Asked {
    field: AttendeeField,
    required: bool,
}

impl Asked {
    fn is_answered(&self, position: &Position) -> bool {
        !self.required || self.field.of(&position.attendee).is_some()
    }
}

impl AttendeeField {
    fn of(self, attendee: &Attendee) -> &Option<String> {
        match self {
            Self::Name => &attendee.name,
            Self::Email => &attendee.email,
            Self::Company => &attendee.company,
        }
    }

    fn name(self, position: &Position) -> String {
        match self {
            Self::Name => field::attendee_name(position.id),
            Self::Email => field::attendee_email(position.id),
            Self::Company => field::attendee_company(position.id),
        }
    }

    fn label_key(self) -> &'static str {
        match self {
            Self::Name => "attendee-name",
            Self::Email => "attendee-email",
            Self::Company => "attendee-company",
        }
    }

    fn input(self, value: String) -> Input {
        match self {
            Self::Name => Input::line(value, "section-attendee name"),
            Self::Email => Input::email(value, "section-attendee email"),
            Self::Company => Input::line(value, "section-attendee organization"),
        }
    }
}

/// Attendee data is asked for admission products that are personalised (spec domain 7.2).
fn attendee_fields(desk: &Desk<'_>, position: &Position) -> impl Iterator<Item = Asked> {
    let settings = &desk.visit.event.settings;
    let item = desk.catalogue.item(position.product.item);
    let personalized = item.is_some_and(|item| item.admission && item.personalized);
    let all = [
        (AttendeeField::Name, settings.attendee_names_asked(), settings.attendee_names_required()),
        (AttendeeField::Email, settings.attendee_emails_asked(), settings.attendee_emails_required()),
        (AttendeeField::Company, settings.attendee_company_asked(), settings.attendee_company_required()),
    ];
    all.into_iter()
        .filter(move |(_, asked, _)| personalized && *asked)
        .map(|(field, _, required)| Asked { field, required })
}

// --- reading ---

/// Field name → text key of what is wrong.
type Errors = HashMap<String, &'static str>;

struct Read {
    told: Session,
    positions: Vec<PositionAnswers>,
}

/// Longest name, company or phone.
const TEXT_MAX: usize = 255;

impl Read {
    fn from_form(desk: &Desk<'_>, form: &Form, files: &Files) -> Result<Self, Errors> {
        let mut errors = Errors::new();
        let (email, phone) = read_contact(&desk.visit.event, form, &mut errors);
        let positions =
            desk.positions.iter().map(|position| read_position(desk, form, files, position, &mut errors)).collect();
        // Whoever has sent a wrong file wants to hear what is wrong with it, not that there is none.
        errors.extend(files.errors.clone());
        let told = Session { email, phone, ..desk.told.clone() };
        if errors.is_empty() { Ok(Self { told, positions }) } else { Err(errors) }
    }
}

/// A buyer may think better of a file, but not keep the bucket busy.
const FILES_PER_FIELD: i64 = 5;

/// What a form answers with files: those that came with it, and those that were sent before and are kept.
#[derive(Default)]
struct Files {
    /// Field name → the answer in its stored form.
    answers: HashMap<String, String>,
    errors: Errors,
}

impl Files {
    /// Takes the files that came with the form, also if something else in it is wrong: browsers do not choose a file again.
    async fn from_form(desk: &Desk<'_>, q: &impl Query, form: &Form) -> Result<Self, ApiError> {
        let mut files = Self::default();
        if !desk.catalogue.questions.iter().any(|question| question.kind == QuestionType::File) {
            return Ok(files);
        }
        let event = &desk.visit.event;
        let known = file::of_cart(q, event.id, &desk.cart).await?;
        let fields = desk.positions.iter().flat_map(|it| desk.catalogue.questions_for(it.product.item));
        let fields = fields.filter(|question| question.kind == QuestionType::File).count() as i64;
        let most = FILES_PER_FIELD * fields;
        for position in &desk.positions {
            let asked = desk.catalogue.questions_for(position.product.item);
            for question in asked.iter().filter(|question| question.kind == QuestionType::File) {
                let name = field::answer(position.id, question.id);
                let kept = known.iter().find(|known| form.all(&name).any(|said| said == known.reference()));
                let Some(sent) = form.file(&name) else {
                    files.answers.extend(kept.map(|kept| (name, kept.answer())));
                    continue;
                };
                let sent = (sent.name.as_str(), sent.bytes.as_slice());
                let error = match file::take(desk.visit.ctx, q, event, &desk.cart, sent, most, desk.now).await {
                    Ok(taken) => {
                        files.answers.insert(name, taken.answer());
                        continue;
                    }
                    Err(FileError::Type) => "error-file-type",
                    Err(FileError::TooLarge) => "error-file-size",
                    Err(FileError::TooMany) => "error-file-many",
                    Err(FileError::Media(error)) => return Err(ApiError::Busy(Box::new(error))),
                    Err(FileError::Db(error)) => return Err(error.into()),
                };
                files.errors.insert(name, error);
            }
        }
        Ok(files)
    }
}

fn read_contact(event: &Event, form: &Form, errors: &mut Errors) -> (Option<String>, Option<String>) {
    let settings = &event.settings;
    let email = text(form, field::EMAIL, true, errors).filter(|email| check_email(field::EMAIL, email, errors));
    let repeated = form.get(field::EMAIL_REPEAT).unwrap_or_default();
    if settings.order_email_asked_twice() && email.as_deref().is_some_and(|email| !email.eq_ignore_ascii_case(repeated))
    {
        errors.insert(field::EMAIL_REPEAT.to_owned(), "error-email-repeat");
    }
    let phone = match settings.order_phone_asked() {
        true => text(form, field::PHONE, settings.order_phone_required(), errors),
        false => None,
    };
    (email, phone)
}

fn read_position(
    desk: &Desk<'_>,
    form: &Form,
    files: &Files,
    position: &Position,
    errors: &mut Errors,
) -> PositionAnswers {
    let mut attendee = Attendee::default();
    for asked in attendee_fields(desk, position) {
        let name = asked.field.name(position);
        let value = text(form, &name, asked.required, errors);
        match asked.field {
            AttendeeField::Name => attendee.name = value,
            AttendeeField::Email => attendee.email = value.filter(|email| check_email(&name, email, errors)),
            AttendeeField::Company => attendee.company = value,
        }
    }
    let questions = desk.catalogue.questions_for(position.product.item);
    let raw = |id: QuestionId| {
        let name = field::answer(position.id, id);
        match desk.catalogue.question(id).map(|question| question.kind) {
            Some(QuestionType::File) => files.answers.get(&name).map(String::as_str).into_iter().collect(),
            _ => form.all(&name).collect::<Vec<_>>(),
        }
    };
    let answers = match question::read_answers(&questions, raw, &desk.visit.event.timezone) {
        Ok(answers) => answers,
        Err(wrong) => {
            errors.extend(wrong.into_iter().map(|(id, error)| (field::answer(position.id, id), error_key(error))));
            Vec::new()
        }
    };
    PositionAnswers { id: position.id, attendee, answers }
}

fn text(form: &Form, name: &str, required: bool, errors: &mut Errors) -> Option<String> {
    let value = question::one_line(form.get(name).unwrap_or_default());
    if value.chars().count() > TEXT_MAX {
        errors.insert(name.to_owned(), "error-too-long");
    } else if value.is_empty() && required {
        errors.insert(name.to_owned(), "error-required");
    }
    (!value.is_empty()).then_some(value)
}

/// An address that mail servers take: the mail library decides, and a domain has a dot.
fn check_email(name: &str, email: &str, errors: &mut Errors) -> bool {
    let address: Result<lettre::Address, _> = email.parse();
    let usable = address.is_ok_and(|address| address.domain().contains('.'));
    if !usable {
        errors.insert(name.to_owned(), "error-email");
    }
    usable
}

fn error_key(error: AnswerError) -> &'static str {
    match error {
        AnswerError::Required => "error-required",
        AnswerError::MustBeYes => "error-agree",
        AnswerError::TooLong => "error-too-long",
        AnswerError::UnknownOption | AnswerError::TooManyOptions | AnswerError::Country => "error-choice",
        AnswerError::Number => "error-number",
        AnswerError::Date | AnswerError::DateTime => "error-date",
        AnswerError::Time => "error-time",
        AnswerError::Phone => "error-phone",
        AnswerError::File => "error-file-type",
    }
}

// --- showing ---

/// What stands in the fields: the input that was refused, or what is stored.
struct Filled(HashMap<String, Vec<String>>);

impl Filled {
    fn from_form(form: &Form, files: Files) -> Self {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form.iter() {
            values.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        values.extend(files.answers.into_iter().map(|(name, answer)| (name, vec![answer])));
        Self(values)
    }

    fn from_desk(desk: &Desk<'_>) -> Self {
        let mut values = HashMap::new();
        let mut put = |name: String, value: &Option<String>| {
            if let Some(value) = value {
                values.insert(name, vec![value.clone()]);
            }
        };
        put(field::EMAIL.to_owned(), &desk.told.email);
        put(field::EMAIL_REPEAT.to_owned(), &desk.told.email);
        put(field::PHONE.to_owned(), &desk.told.phone);
        for position in &desk.positions {
            for asked in attendee_fields(desk, position) {
                put(asked.field.name(position), asked.field.of(&position.attendee));
            }
        }
        for position in &desk.positions {
            for (question, answer) in &position.answers {
                let parts = match desk.catalogue.question(*question).map(|question| question.kind) {
                    Some(QuestionType::Choices) => answer.split(',').map(str::to_owned).collect(),
                    Some(QuestionType::YesNo) => vec![if answer == "True" { "yes" } else { "" }.to_owned()],
                    Some(QuestionType::DateTime) => vec![question::local_input(answer, &desk.visit.event.timezone)],
                    _ => vec![answer.clone()],
                };
                values.insert(field::answer(position.id, *question), parts);
            }
        }
        Self(values)
    }

    fn one(&self, name: &str) -> String {
        self.0.get(name).and_then(|values| values.first()).cloned().unwrap_or_default()
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.0.get(name).is_some_and(|values| values.iter().any(|chosen| chosen == value))
    }
}

fn render(desk: &Desk<'_>, filled: &Filled, errors: &Errors) -> Response<Body> {
    let checkout = desk.checkout(StepName::Questions, desk.visit.form_token());
    let show = Show { desk, filled, errors };
    let page = QuestionsPage {
        frame: desk.visit.frame(desk.title(&checkout)),
        contact: show.contact(),
        positions: desk
            .positions
            .iter()
            .map(|position| show.position(position))
            .filter(|form| !form.fields.is_empty())
            .collect(),
        checkout,
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    desk.visit.show(status, page::render(&page))
}

struct Show<'a> {
    desk: &'a Desk<'a>,
    filled: &'a Filled,
    errors: &'a Errors,
}

impl Show<'_> {
    fn field(&self, name: String, label: String, input: Input, required: bool) -> Field {
        let error = self.errors.get(&name).map(|key| self.desk.visit.text(key));
        Field::new(name, label, input).required(required).error(error)
    }

    fn contact(&self) -> Vec<Field> {
        let visit = self.desk.visit;
        let settings = &visit.event.settings;
        let own =
            |name: &str, key: &str, input, required| self.field(name.to_owned(), visit.text(key), input, required);
        let help = Html::from_markdown_opt(&visit.text("email-help"));
        let mut fields =
            vec![own(field::EMAIL, "email", Input::email(self.filled.one(field::EMAIL), "email"), true).help(help)];
        if settings.order_email_asked_twice() {
            let input = Input::email(self.filled.one(field::EMAIL_REPEAT), "email");
            fields.push(own(field::EMAIL_REPEAT, "email-repeat", input, true));
        }
        if settings.order_phone_asked() {
            let input = Input::phone(self.filled.one(field::PHONE), "tel");
            fields.push(own(field::PHONE, "phone", input, settings.order_phone_required()));
        }
        fields
    }

    fn position(&self, position: &Position) -> PositionForm {
        let attendee = attendee_fields(self.desk, position).map(|asked| {
            let name = asked.field.name(position);
            let input = asked.field.input(self.filled.one(&name));
            self.field(name, self.desk.visit.text(asked.field.label_key()), input, asked.required)
        });
        let questions = self.desk.catalogue.questions_for(position.product.item);
        PositionForm {
            title: present::product(
                &self.desk.visit.event,
                &self.desk.catalogue,
                position.product,
                self.desk.visit.lang,
            ),
            fields: attendee.chain(questions.into_iter().map(|question| self.question(position, question))).collect(),
        }
    }

    fn question(&self, position: &Position, question: &Question) -> Field {
        let lang = self.desk.visit.lang;
        let name = field::answer(position.id, question.id);
        let value = self.filled.one(&name);
        let options = || {
            let choice = |option: &question::QuestionOption| Choice {
                value: option.identifier.clone(),
                text: option.answer.get(lang).to_owned(),
                chosen: self.filled.has(&name, &option.identifier),
            };
            question.options.iter().map(choice).collect()
        };
        let input = match question.kind {
            QuestionType::Number => Input::of_kind("number", value, "off"),
            QuestionType::Line => Input::line(value, "off"),
            QuestionType::File => Input::File(file::in_answer(&value).map(|(reference, name)| KeptFile {
                reference: reference.to_owned(),
                name: name.to_owned(),
                url: answer_url(&self.desk.visit.url("checkout/"), reference),
            })),
            QuestionType::Text => Input::Text(value),
            QuestionType::YesNo => Input::YesNo(self.filled.has(&name, "yes")),
            QuestionType::Choice => Input::One(options()),
            QuestionType::Choices => Input::Many(options()),
            QuestionType::Date => Input::of_kind("date", value, "off"),
            QuestionType::Time => Input::of_kind("time", value, "off"),
            QuestionType::DateTime => Input::of_kind("datetime-local", value, "off"),
            QuestionType::Country => Input::country(&i18n::countries(lang), &value),
            QuestionType::Phone => Input::phone(value, "tel"),
        };
        let help = question.help_text.as_ref().map(|text| text.get(lang)).unwrap_or_default();
        let help = match question.kind {
            QuestionType::File => Html::from_markdown_opt(&format!("{help}\n\n{}", lang.text("file-help"))),
            _ => Html::from_markdown_opt(help),
        };
        // A question that another answer may switch off cannot be required by the browser; the server decides.
        let required = question.required && question.dependency.is_none();
        self.field(name, question.question.get(lang).to_owned(), input, required).help(help)
    }
}
