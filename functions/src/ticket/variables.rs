//! What a ticket says, as texts for programs that print tickets and badges of their own (spec domain 19.1).

use std::collections::BTreeMap;

use super::sheet;
use crate::{
    catalogue::Catalogue,
    event::Event,
    i18n::{Lang, format},
    order::{Order, Position},
    present,
    time::Timestamp,
};

/// The names of the texts, but for those of questions, with what they are. What all tickets of an event say, such as its
/// notes for holders, is in the event's settings.
pub const VARIABLES: &[(&str, &str)] = &[
    ("addons", "What was added to the ticket, one on each line."),
    ("attendee_city", "The attendee's city."),
    ("attendee_company", "For whom the attendee comes."),
    ("attendee_country", "The attendee's country, by its two letters."),
    ("attendee_email", "The attendee's mail address."),
    ("attendee_name", "Who comes."),
    ("attendee_state", "The attendee's state or province."),
    ("attendee_street", "The attendee's street, on one line or several."),
    ("attendee_zipcode", "The attendee's postal code."),
    ("event_date", "The day, or the days, of the event or of the ticket's date."),
    ("event_location", "Where it takes place, on one line or several."),
    ("event_name", "The name of the event."),
    ("event_times", "When it begins and when the doors open, if the event shows times."),
    ("item", "The product."),
    ("order", "The code of the order."),
    ("organizer", "Who invites."),
    ("positionid", "The number of the ticket within its order."),
    ("price", "The price with its currency."),
    ("pseudonymization_id", "A name of the ticket that says nothing."),
    ("purchase_date", "The day of the order."),
    ("secret", "What the QR code says."),
    ("valid_from", "From when the ticket is valid, if it says so."),
    ("valid_until", "Until when the ticket is valid, if it says so."),
    ("variation", "The variation of the product."),
];
/// What the name of a question's answer begins with; its id follows.
pub const QUESTION: &str = "question_";

/// What is known of a ticket, in the language of its order. What there is nothing about is empty.
pub fn variables(event: &Event, catalogue: &Catalogue, order: &Order, position: &Position) -> BTreeMap<String, String> {
    let sheet = sheet(event, catalogue, order, position);
    let lang = Lang::parse(&order.locale).unwrap_or_default();
    let moment = |moment: Option<Timestamp>| moment.map(|it| format::date_time(lang, it, &event.timezone));
    let added = order.live_positions().filter(|it| it.parent == Some(position.id) && !it.is_bundled);
    let added: Vec<String> = added.map(|it| present::product(event, catalogue, it.product, lang)).collect();
    let address = position.address.clone();
    let texts = [
        ("addons", Some(added.join("\n"))),
        ("attendee_city", address.city),
        ("attendee_company", sheet.company),
        ("attendee_country", address.country),
        ("attendee_email", position.attendee.email.clone()),
        ("attendee_name", sheet.attendee),
        ("attendee_state", address.state),
        ("attendee_street", address.street),
        ("attendee_zipcode", address.zipcode),
        ("event_date", Some(sheet.dates)),
        ("event_location", sheet.location),
        ("event_name", Some(sheet.event)),
        ("event_times", sheet.admission),
        ("item", Some(sheet.item)),
        ("order", Some(sheet.order_code)),
        ("organizer", Some(sheet.organizer)),
        ("positionid", Some(sheet.position.to_string())),
        ("price", Some(sheet.price)),
        ("pseudonymization_id", Some(position.pseudonymization_id.clone())),
        ("purchase_date", Some(format::date(lang, order.created_at, &event.timezone))),
        ("secret", Some(sheet.secret)),
        ("valid_from", moment(position.valid_from)),
        ("valid_until", moment(position.valid_until)),
        ("variation", sheet.variation),
    ];
    let texts = texts.into_iter().map(|(name, text)| (name.to_owned(), text.unwrap_or_default()));
    let answers = catalogue.questions.iter().map(|question| {
        let stored = position.answers.iter().find(|(id, _)| *id == question.id);
        let answer = stored.map(|(_, stored)| question.readable(stored, lang)).unwrap_or_default();
        (format!("{QUESTION}{}", question.id), answer)
    });
    texts.chain(answers).collect()
}
