//! The page of an order, and the one that waits for a ticket.

use askama::Template;

use super::checkout::FactGroup;
use super::{Fact, Frame, Html, TaxLine};
use crate::money::Money;
use crate::time::Timestamp;

/// An order as its buyer sees it.
#[derive(Debug, Clone, Template)]
#[template(path = "order.html")]
pub struct OrderPage {
    /// What is around the content.
    pub frame: Frame,
    /// The order code.
    pub code: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// Where it stands.
    pub status: OrderStatus,
    /// Shown right after ordering or paying.
    pub thanks: bool,
    /// The organiser's words for that moment.
    pub success_text: Option<Html>,
    /// What is open and how to pay it.
    pub payment: Option<PaymentPanel>,
    /// Why there are no downloads yet.
    pub download_note: Option<String>,
    /// All tickets in one file, if there are several.
    pub download_all: Option<String>,
    /// The event for the reader's calendar.
    pub calendar_url: Option<String>,
    /// What was ordered.
    pub positions: Vec<OrderLine>,
    /// Fees.
    pub fees: Vec<FeeLine>,
    /// Taxes in the total.
    pub taxes: Vec<TaxLine>,
    /// The sum.
    pub total: Money,
    /// The buyer's own data.
    pub contact: Vec<Fact>,
    /// Attendee data and answers by position.
    pub attendees: Vec<FactGroup>,
    /// The shop, to order again.
    pub shop_url: String,
}

/// Where an order stands, in the buyer's words (spec shop-ux 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// The organiser has to agree first.
    ApprovalPending,
    /// The email address has to be confirmed.
    ConfirmationPending,
    /// Nothing to pay, or valid without payment.
    Confirmed,
    /// Waiting for the money.
    PaymentPending,
    /// Paid.
    Paid,
    /// Not paid in time.
    Expired,
    /// Cancelled.
    Canceled,
    /// Cancelled, and a fee was paid.
    CanceledPaidFee,
}

impl OrderStatus {
    /// The text of the label.
    pub const fn key(self) -> &'static str {
        match self {
            Self::ApprovalPending => "status-approval-pending",
            Self::ConfirmationPending => "status-confirmation-pending",
            Self::Confirmed => "status-confirmed",
            Self::PaymentPending => "status-payment-pending",
            Self::Paid => "status-paid",
            Self::Expired => "status-expired",
            Self::Canceled => "status-canceled",
            Self::CanceledPaidFee => "status-canceled-paid-fee",
        }
    }

    /// The sentence under the thanks, or under the heading of an order that has ended.
    pub const fn sentence_key(self) -> &'static str {
        match self {
            Self::ApprovalPending => "thanks-approval-pending",
            Self::ConfirmationPending => "thanks-confirmation-pending",
            Self::Confirmed => "thanks-confirmed",
            Self::PaymentPending => "thanks-payment-pending",
            Self::Paid => "thanks-paid",
            Self::Expired => "order-expired-text",
            Self::Canceled | Self::CanceledPaidFee => "order-canceled-text",
        }
    }

    /// The label's look.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Confirmed | Self::Paid => "good",
            Self::ApprovalPending | Self::ConfirmationPending | Self::PaymentPending => "warn",
            Self::Expired | Self::Canceled | Self::CanceledPaidFee => "bad",
        }
    }

    /// Whether the order is over without tickets.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Expired | Self::Canceled | Self::CanceledPaidFee)
    }
}

/// What is open and how to pay it.
#[derive(Debug, Clone)]
pub struct PaymentPanel {
    /// The open amount.
    pub amount: Money,
    /// Until when.
    pub deadline: Option<Timestamp>,
    /// Where to send the money.
    pub bank: Option<BankDetails>,
    /// The provider's own instructions.
    pub text: Option<Html>,
}

/// A bank account and what to write on the transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankDetails {
    /// Whose account.
    pub holder: String,
    /// The IBAN, in groups of four.
    pub iban: String,
    /// The BIC, if needed.
    pub bic: Option<String>,
    /// The bank's name.
    pub bank: Option<String>,
    /// What tells the organiser which order it is for.
    pub reference: String,
}

/// A position of an order.
#[derive(Debug, Clone)]
pub struct OrderLine {
    /// It belongs to the line above: a part of it, or an add-on.
    pub belongs: bool,
    /// Product and variation.
    pub name: String,
    /// Attendee and answers: one short line each.
    pub details: Vec<String>,
    /// Its price.
    pub price: Money,
    /// Cancelled positions stay visible, struck through.
    pub canceled: bool,
    /// Where the ticket is, when there is one.
    pub download: Option<String>,
}

/// A fee of an order.
#[derive(Debug, Clone)]
pub struct FeeLine {
    /// What for.
    pub name: String,
    /// How much.
    pub amount: Money,
}

/// Shown while a ticket file is being made; reloads itself.
#[derive(Debug, Clone, Template)]
#[template(path = "waiting.html")]
pub struct WaitingPage {
    /// What is around the content.
    pub frame: Frame,
    /// The ticket's address, which shows this page until the file is there; a form sent there asks for it again.
    pub url: String,
    /// See [`super::field::CSRF`].
    pub csrf: String,
    /// Seconds until the page looks again.
    pub seconds: u32,
    /// The order's page.
    pub order_url: String,
}

impl OrderPage {
    /// Whether some ticket can be downloaded.
    pub fn has_downloads(&self) -> bool {
        self.positions.iter().any(|position| position.download.is_some())
    }
}
