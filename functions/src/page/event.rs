//! The event page: what there is to buy.

use askama::Template;

use super::cart::CartBox;
use super::listing::EventRow;
use super::{Frame, Html, field};
use crate::id::{CartPositionId, ItemId, SubeventId, VariationId};
use crate::money::{Money, TaxRate};

/// An event's shop.
#[derive(Debug, Clone, Template)]
#[template(path = "event.html")]
pub struct EventPage {
    /// What is around the content.
    pub frame: Frame,
    /// The shop's root, such as `/org/event/`.
    pub base: String,
    /// See [`field::CSRF`].
    pub csrf: String,
    /// See [`field::FORM_TOKEN`].
    pub form_token: String,
    /// The cart, when something is in it.
    pub cart: Option<CartBox>,
    /// The event's name.
    pub name: String,
    /// When, in words.
    pub dates: String,
    /// The event for the reader's calendar.
    pub calendar_url: Option<String>,
    /// When on that day, and from when people are let in.
    pub times: Option<String>,
    /// Where; line breaks are kept.
    pub location: Option<String>,
    /// The organiser's own words.
    pub text: Option<Html>,
    /// The date that it is about, in a series.
    pub date: Option<SubeventId>,
    /// Why nothing can be bought yet or any more; the button is missing then.
    pub presale: Option<String>,
    /// Products by category.
    pub sections: Vec<Section>,
    /// The code of the voucher that the products are shown for.
    pub voucher: Option<String>,
    /// Whether there are vouchers to ask for.
    pub asks_for_voucher: bool,
}

/// The dates of a series.
#[derive(Debug, Clone, Template)]
#[template(path = "series.html")]
pub struct SeriesPage {
    /// What is around the content.
    pub frame: Frame,
    /// The shop's root, such as `/org/event/`.
    pub base: String,
    /// The cart, when something is in it.
    pub cart: Option<CartBox>,
    /// The series' name.
    pub name: String,
    /// Where, if all dates are there; line breaks are kept.
    pub location: Option<String>,
    /// The organiser's own words.
    pub text: Option<Html>,
    /// Why nothing can be bought yet or any more.
    pub presale: Option<String>,
    /// The dates, in the order to show.
    pub dates: Vec<EventRow>,
    /// The page before this one.
    pub previous: Option<String>,
    /// The page after this one.
    pub next: Option<String>,
    /// The code of the voucher that a date is chosen for.
    pub voucher: Option<String>,
    /// Whether there are vouchers to ask for.
    pub asks_for_voucher: bool,
}

/// A category with its products.
#[derive(Debug, Clone)]
pub struct Section {
    /// The category's name; products without category have a heading for screen readers only.
    pub heading: Option<String>,
    /// About the category.
    pub description: Option<Html>,
    /// Its products.
    pub products: Vec<Product>,
}

/// A product.
#[derive(Debug, Clone)]
pub struct Product {
    /// Its id, in field names.
    pub id: ItemId,
    /// The position that it would be added to, in the add-ons step.
    pub addon_to: Option<CartPositionId>,
    /// Its name.
    pub name: String,
    /// Shown beside it.
    pub picture: Option<Thumbnail>,
    /// About the product.
    pub description: Option<Html>,
    /// Least number in an order, when above 1.
    pub min_per_order: Option<i64>,
    /// The price, of all variations if there are some.
    pub price: Price,
    /// Whether it can be bought; with variations, what is said about all of them.
    pub offer: Offer,
    /// What it comes in; empty for a product without variations.
    pub variations: Vec<Variation>,
    /// Shows the variations at once.
    pub expanded: bool,
}

/// A small picture that leads to a large one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The small one.
    pub image_url: String,
    /// The large one.
    pub url: String,
}

/// A variation of a product.
#[derive(Debug, Clone)]
pub struct Variation {
    /// Its id, in field names.
    pub id: VariationId,
    /// Its name.
    pub name: String,
    /// About the variation.
    pub description: Option<Html>,
    /// Its price.
    pub price: Price,
    /// Whether it can be bought.
    pub offer: Offer,
}

/// What a product costs.
#[derive(Debug, Clone)]
pub struct Price {
    /// The amount, or the lowest.
    pub amount: Money,
    /// The highest amount, when variations differ.
    pub up_to: Option<Money>,
    /// What the buyer-chosen price starts with; the lowest is `amount`.
    pub suggestion: Option<Money>,
    /// What it cost before, struck through.
    pub original: Option<Money>,
    /// The tax to mention.
    pub tax: Option<TaxNote>,
}

/// What is said about tax beside a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaxNote {
    /// "incl. 19% VAT"
    Included(TaxRate),
    /// "plus 19% VAT"
    Plus(TaxRate),
    /// "incl. taxes"
    Mixed,
}

/// Whether something can be bought, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// Up to `max` now; `left` is told if the organiser wants it; `preset` is in the field already.
    Open {
        /// Most that the field takes.
        max: i64,
        /// "N currently available".
        left: Option<i64>,
        /// What the field starts with.
        preset: i64,
    },
    /// All are in carts or waiting for payment, some may come back.
    Reserved,
    /// None left.
    SoldOut,
    /// "Not available yet."
    NotYet,
    /// "Not available any more."
    Over,
    /// Only with a voucher.
    VoucherOnly,
    /// Shown, but the shop does not sell at the moment.
    Shown,
}

/// Whether an event's tickets can be bought: the badge in a list (spec shop-ux 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sale {
    /// There are tickets.
    Open {
        /// Nothing costs anything.
        free: bool,
        /// Few are left.
        few: bool,
    },
    /// All are taken for the moment.
    Reserved,
    /// None left.
    SoldOut {
        /// Nothing costs anything.
        free: bool,
    },
    /// The sale starts later, with the day in words if it may be told.
    NotYet(Option<String>),
    /// The sale has ended.
    Over,
}

impl EventPage {
    /// Whether the form has a button.
    pub fn can_buy(&self) -> bool {
        let mut products = self.sections.iter().flat_map(|section| &section.products);
        self.presale.is_none() && products.any(|product| product.offer.is_open() || product.has_open_variation())
    }
}

/// A line of the product form: a product without variations, or a variation.
#[derive(Debug, Clone)]
pub struct OfferBox<'a> {
    /// What it is called for screen readers, the product included.
    pub name: String,
    /// The position that it would be added to.
    pub addon_to: Option<CartPositionId>,
    /// The product.
    pub item: ItemId,
    /// The variation.
    pub variation: Option<VariationId>,
    /// The price.
    pub price: &'a Price,
    /// Whether it can be bought.
    pub offer: &'a Offer,
}

impl Offer {
    /// Whether it can be bought now.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

impl Product {
    /// What its heading is called on the page: a product may be offered for several positions.
    pub fn anchor(&self) -> String {
        match self.addon_to {
            Some(position) => format!("product-{position}-{}", self.id),
            None => format!("product-{}", self.id),
        }
    }

    /// Whether a variation can be bought now.
    pub fn has_open_variation(&self) -> bool {
        self.variations.iter().any(|variation| variation.offer.is_open())
    }

    /// The product's own line of the form.
    pub fn offer_box(&self) -> OfferBox<'_> {
        OfferBox {
            name: self.name.clone(),
            addon_to: self.addon_to,
            item: self.id,
            variation: None,
            price: &self.price,
            offer: &self.offer,
        }
    }

    /// A variation's line of the form.
    pub fn variation_box<'a>(&self, variation: &'a Variation) -> OfferBox<'a> {
        OfferBox {
            name: format!("{} – {}", self.name, variation.name),
            addon_to: self.addon_to,
            item: self.id,
            variation: Some(variation.id),
            price: &variation.price,
            offer: &variation.offer,
        }
    }
}

impl OfferBox<'_> {
    /// The name of the number field or check box.
    pub fn field(&self) -> String {
        match (self.addon_to, self.variation) {
            (Some(position), variation) => field::add_on(position, self.item, variation),
            (None, Some(variation)) => field::variation(self.item, variation),
            (None, None) => field::item(self.item),
        }
    }

    /// The name of the price field.
    pub fn price_field(&self) -> String {
        match (self.addon_to, self.variation) {
            (Some(position), variation) => field::add_on_price(position, self.item, variation),
            (None, Some(variation)) => field::variation_price(self.item, variation),
            (None, None) => field::item_price(self.item),
        }
    }
}

impl Price {
    /// A fixed price.
    pub const fn fixed(amount: Money) -> Self {
        Self { amount, up_to: None, suggestion: None, original: None, tax: None }
    }

    /// Nothing to pay, and nothing to choose.
    pub fn is_free(&self) -> bool {
        self.amount.is_zero() && self.up_to.is_none() && self.suggestion.is_none()
    }

    /// The currency's code.
    pub fn currency(&self) -> String {
        self.amount.currency().code().to_owned()
    }

    /// The lowest price as the field takes it.
    pub fn lowest(&self) -> String {
        plain(self.amount)
    }

    /// What the price field starts with.
    pub fn suggested(&self, suggestion: &Money) -> String {
        plain(*suggestion)
    }

    /// The step of the price field.
    pub fn step(&self) -> &'static str {
        if self.amount.currency().decimals() == 0 { "1" } else { "0.01" }
    }
}

/// An amount as a number field takes it, with the decimals of its currency.
fn plain(amount: Money) -> String {
    let text = amount.to_decimal();
    if amount.currency().decimals() == 0 { text.trim_end_matches(".00").to_owned() } else { text }
}

impl TaxNote {
    /// The note in words.
    pub fn text(&self, frame: &Frame) -> String {
        match self {
            Self::Included(rate) => frame.named("price-tax-included", &frame.percent(rate)),
            Self::Plus(rate) => frame.named("price-tax-plus", &frame.percent(rate)),
            Self::Mixed => frame.t("price-tax-mixed"),
        }
    }
}

impl Sale {
    /// Whether the row's button says "Tickets" instead of "More info".
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// The text of the badge.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Open { few: true, .. } => "sale-few",
            Self::Open { free: true, .. } => "sale-book",
            Self::Open { .. } => "sale-buy",
            Self::Reserved => "sale-reserved",
            Self::SoldOut { free: true } => "sale-fully-booked",
            Self::SoldOut { free: false } => "sale-sold-out",
            Self::NotYet(_) => "sale-not-yet",
            Self::Over => "sale-over",
        }
    }

    /// The badge's look.
    pub const fn tone(&self) -> &'static str {
        match self {
            Self::Open { few: false, .. } => "good",
            Self::Open { few: true, .. } | Self::Reserved => "warn",
            Self::SoldOut { .. } => "bad",
            Self::NotYet(_) | Self::Over => "calm",
        }
    }
}
