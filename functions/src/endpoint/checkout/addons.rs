//! The first step, where something can be added to what lies in the cart (spec domain 2.4, 9).

use std::collections::{BTreeMap, BTreeSet};

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{Desk, StepName, Visit};
use crate::{
    boxoffice::{
        self, AddOnChoice, AddOnRule, CartRefusal, Outcome, Product, Quota, Ticket,
        load::{Quotas, quotas_for_display},
    },
    cart::Position,
    catalogue::{AddOnLink, WEB},
    ctx::Ctx,
    endpoint::{
        cart::{Mistake, add_on_text, read_chosen_price, tell},
        shelf::Shelf,
    },
    http::{ApiError, Form},
    id::{CartPositionId, CategoryId, QuotaId, SubeventId},
    money::Money,
    page::{
        self,
        checkout::{AddOnForm, AddOnGroup, AddOnsPage},
        event::{Offer, Price},
        field,
    },
    port::db::{DbError, Query},
    present,
};

/// Shows what can be added.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let desk = match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => desk,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !applies(&desk) {
        return Ok(desk.go_on_after(StepName::AddOns));
    }
    Ok(render(&desk, &*db, None, None).await?)
}

/// Puts the choice into the cart, or shows it again with what is wrong. Who changes nothing takes no place, and waits for
/// nobody.
pub async fn save(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let form = visit.form(&request)?;
    let desk = match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => desk,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let chosen = match read(&desk, &form) {
        Ok(chosen) => chosen,
        Err(Mistake(key)) => return Ok(render(&desk, &*db, Some(&form), Some(visit.text(key))).await?),
    };
    if says_the_same(&desk, &chosen) && is_complete(&desk) {
        return Ok(desk.go_on_after(StepName::AddOns));
    }
    let key = Visit::form_key(&form, &desk.cart).unwrap_or_else(|| ctx.codes().form_token());
    let wanted = boxoffice::Request::SetAddOns { cart: desk.cart.clone(), chosen };
    let ticket = Ticket { key, request: wanted };
    let outcome = match boxoffice::submit(ctx, &mut db, &visit.event, &desk.catalogue, &ticket).await? {
        Outcome::Cart(outcome) => outcome,
        other => unreachable!("a cart request has a cart outcome, not {other:?}"),
    };
    if let Some(CartRefusal::AddOn(problem)) = outcome.refused {
        let text = add_on_text(&visit, &desk.catalogue, problem);
        return Ok(render(&desk, &*db, Some(&form), Some(text)).await?);
    }
    let is_done = outcome.refused.is_none()
        && [&outcome.unavailable, &outcome.in_part, &outcome.removed].iter().all(|products| products.is_empty());
    if is_done {
        return Ok(desk.go_on_after(StepName::AddOns));
    }
    let note = tell(&visit, &desk.catalogue, &ticket.request, &outcome, "cart-added");
    Ok(visit.go(&visit.url(StepName::AddOns.path()), Some(&note)))
}

/// Whether there is something to choose, or something that must be chosen.
pub(super) fn applies(desk: &Desk<'_>) -> bool {
    let is_there = |link: &AddOnLink| {
        let mut items = desk.catalogue.items_in(Some(link.category));
        items.any(|item| item.is_available(desk.now) && item.channels.include(WEB))
    };
    bases(desk).any(|(_, links)| links.iter().any(|link| link.min_count > 0 || is_there(link)))
}

/// Whether every position has what it must have.
pub(super) fn is_complete(desk: &Desk<'_>) -> bool {
    bases(desk).all(|(position, links)| {
        links.iter().all(|link| link.rule().problem(&held(desk, position, link.category)).is_none())
    })
}

/// The positions to which something can be added, with what.
fn bases<'a>(desk: &'a Desk<'_>) -> impl Iterator<Item = (&'a Position, &'a [AddOnLink])> {
    let on_top = desk.positions.iter().filter(|position| position.parent.is_none());
    on_top.filter_map(|position| {
        let links = desk.catalogue.item(position.product.item)?.add_ons.as_slice();
        (!links.is_empty()).then_some((position, links))
    })
}

/// What of a category a position has already.
fn held(desk: &Desk<'_>, position: &Position, category: CategoryId) -> BTreeMap<Product, i64> {
    let mut counts = BTreeMap::new();
    let is_of_category =
        |it: &&Position| desk.catalogue.item(it.product.item).is_some_and(|item| item.category == Some(category));
    let children = desk.positions.iter().filter(|it| it.parent == Some(position.id) && !it.bundled);
    for child in children.filter(is_of_category) {
        *counts.entry(child.product).or_default() += 1;
    }
    counts
}

/// Most of one product that a field may ask for; more is a mistake or an attack.
const COUNT_MAX: i64 = 1_000;

/// What the form chooses for each position that it shows.
fn read(desk: &Desk<'_>, form: &Form) -> Result<Vec<(CartPositionId, Vec<AddOnChoice>)>, Mistake> {
    let shown: BTreeSet<&str> = form.iter().filter(|(name, _)| *name == field::ADD_ONS_OF).map(|(_, id)| id).collect();
    let mut chosen = Vec::new();
    for (position, links) in bases(desk).filter(|(position, _)| shown.contains(position.id.to_string().as_str())) {
        let mut choices = Vec::new();
        for product in links.iter().flat_map(|link| products(desk, link.category, position.product.date)) {
            let count = match form.get(&field::add_on(position.id, product.item, product.variation)) {
                None | Some("") => 0,
                Some("on") => 1,
                Some(digits) => digits.parse().map_err(|_| "cart-error-empty")?,
            };
            if !(0..=COUNT_MAX).contains(&count) {
                return Err(Mistake("cart-error-empty"));
            }
            if count > 0 {
                let price_field = field::add_on_price(position.id, product.item, product.variation);
                let chosen_price = read_chosen_price(desk.visit, &desk.catalogue, form, product, &price_field)?;
                choices.push(AddOnChoice { product, count, chosen_price });
            }
        }
        chosen.push((position.id, choices));
    }
    Ok(chosen)
}

/// What can be chosen of a category, as far as the catalogue knows.
fn products(desk: &Desk<'_>, category: CategoryId, date: Option<SubeventId>) -> Vec<Product> {
    let items = desk.catalogue.items_in(Some(category));
    let of_item = |item: &crate::catalogue::Item| {
        let variations = item.variations.iter().map(|variation| Some(variation.id));
        let own = item.variations.is_empty().then_some(None);
        own.into_iter()
            .chain(variations)
            .map(|variation| Product { item: item.id, variation, date })
            .collect::<Vec<_>>()
    };
    items.flat_map(of_item).collect()
}

/// Whether a choice is what lies in the cart.
fn says_the_same(desk: &Desk<'_>, chosen: &[(CartPositionId, Vec<AddOnChoice>)]) -> bool {
    let is_live = desk.positions.iter().all(|position| position.expires_at > desk.now);
    let same = |(id, choices): &(CartPositionId, Vec<AddOnChoice>)| {
        let mut counts: BTreeMap<(Product, Option<i64>), i64> = BTreeMap::new();
        for it in desk.positions.iter().filter(|it| it.parent == Some(*id) && !it.bundled) {
            *counts.entry((it.product, it.custom_price.map(|price| price.minor()))).or_default() += 1;
        }
        for choice in choices {
            let key = (choice.product, choice.chosen_price.map(|price| price.minor()));
            *counts.entry(key).or_default() -= choice.count;
        }
        counts.values().all(|count| *count == 0)
    };
    is_live && chosen.iter().all(same)
}

async fn render(
    desk: &Desk<'_>,
    q: &impl Query,
    refused: Option<&Form>,
    error: Option<String>,
) -> Result<Response<Body>, DbError> {
    let dates: BTreeSet<SubeventId> = bases(desk).filter_map(|(position, _)| position.product.date).collect();
    let event = &desk.visit.event;
    let Quotas { quotas, quotas_of, .. } =
        quotas_for_display(q, event.id, dates.into_iter().collect(), desk.now).await?;
    let counter = Counter { desk, quotas: &quotas, quotas_of: &quotas_of, refused };
    let checkout = desk.checkout(StepName::AddOns, desk.visit.form_token());
    let status = if error.is_none() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = AddOnsPage {
        frame: desk.visit.frame(desk.title(&checkout)),
        checkout,
        error,
        positions: bases(desk).map(|(position, links)| counter.form(position, links)).collect(),
    };
    Ok(desk.visit.show(status, page::render(&page)))
}

/// What is left of what can be added.
struct Counter<'a> {
    desk: &'a Desk<'a>,
    quotas: &'a BTreeMap<QuotaId, Quota>,
    quotas_of: &'a BTreeMap<Product, Vec<QuotaId>>,
    /// A form that was refused: what was typed stays.
    refused: Option<&'a Form>,
}

impl Counter<'_> {
    fn form(&self, position: &Position, links: &[AddOnLink]) -> AddOnForm {
        let visit = self.desk.visit;
        AddOnForm {
            id: position.id,
            title: present::product(&visit.event, &self.desk.catalogue, position.product, visit.lang),
            groups: links.iter().map(|link| self.group(position, link)).collect(),
        }
    }

    fn group(&self, position: &Position, link: &AddOnLink) -> AddOnGroup {
        let (visit, catalogue) = (self.desk.visit, &self.desk.catalogue);
        let shelf = Shelf {
            visit,
            catalogue,
            quotas: self.quotas,
            quotas_of: self.quotas_of,
            date: position.product.date.and_then(|id| catalogue.date(id)),
            voucher: None,
            now: self.desk.now,
        };
        let category = catalogue.category(link.category);
        let rule = link.rule();
        let held = held(self.desk, position, link.category);
        let shown = catalogue.items_in(Some(link.category)).filter_map(|item| shelf.product(item, true));
        let mut products: Vec<page::event::Product> = shown.collect();
        let only = match products.as_slice() {
            [product] => product.variations.len() <= 1,
            _ => false,
        };
        for product in &mut products {
            (product.addon_to, product.expanded) = (Some(position.id), true);
            let of = |variation| Product { item: product.id, variation, date: position.product.date };
            let fit = |product: Product, offer: &Offer| {
                let held = held.get(&product).copied().unwrap_or_default();
                let preset = self.typed(position, product).unwrap_or(if only { held.max(rule.min) } else { held });
                fitted(offer, &rule, held, preset)
            };
            product.offer = fit(of(None), &product.offer);
            for variation in &mut product.variations {
                variation.offer = fit(of(Some(variation.id)), &variation.offer);
            }
            if rule.price_included {
                let nothing = Price::fixed(Money::zero(visit.event.currency));
                product.price = nothing.clone();
                product.variations.iter_mut().for_each(|variation| variation.price = nothing.clone());
            }
        }
        AddOnGroup {
            heading: category.map(|category| category.name.get(visit.lang).to_owned()).unwrap_or_default(),
            description: category.and_then(|category| shelf.markdown(category.description.as_ref())),
            rule: self.rule_text(&rule),
            products,
        }
    }

    fn typed(&self, position: &Position, product: Product) -> Option<i64> {
        let form = self.refused?;
        let typed = form.get(&field::add_on(position.id, product.item, product.variation));
        Some(typed.and_then(|typed| typed.parse().ok()).unwrap_or_default())
    }

    fn rule_text(&self, rule: &AddOnRule) -> String {
        let counts = [("least", rule.min.into()), ("count", rule.max.into())];
        let key = match rule.min {
            0 => "addons-up-to",
            min if min == rule.max => "addons-exactly",
            _ => "addons-between",
        };
        self.desk.visit.lang.text_with(key, &counts)
    }
}

/// An offer within the rule. What the position has already is there for it, also when nothing else is left.
fn fitted(offer: &Offer, rule: &AddOnRule, held: i64, preset: i64) -> Offer {
    let limit = if rule.multi_allowed { rule.max } else { rule.max.min(1) };
    match offer {
        Offer::Open { max, left, .. } => {
            let max = max.saturating_add(held).min(limit);
            Offer::Open { max, left: *left, preset: preset.clamp(0, max.max(0)) }
        }
        _ if held > 0 => Offer::Open { max: held.min(limit), left: None, preset: preset.clamp(0, held) },
        other => other.clone(),
    }
}
