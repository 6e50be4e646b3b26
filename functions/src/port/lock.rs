//! Advisory locks as values: holding one is a proof that the compiler checks.

use super::db::{DbError, Query, Tx, p};
use crate::id::EventId;

/// Kinds of locks. The kind is the top byte of the key, so that two kinds never collide.
#[derive(Clone, Copy)]
enum Namespace {
    EventStock = 1,
}

impl Namespace {
    /// 8 bits kind, 56 bits id.
    fn key(self, id: i64) -> i64 {
        ((self as i64) << 56) | (id & 0x00ff_ffff_ffff_ffff)
    }
}

/// Proof that a transaction holds the exclusive stock lock of one event until it ends.
///
/// Whatever changes or decides on stock takes this instead of a transaction, and takes the event from it. Nothing slow
/// happens while it lives: no mail, no queue, no file, no payment.
pub struct EventLock<'tx> {
    tx: &'tx Tx<'tx>,
    event: EventId,
}

/// The answer to [`attempt`]: whether the transaction holds the lock now.
#[must_use]
pub struct Attempt {
    event: EventId,
    won: bool,
}

/// Takes the stock lock of an event if nobody holds it. Does not wait, so it may be sent along with BEGIN.
pub async fn attempt(tx: &Tx<'_>, event: EventId) -> Result<Attempt, DbError> {
    let key = Namespace::EventStock.key(event.0);
    let row = tx.one("select pg_try_advisory_xact_lock($1) as won", &[p(&key)]).await?;
    Ok(Attempt { event, won: row.get("won")? })
}

/// Key of an event's stock lock, for statements that only want to know whether it is free.
pub fn stock_key(event: EventId) -> i64 {
    Namespace::EventStock.key(event.0)
}

impl<'tx> EventLock<'tx> {
    /// Waits for the lock, as long as the role's `lock_timeout` allows ([`DbError::Busy`] after that).
    pub async fn acquire(tx: &'tx Tx<'_>, event: EventId) -> Result<Self, DbError> {
        let key = Namespace::EventStock.key(event.0);
        tx.execute("select pg_advisory_xact_lock($1)", &[p(&key)]).await?;
        Ok(Self { tx, event })
    }

    /// The lock, if the attempt has won it. `tx` is the transaction that has made the attempt.
    pub fn won(tx: &'tx Tx<'_>, attempt: Attempt) -> Option<Self> {
        attempt.won.then_some(Self { tx, event: attempt.event })
    }

    /// The transaction that holds the lock.
    pub fn tx(&self) -> &'tx Tx<'tx> {
        self.tx
    }

    /// The event whose stock is locked.
    pub fn event(&self) -> EventId {
        self.event
    }
}
