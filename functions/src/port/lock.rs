//! Advisory locks as values: holding one is a proof that the compiler checks.

use super::db::{DbError, Query, Tx, p};
use crate::id::{EventId, PositionId};

/// Kinds of locks. The kind is the top byte of the key, so that two kinds never collide.
#[derive(Clone, Copy)]
enum Namespace {
    EventStock = 1,
    TicketScan = 2,
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

/// The answer to a statement that tries `pg_try_advisory_xact_lock` with [`stock_key`].
#[must_use]
pub(crate) struct Attempt {
    /// The event.
    pub event: EventId,
    /// Whether the transaction holds the lock now.
    pub won: bool,
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

    /// The lock, if `attempt` has won it.
    ///
    /// The attempt is a statement of the box office's own, because it asks for more in the same round trip; `tx` must be
    /// the transaction that has made it.
    pub(crate) fn won(tx: &'tx Tx<'_>, attempt: Attempt) -> Option<Self> {
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

/// Proof that a transaction is the only one that lets somebody in or out with a ticket, until it ends.
///
/// It is the ticket's own: doors never wait for the sale of the event, nor for each other.
pub struct ScanLock<'tx> {
    tx: &'tx Tx<'tx>,
    position: PositionId,
}

impl<'tx> ScanLock<'tx> {
    /// Waits for the lock, as long as the role's `lock_timeout` allows ([`DbError::Busy`] after that). What is decided on
    /// must be read after this: each statement sees what was committed before it.
    pub async fn acquire(tx: &'tx Tx<'_>, position: PositionId) -> Result<Self, DbError> {
        tx.execute("select pg_advisory_xact_lock($1)", &[p(&Namespace::TicketScan.key(position.0))]).await?;
        Ok(Self { tx, position })
    }

    /// The transaction that holds the lock.
    pub fn tx(&self) -> &'tx Tx<'tx> {
        self.tx
    }

    /// The ticket.
    pub fn position(&self) -> PositionId {
        self.position
    }
}
