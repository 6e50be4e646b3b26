//! From domain values to what pages and mails show: the parts that several of them share.

use std::collections::BTreeMap;

use crate::{
    boxoffice::Product,
    catalogue::{Catalogue, Date},
    event::Event,
    i18n::{Lang, format},
    money::{Money, TaxRate},
    order::{Fee, Order, OrderStatus},
    page::{self, TaxLine, order::BankDetails},
    payment::Provider,
    pricing::FeeType,
};

/// When the event is, in words.
pub fn dates(event: &Event, lang: Lang) -> String {
    if event.has_subevents {
        return lang.text("several-dates");
    }
    dates_on(event, None, lang)
}

/// When the event is, or one date of a series, in words.
pub fn dates_on(event: &Event, date: Option<&Date>, lang: Lang) -> String {
    let (from, to) = date.map_or((event.date_from, event.date_to), |date| (date.date_from, date.date_to));
    format::date_range(lang, from, to.filter(|_| event.settings.show_date_to()), &event.timezone)
}

/// From when to when on that day, and when the doors open, if the event shows times.
pub fn times_on(event: &Event, date: Option<&Date>, lang: Lang) -> Option<String> {
    if !event.settings.show_times() || (event.has_subevents && date.is_none()) {
        return None;
    }
    let (from, doors) =
        date.map_or((event.date_from, event.date_admission), |date| (date.date_from, date.date_admission));
    let time = |moment| format::time(lang, moment, &event.timezone);
    let begins = lang.text_with("event-begins", &[("time", time(from).into())]);
    let doors = doors.map(|doors| lang.text_with("event-doors", &[("time", time(doors).into())]));
    Some(std::iter::once(begins).chain(doors).collect::<Vec<_>>().join(" · "))
}

/// Where the event is, with its line breaks.
pub fn location(event: &Event, lang: Lang) -> Option<String> {
    location_on(event, None, lang)
}

/// What a product is called, with its date in a series.
pub fn product(event: &Event, catalogue: &Catalogue, product: Product, lang: Lang) -> String {
    let name = catalogue.product_name(product, lang);
    let Some(date) = product.date.and_then(|id| catalogue.date(id)) else { return name };
    let when = match event.settings.show_times() {
        true => format::date_time(lang, date.date_from, &event.timezone),
        false => format::date(lang, date.date_from, &event.timezone),
    };
    format!("{name} · {when}")
}

/// Where the event is, or one date of a series that is elsewhere.
pub fn location_on(event: &Event, date: Option<&Date>, lang: Lang) -> Option<String> {
    let location = date.and_then(|date| date.location.as_ref()).or(event.location.as_ref());
    location.map(|location| location.get(lang).to_owned()).filter(|location| !location.is_empty())
}

/// Where the event is, on one line.
pub fn location_line(event: &Event, lang: Lang) -> Option<String> {
    location(event, lang).map(|location| location.lines().map(str::trim).collect::<Vec<_>>().join(", "))
}

/// The taxes in a sum, by rate; what is not taxed is not mentioned.
pub fn tax_lines(taxed: impl Iterator<Item = (TaxRate, Money)>) -> Vec<TaxLine> {
    let mut by_rate: BTreeMap<u32, Money> = BTreeMap::new();
    for (rate, tax) in taxed.filter(|(_, tax)| !tax.is_zero()) {
        let sum = by_rate.entry(rate.0).or_insert(Money::zero(tax.currency()));
        *sum = sum.checked_add(tax).expect("positions of one event have one currency and sane prices");
    }
    by_rate.into_iter().map(|(rate, amount)| TaxLine { rate: TaxRate(rate), amount }).collect()
}

/// The sum of amounts in the event's currency.
pub fn sum(event: &Event, amounts: impl Iterator<Item = Money>) -> Money {
    amounts.fold(Money::zero(event.currency), |sum, amount| {
        sum.checked_add(amount).expect("positions of one event have one currency and sane prices")
    })
}

/// Where to send the money for an order, if it is paid by bank transfer and the organiser gave an account.
pub fn bank_details(event: &Event, order: &Order) -> Option<BankDetails> {
    if order.provider() != Some(Provider::BankTransfer) {
        return None;
    }
    let settings = &event.settings;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some(BankDetails {
        holder: owned(settings.payment_banktransfer_bank_details_sepa_name())?,
        iban: in_groups_of_four(settings.payment_banktransfer_bank_details_sepa_iban()?),
        bic: owned(settings.payment_banktransfer_bank_details_sepa_bic()),
        bank: owned(settings.payment_banktransfer_bank_details_sepa_bank()),
        // What the import of bank statements looks for (spec domain 29.2).
        reference: format!("{}-{}", event.slug.to_uppercase(), order.code),
    })
}

/// How to pay an order, in the organiser's words, as Markdown.
pub fn payment_instructions(event: &Event, order: &Order, lang: Lang) -> Option<String> {
    let settings = &event.settings;
    let text = match order.provider()? {
        Provider::Free => None,
        Provider::BankTransfer => settings.payment_banktransfer_bank_details(),
        Provider::Manual => settings.payment_manual_email_instructions(),
    };
    text.map(|text| text.get(lang).to_owned()).filter(|text| !text.is_empty())
}

/// What a fee is called: in the words it was made with, or by its type.
pub fn fee_name(fee: &Fee, lang: Lang) -> String {
    if !fee.description.is_empty() {
        return fee.description.clone();
    }
    lang.text(match fee.fee_type {
        FeeType::Payment => "fee-payment",
        FeeType::Shipping => "fee-shipping",
        FeeType::Service => "fee-service",
        FeeType::Cancellation => "fee-cancellation",
        FeeType::Insurance => "fee-insurance",
        FeeType::Late => "fee-late",
        FeeType::Other => "fee-other",
        FeeType::Giftcard => "fee-giftcard",
    })
}

fn in_groups_of_four(iban: &str) -> String {
    let letters: Vec<char> = iban.chars().filter(|letter| !letter.is_whitespace()).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Where an order stands, in the buyer's words (spec shop-ux 10).
pub fn order_status(order: &Order) -> page::order::OrderStatus {
    match order.status {
        OrderStatus::Pending if order.require_approval => page::order::OrderStatus::ApprovalPending,
        OrderStatus::Pending if order.valid_if_pending => page::order::OrderStatus::Confirmed,
        OrderStatus::Pending => page::order::OrderStatus::PaymentPending,
        OrderStatus::Paid if order.live_positions().next().is_none() => page::order::OrderStatus::CanceledPaidFee,
        OrderStatus::Paid if order.total.is_zero() => page::order::OrderStatus::Confirmed,
        OrderStatus::Paid => page::order::OrderStatus::Paid,
        OrderStatus::Expired => page::order::OrderStatus::Expired,
        OrderStatus::Canceled => page::order::OrderStatus::Canceled,
    }
}
