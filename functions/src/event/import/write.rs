//! Writes a plan. One statement per row: an import is rare, and each row's new id is known at once.

use std::collections::BTreeMap;

use super::{ImportError, Imported, Plan, catalogue::Item, links, slug_taken, sql};
use crate::{
    id::{CategoryId, EventId, ItemId, OrganizerId, QuestionId, QuotaId, SubeventId, TaxRuleId, VariationId},
    port::db::{DbError, Param, Query as _, Tx, array, p},
    time::Timestamp,
};

/// The rows written for an item.
pub(super) struct NewItem {
    pub(super) id: ItemId,
    pub(super) variations: Vec<VariationId>,
}

impl Plan {
    /// Inserts the event and everything in it.
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        organizer: OrganizerId,
        now: Timestamp,
    ) -> Result<Imported, ImportError> {
        let event = self.insert_event(tx, organizer, now).await?;
        let tax_rules = self.insert_tax_rules(tx, event).await?;
        let categories = self.insert_categories(tx, event).await?;
        let mut items = Vec::new();
        for item in &self.items {
            items.push(insert_item(tx, event, item, &categories, &tax_rules).await?);
        }
        links::insert(tx, event, &self.items, &items, &categories).await?;
        let dates = links::insert_dates(tx, event, &self.dates, &items, now).await?;
        links::insert_discounts(tx, event, &self.discounts, &items).await?;
        let quotas = self.insert_quotas(tx, event, &items, &dates).await?;
        let questions = self.insert_questions(tx, event, &items).await?;
        self.make_vouchers(tx, event, &links::New { items: &items, quotas: &quotas, dates: &dates }, now).await?;
        let new_variations =
            self.items.iter().zip(&items).flat_map(|(item, new)| item.variations.iter().zip(&new.variations));
        Ok(Imported {
            event,
            slug: self.event.slug.clone(),
            items: by_file_id(self.items.iter().map(|item| item.id).zip(items.iter().map(|new| new.id))),
            variations: by_file_id(new_variations.map(|(variation, new)| (variation.id, *new))),
            quotas: by_file_id(self.quotas.iter().map(|quota| quota.id).zip(quotas)),
            questions: by_file_id(self.questions.iter().map(|question| question.id).zip(questions)),
        })
    }

    async fn insert_event(&self, tx: &Tx<'_>, organizer: OrganizerId, now: Timestamp) -> Result<EventId, ImportError> {
        let event = &self.event;
        let params: [Param<'_>; 17] = [
            p(&organizer),
            p(&event.slug),
            p(&event.name),
            p(&event.live),
            p(&event.testmode),
            p(&event.currency),
            p(&event.timezone),
            p(&event.date_from),
            p(&event.date_to),
            p(&event.date_admission),
            p(&event.is_public),
            p(&event.presale_start),
            p(&event.presale_end),
            p(&event.location),
            p(&event.settings),
            p(&now),
            p(&event.has_subevents),
        ];
        let inserted = tx.one(sql::INSERT_EVENT, &params).await;
        Ok(inserted.map_err(|error| slug_taken(error, &event.slug))?.get("id")?)
    }

    async fn insert_tax_rules(&self, tx: &Tx<'_>, event: EventId) -> Result<Vec<TaxRuleId>, DbError> {
        let mut ids = Vec::new();
        for rule in &self.tax_rules {
            let params = [
                p(&event),
                p(&rule.name),
                p(&rule.rate_ppm),
                p(&rule.code),
                p(&rule.price_includes_tax),
                p(&rule.is_default),
            ];
            ids.push(tx.one(sql::INSERT_TAX_RULE, &params).await?.get("id")?);
        }
        Ok(ids)
    }

    async fn insert_categories(&self, tx: &Tx<'_>, event: EventId) -> Result<Vec<CategoryId>, DbError> {
        let mut ids = Vec::new();
        for category in &self.categories {
            let params = [
                p(&event),
                p(&category.name),
                p(&category.internal_name),
                p(&category.description),
                p(&category.position),
                p(&category.is_addon),
            ];
            ids.push(tx.one(sql::INSERT_CATEGORY, &params).await?.get("id")?);
        }
        Ok(ids)
    }

    async fn insert_quotas(
        &self,
        tx: &Tx<'_>,
        event: EventId,
        items: &[NewItem],
        dates: &[SubeventId],
    ) -> Result<Vec<QuotaId>, DbError> {
        let mut ids = Vec::new();
        for quota in &self.quotas {
            let date = quota.date.map(|place| dates[place]);
            let params = [
                p(&event),
                p(&quota.name),
                p(&quota.size),
                p(&quota.closed),
                p(&quota.close_when_sold_out),
                p(&date),
                p(&quota.ignore_for_event_availability),
            ];
            let id: QuotaId = tx.one(sql::INSERT_QUOTA, &params).await?.get("id")?;
            let (counted_items, counted_variations): (Vec<ItemId>, Vec<Option<VariationId>>) = quota
                .counts
                .iter()
                .map(|(item, variation)| (items[*item].id, variation.map(|place| items[*item].variations[place])))
                .unzip();
            let params = [p(&event), p(&id), array(&counted_items), array(&counted_variations)];
            tx.execute(sql::INSERT_QUOTA_ITEMS, &params).await?;
            ids.push(id);
        }
        Ok(ids)
    }

    async fn insert_questions(
        &self,
        tx: &Tx<'_>,
        event: EventId,
        items: &[NewItem],
    ) -> Result<Vec<QuestionId>, DbError> {
        let mut ids: Vec<QuestionId> = Vec::new();
        for question in &self.questions {
            let kind = question.kind.code();
            let params = [
                p(&event),
                p(&question.question),
                p(&question.help_text),
                p(&question.identifier),
                p(&kind),
                p(&question.required),
                p(&question.hidden),
                p(&question.position),
            ];
            let id: QuestionId = tx.one(sql::INSERT_QUESTION, &params).await?.get("id")?;
            let asked_for: Vec<ItemId> = question.items.iter().map(|item| items[*item].id).collect();
            tx.execute(sql::INSERT_QUESTION_ITEMS, &[p(&event), p(&id), array(&asked_for)]).await?;
            for option in &question.options {
                let params = [p(&event), p(&id), p(&option.identifier), p(&option.answer), p(&option.position)];
                tx.execute(sql::INSERT_OPTION, &params).await?;
            }
            ids.push(id);
        }
        for (question, id) in self.questions.iter().zip(&ids) {
            if let Some(parent) = question.parent {
                let params = [p(&event), p(id), p(&ids[parent]), array(&question.values)];
                tx.execute(sql::SET_DEPENDENCY, &params).await?;
            }
        }
        Ok(ids)
    }
}

async fn insert_item(
    tx: &Tx<'_>,
    event: EventId,
    item: &Item,
    categories: &[CategoryId],
    tax_rules: &[TaxRuleId],
) -> Result<NewItem, DbError> {
    let category = item.category.map(|place| categories[place]);
    let tax_rule = item.tax_rule.map(|place| tax_rules[place]);
    let params: [Param<'_>; 28] = [
        p(&event),
        p(&category),
        p(&tax_rule),
        p(&item.name),
        p(&item.internal_name),
        p(&item.description),
        p(&item.active),
        p(&item.position),
        p(&item.default_price),
        p(&item.original_price),
        p(&item.free_price),
        p(&item.admission),
        p(&item.personalized),
        p(&item.generate_tickets),
        p(&item.show_quota_left),
        p(&item.available_from),
        p(&item.available_until),
        p(&item.available_from_mode),
        p(&item.available_until_mode),
        p(&item.allow_cancel),
        p(&item.min_per_order),
        p(&item.max_per_order),
        p(&item.require_voucher),
        p(&item.hide_without_voucher),
        p(&item.require_bundling),
        p(&item.allow_waitinglist),
        p(&item.channels.all),
        array(&item.channels.only),
    ];
    let id: ItemId = tx.one(sql::INSERT_ITEM, &params).await?.get("id")?;
    let mut variations = Vec::new();
    for variation in &item.variations {
        let params = [
            p(&event),
            p(&id),
            p(&variation.value),
            p(&variation.description),
            p(&variation.active),
            p(&variation.position),
            p(&variation.default_price),
            p(&variation.original_price),
            p(&variation.hide_without_voucher),
            p(&variation.available_from),
            p(&variation.available_until),
            p(&variation.available_from_mode),
            p(&variation.available_until_mode),
            p(&variation.channels.all),
            array(&variation.channels.only),
        ];
        variations.push(tx.one(sql::INSERT_VARIATION, &params).await?.get("id")?);
    }
    Ok(NewItem { id, variations })
}

/// Leaves out what has no id in the document: nothing can ask for it.
fn by_file_id<T>(pairs: impl Iterator<Item = (Option<i64>, T)>) -> BTreeMap<i64, T> {
    pairs.filter_map(|(id, new)| Some((id?, new))).collect()
}
