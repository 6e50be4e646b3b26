//! Gift cards (spec domain 20.1): money that an organiser owes to whoever has the secret. What a card is worth is the sum
//! of its entries; they are added one after the other, under the lock of the card, so it never gets below nothing.

pub mod sql;

use serde_json::Value;

use crate::{
    id::{EventId, GiftCardId, OrderId, OrganizerId},
    money::Money,
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
    use crate::money::Currency;

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
}
