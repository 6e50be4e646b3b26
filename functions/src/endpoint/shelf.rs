//! What there is to buy, with what is left of it: the products of the shop page, of a date, of the add-ons step.

use std::collections::BTreeMap;

use super::visit::Visit;
use crate::{
    boxoffice::{self, Availability, Quota, Scope, UnitPrice, Voucher},
    catalogue::{Catalogue, Category, Date, Item, Variation, Visibility, WEB},
    event::Presale,
    i18n::Localized,
    id::QuotaId,
    money::{Money, TaxRate},
    page::{
        self, Html,
        event::{Offer, Price, Product, Section, TaxNote},
    },
    time::Timestamp,
    upload::Picture,
};

/// The catalogue with what is left of it.
pub(super) struct Shelf<'a> {
    pub(super) visit: &'a Visit<'a>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) quotas: &'a BTreeMap<QuotaId, Quota>,
    pub(super) quotas_of: &'a BTreeMap<boxoffice::Product, Vec<QuotaId>>,
    /// The date that it is shown for, in a series.
    pub(super) date: Option<&'a Date>,
    /// The voucher that it is shown for.
    pub(super) voucher: Option<Voucher>,
    pub(super) now: Timestamp,
}

impl Shelf<'_> {
    /// Whether something can be bought now, on the date if it is about one.
    pub(super) fn is_selling(&self) -> bool {
        let event = &self.visit.event;
        event.presale(self.now) == Presale::Running && self.date.is_none_or(|date| date.is_selling(event, self.now))
    }

    /// What there is to buy by itself, by category.
    pub(super) fn sections(&self) -> Vec<Section> {
        let running = self.is_selling();
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

    /// A product with its variations; `None` if it is not shown.
    pub(super) fn product(&self, item: &Item, running: bool) -> Option<Product> {
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
            addon_to: None,
            name: item.name.get(self.visit.lang).to_owned(),
            picture: item.picture.as_ref().map(|picture| page::event::Thumbnail {
                image_url: Picture::url(&picture.thumbnail),
                url: Picture::url(&picture.large),
            }),
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
        let covered = covered && voucher.terms.fits_date(product);
        covered.then_some(worst.unwrap_or(Availability::Ok(None)))
    }

    fn product_of(&self, item: &Item, variation: Option<&Variation>) -> boxoffice::Product {
        let date = self.date.map(|date| date.id);
        boxoffice::Product { item: item.id, variation: variation.map(|variation| variation.id), date }
    }

    /// What can be done with a product now; `None` if it is not shown at all.
    fn offer(&self, item: &Item, variation: Option<&Variation>, running: bool) -> Option<Offer> {
        let product = self.product_of(item, variation);
        let availability = self.availability(product)?;
        if self.date.is_some_and(|date| !date.sells(item, variation, self.now)) {
            return None;
        }
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
        let price = self.catalogue.price_on(self.date, item, variation);
        let Some(voucher) = &self.voucher else { return price };
        let rule = self.catalogue.tax_rule(item);
        let includes_tax = rule.is_none_or(|rule| rule.price_includes_tax);
        let after = voucher.terms.price(price.listed, voucher.budget_left());
        let saving = Money::new((price.listed.minor() - after.minor()).max(0), after.currency());
        UnitPrice { listed: price.listed, saving, ..UnitPrice::of_listed(after, price.tax_rate, includes_tax) }
    }

    fn price(&self, item: &Item, variation: Option<&Variation>) -> Price {
        let listed = self.catalogue.price_on(self.date, item, variation).listed;
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

    pub(super) fn markdown(&self, text: Option<&Localized>) -> Option<Html> {
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
