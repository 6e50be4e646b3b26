//! Ways to pay (spec domain 29). None of them needs the buyer to leave the shop yet.

use serde::{Deserialize, Serialize};

use crate::{event::Event, i18n::Lang};

/// What payments with a gift card are marked with. Nobody chooses it as a way to pay: who has a card gives its secret.
pub const GIFT_CARD: &str = "giftcard";

/// A payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Nothing to pay; confirmed at once.
    Free,
    /// The buyer sends money to a bank account.
    BankTransfer,
    /// However the organiser says; staff confirms it.
    Manual,
}

impl Provider {
    /// The name in the database and the API.
    pub fn identifier(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::BankTransfer => "banktransfer",
            Self::Manual => "manual",
        }
    }

    /// The provider of that name.
    pub fn parse(identifier: &str) -> Option<Self> {
        [Self::Free, Self::BankTransfer, Self::Manual].into_iter().find(|provider| provider.identifier() == identifier)
    }

    /// What buyers of the event can choose from when there is something to pay.
    pub fn offered(event: &Event) -> Vec<Self> {
        let enabled = |provider: &Self| match provider {
            Self::Free => false,
            Self::BankTransfer => event.settings.payment_banktransfer_enabled(),
            Self::Manual => event.settings.payment_manual_enabled(),
        };
        [Self::BankTransfer, Self::Manual].into_iter().filter(enabled).collect()
    }

    /// What it is called on pages.
    pub fn label(self, event: &Event, lang: Lang) -> String {
        match self {
            Self::Free => lang.text("payment-free"),
            Self::BankTransfer => lang.text("payment-banktransfer"),
            Self::Manual => match event.settings.payment_manual_public_name() {
                Some(name) => name.get(lang).to_owned(),
                None => lang.text("payment-manual"),
            },
        }
    }

    /// How it works, in Markdown.
    pub fn description(self, event: &Event, lang: Lang) -> Option<String> {
        match self {
            Self::Free => None,
            Self::BankTransfer => Some(lang.text("payment-banktransfer-description")),
            Self::Manual => {
                let own = event.settings.payment_manual_pending_description();
                Some(own.map_or_else(|| lang.text("payment-manual-description"), |text| text.get(lang).to_owned()))
            }
        }
    }
}
