//! Form fields: their names, which handlers read back, and what a template needs to draw them.

use super::markdown::Html;
use crate::i18n::Country;
use crate::id::{CartPositionId, ItemId, QuestionId, VariationId};
use crate::upload::Kind;

/// The token that proves that a form was made by this shop for this browser.
pub const CSRF: &str = "csrf";
/// The key that makes a form count once, however often it is sent.
pub const FORM_TOKEN: &str = "form_token";
/// The buyer's address.
pub const EMAIL: &str = "email";
/// The buyer's address once more.
pub const EMAIL_REPEAT: &str = "email_repeat";
/// The buyer's phone.
pub const PHONE: &str = "phone";
/// The chosen payment provider's identifier.
pub const PAYMENT: &str = "payment";
/// The total that the buyer agreed to, as a decimal.
pub const TOTAL: &str = "total";

/// The code of a voucher, for what is in the cart already.
pub const VOUCHER: &str = "voucher";
/// The code of a voucher, for the products of the form.
pub const VOUCHER_CODE: &str = "_voucher_code";
/// Without uses left, the products of the form go without the voucher.
pub const VOUCHER_UNLESS_USED_UP: &str = "_voucher_ignore_if_redeemed";

/// The date of a series that the products of the form are for.
pub const DATE: &str = "subevent";
/// A position whose add-ons the form chooses; sent once for each.
pub const ADD_ONS_OF: &str = "addons_of";

/// How many of a product are added to a position.
pub fn add_on(position: CartPositionId, item: ItemId, variation: Option<VariationId>) -> String {
    match variation {
        Some(variation) => format!("addon_{position}_{item}_{variation}"),
        None => format!("addon_{position}_{item}"),
    }
}

/// The price a buyer chose for an add-on.
pub fn add_on_price(position: CartPositionId, item: ItemId, variation: Option<VariationId>) -> String {
    format!("price_{}", add_on(position, item, variation))
}

/// How many of a product without variations.
pub fn item(item: ItemId) -> String {
    format!("item_{item}")
}

/// How many of a variation.
pub fn variation(item: ItemId, variation: VariationId) -> String {
    format!("variation_{item}_{variation}")
}

/// The price a buyer chose for a product without variations.
pub fn item_price(item: ItemId) -> String {
    format!("price_{item}")
}

/// The price a buyer chose for a variation.
pub fn variation_price(item: ItemId, variation: VariationId) -> String {
    format!("price_{item}_{variation}")
}

/// The attendee's name.
pub fn attendee_name(position: CartPositionId) -> String {
    format!("pos_{position}_name")
}

/// The attendee's email.
pub fn attendee_email(position: CartPositionId) -> String {
    format!("pos_{position}_email")
}

/// The attendee's company.
pub fn attendee_company(position: CartPositionId) -> String {
    format!("pos_{position}_company")
}

/// The answer to a question; sent several times when several options are chosen.
pub fn answer(position: CartPositionId, question: QuestionId) -> String {
    format!("pos_{position}_question_{question}")
}

/// The agreement to the `index`-th confirm text (from 0); sent as `yes`.
pub fn confirm(index: usize) -> String {
    format!("confirm_{index}")
}

/// A field with its label, its state and what was typed so far.
#[derive(Debug, Clone)]
pub struct Field {
    /// The name in the form, and the id on the page.
    pub name: String,
    /// The question to the reader.
    pub label: String,
    /// More about it.
    pub help: Option<Html>,
    /// Whether it must be filled in. Also true for a yes/no question that must be *yes*.
    pub required: bool,
    /// What is wrong with the input.
    pub error: Option<String>,
    /// How it is answered.
    pub input: Input,
}

/// How a field is answered, with the answer so far.
#[derive(Debug, Clone)]
pub enum Input {
    /// One line.
    Line(Line),
    /// Several lines.
    Text(String),
    /// A check box, sent as `yes`.
    YesNo(bool),
    /// One of several: radio buttons, a list when there are more than six.
    One(Vec<Choice>),
    /// Some of several.
    Many(Vec<Choice>),
    /// A file. One that was sent already can be kept: its box is ticked.
    File(Option<KeptFile>),
}

/// A file that was sent already.
#[derive(Debug, Clone)]
pub struct KeptFile {
    /// What is sent if it is kept.
    pub reference: String,
    /// What its sender calls it.
    pub name: String,
    /// Where its sender can load it.
    pub url: String,
}

/// A one-line input.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// The input type: `text`, `email`, `tel`, `number`, `date`, `time`, `datetime-local`.
    pub kind: &'static str,
    /// What browsers may fill in, `off` for nothing.
    pub autocomplete: &'static str,
    /// The answer so far.
    pub value: String,
    /// Lower bound of a number, date or time.
    pub min: Option<String>,
    /// Upper bound of a number, date or time.
    pub max: Option<String>,
    /// Longest text.
    pub max_length: Option<u32>,
}

/// An option of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// More options than this are a list to open instead of radio buttons.
const RADIO_OPTIONS_MAX: usize = 6;

impl Field {
    /// An optional field without help or error.
    pub fn new(name: impl Into<String>, label: impl Into<String>, input: Input) -> Self {
        Self { name: name.into(), label: label.into(), help: None, required: false, error: None, input }
    }

    /// The field, to be filled in or not.
    pub fn required(self, required: bool) -> Self {
        Self { required, ..self }
    }

    /// The field with an explanation.
    pub fn help(self, help: Option<Html>) -> Self {
        Self { help, ..self }
    }

    /// The field with what is wrong with it.
    pub fn error(self, error: Option<String>) -> Self {
        Self { error, ..self }
    }

    /// The ids of the elements that explain the field, for `aria-describedby`.
    pub fn described_by(&self) -> Option<String> {
        match (&self.help, &self.error) {
            (Some(_), Some(_)) => Some(format!("{0}-help {0}-error", self.name)),
            (Some(_), None) => Some(format!("{}-help", self.name)),
            (None, Some(_)) => Some(format!("{}-error", self.name)),
            (None, None) => None,
        }
    }

    /// Whether the answer is a group of controls with a legend.
    pub fn is_group(&self) -> bool {
        match &self.input {
            Input::One(options) => options.len() <= RADIO_OPTIONS_MAX,
            Input::Many(_) => true,
            Input::Line(_) | Input::Text(_) | Input::YesNo(_) | Input::File(_) => false,
        }
    }

    /// Whether the answer is a file, which only another kind of form can send.
    pub fn is_file(&self) -> bool {
        matches!(self.input, Input::File(_))
    }

    /// The types of files that a browser offers to choose from.
    pub fn file_types(&self) -> String {
        Kind::names()
    }

    /// The id of the control that an error link leads to.
    pub fn first_id(&self) -> String {
        if self.is_group() { format!("{}-0", self.name) } else { self.name.clone() }
    }
}

impl Input {
    /// A line of text.
    pub fn line(value: impl Into<String>, autocomplete: &'static str) -> Self {
        Self::of_kind("text", value, autocomplete)
    }

    /// An email address.
    pub fn email(value: impl Into<String>, autocomplete: &'static str) -> Self {
        Self::of_kind("email", value, autocomplete)
    }

    /// A phone number.
    pub fn phone(value: impl Into<String>, autocomplete: &'static str) -> Self {
        Self::of_kind("tel", value, autocomplete)
    }

    /// A line of another input type; see [`Line::kind`].
    pub fn of_kind(kind: &'static str, value: impl Into<String>, autocomplete: &'static str) -> Self {
        Self::Line(Line { kind, autocomplete, value: value.into(), ..Line::default() })
    }

    /// A country out of all, with `chosen` as the answer so far.
    pub fn country(countries: &[Country], chosen: &str) -> Self {
        let choice = |country: &Country| Choice {
            value: country.code.to_owned(),
            text: country.name.to_owned(),
            chosen: country.code == chosen,
        };
        Self::One(countries.iter().map(choice).collect())
    }
}
