//! Writes what hangs between things that are there: add-ons, bundles, dates, vouchers.

use super::{ImportError, Plan, catalogue::Item, dates::Date, discounts::Discount, reader::Fault, sql, write::NewItem};
use crate::{
    boxoffice::{self, Outcome, Request, Scope, VoucherTerms},
    catalogue::Catalogue,
    event,
    id::{CategoryId, DiscountId, EventId, ItemId, QuotaId, SubeventId, VariationId},
    port::{
        db::{DbError, Query as _, Tx, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// Rows that vouchers refer to.
pub(super) struct New<'a> {
    pub(super) items: &'a [NewItem],
    pub(super) quotas: &'a [QuotaId],
    pub(super) dates: &'a [SubeventId],
}

/// Add-ons and bundles: they come when all items are there, because they may point forwards.
pub(super) async fn insert(
    tx: &Tx<'_>,
    event: EventId,
    items: &[Item],
    new: &[NewItem],
    categories: &[CategoryId],
) -> Result<(), DbError> {
    for (item, row) in items.iter().zip(new) {
        for add_on in &item.add_ons {
            let params = [
                p(&event),
                p(&row.id),
                p(&categories[add_on.category]),
                p(&add_on.min_count),
                p(&add_on.max_count),
                p(&add_on.multi_allowed),
                p(&add_on.price_included),
                p(&add_on.position),
            ];
            tx.execute(sql::INSERT_ADD_ON, &params).await?;
        }
        for bundle in &item.bundles {
            let bundled = &new[bundle.item];
            let variation: Option<VariationId> = bundle.variation.map(|place| bundled.variations[place]);
            let params =
                [p(&event), p(&row.id), p(&bundled.id), p(&variation), p(&bundle.count), p(&bundle.designated_price)];
            tx.execute(sql::INSERT_BUNDLE, &params).await?;
        }
    }
    Ok(())
}

/// Dates with what they say differently.
pub(super) async fn insert_dates(
    tx: &Tx<'_>,
    event: EventId,
    dates: &[Date],
    items: &[NewItem],
    now: Timestamp,
) -> Result<Vec<SubeventId>, DbError> {
    let mut ids = Vec::new();
    for date in dates {
        let params = [
            p(&event),
            p(&date.name),
            p(&date.active),
            p(&date.is_public),
            p(&date.date_from),
            p(&date.date_to),
            p(&date.date_admission),
            p(&date.presale_start),
            p(&date.presale_end),
            p(&date.location),
            p(&date.frontpage_text),
            p(&now),
        ];
        let id: SubeventId = tx.one(sql::INSERT_DATE, &params).await?.get("id")?;
        for says in &date.overrides {
            let item = &items[says.item];
            let variation: Option<VariationId> = says.variation.map(|place| item.variations[place]);
            let params = [
                p(&event),
                p(&id),
                p(&item.id),
                p(&variation),
                p(&says.price),
                p(&says.disabled),
                p(&says.available_from),
                p(&says.available_until),
            ];
            tx.execute(sql::INSERT_OVERRIDE, &params).await?;
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Automatic discounts with their products.
pub(super) async fn insert_discounts(
    tx: &Tx<'_>,
    event: EventId,
    discounts: &[Discount],
    items: &[NewItem],
) -> Result<(), DbError> {
    for discount in discounts {
        let (mode, percent) = (discount.dates.code(), discount.percent.ppm());
        let params = [
            p(&event),
            p(&discount.internal_name),
            p(&discount.active),
            p(&discount.position),
            p(&discount.channels.all),
            array(&discount.channels.only),
            p(&discount.available_from),
            p(&discount.available_until),
            p(&mode),
            p(&discount.date_from),
            p(&discount.date_until),
            p(&discount.condition_all_products),
            p(&discount.condition_addons),
            p(&discount.condition_ignores_vouchers),
            p(&discount.min_count),
            p(&discount.min_value),
            p(&discount.benefit_same_products),
            p(&discount.benefit_addons),
            p(&discount.benefit_ignores_vouchers),
            p(&percent),
            p(&discount.cheapest),
        ];
        let id: DiscountId = tx.one(sql::INSERT_DISCOUNT, &params).await?.get("id")?;
        for (role, places) in [("condition", &discount.condition_items), ("benefit", &discount.benefit_items)] {
            let products: Vec<ItemId> = places.iter().map(|place| items[*place].id).collect();
            tx.execute(sql::INSERT_DISCOUNT_ITEMS, &[p(&event), p(&id), p(&role), array(&products)]).await?;
        }
    }
    Ok(())
}

impl Plan {
    /// Vouchers go through the box office like those that staff makes: it knows whether there are places to keep.
    pub(super) async fn make_vouchers(
        &self,
        tx: &Tx<'_>,
        event: EventId,
        new: &New<'_>,
        now: Timestamp,
    ) -> Result<(), ImportError> {
        if self.vouchers.is_empty() {
            return Ok(());
        }
        let requests: Vec<Request> = (0..self.vouchers.len())
            .map(|place| Request::SaveVoucher { voucher: None, terms: self.terms(place, new) })
            .collect();
        let lock = EventLock::acquire(tx, event).await?;
        let event = event::by_id(tx, event).await?.ok_or(ImportError::NoOrganizer)?;
        let catalogue = Catalogue::load(tx, &event).await?;
        let (outcomes, changes) = boxoffice::serve(&lock, &event, &catalogue, &requests, now).await?;
        let faults: Vec<Fault> = outcomes.iter().enumerate().filter_map(fault).collect();
        if !faults.is_empty() {
            return Err(ImportError::Invalid(faults));
        }
        // Vouchers are nobody's order: there is nothing to send.
        boxoffice::write(&lock, &event, &changes, now).await.map(drop)?;
        Ok(())
    }

    fn terms(&self, place: usize, new: &New<'_>) -> VoucherTerms {
        let voucher = &self.vouchers[place];
        let scope = match (voucher.item, voucher.variation, voucher.quota) {
            (Some(item), Some((_, variation)), _) => {
                Scope::Variation(new.items[item].id, new.items[item].variations[variation])
            }
            (Some(item), None, _) => Scope::Item(new.items[item].id),
            (None, _, Some(quota)) => Scope::Quota(new.quotas[quota]),
            (None, _, None) => Scope::Any,
        };
        VoucherTerms {
            code: voucher.code.clone(),
            max_usages: voucher.max_usages,
            min_usages: voucher.min_usages,
            budget: voucher.budget,
            valid_until: voucher.valid_until,
            block_quota: voucher.block_quota,
            allow_ignore_quota: voucher.allow_ignore_quota,
            price_mode: voucher.price_mode,
            scope,
            date: voucher.date.map(|place| new.dates[place]),
            show_hidden_items: voucher.show_hidden_items,
            all_addons_included: voucher.all_addons_included,
            all_bundles_included: voucher.all_bundles_included,
        }
    }
}

fn fault((place, outcome): (usize, &Outcome)) -> Option<Fault> {
    let Outcome::VoucherRefused(fault) = outcome else { return None };
    Some(Fault { path: format!("vouchers[{place}].{}", fault.field()), message: fault.text().to_owned() })
}
