//! The event page: what there is to buy (spec shop-ux 3, 4).

use std::collections::BTreeMap;

use ::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, RequestExt as _, Response};

use super::{
    cart::voucher_text,
    visit::{Note, Visit},
};
use crate::{
    boxoffice::{
        self, Availability, Quota, Scope, UnitPrice, Voucher, VoucherProblem,
        load::{quotas_for_display, voucher_by_code, vouchers_exist},
    },
    catalogue::{Catalogue, Category, Item, Variation, Visibility, WEB},
    ctx::Ctx,
    event::{Presale, calendar},
    http::{self, ApiError},
    i18n::{Localized, format},
    id::QuotaId,
    money::{Money, TaxRate},
    page::{
        self, Frame, Html, MessageKind,
        event::{EventPage, Offer, Price, Product, Section, TaxNote},
    },
    port::db::Query,
    present,
    time::Timestamp,
};

/// Shows the shop.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    show_for(&visit, &*db, None, ctx.now()).await
}

/// The event for calendars (spec shop-ux 3).
pub async fn calendar(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let file = calendar::file(&visit.event, &ctx.config().public_url, visit.lang, ctx.now());
    let mut response = http::respond(StatusCode::OK, "text/calendar; charset=utf-8", Body::Text(file));
    let name = format!("attachment; filename=\"{}\"", calendar::file_name(&visit.event));
    let name = HeaderValue::from_str(&name).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Shows what a voucher is good for, at its prices (spec shop-ux 7).
pub async fn redeem(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let now = ctx.now();
    let code = request.query_string_parameters().first("voucher").unwrap_or_default().to_owned();
    let found = voucher_by_code(&*db, visit.event.id, &code).await?;
    let problem = match &found {
        None => Some(VoucherProblem::Unknown),
        Some((_, voucher)) if !voucher.terms.is_valid(now) => Some(VoucherProblem::Expired),
        Some((_, voucher)) if voucher.unredeemed() == 0 => Some(VoucherProblem::Redeemed),
        Some((_, voucher)) if voucher.uses_left() == 0 => Some(VoucherProblem::InOtherCarts),
        Some(_) => None,
    };
    match problem {
        Some(problem) => {
            let note = Note::saying(MessageKind::Error, voucher_text(&visit, problem));
            Ok(visit.go(&visit.event.path(), Some(&note)))
        }
        None => show_for(&visit, &*db, found.map(|(_, voucher)| voucher), now).await,
    }
}

async fn show_for(
    visit: &Visit<'_>,
    q: &impl Query,
    voucher: Option<Voucher>,
    now: Timestamp,
) -> Result<Response<Body>, ApiError> {
    let catalogue = visit.catalogue(q).await?;
    let (quotas, quotas_of) = quotas_for_display(q, visit.event.id, None, now).await?;
    let positions = visit.cart_positions(q, &catalogue).await?;
    let presale_runs = visit.event.presale(now) == Presale::Running;
    let asks_for_voucher = presale_runs && vouchers_exist(q, visit.event.id).await?;
    let code = voucher.as_ref().map(|voucher| voucher.terms.code.clone());
    let shelf = Shelf { visit, catalogue: &catalogue, quotas, quotas_of, voucher, now };
    let lang = visit.lang;
    let name = visit.event.name.get(lang).to_owned();
    let page = EventPage {
        frame: Frame { event: None, ..visit.frame(name.clone()) },
        base: visit.event.path(),
        csrf: visit.csrf(),
        form_token: visit.form_token(),
        cart: visit.cart_box(&catalogue, &positions, None, now),
        name,
        dates: present::dates(&visit.event, lang),
        calendar_url: visit.event.calendar_path(),
        times: present::times(&visit.event, lang),
        location: present::location(&visit.event, lang),
        text: shelf.text(),
        presale: shelf.presale_message(),
        sections: shelf.sections(),
        voucher: code,
        asks_for_voucher,
    };
    Ok(visit.show(StatusCode::OK, page::render(&page)))
}

/// The catalogue with what is left of it.
struct Shelf<'a> {
    visit: &'a Visit<'a>,
    catalogue: &'a Catalogue,
    quotas: BTreeMap<QuotaId, Quota>,
    quotas_of: BTreeMap<boxoffice::Product, Vec<QuotaId>>,
    /// The voucher that it is shown for.
    voucher: Option<Voucher>,
    now: Timestamp,
}

impl Shelf<'_> {
    /// The organiser's own words: the front page's text, then the practical information.
    fn text(&self) -> Option<Html> {
        let settings = &self.visit.event.settings;
        let texts = [settings.frontpage_text(), settings.event_info_text()];
        let parts: Vec<&str> = texts.iter().flatten().map(|text| text.get(self.visit.lang)).collect();
        Html::from_markdown_opt(&parts.join("\n\n"))
    }

    fn presale_message(&self) -> Option<String> {
        let event = &self.visit.event;
        match event.presale(self.now) {
            Presale::Running => None,
            Presale::Ended => Some(self.visit.text("presale-over")),
            Presale::NotStarted { start } if event.settings.presale_start_show_date() => {
                let start = format::date_time(self.visit.lang, start, &event.timezone);
                Some(self.visit.lang.text_with("presale-starts", &[("name", start.into())]))
            }
            Presale::NotStarted { .. } => Some(self.visit.text("presale-not-yet")),
        }
    }

    fn sections(&self) -> Vec<Section> {
        let running = self.visit.event.presale(self.now) == Presale::Running;
        if !running && !self.visit.event.settings.show_items_outside_presale_period() {
            return Vec::new();
        }
        let categories = self.catalogue.categories.iter().filter(|category| !category.is_addon);
        let headed = std::iter::once(None).chain(categories.map(Some));
        headed.map(|category| self.section(category, running)).filter(|section| !section.products.is_empty()).collect()
    }

    fn section(&self, category: Option<&Category>, running: bool) -> Section {
        let items = self.catalogue.items_in(category.map(|category| category.id));
        Section {
            heading: category.map(|category| category.name.get(self.visit.lang).to_owned()),
            description: category.and_then(|category| self.markdown(category.description.as_ref())),
            products: items.filter_map(|item| self.product(item, running)).collect(),
        }
    }

    fn product(&self, item: &Item, running: bool) -> Option<Product> {
        let is_elsewhere = !item.channels.include(WEB) || item.require_bundling;
        if item.visibility(self.now) == Visibility::Hidden || is_elsewhere || self.is_hidden(item.hide_without_voucher)
        {
            return None;
        }
        if self.waits_for_another(item) {
            return None;
        }
        let variations: Vec<_> = item
            .variations
            .iter()
            .filter(|variation| variation.visibility(self.now) != Visibility::Hidden && variation.channels.include(WEB))
            .filter(|variation| !self.is_hidden(variation.hide_without_voucher))
            .filter_map(|variation| {
                let offer = self.offer(item, Some(variation), running)?;
                Some((variation, offer))
            })
            .collect();
        let offer = if item.variations.is_empty() {
            self.offer(item, None, running)?
        } else {
            best(variations.iter().map(|(_, offer)| offer))?
        };
        Some(Product {
            id: item.id,
            name: item.name.get(self.visit.lang).to_owned(),
            description: self.markdown(item.description.as_ref()),
            min_per_order: item.min_per_order.map(i64::from).filter(|min| *min > 1),
            price: self.price_range(item, &variations),
            offer,
            expanded: self.visit.event.settings.show_variations_expanded(),
            variations: variations
                .into_iter()
                .map(|(variation, offer)| page::event::Variation {
                    id: variation.id,
                    name: variation.value.get(self.visit.lang).to_owned(),
                    description: self.markdown(variation.description.as_ref()),
                    price: self.price(item, Some(variation)),
                    offer,
                })
                .collect(),
        })
    }

    /// Hidden from those who come without a voucher that shows it.
    fn is_hidden(&self, without_voucher: bool) -> bool {
        without_voucher && !self.voucher.as_ref().is_some_and(|voucher| voucher.terms.show_hidden_items)
    }

    /// Hidden while something else can still be had, such as an earlier price (spec domain 2.2).
    fn waits_for_another(&self, item: &Item) -> bool {
        let quota = item.hidden_if_available.and_then(|id| self.quotas.get(&id));
        let has_room = quota.is_some_and(|quota| matches!(quota.availability(), Availability::Ok(_)));
        let other = item.hidden_if_item_available.and_then(|(id, _)| self.catalogue.item(id));
        let other_is_there = other.is_some_and(|other| {
            let products = self.quotas_of.keys().filter(|product| product.item == other.id);
            let is_open = |product: &boxoffice::Product| {
                let quotas = self.quotas_of[product].iter().filter_map(|id| self.quotas.get(id));
                quotas.map(Quota::availability).min().is_some_and(|state| matches!(state, Availability::Ok(_)))
            };
            other.is_available(self.now) && products.into_iter().any(is_open)
        });
        has_room || other_is_there
    }

    /// What is left of a product, or of what the voucher keeps of it; `None` if it cannot be bought at all, or not with
    /// this voucher.
    fn availability(&self, product: boxoffice::Product) -> Option<Availability> {
        let quotas = self.quotas_of.get(&product)?;
        let Some(voucher) = &self.voucher else {
            return quotas.iter().filter_map(|id| self.quotas.get(id)).map(Quota::availability).min();
        };
        let covered = match voucher.terms.scope {
            Scope::Any => true,
            Scope::Item(item) => product.item == item,
            Scope::Variation(item, variation) => product.item == item && product.variation == Some(variation),
            Scope::Quota(quota) => quotas.contains(&quota),
        };
        let keeps = |id: &QuotaId| match voucher.terms.scope {
            _ if !voucher.holds_stock => false,
            Scope::Quota(quota) => *id == quota,
            Scope::Any => false,
            Scope::Item(_) | Scope::Variation(..) => true,
        };
        let asked = quotas.iter().filter(|id| !voucher.terms.allow_ignore_quota && !keeps(id));
        let worst = asked.filter_map(|id| self.quotas.get(id)).map(Quota::availability).min();
        covered.then_some(worst.unwrap_or(Availability::Ok(None)))
    }

    /// What can be done with a product now; `None` if it is not shown at all.
    fn offer(&self, item: &Item, variation: Option<&Variation>, running: bool) -> Option<Offer> {
        let product = boxoffice::Product::undated(item.id, variation.map(|variation| variation.id));
        let availability = self.availability(product)?;
        let settings = &self.visit.event.settings;
        let sold_out = matches!(availability, Availability::Gone | Availability::Ordered);
        if sold_out && settings.hide_sold_out() {
            return None;
        }
        let visibility = variation.map(|variation| variation.visibility(self.now));
        let visibility = visibility.filter(|_| item.is_available(self.now)).unwrap_or(item.visibility(self.now));
        Some(match visibility {
            _ if !running => Offer::Shown,
            Visibility::NotYet => Offer::NotYet,
            Visibility::NoLonger | Visibility::Hidden => Offer::Over,
            Visibility::Buyable if item.require_voucher && self.voucher.is_none() => Offer::VoucherOnly,
            Visibility::Buyable => match availability {
                Availability::Gone | Availability::Ordered => Offer::SoldOut,
                Availability::Reserved => Offer::Reserved,
                Availability::Ok(left) => {
                    let uses = self.voucher.as_ref().map(Voucher::uses_left);
                    let limits = [left, uses, item.max_per_order.map(i64::from), Some(settings.max_items_per_order())];
                    let shown = item.show_quota_left.unwrap_or(settings.show_quota_left());
                    Offer::Open {
                        max: limits.into_iter().flatten().min().unwrap_or(1),
                        left: left.filter(|_| shown),
                        preset: 0,
                    }
                }
            },
        })
    }

    /// What one unit costs, with the voucher.
    fn unit_price(&self, item: &Item, variation: Option<&Variation>) -> UnitPrice {
        let price = self.catalogue.price(item, variation);
        let Some(voucher) = &self.voucher else { return price };
        let rule = self.catalogue.tax_rule(item);
        let includes_tax = rule.is_none_or(|rule| rule.price_includes_tax);
        let after = voucher.terms.price(price.listed, voucher.budget_left());
        let saving = Money::new((price.listed.minor() - after.minor()).max(0), after.currency());
        UnitPrice { listed: price.listed, saving, ..UnitPrice::of_listed(after, price.tax_rate, includes_tax) }
    }

    fn price(&self, item: &Item, variation: Option<&Variation>) -> Price {
        let listed = item.listed_price(variation);
        let rule = self.catalogue.tax_rule(item).filter(|rule| rule.rate != TaxRate::ZERO && !listed.is_zero());
        let net_display = self.visit.event.settings.display_net_prices();
        let gross = self.unit_price(item, variation);
        let (amount, tax) = match rule {
            None => (gross.gross, None),
            Some(rule) if net_display => (gross.net(), Some(TaxNote::Plus(rule.rate))),
            Some(rule) => (gross.gross, Some(TaxNote::Included(rule.rate))),
        };
        let original =
            variation.map_or(item.original_price, |variation| variation.original_price.or(item.original_price));
        Price {
            amount,
            up_to: None,
            suggestion: item.free_price.then_some(amount),
            original: match gross.saving.is_zero() {
                true => original.filter(|original| original.minor() > listed.minor()),
                false => Some(listed),
            },
            tax,
        }
    }

    fn price_range(&self, item: &Item, variations: &[(&Variation, Offer)]) -> Price {
        let prices: Vec<Price> = variations.iter().map(|(variation, _)| self.price(item, Some(variation))).collect();
        let by_amount = |price: &&Price| price.amount.minor();
        let (Some(lowest), Some(highest)) = (prices.iter().min_by_key(by_amount), prices.iter().max_by_key(by_amount))
        else {
            return self.price(item, None);
        };
        let up_to: Option<Money> = (lowest.amount != highest.amount).then_some(highest.amount);
        Price { up_to, suggestion: None, original: None, ..lowest.clone() }
    }

    fn markdown(&self, text: Option<&Localized>) -> Option<Html> {
        text.and_then(|text| Html::from_markdown_opt(text.get(self.visit.lang)))
    }
}

/// What is said about all variations of a product: the best that can be said of one.
fn best<'a>(offers: impl Iterator<Item = &'a Offer>) -> Option<Offer> {
    let rank = |offer: &&Offer| match offer {
        Offer::Open { .. } => 0,
        Offer::Reserved => 1,
        Offer::NotYet => 2,
        Offer::VoucherOnly => 3,
        Offer::Shown => 4,
        Offer::SoldOut => 5,
        Offer::Over => 6,
    };
    offers.min_by_key(rank).cloned()
}
