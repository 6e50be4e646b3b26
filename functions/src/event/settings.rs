//! Settings of an event: what it sets itself, over what its organiser sets, over the defaults (spec rest-api 14).

use std::borrow::Cow;

use jiff::{civil, tz::TimeZone};
use serde_json::{Map, Value};

use super::Localized;
use crate::{
    mail::{self, template},
    money::{Currency, Money, TaxRate},
    payment::Provider,
    pricing::{PaymentFee, Rounding},
    time::Timestamp,
};

/// How the payment deadline of an order is computed (spec domain 13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentTermMode {
    /// To the end of a day.
    Days,
    /// To the minute.
    Minutes,
}

/// How a cancellation fee is taxed (spec domain 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancellationTax {
    /// Not at all.
    None,
    /// By the event's default rule.
    Default,
    /// By the rates of what is cancelled.
    Split,
}

/// Effective settings. Keys that the shop does not know are kept and have no effect.
#[derive(Debug, Clone, Default)]
pub struct Settings(Map<String, Value>);

/// The form of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Number,
    Word,
    Contact,
    Text,
    Texts,
    Words,
    Moment,
    Mode,
    FeeAmount,
    FeePercent,
    OneOf(&'static [&'static str]),
}

/// Declares the settings that the shop uses: one typed getter each, and the table that checks new values.
macro_rules! settings {
    (
        flags { $($(#[$flag_doc:meta])* $flag:ident $flag_key:literal: $flag_default:literal,)+ }
        numbers { $($(#[$number_doc:meta])* $number:ident $number_key:literal: $number_default:literal,)+ }
        words { $($(#[$word_doc:meta])* $word:ident $word_key:literal,)+ }
        texts { $($(#[$text_doc:meta])* $text:ident $text_key:literal,)+ }
        moments { $($(#[$moment_doc:meta])* $moment:ident $moment_key:literal,)+ }
    ) => {
        impl Settings {
            $($(#[$flag_doc])* pub fn $flag(&self) -> bool { self.get($flag_key, read_flag).unwrap_or($flag_default) })+
            $($(#[$number_doc])* pub fn $number(&self) -> i64 { self.get($number_key, read_number).unwrap_or($number_default) })+
            $($(#[$word_doc])* pub fn $word(&self) -> Option<&str> { self.get($word_key, read_word) })+
            $($(#[$text_doc])* pub fn $text(&self) -> Option<Localized> { self.get($text_key, read_text) })+
            $($(#[$moment_doc])*
            pub fn $moment(&self, zone: &TimeZone) -> Option<Timestamp> {
                self.get($moment_key, |value| read_moment(value, zone))
            })+
        }

        const KINDS: &[(&str, Kind)] = &[
            $(($flag_key, Kind::Flag),)+
            $(($number_key, Kind::Number),)+
            $(($word_key, Kind::Word),)+
            $(($text_key, Kind::Text),)+
            $(($moment_key, Kind::Moment),)+
            ("locales", Kind::Words),
            ("confirm_texts", Kind::Texts),
            ("payment_term_mode", Kind::Mode),
        ];
    };
}

settings! {
    flags {
        /// Dates stand on the front page.
        show_dates_on_frontpage "show_dates_on_frontpage": true,
        /// The last day is shown, not only the first.
        show_date_to "show_date_to": true,
        /// Clock times are shown with dates.
        show_times "show_times": true,
        /// The start of the presale is announced with its date.
        presale_start_show_date "presale_start_show_date": true,
        /// Products are listed (disabled) before and after the presale.
        show_items_outside_presale_period "show_items_outside_presale_period": true,
        /// How many are left is shown, where the item does not say otherwise.
        show_quota_left "show_quota_left": false,
        /// Variations are unfolded.
        show_variations_expanded "show_variations_expanded": false,
        /// What is sold out is not listed.
        hide_sold_out "hide_sold_out": false,
        /// Prices are shown without tax.
        display_net_prices "display_net_prices": false,
        /// Attendees' names are asked.
        attendee_names_asked "attendee_names_asked": true,
        /// Attendees' names must be given.
        attendee_names_required "attendee_names_required": false,
        /// Attendees' mail addresses are asked.
        attendee_emails_asked "attendee_emails_asked": false,
        /// Attendees' mail addresses must be given.
        attendee_emails_required "attendee_emails_required": false,
        /// Attendees' companies are asked.
        attendee_company_asked "attendee_company_asked": false,
        /// Attendees' companies must be given.
        attendee_company_required "attendee_company_required": false,
        /// The buyer types the mail address twice.
        order_email_asked_twice "order_email_asked_twice": false,
        /// The buyer's phone number is asked.
        order_phone_asked "order_phone_asked": false,
        /// The buyer's phone number must be given.
        order_phone_required "order_phone_required": false,
        /// A payment deadline never falls on a weekend.
        payment_term_weekdays "payment_term_weekdays": true,
        /// Overdue orders expire by themselves.
        payment_term_expire_automatically "payment_term_expire_automatically": true,
        /// Money that arrives after the deadline still pays the order if there is room.
        payment_term_accept_late "payment_term_accept_late": true,
        /// Tickets can be downloaded.
        ticket_download "ticket_download": false,
        /// Products that are no admission give a ticket too.
        ticket_download_nonadm "ticket_download_nonadm": true,
        /// Add-ons give a ticket of their own.
        ticket_download_addons "ticket_download_addons": false,
        /// Tickets can be downloaded before the order is paid.
        ticket_download_pending "ticket_download_pending": false,
        /// Mails carry the tickets as attachments.
        mail_attach_tickets "mail_attach_tickets": true,
        /// Mails about orders carry a calendar file.
        mail_attach_ical "mail_attach_ical": false,
        /// Only those about paid orders do.
        mail_attach_ical_paid_only "mail_attach_ical_paid_only": false,
        /// Bank transfer can be chosen.
        payment_banktransfer_enabled "payment_banktransfer__enabled": false,
        /// Manual payment can be chosen: staff confirms it.
        payment_manual_enabled "payment_manual__enabled": false,
    }
    numbers {
        /// How many positions one order can have.
        max_items_per_order "max_items_per_order": 10,
        /// Minutes that a cart keeps its places.
        reservation_time "reservation_time": 30,
        /// Days until an order must be paid.
        payment_term_days "payment_term_days": 14,
        /// Minutes until an order must be paid, in minutes mode.
        payment_term_minutes "payment_term_minutes": 30,
        /// Days between the deadline and the expiry.
        payment_term_expire_delay_days "payment_term_expire_delay_days": 0,
    }
    words {
        /// Where buyers write to.
        contact_mail "contact_mail",
        /// Address of the legal notice.
        imprint_url "imprint_url",
        /// Name that mails come from.
        mail_from_name "mail_from_name",
        /// Holder of the account that buyers pay to.
        payment_banktransfer_bank_details_sepa_name "payment_banktransfer_bank_details_sepa_name",
        /// IBAN that buyers pay to.
        payment_banktransfer_bank_details_sepa_iban "payment_banktransfer_bank_details_sepa_iban",
        /// BIC that buyers pay to.
        payment_banktransfer_bank_details_sepa_bic "payment_banktransfer_bank_details_sepa_bic",
        /// Bank that buyers pay to.
        payment_banktransfer_bank_details_sepa_bank "payment_banktransfer_bank_details_sepa_bank",
    }
    texts {
        /// Text of the front page.
        frontpage_text "frontpage_text",
        /// Text in the box with the dates.
        event_info_text "event_info_text",
        /// Text after a checkout that worked.
        checkout_success_text "checkout_success_text",
        /// Account details in the organiser's own words, instead of the single fields.
        payment_banktransfer_bank_details "payment_banktransfer_bank_details",
        /// What manual payment is called for buyers.
        payment_manual_public_name "payment_manual_public_name",
        /// How to pay manually, for the mail.
        payment_manual_email_instructions "payment_manual_email_instructions",
        /// How to pay manually, for the page of an unpaid order.
        payment_manual_pending_description "payment_manual_pending_description",
    }
    moments {
        /// From when tickets can be downloaded.
        ticket_download_date "ticket_download_date",
        /// A moment of the last day on which orders can be paid.
        payment_term_last "payment_term_last",
    }
}

impl Settings {
    /// An event's settings over its organiser's. A null means: not set here.
    pub fn merge(organizer: Value, event: Value) -> Self {
        let mut merged = Map::new();
        for level in [organizer, event] {
            if let Value::Object(values) = level {
                merged.extend(values.into_iter().filter(|(_, value)| !value.is_null()));
            }
        }
        Self(merged)
    }

    /// Languages of the shop, the most important first.
    pub fn locales(&self) -> Vec<&str> {
        self.get("locales", read_words).filter(|codes| !codes.is_empty()).unwrap_or_else(|| vec!["en"])
    }

    /// The language for readers who prefer none of [`Self::locales`].
    pub fn locale(&self) -> &str {
        self.get("locale", read_word).unwrap_or_else(|| self.locales()[0])
    }

    /// Statements that a buyer must agree to.
    pub fn confirm_texts(&self) -> Vec<Localized> {
        self.get("confirm_texts", read_texts).unwrap_or_default()
    }

    /// How the payment deadline is computed.
    pub fn payment_term_mode(&self) -> PaymentTermMode {
        self.get("payment_term_mode", read_mode).unwrap_or(PaymentTermMode::Days)
    }

    /// How taxes of new orders are rounded (spec domain 3.3).
    pub fn tax_rounding(&self) -> Rounding {
        self.get("tax_rounding", |value| Rounding::parse(value.as_str()?)).unwrap_or_default()
    }

    /// Whether fees of payments are taxed by the event's default rule, or not at all (spec domain 3.4).
    pub fn taxes_payment_fees(&self) -> bool {
        self.get("tax_rule_payment", read_word) != Some("none")
    }

    /// How cancellation fees are taxed.
    pub fn tax_rule_cancellation(&self) -> CancellationTax {
        match self.get("tax_rule_cancellation", read_word) {
            Some("default") => CancellationTax::Default,
            Some("split") => CancellationTax::Split,
            _ => CancellationTax::None,
        }
    }

    /// What a way to pay costs the buyer (spec domain 12.4).
    pub fn payment_fee(&self, provider: Provider, currency: Currency) -> PaymentFee {
        let key = |end: &str| format!("payment_{}__fee_{end}", provider.identifier());
        let absolute = self.get(&key("abs"), |value| Money::parse_decimal(&read_decimal(value)?, currency).ok());
        let percent = self.get(&key("percent"), read_fee_percent);
        PaymentFee {
            absolute: absolute.unwrap_or(Money::zero(currency)),
            percent: percent.unwrap_or(TaxRate::ZERO),
            of_sum: self.get(&key("reverse_calc"), read_flag).unwrap_or(true),
        }
    }

    /// A provider with which a paid order can be paid is switched on.
    pub fn takes_payments(&self) -> bool {
        self.payment_banktransfer_enabled() || self.payment_manual_enabled()
    }

    /// An organiser's own text by the key of its setting.
    pub fn own_text(&self, key: &str) -> Option<Localized> {
        self.get(key, read_text)
    }

    fn get<'a, T>(&'a self, key: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        self.0.get(key).and_then(read)
    }
}

/// What is wrong with the value of a setting, if the shop knows the setting. Null is fine: it means "not set".
pub fn fault(key: &str, value: &Value, zone: &TimeZone) -> Option<Cow<'static, str>> {
    if let Some(name) = unknown_placeholder(key, value) {
        return Some(format!("the placeholder {{{name}}} does not exist; there are {}", known_placeholders()).into());
    }
    let kind = match key {
        _ if is_mail_text(key) => Kind::Text,
        "locale" => Kind::Word,
        "contact_mail" => Kind::Contact,
        "tax_rounding" => Kind::OneOf(&["line", "sum_by_net", "sum_by_net_only_business", "sum_by_net_keep_gross"]),
        "tax_rule_payment" => Kind::OneOf(&["default", "none"]),
        "tax_rule_cancellation" => Kind::OneOf(&["none", "default", "split"]),
        _ if is_fee(key, "abs") => Kind::FeeAmount,
        _ if is_fee(key, "percent") => Kind::FeePercent,
        _ if is_fee(key, "reverse_calc") => Kind::Flag,
        _ => KINDS.iter().find(|(known, _)| *known == key)?.1,
    };
    let (fine, wanted) = match kind {
        Kind::Flag => (read_flag(value).is_some(), "true or false is needed"),
        Kind::Number => (read_number(value).is_some(), "a whole number from 0 to 1000000 is needed"),
        Kind::Contact => (
            value.as_str().is_some_and(|text| text.is_empty() || text.parse::<lettre::message::Mailbox>().is_ok()),
            "a mail address is needed, such as info@example.org",
        ),
        Kind::Word => (value.is_string(), "a text is needed"),
        Kind::Text => {
            (read_text(value).is_some() || *value == "", "a text is needed, or an object of texts by language")
        }
        Kind::Texts => (read_texts(value).is_some(), "a list of texts is needed"),
        Kind::Words => (read_words(value).is_some(), "a list of texts is needed"),
        Kind::Moment => {
            (read_moment(value, zone).is_some(), "a date or a moment is needed; relative dates are not supported yet")
        }
        Kind::FeeAmount => (
            read_decimal(value).is_some_and(|text| {
                // The currency is not known here; none has more decimals.
                let euro = Currency::parse("EUR").expect("three capital letters");
                Money::parse_decimal(&text, euro).is_ok_and(|amount| amount.minor() >= 0)
            }),
            "an amount from 0 upwards is needed, such as 1.50",
        ),
        Kind::FeePercent => (
            read_fee_percent(value).is_some(),
            "a percentage from 0 to less than 100 is needed, with at most 4 decimals",
        ),
        Kind::OneOf(words) => {
            (value.as_str().is_some_and(|word| words.contains(&word)), "one of the words of the API is needed")
        }
        Kind::Mode => (read_mode(value).is_some(), "'days' or 'minutes' is needed"),
    };
    (!fine && !value.is_null()).then_some(Cow::Borrowed(wanted))
}

/// A placeholder in one of the languages of a mail's text that stands for nothing.
fn unknown_placeholder<'v>(key: &str, value: &'v Value) -> Option<&'v str> {
    if !is_mail_text(key) {
        return None;
    }
    let texts: Vec<&Value> = match value {
        Value::Object(by_language) => by_language.values().collect(),
        other => vec![other],
    };
    texts.into_iter().filter_map(Value::as_str).find_map(template::unknown)
}

/// An organiser's own subject or text of a mail.
fn is_mail_text(key: &str) -> bool {
    let mut keys = mail::Kind::ALL.into_iter().filter_map(mail::Kind::settings_keys);
    keys.any(|(subject, text)| key == subject || key == text)
}

fn known_placeholders() -> String {
    template::PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ")
}

/// Native booleans, and the words in which the reference stores them.
fn read_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(word) => match word.as_str() {
            "True" | "true" => Some(true),
            "False" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Whole numbers of a sensible size, so that no deadline overflows.
fn read_number(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(digits) => digits.parse().ok()?,
        _ => return None,
    };
    (0..=1_000_000).contains(&number).then_some(number)
}

/// Amounts and percentages, as the API writes them.
fn read_decimal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Of all that is paid, no provider can take everything.
fn read_fee_percent(value: &Value) -> Option<TaxRate> {
    TaxRate::parse_percent(&read_decimal(value)?).filter(|percent| percent.0 < 1_000_000)
}

/// Whether a key is about the fee of a way to pay, such as `payment_manual__fee_abs`.
fn is_fee(key: &str, end: &str) -> bool {
    let of_provider = key.strip_prefix("payment_").and_then(|rest| rest.strip_suffix(end));
    of_provider.is_some_and(|rest| rest.ends_with("__fee_"))
}

fn read_word(value: &Value) -> Option<&str> {
    value.as_str().filter(|word| !word.is_empty())
}

fn read_words(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(read_word).collect()
}

fn read_text(value: &Value) -> Option<Localized> {
    serde_json::from_value(value.clone()).ok().filter(|text: &Localized| !text.is_empty())
}

fn read_texts(value: &Value) -> Option<Vec<Localized>> {
    value.as_array()?.iter().map(read_text).collect()
}

fn read_mode(value: &Value) -> Option<PaymentTermMode> {
    match value.as_str()? {
        "days" => Some(PaymentTermMode::Days),
        "minutes" => Some(PaymentTermMode::Minutes),
        _ => None,
    }
}

fn read_moment(value: &Value, zone: &TimeZone) -> Option<Timestamp> {
    parse_moment(value.as_str()?, zone)
}

/// Reads a moment as the API does: without an offset it is on the event's clock, without a time it is the start of the day.
pub fn parse_moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| {
        let local: civil::DateTime = text.parse().ok()?;
        Some(Timestamp::from_jiff(local.to_zoned_datetime(zone.clone()).ok()?.timestamp()))
    })
}
