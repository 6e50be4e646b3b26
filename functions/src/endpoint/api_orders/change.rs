//! `POST …/orders/CODE/change/`: staff changes what is in an order (spec rest-api 9.6).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    actions::Wanted,
    fields::Fields,
    reader::{Reader, parts},
};
use crate::{
    boxoffice::{Change, CreateFee, CreatePosition, NewPosition, PositionSecrets},
    http::ApiError,
    id::{FeeId, PositionId, SubeventId, VariationId},
    money::TaxRate,
    order::{
        self, Fee, Position,
        secret::{self, ChooseError},
    },
    outbox::Outgoing,
    port::db::Tx,
    record::Record,
};

/// What of a position cannot be changed yet.
const PATCH_TO_COME: [&str; 2] = ["seat", "tax_rule"];
/// Longest code of a ticket.
const SECRET_MAX: usize = 255;

impl Wanted<'_> {
    /// What a body asks for, in the order in which it is done: cancel, patch, create, fees. Nothing may be named twice:
    /// the reference means to refuse that too, but looks in the wrong place.
    pub(super) fn changes(&self, fields: &Fields) -> Result<Vec<Change>, ApiError> {
        fields.refuse(&["split_positions", "recalculate_taxes"])?;
        let mut named = BTreeSet::new();
        let canceled = parts(fields, "cancel_positions", |it| {
            let position = self.position(it)?;
            Ok((position.id.0, Change::CancelPosition { number: position.number }))
        })?;
        let patched = parts(fields, "patch_positions", |it| {
            let position = self.position(it)?;
            Ok((position.id.0, self.patched(position, &body(it)?)?))
        })?;
        let added = parts(fields, "create_positions", |it| self.added(it))?;
        let fee_patched = parts(fields, "patch_fees", |it| {
            let (fee, value) = (self.fee(it)?, body(it)?.amount("value", self.event)?);
            let gross = value.ok_or_else(|| ApiError::field("value", "This field is required."))?;
            Ok((-fee.id.0, Change::SetFee { number: fee.number, gross }))
        })?;
        let fee_canceled = parts(fields, "cancel_fees", |it| {
            let fee = self.fee(it)?;
            Ok((-fee.id.0, Change::CancelFee { number: fee.number }))
        })?;
        let fee_added = parts(fields, "create_fees", |it| {
            it.refuse(&["_treat_value_as_percentage", "_split_taxes_like_products"])?;
            self.reader().fee(it).map(added_fee)
        })?;
        let patched = patched.into_iter().flat_map(|(id, changes)| {
            // Several changes of one position are one naming of it.
            changes.into_iter().enumerate().map(move |(place, change)| ((place == 0).then_some(id), change))
        });
        let once = |(id, change)| (Some(id), change);
        let all: Vec<(Option<i64>, Change)> = canceled
            .into_iter()
            .map(once)
            .chain(patched)
            .chain(added.into_iter().map(|change| (None, change)))
            .chain(fee_patched.into_iter().chain(fee_canceled).map(once))
            .chain(fee_added.into_iter().map(|change| (None, change)))
            .collect();
        if all.iter().filter_map(|(id, _)| *id).any(|id| !named.insert(id)) {
            return Err(ApiError::BadRequest("You cannot change the same part of the order twice.".to_owned()));
        }
        Ok(all.into_iter().map(|(_, change)| change).collect())
    }

    /// What changes without the box office, for each position that is patched.
    pub(super) fn own(&self, fields: &Fields) -> Result<Vec<Own>, ApiError> {
        parts(fields, "patch_positions", |it| {
            let (position, body) = (self.position(it)?, body(it)?);
            Ok(Own { position: position.id, code: chosen_code(&body)?, validity: validity(&body, position)? })
        })
    }

    /// Writes that, after everything else has changed.
    pub(super) async fn write_own(&self, tx: &Tx<'_>, own: Vec<Own>, outgoing: &mut Outgoing) -> Result<(), ApiError> {
        let mut faults = vec![json!({}); own.len()];
        for (place, Own { position: id, code, validity }) in own.into_iter().enumerate() {
            if !validity.is_empty() {
                let of = (self.order.id, id);
                order::validity::set(tx, self.staff, self.event, of, &validity, self.now).await?;
            }
            let Some(code) = code else { continue };
            let order = order::by_id(tx, self.event, self.order.id).await?.ok_or(ApiError::NotFound)?;
            let position = order.positions.iter().find(|it| it.id == id).ok_or(ApiError::NotFound)?;
            match secret::choose(tx, self.staff, self.event, &order, (position, code), self.now).await {
                Ok(more) => outgoing.add(more),
                Err(ChooseError::Db(error)) => return Err(error.into()),
                Err(taken) => {
                    faults[place] = json!({ "secret": [taken.to_string()] });
                    return Err(ApiError::InvalidParts(json!({ "patch_positions": faults })));
                }
            }
        }
        Ok(())
    }

    fn reader(&self) -> Reader<'_> {
        Reader { event: self.event, catalogue: self.catalogue, now: self.now }
    }

    fn position(&self, fields: &Fields) -> Result<&Position, ApiError> {
        let id = required(fields, "position")?;
        self.order.live_positions().find(|it| it.id == PositionId(id)).ok_or_else(|| unknown("position", id))
    }

    fn fee(&self, fields: &Fields) -> Result<&Fee, ApiError> {
        let id = required(fields, "fee")?;
        self.order.live_fees().find(|it| it.id == FeeId(id)).ok_or_else(|| unknown("fee", id))
    }

    /// Another product, another date, another price. Without a price, the position keeps the one that it has.
    fn patched(&self, position: &Position, body: &Fields) -> Result<Vec<Change>, ApiError> {
        body.refuse(&PATCH_TO_COME)?;
        let (number, price) = (position.number, body.amount("price", self.event)?);
        let names_product = ["item", "variation", "subevent"].iter().any(|name| body.get(name).is_some());
        if !names_product {
            return Ok(price.map(|gross| Change::SetPrice { number, gross }).into_iter().collect());
        }
        let product = position.product;
        let item = body.number("item")?.map_or(product.item, crate::id::ItemId);
        // Another item has other variations.
        let kept = product.variation.filter(|_| item == product.item);
        let variation = body.number("variation")?.map(VariationId).or(kept);
        let date = match body.number("subevent")? {
            None => product.date,
            Some(id) => {
                let known = self.catalogue.date(SubeventId(id)).filter(|_| self.event.has_subevents);
                Some(known.ok_or_else(|| unknown("subevent", id))?.id)
            }
        };
        let reader = self.reader();
        let (product, found, _) = reader.product(item, variation, date.and_then(|id| self.catalogue.date(id)))?;
        let tax_rate = self.catalogue.tax_rule(found).map_or(TaxRate::ZERO, |rule| rule.rate);
        Ok(vec![Change::SwapProduct { number, product, gross: price, tax_rate }])
    }

    fn added(&self, fields: &Fields) -> Result<Change, ApiError> {
        // Written when the position is there (`positions`).
        if !self.takes_answers {
            fields.refuse(&["answers"])?;
        }
        fields.refuse(&["voucher", "is_bundled"])?;
        let without_answers = fields.with("answers", Value::Null);
        let CreatePosition { product, price, attendee, address, valid, .. } =
            self.reader().position(&without_answers)?;
        let added = self.catalogue.item(product.item);
        if added.is_some_and(|item| !item.bundles.is_empty()) {
            return Err(ApiError::field("item", "A product with bundled parts cannot be added to an order yet."));
        }
        let parent = match fields.number("addon_to")? {
            None => None,
            Some(number) => {
                let base = self.order.live_positions().find(|it| i64::from(it.number) == number);
                let base = base.ok_or_else(|| unknown("addon_to", number))?;
                let category = added.and_then(|item| item.category);
                let links = self.catalogue.item(base.product.item).map_or(&[][..], |item| &item.add_ons);
                if !links.iter().any(|link| Some(link.category) == category) {
                    return Err(ApiError::field("addon_to", "The product cannot be added to this position."));
                }
                if product.date != base.product.date {
                    return Err(ApiError::field("subevent", "An add-on is for the date of its position."));
                }
                Some(base.number)
            }
        };
        let secrets = PositionSecrets::draw(self.codes);
        let new = Box::new(NewPosition { secrets, attendee, address, bundled: false, discount: None, valid });
        Ok(Change::AddPosition { product, parent, price, new })
    }
}

fn added_fee(fee: CreateFee) -> Change {
    let CreateFee { fee_type, internal_type, description, gross, tax_rate, .. } = fee;
    Change::AddFee { fee_type, internal_type, description, gross, tax_rate }
}

/// What of a position is nothing that the box office decides.
pub(super) struct Own {
    position: PositionId,
    /// The code that is chosen for its ticket.
    code: Option<String>,
    /// From when until when it is valid, as far as that changes.
    validity: Record,
}

fn validity(body: &Fields, position: &Position) -> Result<Record, ApiError> {
    let mut said = Record::new();
    let mut read = |name: &'static str, known| -> Result<_, ApiError> {
        if !body.names(name) {
            return Ok(known);
        }
        let moment = body.moment(name)?;
        if moment != known {
            said.insert(name.to_owned(), json!(moment.map(|moment| moment.to_string())));
        }
        Ok(moment)
    };
    let (from, until) = (read("valid_from", position.valid_from)?, read("valid_until", position.valid_until)?);
    match from.zip(until).is_some_and(|(from, until)| until < from) {
        true => Err(ApiError::field("valid_until", "The end must not be before the beginning.")),
        false => Ok(said),
    }
}

fn chosen_code(body: &Fields) -> Result<Option<String>, ApiError> {
    if !body.names("secret") {
        return Ok(None);
    }
    match body.line("secret")? {
        Some(code) if code.chars().count() <= SECRET_MAX => Ok(Some(code)),
        Some(_) => {
            Err(ApiError::field("secret", format!("Ensure this field has no more than {SECRET_MAX} characters.")))
        }
        None => Err(ApiError::field("secret", "This field may not be blank.")),
    }
}

fn body(fields: &Fields) -> Result<Fields, ApiError> {
    fields.part("body")?.ok_or_else(|| ApiError::field("body", "This field is required."))
}

fn required(fields: &Fields, name: &str) -> Result<i64, ApiError> {
    fields.number(name)?.ok_or_else(|| ApiError::field(name, "This field is required."))
}

fn unknown(name: &str, id: i64) -> ApiError {
    ApiError::field(name, format!("Invalid pk \"{id}\" - object does not exist."))
}
