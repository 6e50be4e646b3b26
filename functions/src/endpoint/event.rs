//! The event page: what there is to buy (spec shop-ux 3, 4).

use std::collections::BTreeMap;

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::visit::Visit;
use crate::{
    boxoffice::{self, Availability, Quota, load::quotas_for_display},
    catalogue::{Catalogue, Category, Item, Variation, Visibility},
    ctx::Ctx,
    event::Presale,
    http::ApiError,
    i18n::{Localized, format},
    id::QuotaId,
    money::{Money, TaxRate},
    page::{
        self, Frame, Html,
        event::{EventPage, Offer, Price, Product, Section, TaxNote},
    },
    present,
    time::Timestamp,
};

/// Shows the shop.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let now = ctx.now();
    let catalogue = visit.catalogue(&*db).await?;
    let (quotas, quotas_of) = quotas_for_display(&*db, visit.event.id, now).await?;
    let positions = visit.cart_positions(&*db, &catalogue).await?;
    let shelf = Shelf { visit: &visit, catalogue: &catalogue, quotas, quotas_of, now };
    let lang = visit.lang;
    let name = visit.event.name.get(lang).to_owned();
    let page = EventPage {
        frame: Frame { event: None, ..visit.frame(name.clone()) },
        base: visit.event.path(),
        csrf: visit.csrf(),
        form_token: visit.form_token(),
        cart: visit.cart_box(&catalogue, &positions, false, now),
        name,
        dates: present::dates(&visit.event, lang),
        times: present::times(&visit.event, lang),
        location: present::location(&visit.event, lang),
        text: shelf.text(),
        presale: shelf.presale_message(),
        sections: shelf.sections(),
    };
    Ok(visit.show(StatusCode::OK, page::render(&page)))
}

/// The catalogue with what is left of it.
struct Shelf<'a> {
    visit: &'a Visit<'a>,
    catalogue: &'a Catalogue,
    quotas: BTreeMap<QuotaId, Quota>,
    quotas_of: BTreeMap<boxoffice::Product, Vec<QuotaId>>,
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
        if item.visibility(self.now) == Visibility::Hidden || item.hide_without_voucher {
            return None;
        }
        let variations: Vec<_> = item
            .variations
            .iter()
            .filter(|variation| variation.active)
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

    /// What can be done with a product now; `None` if it is not shown at all.
    fn offer(&self, item: &Item, variation: Option<&Variation>, running: bool) -> Option<Offer> {
        let product = boxoffice::Product { item: item.id, variation: variation.map(|variation| variation.id) };
        let quotas = self.quotas_of.get(&product)?.iter().filter_map(|id| self.quotas.get(id));
        let availability = quotas.map(Quota::availability).min()?;
        let settings = &self.visit.event.settings;
        let sold_out = matches!(availability, Availability::Gone | Availability::Ordered);
        if sold_out && settings.hide_sold_out() {
            return None;
        }
        Some(match item.visibility(self.now) {
            _ if !running => Offer::Shown,
            Visibility::NotYet => Offer::NotYet,
            Visibility::NoLonger | Visibility::Hidden => Offer::Over,
            Visibility::Buyable if item.require_voucher => Offer::VoucherOnly,
            Visibility::Buyable => match availability {
                Availability::Gone | Availability::Ordered => Offer::SoldOut,
                Availability::Reserved => Offer::Reserved,
                Availability::Ok(left) => {
                    let limits = [left, item.max_per_order.map(i64::from), Some(settings.max_items_per_order())];
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

    fn price(&self, item: &Item, variation: Option<&Variation>) -> Price {
        let listed = item.listed_price(variation);
        let rule = self.catalogue.tax_rule(item).filter(|rule| rule.rate != TaxRate::ZERO && !listed.is_zero());
        let net_display = self.visit.event.settings.display_net_prices();
        let gross = self.catalogue.price(item, variation);
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
            original: original.filter(|original| original.minor() > listed.minor()),
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
