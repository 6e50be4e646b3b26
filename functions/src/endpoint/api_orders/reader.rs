//! What a client wants an order, or a position, to be (spec rest-api 9.3).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{answers, attendee, fields::Fields};
use crate::{
    boxoffice::{
        CartId, CreateFee, CreateOrder, CreatePosition, POSITIONS_PER_ORDER_MAX, Product, UnitPrice, Validity,
    },
    catalogue::{Catalogue, Date, Item, Variation, WEB},
    endpoint::api::read::read_flag,
    event::Event,
    http::{self, ApiError},
    id::{DiscountId, ItemId, SubeventId, TokenId, VariationId},
    money::{Money, TaxRate},
    payment::Provider,
    port::codes::Seed,
    pricing::{FeeType, Rounding},
    record::Record,
    time::Timestamp,
};

/// Longest comment, in characters, and most fees of an order.
const COMMENT_MAX: usize = 10_000;
const FEES_MAX: usize = 100;
/// Most gift cards for one order.
const GIFT_CARDS_MAX: usize = 50;
/// Longest secret of one, in bytes.
const GIFT_CARD_SECRET_MAX: usize = 760;
/// Parts of an order that the shop does not have yet.
const TO_COME: [&str; 3] = ["customer", "payment_info", "plugin_data"];
const POSITION_TO_COME: [&str; 2] = ["seat", "use_reusable_medium"];

/// Reads what a client wants an order to be.
pub(super) struct Reader<'a> {
    pub(super) event: &'a Event,
    pub(super) catalogue: &'a Catalogue,
    pub(super) now: Timestamp,
}

impl Reader<'_> {
    pub(super) fn order(
        &self,
        fields: &Fields,
        channels: &[String],
        by: TokenId,
        seed: Seed,
    ) -> Result<CreateOrder, ApiError> {
        fields.refuse(&TO_COME)?;
        let status = fields.string("status")?.unwrap_or_else(|| "n".to_owned());
        if !["n", "p"].contains(&status.as_str()) {
            return Err(ApiError::field("status", "Allowed are n and p."));
        }
        let paid = status == "p";
        let require_approval = fields.flag("require_approval", false)?;
        if paid && require_approval {
            return Err(ApiError::field("require_approval", "A paid order cannot wait for approval."));
        }
        let mut positions = parts(fields, "positions", |fields| self.position(fields))?;
        if positions.is_empty() || positions.len() as i64 > POSITIONS_PER_ORDER_MAX {
            return Err(ApiError::field("positions", "An order has 1 to 500 positions."));
        }
        nest(fields, &mut positions)?;
        let fees = parts(fields, "fees", |fields| self.fee(fields))?;
        if fees.len() > FEES_MAX {
            return Err(ApiError::field("fees", format!("An order has at most {FEES_MAX} fees.")));
        }
        let payment = provider(fields)?;
        Ok(CreateOrder {
            positions,
            fees,
            code: code(fields)?,
            email: fields.line("email")?.unwrap_or_default(),
            phone: fields.line("phone")?,
            locale: self.locale(fields)?,
            testmode: fields.flag("testmode", self.event.testmode)?,
            sales_channel: sales_channel(fields, channels)?,
            comment: comment(fields)?,
            valid_if_pending: fields.flag("valid_if_pending", false)?,
            require_approval,
            rounding: self.rounding(fields)?,
            is_business: fields
                .get("invoice_address")
                .and_then(|it| read_flag(it.get("is_business")?))
                .unwrap_or(false),
            expires_at: self.deadline(fields)?,
            payment,
            paid_at: if paid { Some(fields.moment("payment_date")?.unwrap_or(self.now)) } else { None },
            consume_carts: carts(fields)?,
            force: fields.flag("force", false)?,
            notes: Record::new(),
            // Null asks for what the channel does, which sends them.
            sends_mail: fields.flag_or_null("send_email", false, true)?,
            by,
            seed,
        })
    }

    /// A position with its price, given or computed.
    pub(super) fn position(&self, fields: &Fields) -> Result<CreatePosition, ApiError> {
        fields.refuse(&POSITION_TO_COME)?;
        let item = fields.number("item")?.ok_or_else(|| ApiError::field("item", "This field is required."))?;
        let date = self.date(fields)?;
        let (product, found, chosen) =
            self.product(ItemId(item), fields.number("variation")?.map(VariationId), date)?;
        let rate = self.catalogue.tax_rule(found).map_or(TaxRate::ZERO, |rule| rule.rate);
        let (given, computed) = (fields.amount("price", self.event)?, self.catalogue.price_on(date, found, chosen));
        let price = match given {
            Some(price) => {
                let discount = self.discount(fields)?;
                UnitPrice { listed: computed.listed, discount, ..UnitPrice::of_listed(price, rate, true) }
            }
            None if fields.get("discount").is_some() => {
                return Err(ApiError::field("discount", "A discount can only be said together with a price."));
            }
            None => computed,
        };
        let (attendee, address) = attendee::read(fields)?;
        let voucher = fields.line("voucher")?;
        let answers = answers::read(fields, self.catalogue, self.event)?.unwrap_or_default();
        let valid = Validity { from: fields.moment("valid_from")?, until: fields.moment("valid_until")? };
        if valid.from.zip(valid.until).is_some_and(|(from, until)| until < from) {
            return Err(ApiError::field("valid_until", "The end must not be before the beginning."));
        }
        let (is_price_given, parent, bundled) = (given.is_some(), None, false);
        Ok(CreatePosition {
            product,
            price,
            is_price_given,
            parent,
            bundled,
            voucher,
            attendee,
            address,
            answers,
            valid,
        })
    }

    /// The discount that somebody says is in a price.
    fn discount(&self, fields: &Fields) -> Result<Option<DiscountId>, ApiError> {
        let Some(id) = fields.number("discount")? else { return Ok(None) };
        let found = self.catalogue.discounts.iter().find(|discount| discount.id.0 == id);
        let unknown = || ApiError::field("discount", format!("Invalid pk \"{id}\" - object does not exist."));
        found.map(|discount| Some(discount.id)).ok_or_else(unknown)
    }

    /// The date that a position is for: a series needs one, other events have none.
    fn date(&self, fields: &Fields) -> Result<Option<&Date>, ApiError> {
        let id = fields.number("subevent")?;
        match id {
            Some(_) if !self.event.has_subevents => {
                Err(ApiError::field("subevent", "You cannot set a subevent for this event."))
            }
            None if self.event.has_subevents => Err(ApiError::field("subevent", "You need to set a subevent.")),
            None => Ok(None),
            Some(id) => {
                let unknown = || ApiError::field("subevent", format!("Invalid pk \"{id}\" - object does not exist."));
                self.catalogue.date(SubeventId(id)).map(Some).ok_or_else(unknown)
            }
        }
    }

    /// A product that can be ordered.
    pub(super) fn product(
        &self,
        item: ItemId,
        variation: Option<VariationId>,
        date: Option<&Date>,
    ) -> Result<(Product, &Item, Option<&Variation>), ApiError> {
        let item = item.0;
        let unknown = |id: i64| format!("Invalid pk \"{id}\" - object does not exist.");
        let Some(found) = self.catalogue.item(ItemId(item)) else {
            return Err(ApiError::field("item", unknown(item)));
        };
        if !found.active {
            return Err(ApiError::field("item", "The product is not active."));
        }
        let Some((found, chosen)) = self.catalogue.product(found.id, variation) else {
            return Err(ApiError::field("variation", "Choose one of the variations of the product."));
        };
        Ok((Product { item: found.id, variation, date: date.map(|date| date.id) }, found, chosen))
    }

    /// A fee with its tax.
    pub(super) fn fee(&self, fields: &Fields) -> Result<CreateFee, ApiError> {
        let name = fields.string("fee_type")?.unwrap_or_default();
        let fee_type = FeeType::parse(&name)
            .map_err(|_| ApiError::field("fee_type", format!("\"{name}\" is not a valid choice.")))?;
        let (gross, share) = match fields.flag("_treat_value_as_percentage", false)? {
            true => (Some(Money::zero(self.event.currency)), Some(fields.percent("value")?)),
            false => (fields.amount("value", self.event)?, None),
        };
        let gross = gross.ok_or_else(|| ApiError::field("value", "This field is required."))?;
        let rule = fields.number("tax_rule")?;
        let tax_rate = match rule {
            None => TaxRate::ZERO,
            Some(id) => match self.catalogue.tax_rules.iter().find(|rule| rule.id.0 == id) {
                Some(rule) => rule.rate,
                None => {
                    return Err(ApiError::field("tax_rule", format!("Invalid pk \"{id}\" - object does not exist.")));
                }
            },
        };
        let internal_type = fields.line("internal_type")?.unwrap_or_default();
        Ok(CreateFee {
            fee_type,
            internal_type,
            description: fields.line("description")?.unwrap_or_default(),
            gross,
            share,
            tax_rate,
            is_taxed_like_positions: fields.flag("_split_taxes_like_products", false)?,
        })
    }

    fn locale(&self, fields: &Fields) -> Result<String, ApiError> {
        let chosen = fields.string("locale")?.unwrap_or_else(|| self.event.settings.locale().to_owned());
        match self.event.settings.locales().contains(&chosen.as_str()) {
            true => Ok(chosen),
            false => Err(ApiError::field("locale", "This language is not offered by the event.")),
        }
    }

    fn rounding(&self, fields: &Fields) -> Result<Rounding, ApiError> {
        let Some(code) = fields.string("tax_rounding_mode")? else { return Ok(self.event.settings.tax_rounding()) };
        let unknown = || ApiError::field("tax_rounding_mode", format!("\"{code}\" is not a valid choice."));
        Rounding::parse(&code).ok_or_else(unknown)
    }

    fn deadline(&self, fields: &Fields) -> Result<Timestamp, ApiError> {
        match fields.moment("expires")? {
            None => Ok(self.event.payment_deadline(self.now)),
            Some(moment) if moment > self.now => Ok(moment),
            Some(_) => Err(ApiError::field("expires", "Expiration date must be in the future.")),
        }
    }
}

/// How an order is paid, as far as the client says it.
fn provider(fields: &Fields) -> Result<Option<Provider>, ApiError> {
    let named = fields.string("payment_provider")?.filter(|name| !name.is_empty());
    match named.as_deref().map(Provider::parse) {
        Some(None) => Err(ApiError::field("payment_provider", "The given payment provider is not known.")),
        other => Ok(other.flatten()),
    }
}

/// Which positions belong to which: only all of them together tell. Either all have a number or none, from 1 on; what
/// others belong to comes before them and belongs to nothing itself.
fn nest(fields: &Fields, positions: &mut [CreatePosition]) -> Result<(), ApiError> {
    let said: Vec<Fields> = fields.list("positions")?.iter().map(Fields::of).collect::<Result<_, _>>()?;
    let are_numbered = said.iter().any(|fields| fields.get("positionid").is_some());
    let mut errors = vec![json!({}); positions.len()];
    for (place, fields) in said.iter().enumerate() {
        match below(fields, place, positions, are_numbered) {
            Ok((parent, bundled)) => (positions[place].parent, positions[place].bundled) = (parent, bundled),
            Err(error) => errors[place] = http::api_body(&error),
        }
    }
    let has_errors = errors.iter().any(|error| error.as_object().is_some_and(|fields| !fields.is_empty()));
    if has_errors { Err(ApiError::InvalidParts(json!({ "positions": errors }))) } else { Ok(()) }
}

/// The number of the position that one belongs to, and whether it is a part of it.
fn below(
    fields: &Fields,
    place: usize,
    positions: &[CreatePosition],
    are_numbered: bool,
) -> Result<(Option<i32>, bool), ApiError> {
    let (number, bundled) = (fields.number("positionid")?, fields.flag("is_bundled", false)?);
    if are_numbered && number.and_then(|number| usize::try_from(number).ok()) != Some(place + 1) {
        let text = "All positions need a number if one has it, and they are consecutive from 1.";
        return Err(ApiError::field("positionid", text));
    }
    let Some(base) = fields.number("addon_to")? else {
        return match bundled {
            true => Err(ApiError::field("is_bundled", "A part belongs to a position: addon_to is required.")),
            false => Ok((None, false)),
        };
    };
    let wrong = || ApiError::field("addon_to", "Not the number of an earlier position that belongs to no other.");
    let at = usize::try_from(base).ok().filter(|base| are_numbered && (1..=place).contains(base)).ok_or_else(wrong)?;
    let above = &positions[at - 1];
    match &positions[place] {
        _ if above.parent.is_some() => Err(wrong()),
        it if it.voucher.is_some() => Err(ApiError::field("voucher", "An add-on or a part cannot have a voucher.")),
        it if it.product.date != above.product.date => {
            Err(ApiError::field("subevent", "An add-on is for the date of its position."))
        }
        _ => i32::try_from(base).map(|base| (Some(base), bundled)).map_err(|_| wrong()),
    }
}

/// Reads a list of objects; errors come in a list parallel to it.
pub(super) fn parts<T>(
    fields: &Fields,
    name: &str,
    read: impl Fn(&Fields) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let mut values = Vec::new();
    let mut errors: Vec<Value> = Vec::new();
    for value in fields.list(name)? {
        match Fields::of(value).and_then(|fields| read(&fields)) {
            Ok(value) => {
                values.push(value);
                errors.push(json!({}));
            }
            Err(error) => errors.push(http::api_body(&error)),
        }
    }
    if values.len() == errors.len() { Ok(values) } else { Err(ApiError::InvalidParts(json!({ name: errors }))) }
}

/// A code that the client chooses (spec domain 10.3).
fn code(fields: &Fields) -> Result<Option<String>, ApiError> {
    let Some(code) = fields.string("code")? else { return Ok(None) };
    let fits = |letter: char| letter.is_ascii_digit() || (letter.is_ascii_uppercase() && !matches!(letter, 'I' | 'O'));
    match (5..=16).contains(&code.len()) && code.chars().all(fits) {
        true => Ok(Some(code)),
        false => Err(ApiError::field("code", "A code has 5 to 16 of A-Z without I and O, and 0-9.")),
    }
}

/// Secrets of the gift cards that pay (spec rest-api 9.3).
pub(super) fn gift_cards(fields: &Fields) -> Result<Vec<String>, ApiError> {
    let wrong = |text: &str| ApiError::field("use_gift_cards", text);
    let mut secrets: Vec<String> = Vec::new();
    for said in fields.list("use_gift_cards")? {
        let secret = said.as_str().map(|text| text.replace('\0', "").trim().to_owned()).unwrap_or_default();
        if secret.is_empty() || secret.len() > GIFT_CARD_SECRET_MAX {
            return Err(wrong("Not a valid string."));
        }
        if secrets.iter().any(|known| known.to_uppercase() == secret.to_uppercase()) {
            return Err(wrong("A gift card can only be used once."));
        }
        secrets.push(secret);
    }
    if secrets.is_empty() {
        return Ok(secrets);
    }
    let is_paid = fields.string("status")?.is_some_and(|status| status == "p");
    match () {
        () if secrets.len() > GIFT_CARDS_MAX => Err(wrong("There are too many gift cards.")),
        () if is_paid => Err(wrong("An order that is paid already is not paid with gift cards.")),
        () if fields.get("payment_provider").is_some_and(|name| *name != "") => {
            Err(wrong("Gift cards cannot be used together with payment_provider."))
        }
        () if fields.flag("require_approval", false)? => {
            Err(wrong("An order that waits for approval is not paid yet."))
        }
        () => Ok(secrets),
    }
}

/// One of the organiser's sales channels.
pub(super) fn sales_channel(fields: &Fields, channels: &[String]) -> Result<String, ApiError> {
    let said = fields.string("sales_channel")?.unwrap_or_else(|| WEB.to_owned());
    if channels.contains(&said) { Ok(said) } else { Err(ApiError::field("sales_channel", "Unknown sales channel.")) }
}

/// Each once, however often it is named: what it holds is given once.
fn carts(fields: &Fields) -> Result<Vec<CartId>, ApiError> {
    let carts = fields.list("consume_carts")?.iter();
    let text = |value: &Value| value.as_str().map(|id| CartId(id.replace('\0', "")));
    let read = carts.map(|value| text(value).ok_or_else(|| ApiError::field("consume_carts", "Not a valid string.")));
    let named: BTreeSet<CartId> = read.collect::<Result<_, _>>()?;
    Ok(named.into_iter().collect())
}

fn comment(fields: &Fields) -> Result<String, ApiError> {
    let text = fields.string("comment")?.unwrap_or_default();
    match text.chars().count() {
        0..=COMMENT_MAX => Ok(text),
        _ => Err(ApiError::field("comment", format!("Ensure this field has no more than {COMMENT_MAX} characters."))),
    }
}
