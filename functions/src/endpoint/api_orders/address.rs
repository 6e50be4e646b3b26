//! Whom an order is billed to (spec rest-api 9.1).

use serde_json::{Value, json};

use crate::{
    endpoint::api::{
        Around,
        field::{self, Field, Kind},
        name,
        read::{self, Faults},
    },
    record::Record,
};

/// The field of an order that has it.
pub(super) const NAME: &str = "invoice_address";
/// Longest name.
const NAME_MAX: usize = 255;

const FIELDS: &[Field] = &[
    Field::new("last_modified", Kind::Moment).read_only(),
    Field::new("is_business", Kind::Flag),
    Field::new("company", Kind::Text(255)),
    Field::new("name", Kind::Text(NAME_MAX)),
    Field::new("name_parts", Kind::Json),
    Field::new("street", Kind::Text(1000)),
    Field::new("zipcode", Kind::Text(30)),
    Field::new("city", Kind::Text(255)),
    Field::new("country", Kind::Text(2)),
    Field::new("state", Kind::Text(255)),
    Field::new("vat_id", Kind::Text(255)),
    Field::new("vat_id_validated", Kind::Flag),
    Field::new("custom_field", Kind::Text(255)),
    Field::new("internal_reference", Kind::Text(1000)),
    Field::new("transmission_type", Kind::Text(255)).default("\"other\""),
    Field::new("transmission_info", Kind::Json).null(),
];

/// Reads what was written as the address of an order over what was there before, into the form in which it is kept and
/// told. Null takes it away.
pub(super) fn check(record: &mut Record, before: &Record, around: &Around, faults: &mut Faults) {
    let said = record.get(NAME).cloned().unwrap_or_default();
    if before.get(NAME).is_some_and(|before| *before == said) || said.is_null() {
        return;
    }
    let Value::Object(said) = said else {
        faults.add(NAME, "Expected an object.");
        return;
    };
    let before = before.get(NAME).and_then(Value::as_object);
    let read::Written { record: mut address, faults: mut wrong, .. } = read::read(FIELDS, &said, before, false, around);
    // A new one has no name; so has an old one that is said to have parts instead.
    let nameless = Record::from_iter([("name".to_owned(), json!(""))]);
    name::check(&mut address, Some(before.unwrap_or(&nameless)), NAME_MAX, &mut wrong);
    let text =
        |address: &Record, column: &str| address.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
    let country = text(&address, "country");
    let is_code = [0, 2].contains(&country.len()) && country.bytes().all(|letter| letter.is_ascii_uppercase());
    if !is_code {
        wrong.add("country", "A country is two capital letters, such as DE.");
    }
    faults.add_object(NAME, wrong);
    let full = text(&address, "name");
    let parts = if full.is_empty() { json!({}) } else { name::parts_of(&full) };
    address.insert("name".to_owned(), json!(full));
    address.insert("name_parts".to_owned(), parts);
    address.insert("last_modified".to_owned(), json!(around.now.to_string()));
    record.insert(NAME.to_owned(), field::show(FIELDS, &address, around));
}
