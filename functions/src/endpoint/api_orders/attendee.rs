//! Who comes with a position, and where they live (spec rest-api 9.1, 9.3).

use serde_json::{Map, Value, json};

use super::fields::Fields;
use crate::{
    cart::Attendee,
    http::ApiError,
    i18n::{Lang, countries},
    order::Address,
    record::Record,
};

/// What is written about attendees, in fields that are columns, and the name in parts.
const COLUMNS: [&str; 8] =
    ["attendee_name", "attendee_email", "company", "street", "zipcode", "city", "country", "state"];
const NAME_PARTS: &str = "attendee_name_parts";

/// Reads a position's person and address.
pub(super) fn read(fields: &Fields) -> Result<(Attendee, Address), ApiError> {
    let name = match fields.line("attendee_name")? {
        Some(name) => Some(name),
        None => fields.part(NAME_PARTS)?.map(|parts| parts.line("full_name")).transpose()?.flatten(),
    };
    let email = fields.line("attendee_email")?;
    if email.as_ref().is_some_and(|email| email.parse::<lettre::Address>().is_err()) {
        return Err(ApiError::field("attendee_email", "Enter a valid email address."));
    }
    let country = fields.line("country")?;
    let is_known = |code: &String| countries(Lang::En).iter().any(|it| it.code == *code);
    if country.as_ref().is_some_and(|code| !is_known(code)) {
        return Err(ApiError::field("country", "A country is two capital letters, such as DE."));
    }
    let address = Address {
        street: fields.lines("street")?,
        zipcode: fields.line("zipcode")?,
        city: fields.line("city")?,
        country,
        state: fields.line("state")?,
    };
    Ok((Attendee { name, email, company: fields.line("company")? }, address))
}

/// Takes out of a body what it says of them, by column: what it does not say stays as it is.
pub(super) fn take(body: &mut Map<String, Value>) -> Result<Record, ApiError> {
    let names = COLUMNS.into_iter().chain([NAME_PARTS]);
    let said: Map<String, Value> = names.filter_map(|name| Some((name.to_owned(), body.remove(name)?))).collect();
    let (attendee, address) = read(&Fields::of(&Value::Object(said.clone()))?)?;
    let Value::Object(mut columns) = json!({
        "attendee_name": attendee.name, "attendee_email": attendee.email, "company": attendee.company,
        "street": address.street, "zipcode": address.zipcode, "city": address.city, "country": address.country,
        "state": address.state
    }) else {
        return Ok(Record::new());
    };
    columns.retain(|name, _| said.contains_key(name) || name == COLUMNS[0] && said.contains_key(NAME_PARTS));
    Ok(columns)
}
