//! The look of the shop: one plain view model per page, its template, the stylesheet and the mails.
//!
//! Handlers fill the structs; nothing here reads the database, the clock or the request.

pub mod asset;
pub mod cart;
pub mod checkout;
pub mod event;
pub mod field;
pub mod invite;
pub mod listing;
pub mod mail;
pub mod markdown;
pub mod notice;
pub mod order;

use askama::Template;
use jiff::tz::TimeZone;

pub use asset::{asset, asset_url};
pub use markdown::Html;

use crate::i18n::{Lang, format};
use crate::money::{Money, TaxRate};
use crate::time::Timestamp;

/// The HTML of a page.
pub fn render(page: &impl Template) -> String {
    page.render().expect("our templates have no failing filters and a String takes everything")
}

/// What all pages have around their content.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The language of the page.
    pub lang: Lang,
    /// The languages to choose from; the switch is shown when there are several.
    pub langs: Vec<Lang>,
    /// The clock that times are shown on: the event's zone.
    pub zone: TimeZone,
    /// The organiser, linked in the header.
    pub organizer: Option<Link>,
    /// The event, linked in the header.
    pub event: Option<Link>,
    /// The logo of the event.
    pub logo: Option<Logo>,
    /// The page's title; event and organiser are put behind it.
    pub title: String,
    /// What the last action has to say.
    pub messages: Vec<Message>,
    /// Shows that orders are not real.
    pub test_mode: bool,
    /// Keeps search engines away.
    pub noindex: bool,
    /// Path and query of this page, where the language switch comes back to.
    pub path: String,
}

/// A picture in the place of an event's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// What it stands for.
    pub name: String,
    /// Where it is.
    pub image_url: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Where it leads.
    pub url: String,
}

/// A text that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the reader sees.
    pub text: String,
    /// Where it leads.
    pub url: String,
}

/// A sentence about what just happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How it went.
    pub kind: MessageKind,
    /// The sentence, in the language of the page.
    pub text: String,
}

/// How an action went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// It worked.
    Success,
    /// It worked in part, or there is something to know.
    Warning,
    /// It did not work.
    Error,
}

impl MessageKind {
    /// The name in class names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The text that says it to screen readers.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Success => "message-success",
            Self::Warning => "message-warning",
            Self::Error => "message-error",
        }
    }

    /// Errors interrupt a screen reader, the others wait.
    pub const fn role(self) -> &'static str {
        match self {
            Self::Success | Self::Warning => "status",
            Self::Error => "alert",
        }
    }
}

/// A labelled value, such as `Email: ada@example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// The value.
    pub value: String,
    /// Where the value is, if it is a file.
    pub url: Option<String>,
}

impl Fact {
    /// A value that is all there is.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), url: None }
    }
}

/// A part of a total that is tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxLine {
    /// The rate.
    pub rate: TaxRate,
    /// The tax in the total.
    pub amount: Money,
}

impl Frame {
    /// A page that belongs to no event and has nothing to say about itself yet.
    pub fn bare(lang: Lang) -> Self {
        Self {
            lang,
            langs: Vec::new(),
            zone: TimeZone::UTC,
            organizer: None,
            event: None,
            logo: None,
            title: String::new(),
            messages: Vec::new(),
            test_mode: false,
            noindex: false,
            path: "/".to_owned(),
        }
    }
}

/// Short names for templates: texts, amounts and times in the language of the page.
impl Frame {
    /// A text of the shop.
    pub fn t(&self, key: &str) -> String {
        self.lang.text(key)
    }

    /// A text about a number: `$count`.
    pub fn n(&self, key: &str, count: &i64) -> String {
        self.lang.text_with(key, &[("count", count.into())])
    }

    /// A text about a name: `$name`.
    pub fn named(&self, key: &str, name: &str) -> String {
        self.lang.text_with(key, &[("name", name.into())])
    }

    /// An amount with its currency.
    pub fn money(&self, amount: &Money) -> String {
        format::money(self.lang, *amount)
    }

    /// "incl. 19% VAT (€3.67)"
    pub fn tax(&self, tax: &TaxLine) -> String {
        let (rate, amount) = (format::percent(self.lang, tax.rate), self.money(&tax.amount));
        self.lang.text_with("tax-line", &[("rate", rate.into()), ("amount", amount.into())])
    }

    /// A tax rate.
    pub fn percent(&self, rate: &TaxRate) -> String {
        format::percent(self.lang, *rate)
    }

    /// A day on the event's calendar.
    pub fn date(&self, moment: &Timestamp) -> String {
        format::date(self.lang, *moment, &self.zone)
    }

    /// A last moment on the event's clock.
    pub fn deadline(&self, moment: &Timestamp) -> String {
        format::deadline(self.lang, *moment, &self.zone)
    }

    /// The whole title, from specific to general, so that a narrow tab shows what differs.
    pub fn full_title(&self) -> String {
        let mut parts = vec![self.title.as_str()];
        for link in [&self.event, &self.organizer].into_iter().flatten() {
            if !parts.contains(&link.text.as_str()) {
                parts.push(&link.text);
            }
        }
        parts.join(" – ")
    }

    /// Where a language of the switch leads.
    pub fn switch_url(&self, lang: &Lang) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("locale", lang.code())
            .append_pair("next", &self.path)
            .finish();
        format!("/locale/set?{query}")
    }

    /// The address of a stylesheet, script or picture.
    pub fn asset(&self, name: &str) -> String {
        asset_url(name)
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
