//! What an event sells: categories, items, variations, tax rules and questions, read together.

use crate::{
    boxoffice::UnitPrice,
    event::{Event, Localized},
    id::{CategoryId, ItemId, QuestionId, QuotaId, TaxRuleId, VariationId},
    money::{Money, TaxRate},
    port::db::{DbError, Query},
    pricing::{Billing, Discount},
    question::Question,
    time::Timestamp,
    upload::Picture,
};

mod date;
mod discount;
pub mod edit;
mod offer;
pub mod sql;

pub use date::{Date, Override};

/// A heading above items.
#[derive(Debug, Clone)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its name for buyers.
    pub name: Localized,
    /// Its name for staff.
    pub internal_name: Option<String>,
    /// Text under the heading.
    pub description: Option<Localized>,
    /// Place among the categories.
    pub position: i32,
    /// Its items can only be bought as add-ons.
    pub is_addon: bool,
}

/// What the shop does with an item outside its time window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowMode {
    /// Leaves it out.
    Hide,
    /// Lists it as unavailable, with the reason.
    Info,
}

impl WindowMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Hide, Self::Info];

    /// The word in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Hide => "hide",
            Self::Info => "info",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.code() == code)
    }
}

/// A product.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// The category it stands in.
    pub category: Option<CategoryId>,
    /// How its price is taxed; none means untaxed.
    pub tax_rule: Option<TaxRuleId>,
    /// Its name for buyers.
    pub name: Localized,
    /// Its name for staff.
    pub internal_name: Option<String>,
    /// Text under the name.
    pub description: Option<Localized>,
    /// Shown beside it.
    pub picture: Option<Picture>,
    /// Can be sold at all.
    pub active: bool,
    /// Place in its category.
    pub position: i32,
    /// Price, where the variation has none.
    pub default_price: Money,
    /// An earlier price, shown struck through.
    pub original_price: Option<Money>,
    /// The buyer may pay more.
    pub free_price: bool,
    /// Lets somebody in.
    pub admission: bool,
    /// Asks for the attendee's data.
    pub personalized: bool,
    /// Gives a ticket file, or by the event's settings.
    pub generate_tickets: Option<bool>,
    /// Shows how many are left, or by the event's settings.
    pub show_quota_left: Option<bool>,
    /// Start of its time window.
    pub available_from: Option<Timestamp>,
    /// End of its time window.
    pub available_until: Option<Timestamp>,
    /// What is shown before the window.
    pub available_from_mode: WindowMode,
    /// What is shown after the window.
    pub available_until_mode: WindowMode,
    /// Can only be bought with a voucher.
    pub require_voucher: bool,
    /// Is only shown with a voucher.
    pub hide_without_voucher: bool,
    /// Staff approves each order of it.
    pub require_approval: bool,
    /// The buyer may cancel it.
    pub allow_cancel: bool,
    /// Fewest per order.
    pub min_per_order: Option<i32>,
    /// Most per order.
    pub max_per_order: Option<i32>,
    /// Can only be bought as a part of a bundle.
    pub require_bundling: bool,
    /// Buyers can wait for it when it is sold out.
    pub allow_waitinglist: bool,
    /// Where it is sold.
    pub channels: Channels,
    /// Not shown while this quota has room.
    pub hidden_if_available: Option<QuotaId>,
    /// Not shown, or shown as not there yet, while this item can be had.
    pub hidden_if_item_available: Option<(ItemId, WindowMode)>,
    /// What can be added to each unit.
    pub add_ons: Vec<AddOnLink>,
    /// What each unit comes with.
    pub bundles: Vec<BundleLink>,
    /// Its variations in their order; if there are any, only they can be bought.
    pub variations: Vec<Variation>,
}

/// The sales channels of something (spec domain 1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channels {
    /// All.
    All,
    /// Those with these identifiers.
    Only(Vec<String>),
}

/// The sales channel of the shop.
pub const WEB: &str = "web";

impl Channels {
    /// Whether a channel is among them.
    pub fn include(&self, channel: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(identifiers) => identifiers.iter().any(|identifier| identifier == channel),
        }
    }
}

/// A category whose products can be added to an item (spec domain 2.4).
#[derive(Debug, Clone)]
pub struct AddOnLink {
    /// The category.
    pub category: CategoryId,
    /// At least so many.
    pub min_count: i32,
    /// At most so many.
    pub max_count: i32,
    /// The same product more than once.
    pub multi_allowed: bool,
    /// They cost nothing.
    pub price_included: bool,
}

/// A product that comes with an item (spec domain 2.5).
#[derive(Debug, Clone)]
pub struct BundleLink {
    /// The item.
    pub item: ItemId,
    /// Its variation, if it has some.
    pub variation: Option<VariationId>,
    /// How many.
    pub count: i32,
    /// What of the item's price, with tax, stands on each of them.
    pub designated_price: Money,
}

/// What a buyer sees of an item, apart from how many are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// On offer.
    Buyable,
    /// Listed, and said to come later.
    NotYet,
    /// Listed, and said to be over.
    NoLonger,
    /// Not listed.
    Hidden,
}

impl Item {
    /// What the item's switch and time window make of it at `now` (spec domain 2.2).
    pub fn visibility(&self, now: Timestamp) -> Visibility {
        if !self.active {
            return Visibility::Hidden;
        }
        let window = (self.available_from, self.available_until);
        window_visibility(window, (self.available_from_mode, self.available_until_mode), now)
    }

    /// Active and inside its time window.
    pub fn is_available(&self, now: Timestamp) -> bool {
        self.visibility(now) == Visibility::Buyable
    }

    /// One of its variations.
    pub fn variation(&self, id: VariationId) -> Option<&Variation> {
        self.variations.iter().find(|variation| variation.id == id)
    }

    /// The price in the list: the variation's, else the item's (spec domain 5.1). The tax rule says if it includes tax.
    pub fn listed_price(&self, variation: Option<&Variation>) -> Money {
        variation.and_then(|variation| variation.default_price).unwrap_or(self.default_price)
    }
}

/// What a time window makes of something at `now`.
fn window_visibility(
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    (before, after): (WindowMode, WindowMode),
    now: Timestamp,
) -> Visibility {
    let outside = |mode, told| match mode {
        WindowMode::Hide => Visibility::Hidden,
        WindowMode::Info => told,
    };
    match () {
        () if from.is_some_and(|from| now < from) => outside(before, Visibility::NotYet),
        () if until.is_some_and(|until| now > until) => outside(after, Visibility::NoLonger),
        () => Visibility::Buyable,
    }
}

/// A kind of an item, such as a size.
#[derive(Debug, Clone)]
pub struct Variation {
    /// Its id.
    pub id: VariationId,
    /// Its name for buyers.
    pub value: Localized,
    /// Text under the name.
    pub description: Option<Localized>,
    /// Can be sold at all.
    pub active: bool,
    /// Place among the item's variations.
    pub position: i32,
    /// Its price, or that of the item.
    pub default_price: Option<Money>,
    /// An earlier price, shown struck through.
    pub original_price: Option<Money>,
    /// Is only shown with a voucher.
    pub hide_without_voucher: bool,
    /// Start of its time window.
    pub available_from: Option<Timestamp>,
    /// End of its time window.
    pub available_until: Option<Timestamp>,
    /// What is shown before the window.
    pub available_from_mode: WindowMode,
    /// What is shown after the window.
    pub available_until_mode: WindowMode,
    /// Where it is sold.
    pub channels: Channels,
}

impl Variation {
    /// What the variation's switch and time window make of it at `now`.
    pub fn visibility(&self, now: Timestamp) -> Visibility {
        if !self.active {
            return Visibility::Hidden;
        }
        let window = (self.available_from, self.available_until);
        window_visibility(window, (self.available_from_mode, self.available_until_mode), now)
    }
}

/// How prices are taxed.
#[derive(Debug, Clone)]
pub struct TaxRule {
    /// Its id.
    pub id: TaxRuleId,
    /// What the tax is called.
    pub name: Localized,
    /// How much it is.
    pub rate: TaxRate,
    /// Tax category code.
    pub code: Option<String>,
    /// Listed prices are gross.
    pub price_includes_tax: bool,
    /// The rule for what has none of its own.
    pub is_default: bool,
}

/// Everything an event sells, in the order of the shop page.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The version of the event that it was read for.
    pub version: i64,
    /// Categories by position.
    pub categories: Vec<Category>,
    /// Items by category, position, id; those without a category first. Inactive ones are among them.
    pub items: Vec<Item>,
    /// Tax rules by id.
    pub tax_rules: Vec<TaxRule>,
    /// Questions by position, id; the hidden ones are among them.
    pub questions: Vec<Question>,
    /// Dates of a series, the first one first; the inactive ones are among them.
    pub dates: Vec<Date>,
    /// Automatic discounts; the inactive ones are among them.
    pub discounts: Vec<Discount>,
    /// Rounding, and what ways to pay cost.
    pub billing: Billing,
}

impl Catalogue {
    /// Reads the catalogue of an event. The statements are sent together, so it costs one round trip.
    pub async fn load(q: &impl Query, event: &Event) -> Result<Self, DbError> {
        let (categories, items, variations, tax_rules, questions, add_ons, bundles, discounts) = tokio::try_join!(
            sql::categories(q, event.id),
            sql::items(q, event.id, event.currency),
            sql::variations(q, event.id, event.currency),
            sql::tax_rules(q, event.id),
            crate::question::of_event(q, event.id),
            sql::add_ons(q, event.id),
            sql::bundles(q, event.id, event.currency),
            sql::discounts(q, event.id, event.currency),
        )?;
        let dates = if event.has_subevents { date::of_event(q, event).await? } else { Vec::new() };
        let billing = discount::billing(event, &tax_rules);
        let version = event.version;
        let mut catalogue = Self { version, categories, items, tax_rules, questions, dates, discounts, billing };
        for (item, variation) in variations {
            // An item that came into being between two of the statements is simply not there yet.
            if let Some(item) = catalogue.items.iter_mut().find(|candidate| candidate.id == item) {
                item.variations.push(variation);
            }
        }
        for item in &mut catalogue.items {
            item.add_ons.extend(add_ons.iter().filter(|(of, _)| *of == item.id).map(|(_, link)| link.clone()));
            item.bundles.extend(bundles.iter().filter(|(of, _)| *of == item.id).map(|(_, link)| link.clone()));
        }
        Ok(catalogue)
    }

    /// The item with an id.
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// The category with an id.
    pub fn category(&self, id: CategoryId) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    /// The question with an id.
    pub fn question(&self, id: QuestionId) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// Items of a category, or without one, in their order.
    pub fn items_in(&self, category: Option<CategoryId>) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.category == category)
    }

    /// An item and its variation, as a buyer names them. `None` unless exactly one product is meant: an item with
    /// variations needs one of them, an item without needs none.
    pub fn product(&self, item: ItemId, variation: Option<VariationId>) -> Option<(&Item, Option<&Variation>)> {
        let item = self.item(item)?;
        match variation {
            Some(variation) => Some((item, Some(item.variation(variation)?))),
            None => item.variations.is_empty().then_some((item, None)),
        }
    }

    /// Questions asked of the buyer for one unit of an item, in their order (spec domain 7.1).
    pub fn questions_for(&self, item: ItemId) -> Vec<&Question> {
        self.questions.iter().filter(|question| question.is_asked_for(item)).collect()
    }

    /// The tax rule of an item.
    pub fn tax_rule(&self, item: &Item) -> Option<&TaxRule> {
        let id = item.tax_rule?;
        self.tax_rules.iter().find(|rule| rule.id == id)
    }

    /// What one unit costs, apart from dates that say otherwise (spec domain 5.1, 3.2).
    pub fn price(&self, item: &Item, variation: Option<&Variation>) -> UnitPrice {
        self.price_on(None, item, variation)
    }

    /// What one unit costs on a date, in a series.
    pub fn price_on(&self, date: Option<&Date>, item: &Item, variation: Option<&Variation>) -> UnitPrice {
        let rule = self.tax_rule(item);
        let listed = match date {
            Some(date) => date.listed_price(item, variation),
            None => item.listed_price(variation),
        };
        let tax_rate = rule.map_or(TaxRate::ZERO, |rule| rule.rate);
        UnitPrice::of_listed(listed, tax_rate, rule.is_none_or(|rule| rule.price_includes_tax))
    }
}
