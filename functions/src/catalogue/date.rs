//! Dates of a series: when each sells, and what it says differently (spec domain 1.4).

use super::{Item, Variation, sql};
use crate::{
    event::{Event, Localized, Presale},
    id::{ItemId, SubeventId, VariationId},
    money::Money,
    port::db::{DbError, Query},
    time::Timestamp,
};

/// One date of a series.
#[derive(Debug, Clone)]
pub struct Date {
    /// Its id.
    pub id: SubeventId,
    /// Its name for buyers.
    pub name: Localized,
    /// Can be sold at all.
    pub active: bool,
    /// Listed in the shop.
    pub is_public: bool,
    /// When it begins.
    pub date_from: Timestamp,
    /// When it ends.
    pub date_to: Option<Timestamp>,
    /// When the doors open.
    pub date_admission: Option<Timestamp>,
    /// When its sale begins, if later than the event's.
    pub presale_start: Option<Timestamp>,
    /// When its sale ends, if earlier than the event's.
    pub presale_end: Option<Timestamp>,
    /// Where it is.
    pub location: Option<Localized>,
    /// The organiser's words above its products.
    pub frontpage_text: Option<Localized>,
    /// What it says differently about products.
    pub overrides: Vec<Override>,
}

/// What a date says differently about an item or a variation.
#[derive(Debug, Clone)]
pub struct Override {
    /// The item.
    pub item: ItemId,
    /// One variation of it; otherwise the item itself.
    pub variation: Option<VariationId>,
    /// Its price.
    pub price: Option<Money>,
    /// It is not for sale.
    pub disabled: bool,
    /// Start of its time window.
    pub available_from: Option<Timestamp>,
    /// End of its time window.
    pub available_until: Option<Timestamp>,
}

impl Date {
    /// Whether it sells at `now`, apart from the event as a whole.
    pub fn is_selling(&self, event: &Event, now: Timestamp) -> bool {
        self.active && self.presale(event, now) == Presale::Running
    }

    /// Where its sale stands at `now`, apart from the event as a whole (spec domain 1.3, 1.4). Without an end of its
    /// presale it sells while it takes place.
    pub fn presale(&self, event: &Event, now: Timestamp) -> Presale {
        let has_ended = match self.presale_end {
            Some(end) => now > end,
            None => self.is_over(event, now),
        };
        match self.presale_start {
            _ if has_ended => Presale::Ended,
            Some(start) if now < start => Presale::NotStarted { start },
            _ => Presale::Running,
        }
    }

    /// Whether it has taken place: its end has passed, or without one its day.
    pub fn is_over(&self, event: &Event, now: Timestamp) -> bool {
        match self.date_to {
            Some(end) => now > end,
            None => now.in_zone(&event.timezone).date() > self.date_from.in_zone(&event.timezone).date(),
        }
    }

    /// Whether buyers may see it.
    pub const fn is_listed(&self) -> bool {
        self.active && self.is_public
    }

    /// Whether it sells a product at `now`.
    pub fn sells(&self, item: &Item, variation: Option<&Variation>, now: Timestamp) -> bool {
        let of_item = self.about(item.id, None);
        let of_variation = variation.and_then(|variation| self.about(item.id, Some(variation.id)));
        of_item.into_iter().chain(of_variation).all(|says| says.allows(now))
    }

    /// What a product costs on this date: its variation's price here, else the variation's price, else the item's price
    /// here, else the item's price (spec domain 5.1).
    pub fn listed_price(&self, item: &Item, variation: Option<&Variation>) -> Money {
        let here = |variation| self.about(item.id, variation).and_then(|says| says.price);
        let of_variation = variation.and_then(|variation| here(Some(variation.id)).or(variation.default_price));
        of_variation.or_else(|| here(None)).unwrap_or(item.default_price)
    }

    fn about(&self, item: ItemId, variation: Option<VariationId>) -> Option<&Override> {
        self.overrides.iter().find(|says| says.item == item && says.variation == variation)
    }
}

impl Override {
    fn allows(&self, now: Timestamp) -> bool {
        let has_begun = self.available_from.is_none_or(|from| now >= from);
        !self.disabled && has_begun && self.available_until.is_none_or(|until| now <= until)
    }
}

/// The dates of a series with what they say differently.
pub(super) async fn of_event(q: &impl Query, event: &Event) -> Result<Vec<Date>, DbError> {
    let (mut dates, overrides) =
        tokio::try_join!(sql::dates(q, event.id), sql::overrides(q, event.id, event.currency))?;
    for (of, says) in overrides {
        if let Some(date) = dates.iter_mut().find(|date| date.id == of) {
            date.overrides.push(says);
        }
    }
    Ok(dates)
}
