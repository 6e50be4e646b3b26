//! Gift cards (spec domain 20.1): money that an organiser owes to whoever has the secret. What a card is worth is the sum
//! of its entries; they are added one after the other, under the lock of the card, so it never gets below nothing.

pub mod sql;

use serde_json::Value;

use crate::{
    id::{EventId, GiftCardId, OrderId, OrganizerId},
    money::{Currency, Money},
    port::db::{DbError, Tx},
    time::Timestamp,
};

/// No card is worth more, so that sums of amounts always fit (spec domain 5.3).
pub const WORTH_MAX: i64 = 9_999_999_999_999;

/// What is put on a card, or taken from it.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Minor units of the card's currency; negative if it is taken.
    pub amount: i64,
    /// What it was for.
    pub text: String,
    /// What a program says about it.
    pub info: Value,
    /// The order that it pays.
    pub order: Option<(EventId, OrderId)>,
}

/// Why nothing was booked.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// There is no such card.
    #[error("there is no such gift card")]
    Missing,
    /// The card is not worth that much.
    #[error("the gift card is only worth {}", .0.to_decimal())]
    TooLittle(Money),
    /// No card can be worth that much.
    #[error("a gift card cannot be worth that much")]
    TooMuch,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A card as those see it who pay with it.
#[derive(Debug, Clone)]
pub struct Card {
    /// Its row.
    pub id: GiftCardId,
    /// What opens it, in capital letters.
    pub key: String,
    /// The currency of what it is worth.
    pub currency: Currency,
    /// It is no real money.
    pub testmode: bool,
    /// Until when it can be used.
    pub expires_at: Option<Timestamp>,
}

/// Why an order is not paid with a card (spec domain 20.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardProblem {
    /// There is no card with this secret.
    Unknown,
    /// Another currency than the event's.
    OtherCurrency,
    /// A test card in a real order.
    OnlyForTests,
    /// A real card in a test order.
    NotForTests,
    /// Its time is over.
    Expired,
    /// There is nothing on it.
    Empty,
}

impl CardProblem {
    /// What is wrong, for whoever gave the card.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "There is no such gift card.",
            Self::OtherCurrency => "This gift card has another currency.",
            Self::OnlyForTests => "This gift card is only good for test orders.",
            Self::NotForTests => "A test order cannot be paid with this gift card.",
            Self::Expired => "This gift card has expired.",
            Self::Empty => "There is nothing left on this gift card.",
        }
    }
}

impl Card {
    /// What speaks against paying with it.
    fn problem(&self, worth: i64, currency: Currency, testmode: bool, now: Timestamp) -> Option<CardProblem> {
        match () {
            () if self.currency != currency => Some(CardProblem::OtherCurrency),
            () if self.testmode && !testmode => Some(CardProblem::OnlyForTests),
            () if !self.testmode && testmode => Some(CardProblem::NotForTests),
            () if self.expires_at.is_some_and(|end| end < now) => Some(CardProblem::Expired),
            () if worth <= 0 => Some(CardProblem::Empty),
            () => None,
        }
    }
}

/// What each card gives for an amount, one after the other until it is paid.
fn shares(worths: &[i64], mut due: i64) -> Vec<i64> {
    let share = |worth: &i64| {
        let share = (*worth).clamp(0, due);
        due -= share;
        share
    };
    worths.iter().map(share).collect()
}

/// An order that is to be paid with cards.
#[derive(Debug)]
pub struct Due {
    /// Its event and its row.
    pub order: (EventId, OrderId),
    /// What is to be paid, of the event's currency.
    pub amount: Money,
    /// It is no real order.
    pub testmode: bool,
}

/// Why cards do not pay.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// One of them cannot be used.
    #[error("a gift card cannot be used: {0:?}")]
    Card(CardProblem),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Takes what is due from cards, in the order in which their secrets were given, and returns what each gave. All of them are
/// locked first, in the same order by everybody, so that two orders with the same cards never wait for each other.
pub async fn take(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    secrets: &[String],
    due: &Due,
    now: Timestamp,
) -> Result<Vec<(GiftCardId, i64)>, PayError> {
    let found = sql::lock_all(tx, organizer, secrets).await?;
    let (mut cards, mut worths) = (Vec::new(), Vec::new());
    for secret in secrets {
        let key = secret.to_uppercase();
        let card = found.iter().find(|card| card.key == key).ok_or(PayError::Card(CardProblem::Unknown))?;
        let worth = sql::worth(tx, organizer, card.id).await?;
        if let Some(problem) = card.problem(worth, due.amount.currency(), due.testmode, now) {
            return Err(PayError::Card(problem));
        }
        cards.push(card.id);
        worths.push(worth);
    }
    let given = cards.into_iter().zip(shares(&worths, due.amount.minor())).filter(|(_, share)| *share > 0);
    let given: Vec<(GiftCardId, i64)> = given.collect();
    for (card, share) in &given {
        let entry = Entry { amount: -share, order: Some(due.order), ..Entry::default() };
        sql::add_entry(tx, organizer, *card, &entry, now).await?;
    }
    Ok(given)
}

/// What an entry makes of a card that is worth `worth`.
fn after(worth: Money, amount: i64) -> Result<i64, BookError> {
    match worth.minor().checked_add(amount) {
        Some(after) if after < 0 => Err(BookError::TooLittle(worth)),
        Some(after) if after <= WORTH_MAX => Ok(after),
        _ => Err(BookError::TooMuch),
    }
}

/// Adds an entry to a card and returns what it is worth now. Those who book on the same card take turns.
pub async fn book(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    card: GiftCardId,
    entry: &Entry,
    now: Timestamp,
) -> Result<i64, BookError> {
    let currency = sql::lock(tx, organizer, card).await?.ok_or(BookError::Missing)?;
    let worth = Money::new(sql::worth(tx, organizer, card).await?, currency);
    let after = after(worth, entry.amount)?;
    sql::add_entry(tx, organizer, card, entry, now).await?;
    Ok(after)
}

/// Makes a card worth `wanted` by an entry of the difference, and returns the entry's amount; none if it was worth that.
pub async fn set_worth(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    card: GiftCardId,
    wanted: i64,
    now: Timestamp,
) -> Result<Option<i64>, BookError> {
    sql::lock(tx, organizer, card).await?.ok_or(BookError::Missing)?;
    let amount = wanted - sql::worth(tx, organizer, card).await?;
    if amount == 0 {
        return Ok(None);
    }
    sql::add_entry(tx, organizer, card, &Entry { amount, ..Entry::default() }, now).await?;
    Ok(Some(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_never_worth_less_than_nothing_or_more_than_can_be_counted() {
        let worth = |minor| Money::new(minor, Currency::parse("EUR").unwrap());
        assert_eq!(after(worth(500), -500).unwrap(), 0);
        assert_eq!(after(worth(500), 1).unwrap(), 501);
        assert!(matches!(after(worth(500), -501), Err(BookError::TooLittle(_))));
        assert!(matches!(after(worth(0), i64::MIN), Err(BookError::TooLittle(_))));
        assert!(matches!(after(worth(1), WORTH_MAX), Err(BookError::TooMuch)));
        assert!(matches!(after(worth(1), i64::MAX), Err(BookError::TooMuch)));
    }

    #[test]
    fn cards_pay_one_after_the_other_and_never_more_than_is_due() {
        assert_eq!(shares(&[500, 300, 100], 700), [500, 200, 0]);
        assert_eq!(shares(&[500, 300], 1000), [500, 300]);
        assert_eq!(shares(&[500], 0), [0]);
        assert_eq!(shares(&[], 7), [0; 0]);
    }

    #[test]
    fn a_card_pays_for_what_it_is_like() {
        let moment = |text: &str| Timestamp::parse(text).unwrap();
        let now = moment("2027-01-01T00:00:00Z");
        let euro = Currency::parse("EUR").unwrap();
        let card = |testmode, expires_at| Card {
            id: GiftCardId(1),
            key: "A".to_owned(),
            currency: euro,
            testmode,
            expires_at,
        };
        assert_eq!(card(false, None).problem(1, euro, false, now), None);
        assert_eq!(card(false, Some(now)).problem(1, euro, false, now), None, "the last moment counts");
        let past = Some(moment("2026-12-31T23:59:59Z"));
        assert_eq!(card(false, past).problem(1, euro, false, now), Some(CardProblem::Expired));
        assert_eq!(card(false, None).problem(0, euro, false, now), Some(CardProblem::Empty));
        assert_eq!(card(true, None).problem(1, euro, false, now), Some(CardProblem::OnlyForTests));
        assert_eq!(card(false, None).problem(1, euro, true, now), Some(CardProblem::NotForTests));
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(card(false, None).problem(1, yen, false, now), Some(CardProblem::OtherCurrency));
    }
}
