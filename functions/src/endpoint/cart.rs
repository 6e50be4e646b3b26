//! Forms that change a cart (spec shop-ux 6). Each leads back to the shop page with what became of it.

use std::collections::BTreeMap;

use lambda_http::{Body, Request, Response};

use super::visit::{Note, Visit};
use crate::{
    boxoffice::{
        self, AddOnProblem, CartId, CartOutcome, CartRefusal, Line, LineVoucher, Outcome, Product, Ticket,
        VoucherProblem,
    },
    catalogue::Catalogue,
    ctx::Ctx,
    event::{Event, Presale},
    http::{self, ApiError, Form},
    id::{CartPositionId, CategoryId, ItemId, SubeventId, VariationId},
    money::{Currency, Money, MoneyError, TaxRate},
    page::{MessageKind, field},
    present,
    time::Timestamp,
};

/// Puts products into the cart.
pub async fn add(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    change(ctx, request, true, |visit, catalogue, cart, form| {
        let lines = read_lines(visit, catalogue, form)?;
        Ok((boxoffice::Request::AddToCart { cart, lines }, "cart-added"))
    })
    .await
}

/// Takes one position out of the cart.
pub async fn remove(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    change(ctx, request, false, |_, _, cart, form| {
        let position =
            form.get("id").and_then(|id| id.parse().ok()).map(CartPositionId).ok_or("cart-error-unknown-position")?;
        Ok((boxoffice::Request::RemoveFromCart { cart, position }, "cart-removed"))
    })
    .await
}

/// Empties the cart.
pub async fn clear(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    change(ctx, request, false, |_, _, cart, _| Ok((boxoffice::Request::ClearCart { cart }, "cart-cleared"))).await
}

/// Uses a voucher for what is in the cart.
pub async fn apply_voucher(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    change(ctx, request, false, |_, _, cart, form| {
        let code = form.get(field::VOUCHER).map(str::trim).filter(|code| !code.is_empty());
        let code = code.ok_or("cart-error-voucher-invalid")?.to_owned();
        Ok((boxoffice::Request::ApplyVoucher { cart, code }, "cart-voucher-applied"))
    })
    .await
}

/// Renews the reservation.
pub async fn extend(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    change(ctx, request, false, |_, _, cart, _| {
        Ok((boxoffice::Request::AddToCart { cart, lines: Vec::new() }, "cart-extended"))
    })
    .await
}

/// Text key of why nothing can be ordered now, if so (spec domain 8.4).
pub(super) fn closed(event: &Event, now: Timestamp) -> Option<&'static str> {
    match event.presale(now) {
        Presale::NotStarted { .. } => Some("cart-error-not-started"),
        Presale::Ended => Some("cart-error-ended"),
        Presale::Running => event.last_payment().is_some_and(|last| last < now).then_some("cart-error-payment-ended"),
    }
}

/// Text key of a mistake in the form.
pub(super) struct Mistake(pub(super) &'static str);

impl From<&'static str> for Mistake {
    fn from(key: &'static str) -> Self {
        Self(key)
    }
}

type Read = fn(&Visit<'_>, &Catalogue, CartId, &Form) -> Result<(boxoffice::Request, &'static str), Mistake>;

async fn change(ctx: &'static Ctx, request: Request, adds: bool, read: Read) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let read_form = if adds { visit.form_of_any_page(&request) } else { visit.form(&request) };
    let is_ours = http::is_from_this_site(&request, &ctx.config().public_url);
    let form = match read_form {
        Err(ApiError::ForeignForm) if is_ours && is_of_a_cart_that_is_gone(&visit, &Form::read(&request)?) => {
            return Ok(visit.go_to_shop(MessageKind::Warning, "cart-error-page-too-old"));
        }
        form => form?,
    };
    let now = ctx.now();
    let takes = |request: &boxoffice::Request| {
        matches!(request, boxoffice::Request::AddToCart { .. } | boxoffice::Request::ApplyVoucher { .. })
    };
    let catalogue = visit.catalogue(&*db).await?;
    let cart = visit.cart_for(&form)?;
    let (wanted, success) = match read(&visit, &catalogue, cart.clone(), &form) {
        Ok(read) => read,
        Err(Mistake(key)) => {
            let note = Note::saying(MessageKind::Error, visit.text(key));
            return Ok(visit.go(&page_of(&visit, &form), Some(&note)));
        }
    };
    if let Some(key) = closed(&visit.event, now).filter(|_| takes(&wanted)) {
        return Ok(visit.go_to_shop(MessageKind::Error, key));
    }
    let form_key = Visit::form_key(&form, &cart);
    let ticket = Ticket { key: form_key.unwrap_or_else(|| ctx.codes().form_token()), request: wanted };
    let outcome = match boxoffice::submit(ctx, &mut db, &visit.event, &catalogue, &ticket).await? {
        Outcome::Cart(outcome) => outcome,
        other => unreachable!("a cart request has a cart outcome, not {other:?}"),
    };
    let note = tell(&visit, &catalogue, &ticket.request, &outcome, success);
    let mut response = visit.go(&page_of(&visit, &form), Some(&note));
    visit.keep_cart(&mut response, &cart);
    Ok(response)
}

/// The page that a form came from: the shop's, or that of a date.
fn page_of(visit: &Visit<'_>, form: &Form) -> String {
    let date: Option<i64> = form.get(field::DATE).and_then(|date| date.parse().ok());
    match date.filter(|_| visit.event.has_subevents) {
        Some(date) => visit.url(&format!("{date}/")),
        None => visit.event.path(),
    }
}

/// Whether a form is from a page that was loaded before its cart became an order in another tab.
fn is_of_a_cart_that_is_gone(visit: &Visit<'_>, form: &Form) -> bool {
    let token = form.get(field::CSRF).unwrap_or_default();
    visit.cart.is_none() && token.len() == visit.csrf().len() && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Puts an outcome into words (spec domain 8.7).
pub(super) fn tell(
    visit: &Visit<'_>,
    catalogue: &Catalogue,
    wanted: &boxoffice::Request,
    outcome: &CartOutcome,
    success: &str,
) -> Note {
    let names = |products: &[Product]| {
        let mut names: Vec<String> =
            products.iter().map(|product| present::product(&visit.event, catalogue, *product, visit.lang)).collect();
        names.dedup();
        names.join(", ")
    };
    let item_name =
        |item: ItemId| catalogue.item(item).map(|item| item.name.get(visit.lang).to_owned()).unwrap_or_default();
    let listed = |key: &str, products: &[Product]| visit.lang.text_with(key, &[("name", names(products).into())]);
    let limit = |key: &str, item, count: i64| {
        visit.lang.text_with(key, &[("name", item_name(item).into()), ("count", count.into())])
    };
    let mut note = Note::default();
    match outcome.refused {
        Some(CartRefusal::MaxPositions(count)) => {
            note.say(MessageKind::Error, visit.lang.text_with("cart-error-max-items", &[("count", count.into())]));
        }
        Some(CartRefusal::MaxPerOrder(item, count)) => {
            note.say(MessageKind::Error, limit("cart-error-max-items-per-product", item, count));
        }
        Some(CartRefusal::MinPerOrder(item, count)) => {
            note.say(MessageKind::Error, limit("cart-error-min-items-per-product", item, count));
        }
        Some(CartRefusal::NeedsVoucher(item)) => {
            let text = visit.lang.text_with("cart-error-voucher-required", &[("name", item_name(item).into())]);
            note.say(MessageKind::Error, text);
        }
        Some(CartRefusal::NotSoldAlone(item)) => {
            let text = visit.lang.text_with("cart-error-not-sold-alone", &[("name", item_name(item).into())]);
            note.say(MessageKind::Error, text);
        }
        Some(CartRefusal::Voucher(problem)) => note.say(MessageKind::Error, voucher_text(visit, problem)),
        Some(CartRefusal::AddOn(problem)) => note.say(MessageKind::Error, add_on_text(visit, catalogue, problem)),
        None => {}
    }
    if let Some(problem) = outcome.voucher {
        note.say(MessageKind::Warning, voucher_text(visit, problem));
    }
    if !outcome.unavailable.is_empty() {
        note.say(MessageKind::Error, listed("cart-error-unavailable-listed", &outcome.unavailable));
    }
    if !outcome.in_part.is_empty() {
        note.say(MessageKind::Warning, listed("cart-error-in-part-listed", &outcome.in_part));
    }
    if !outcome.removed.is_empty() {
        note.say(MessageKind::Warning, visit.text("cart-error-positions-removed"));
    }
    let adds = matches!(wanted, boxoffice::Request::AddToCart { lines, .. } if !lines.is_empty());
    let applies = matches!(wanted, boxoffice::Request::ApplyVoucher { .. });
    let acted = if applies { outcome.vouchered > 0 } else { outcome.added > 0 || !adds };
    let worked = outcome.refused.is_none() && acted;
    if worked && outcome.in_part.is_empty() && outcome.removed.is_empty() {
        note.say(MessageKind::Success, visit.lang.text_with(success, &[("count", outcome.vouchered.into())]));
    }
    note
}

/// Puts into words what is wrong with a voucher (spec domain 8.7).
pub(super) fn voucher_text(visit: &Visit<'_>, problem: VoucherProblem) -> String {
    let counted = |key: &str, count: i64| visit.lang.text_with(key, &[("count", count.into())]);
    match problem {
        VoucherProblem::Unknown => visit.text("cart-error-voucher-invalid"),
        VoucherProblem::Expired => visit.text("cart-error-voucher-expired"),
        VoucherProblem::OtherProduct => visit.text("cart-error-voucher-invalid-item"),
        VoucherProblem::OtherDate => visit.text("cart-error-voucher-invalid-subevent"),
        VoucherProblem::NoMatch => visit.text("cart-error-voucher-no-match"),
        VoucherProblem::Redeemed => visit.text("cart-error-voucher-redeemed"),
        VoucherProblem::InOtherCarts => {
            counted("cart-error-voucher-redeemed-cart", visit.event.settings.reservation_time())
        }
        VoucherProblem::InPart(count) => counted("cart-error-voucher-redeemed-partial", count),
        VoucherProblem::TooFew(count) => counted("cart-error-voucher-min-usages", count),
        VoucherProblem::RemovedTooFew(count) => counted("cart-error-voucher-min-usages-removed", count),
    }
}

/// Puts into words what is wrong with add-ons.
pub(super) fn add_on_text(visit: &Visit<'_>, catalogue: &Catalogue, problem: AddOnProblem) -> String {
    let of_category = |key: &str, id: CategoryId, count: i64| {
        let name = catalogue.category(id).map(|category| category.name.get(visit.lang).to_owned()).unwrap_or_default();
        visit.lang.text_with(key, &[("name", name.into()), ("count", count.into())])
    };
    match problem {
        AddOnProblem::NoBase => visit.text("cart-error-addon-invalid-base"),
        AddOnProblem::TooMany(category, count) => of_category("cart-error-addon-max-count", category, count),
        AddOnProblem::TooFew(category, count) => of_category("cart-error-addon-min-count", category, count),
        AddOnProblem::Repeated(item) => {
            let name = catalogue.item(item).map(|item| item.name.get(visit.lang).to_owned()).unwrap_or_default();
            visit.lang.text_with("cart-error-addon-no-multi", &[("name", name.into())])
        }
    }
}

/// Largest number that one field of the form may ask for; more is a mistake or an attack.
const COUNT_MAX: i64 = 10_000;
/// Largest price that a buyer may type, in major units (spec domain 5.3).
const PRICE_MAX: i64 = 99_999_999_999;

/// Reads a price that a buyer has typed. `1,000` may mean a thousand or one: it is refused, not guessed.
fn read_price(typed: &str, currency: Currency) -> Result<Money, Mistake> {
    let typed = typed.replace(',', ".");
    let thousands = |(_, group): (&str, &str)| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    if typed.rsplit_once('.').is_some_and(thousands) {
        return Err(Mistake("cart-error-price-not-a-number"));
    }
    match Money::parse_decimal(&typed, currency) {
        Ok(price) if price.minor() > PRICE_MAX * 10_i64.pow(currency.decimals()) => {
            Err(Mistake("cart-error-price-too-high"))
        }
        Ok(price) if price.minor() >= 0 => Ok(price),
        Err(MoneyError::Overflow) => Err(Mistake("cart-error-price-too-high")),
        _ => Err(Mistake("cart-error-price-not-a-number")),
    }
}

/// Reads `item_<id>`, `variation_<item>_<variation>` and their prices. Fields of other names are left alone; products
/// that do not exist here are not for sale.
fn read_lines(visit: &Visit<'_>, catalogue: &Catalogue, form: &Form) -> Result<Vec<Line>, Mistake> {
    let date = read_date(visit, catalogue, form)?;
    let mut counts: BTreeMap<Product, i64> = BTreeMap::new();
    for (name, value) in form.iter() {
        let Some(product) = read_product(name, date) else { continue };
        let count = match value {
            "" => 0,
            // A check box says "on"; what is not a number is not a number of tickets.
            "on" => 1,
            digits => digits.parse().map_err(|_| "cart-error-empty")?,
        };
        if !(0..=COUNT_MAX).contains(&count) {
            return Err(Mistake("cart-error-empty"));
        }
        *counts.entry(product).or_default() += count;
    }
    counts.retain(|_, count| *count > 0);
    if counts.is_empty() {
        return Err(Mistake("cart-error-empty"));
    }
    counts.into_iter().map(|(product, count)| read_line(visit, catalogue, form, product, count)).collect()
}

/// The voucher that the products of a form are bought with.
fn read_voucher(form: &Form) -> Option<LineVoucher> {
    let code = form.get(field::VOUCHER_CODE).filter(|code| !code.is_empty())?.to_owned();
    Some(LineVoucher { code, unless_used_up: form.get(field::VOUCHER_UNLESS_USED_UP).is_some() })
}

/// The date that the products of a form are for: a series has nothing without one, other events have none.
fn read_date(visit: &Visit<'_>, catalogue: &Catalogue, form: &Form) -> Result<Option<SubeventId>, Mistake> {
    let Some(typed) = form.get(field::DATE).filter(|_| visit.event.has_subevents) else {
        return if visit.event.has_subevents { Err(Mistake("cart-error-subevent-required")) } else { Ok(None) };
    };
    let date = typed.parse().ok().and_then(|id| catalogue.date(SubeventId(id)));
    date.filter(|date| date.is_listed()).map(|date| Some(date.id)).ok_or(Mistake("cart-error-not-for-sale"))
}

fn read_product(field: &str, date: Option<SubeventId>) -> Option<Product> {
    if let Some(item) = field.strip_prefix("item_") {
        return Some(Product { item: ItemId(item.parse().ok()?), variation: None, date });
    }
    let (item, variation) = field.strip_prefix("variation_")?.split_once('_')?;
    Some(Product { item: ItemId(item.parse().ok()?), variation: Some(VariationId(variation.parse().ok()?)), date })
}

/// The price, with tax, that a buyer has typed for a product with a free price.
pub(super) fn read_chosen_price(
    visit: &Visit<'_>,
    catalogue: &Catalogue,
    form: &Form,
    product: Product,
    price_field: &str,
) -> Result<Option<Money>, Mistake> {
    let (item, _) = catalogue.product(product.item, product.variation).ok_or("cart-error-not-for-sale")?;
    let typed = form.get(price_field).filter(|text| item.free_price && !text.is_empty());
    let typed = typed.map(|typed| read_price(typed, visit.event.currency)).transpose()?;
    // Shops that show prices without tax take them so (spec domain 5.3).
    let rate = catalogue.tax_rule(item).map_or(TaxRate::ZERO, |rule| rule.rate);
    let is_net = visit.event.settings.display_net_prices();
    Ok(typed.map(|price| if is_net { price.taxed(rate, false).0 } else { price }))
}

fn read_line(
    visit: &Visit<'_>,
    catalogue: &Catalogue,
    form: &Form,
    product: Product,
    count: i64,
) -> Result<Line, Mistake> {
    let price_field = match product.variation {
        Some(variation) => field::variation_price(product.item, variation),
        None => field::item_price(product.item),
    };
    let chosen_price = read_chosen_price(visit, catalogue, form, product, &price_field)?;
    Ok(Line { product, count, chosen_price, voucher: read_voucher(form) })
}
