//! Mails: one view model each, rendered as HTML for mail programs and as plain text.

use askama::Template;
use fluent_bundle::FluentValue;
use jiff::tz::TimeZone;

use super::order::{BankDetails, OrderStatus};
use super::{Html, TaxLine, render};
use crate::i18n::{Lang, format};
use crate::money::Money;
use crate::time::Timestamp;

/// A mail ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject, one line.
    pub subject: String,
    /// The HTML version.
    pub html: String,
    /// The text version.
    pub text: String,
}

/// What buyers are told about their order.
#[derive(Debug, Clone)]
pub struct OrderMail {
    /// The order's language.
    pub lang: Lang,
    /// The event's zone.
    pub zone: TimeZone,
    /// What happened.
    pub moment: Moment,
    /// The order code.
    pub code: String,
    /// The order's page, with scheme and host.
    pub url: String,
    /// The organiser's own words, instead of the shop's.
    pub own: OwnWords,
    /// The organiser's name.
    pub organizer: String,
    /// The event's name.
    pub event: String,
    /// When it is, in words.
    pub dates: String,
    /// Where it is, on one line.
    pub location: Option<String>,
    /// What was ordered.
    pub lines: Vec<MailLine>,
    /// Taxes in the total.
    pub taxes: Vec<TaxLine>,
    /// The sum.
    pub total: Money,
}

/// What an organiser says instead of the shop's words.
#[derive(Debug, Clone, Default)]
pub struct OwnWords {
    /// The subject.
    pub subject: Option<String>,
    /// The text, greeting and all, for the text version.
    pub text: Option<String>,
    /// The same as Markdown, for the HTML version.
    pub markdown: Option<String>,
}

/// What happened to an order.
#[derive(Debug, Clone)]
pub enum Moment {
    /// Placed, and to be paid.
    Placed(ToPay),
    /// Placed, with nothing to pay.
    Free,
    /// Paid.
    Paid,
    /// Approved, and to be paid.
    Approved(ToPay),
    /// Approved, with nothing to pay.
    ApprovedFree,
    /// Turned down.
    Denied {
        /// Why, as Markdown.
        note: Option<String>,
    },
    /// Cancelled.
    Canceled {
        /// Why, as Markdown.
        note: Option<String>,
    },
    /// Changed by staff.
    Changed {
        /// Why, as Markdown.
        note: Option<String>,
    },
}

/// How an order is to be paid.
#[derive(Debug, Clone)]
pub struct ToPay {
    /// Until when to pay.
    pub deadline: Option<Timestamp>,
    /// Where to send the money, for bank transfers.
    pub bank: Option<BankDetails>,
    /// The organiser's instructions, as Markdown.
    pub instructions: Option<String>,
}

impl Moment {
    /// The beginning of its texts' names, and the name of its button.
    fn texts(&self) -> [&'static str; 4] {
        let (order, tickets) = ("mail-button-order", "mail-button-tickets");
        match self {
            Self::Placed(_) => ["mail-placed-subject", "mail-placed-heading", "mail-placed-text", order],
            Self::Free => ["mail-free-subject", "mail-free-heading", "mail-free-text", tickets],
            Self::Paid => ["mail-paid-subject", "mail-paid-heading", "mail-paid-text", tickets],
            Self::Approved(_) => ["mail-approved-subject", "mail-approved-heading", "mail-approved-text", order],
            Self::ApprovedFree => ["mail-approved-subject", "mail-approved-heading", "mail-free-text", tickets],
            Self::Denied { .. } => ["mail-denied-subject", "mail-denied-heading", "mail-denied-text", order],
            Self::Canceled { .. } => ["mail-canceled-subject", "mail-canceled-heading", "mail-canceled-text", order],
            Self::Changed { .. } => ["mail-changed-subject", "mail-changed-heading", "mail-changed-text", order],
        }
    }
}

/// A line of an order in a mail.
#[derive(Debug, Clone)]
pub struct MailLine {
    /// How many.
    pub count: i64,
    /// Product and variation.
    pub name: String,
    /// Price of all.
    pub total: Money,
}

/// What a team is told about a new order, or a member of it about something that happened to one.
#[derive(Debug, Clone)]
pub struct StaffMail {
    /// The reader's language.
    pub lang: Lang,
    /// What happened, if it is not new.
    pub happened: Option<String>,
    /// Where the reader chooses what to be told, with scheme and host.
    pub choices_url: Option<String>,
    /// The order code.
    pub code: String,
    /// Where the button leads, with scheme and host: never the buyer's page.
    pub url: String,
    /// The organiser's name.
    pub organizer: String,
    /// The event's name.
    pub event: String,
    /// Where the order stands.
    pub status: OrderStatus,
    /// The buyer's address.
    pub contact: String,
    /// What was ordered.
    pub lines: Vec<MailLine>,
    /// The sum.
    pub total: Money,
}

/// What somebody is told who waited for a ticket and can have it now.
#[derive(Debug, Clone)]
pub struct VoucherMail {
    /// The reader's language.
    pub lang: Lang,
    /// The event's zone.
    pub zone: TimeZone,
    /// Where the voucher is redeemed, with scheme and host.
    pub url: String,
    /// The voucher's code.
    pub code: String,
    /// The organiser's name.
    pub organizer: String,
    /// The event's name.
    pub event: String,
    /// When it is, in words.
    pub dates: String,
    /// Where it is, on one line.
    pub location: Option<String>,
    /// What they waited for.
    pub product: Option<String>,
    /// Until when the voucher is good.
    pub deadline: Option<Timestamp>,
}

/// What somebody is told who is asked to join a team.
#[derive(Debug, Clone)]
pub struct InviteMail {
    /// The reader's language.
    pub lang: Lang,
    /// Where the invitation is accepted, with scheme and host.
    pub url: String,
    /// The organiser's name.
    pub organizer: String,
    /// The team's name.
    pub team: String,
}

#[derive(Template)]
#[template(path = "mail/layout.html")]
struct HtmlMail<'a>(&'a Letter);

#[derive(Template)]
#[template(path = "mail/layout.txt", escape = "none")]
struct TextMail<'a>(&'a Letter);

/// What both kinds of mail have in common, already in words.
struct Letter {
    choices: Option<(String, String)>,
    lang: Lang,
    subject: String,
    heading: String,
    greeting: Option<String>,
    text: String,
    markdown: Option<String>,
    event: String,
    organizer: String,
    place: Vec<String>,
    deadline: Option<String>,
    instructions: Option<String>,
    facts: Vec<(String, String)>,
    order: String,
    lines: Vec<(i64, String, String)>,
    total: Option<(String, String)>,
    taxes: Vec<String>,
    button: String,
    url: String,
    signature: Option<String>,
    why: String,
}

impl Letter {
    fn into_mail(self) -> Mail {
        let (html, text) = (render(&HtmlMail(&self)), render(&TextMail(&self)));
        Mail { subject: self.subject, html, text }
    }

    /// The organiser's own text; it replaces `text` in the HTML version.
    fn own_html(&self) -> Option<Html> {
        self.markdown.as_deref().and_then(Html::from_markdown_opt)
    }

    fn instructions_html(&self) -> Option<Html> {
        self.instructions.as_deref().and_then(Html::from_markdown_opt)
    }
}

impl OrderMail {
    /// Subject, HTML and text in the order's language.
    pub fn to_mail(&self) -> Mail {
        let lang = self.lang;
        let about: [(&str, FluentValue<'_>); 3] = [
            ("code", self.code.as_str().into()),
            ("event", self.event.as_str().into()),
            ("total", format::money(lang, self.total).into()),
        ];
        let [subject, heading, text, button] = self.moment.texts();
        let named = |key: &str, name: &str| lang.text_with(key, &[("name", name.into())]);
        let (deadline, instructions, facts) = match &self.moment {
            Moment::Placed(ToPay { deadline, bank, instructions })
            | Moment::Approved(ToPay { deadline, bank, instructions }) => (
                deadline.map(|moment| named("mail-until", &format::deadline(lang, moment, &self.zone))),
                instructions.clone(),
                bank.as_ref().map(|bank| bank_facts(lang, bank)).unwrap_or_default(),
            ),
            Moment::Denied { note } | Moment::Canceled { note } | Moment::Changed { note } => {
                (None, note.clone(), Vec::new())
            }
            Moment::Free | Moment::Paid | Moment::ApprovedFree => (None, None, Vec::new()),
        };
        let tax = |tax: &TaxLine| {
            let (rate, amount) = (format::percent(lang, tax.rate), format::money(lang, tax.amount));
            lang.text_with("tax-line", &[("rate", rate.into()), ("amount", amount.into())])
        };
        Letter {
            lang,
            subject: one_line(&self.own.subject.clone().unwrap_or_else(|| lang.text_with(subject, &about))),
            heading: lang.text(heading),
            greeting: self.own.text.is_none().then(|| lang.text("mail-greeting")),
            text: self.own.text.clone().unwrap_or_else(|| lang.text_with(text, &about)),
            markdown: self.own.markdown.clone(),
            event: self.event.clone(),
            organizer: self.organizer.clone(),
            place: std::iter::once(&self.dates).chain(&self.location).cloned().collect(),
            deadline,
            instructions,
            facts,
            order: named("mail-order", &self.code),
            lines: in_words(lang, &self.lines),
            total: Some((lang.text("total"), format::money(lang, self.total))),
            taxes: self.taxes.iter().map(tax).collect(),
            button: lang.text(button),
            url: self.url.clone(),
            signature: Some(named("mail-signature", &self.organizer)),
            why: named("mail-why", &self.organizer),
            choices: None,
        }
        .into_mail()
    }
}

impl VoucherMail {
    /// Subject, HTML and text in the reader's language.
    pub fn to_mail(&self) -> Mail {
        let lang = self.lang;
        let named = |key: &str, name: &str| lang.text_with(key, &[("name", name.into())]);
        let product = self.product.iter().map(|name| (lang.text("mail-waiting-product"), name.clone()));
        Letter {
            lang,
            subject: one_line(&named("mail-waiting-subject", &self.event)),
            heading: lang.text("mail-waiting-heading"),
            greeting: Some(lang.text("mail-greeting")),
            text: named("mail-waiting-text", &self.event),
            markdown: None,
            event: self.event.clone(),
            organizer: self.organizer.clone(),
            place: std::iter::once(&self.dates).chain(&self.location).cloned().collect(),
            deadline: self
                .deadline
                .map(|moment| named("mail-waiting-until", &format::deadline(lang, moment, &self.zone))),
            instructions: None,
            facts: product.chain([(lang.text("mail-waiting-code"), self.code.clone())]).collect(),
            order: self.event.clone(),
            lines: Vec::new(),
            total: None,
            taxes: Vec::new(),
            button: lang.text("mail-waiting-button"),
            url: self.url.clone(),
            signature: Some(named("mail-signature", &self.organizer)),
            why: named("mail-waiting-why", &self.organizer),
            choices: None,
        }
        .into_mail()
    }
}

impl InviteMail {
    /// Subject, HTML and text in the reader's language.
    pub fn to_mail(&self) -> Mail {
        let lang = self.lang;
        let named = |key: &str, name: &str| lang.text_with(key, &[("name", name.into())]);
        Letter {
            lang,
            subject: one_line(&named("mail-invite-subject", &self.organizer)),
            heading: lang.text("mail-invite-heading"),
            greeting: Some(lang.text("mail-greeting")),
            text: named("mail-invite-text", &self.organizer),
            markdown: None,
            event: self.team.clone(),
            organizer: self.organizer.clone(),
            place: Vec::new(),
            deadline: None,
            instructions: None,
            facts: vec![(lang.text("mail-invite-team"), self.team.clone())],
            order: self.organizer.clone(),
            lines: Vec::new(),
            total: None,
            taxes: Vec::new(),
            button: lang.text("mail-invite-button"),
            url: self.url.clone(),
            signature: None,
            why: named("mail-invite-why", &self.organizer),
            choices: None,
        }
        .into_mail()
    }
}

impl StaffMail {
    /// Subject, HTML and text in the reader's language.
    pub fn to_mail(&self) -> Mail {
        let lang = self.lang;
        let about: [(&str, FluentValue<'_>); 2] =
            [("code", self.code.as_str().into()), ("event", self.event.as_str().into())];
        Letter {
            lang,
            subject: one_line(&match &self.happened {
                Some(happened) => format!("{happened}: {} · {}", self.code, self.event),
                None => lang.text_with("mail-staff-subject", &about),
            }),
            heading: self.happened.clone().unwrap_or_else(|| lang.text("mail-staff-heading")),
            greeting: None,
            text: match &self.happened {
                Some(_) => lang.text_with("mail-staff-happened", &about),
                None => lang.text_with("mail-staff-text", &about),
            },
            markdown: None,
            event: self.event.clone(),
            organizer: self.organizer.clone(),
            place: Vec::new(),
            deadline: None,
            instructions: None,
            facts: vec![
                (lang.text("mail-staff-status"), lang.text(self.status.key())),
                (lang.text("mail-staff-contact"), self.contact.clone()),
            ],
            order: lang.text_with("mail-order", &[("name", self.code.as_str().into())]),
            lines: in_words(lang, &self.lines),
            total: Some((lang.text("total"), format::money(lang, self.total))),
            taxes: Vec::new(),
            button: lang.text("mail-staff-button"),
            url: self.url.clone(),
            signature: None,
            why: match self.happened {
                Some(_) => lang.text("mail-staff-chosen"),
                None => lang.text("mail-staff-why"),
            },
            choices: self.choices_url.clone().map(|url| (lang.text("mail-staff-choices"), url)),
        }
        .into_mail()
    }
}

fn in_words(lang: Lang, lines: &[MailLine]) -> Vec<(i64, String, String)> {
    lines.iter().map(|line| (line.count, line.name.clone(), format::money(lang, line.total))).collect()
}

/// Label and value of everything that a bank transfer needs.
pub fn bank_facts(lang: Lang, bank: &BankDetails) -> Vec<(String, String)> {
    let optional = |key: &str, value: &Option<String>| value.clone().map(|value| (lang.text(key), value));
    let mut facts = vec![
        (lang.text("bank-reference"), bank.reference.clone()),
        (lang.text("bank-holder"), bank.holder.clone()),
        (lang.text("bank-iban"), bank.iban.clone()),
    ];
    facts.extend(optional("bank-bic", &bank.bic));
    facts.extend(optional("bank-name", &bank.bank));
    facts
}

/// An event's name must not start a new header.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
