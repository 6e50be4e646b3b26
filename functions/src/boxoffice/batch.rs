//! One batch, served by whoever holds the lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    Changes, Outcome, Request, Stock, Ticket, load,
    waiting::{self, Serving, Waiting, sql::Opened},
};
use crate::{
    catalogue::Catalogue,
    event::Event,
    outbox::Outgoing,
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// Most requests in one batch: the lock is held for as long as they take.
pub(super) const BATCH_MAX: i64 = 500;

/// Most positions of orders that programs create in one batch, unless one order has more: one may have as many as hundreds
/// of buyers.
const POSITIONS_MAX: usize = 2000;

/// What a batch has decided. Nothing is written yet.
pub(super) struct Decided {
    /// Keys of what is served now, with what became of it.
    new: Vec<(String, Outcome)>,
    /// Outcomes of what was served before.
    known: Vec<(String, Outcome)>,
    changes: Changes,
}

impl Decided {
    /// Outcomes by key. True once the batch is committed.
    pub(super) fn outcomes(self) -> impl Iterator<Item = (String, Outcome)> {
        self.new.into_iter().chain(self.known)
    }
}

/// The tickets that one batch serves, of those that are there in the order of their arrival: each key once, and of
/// several about the same cart, order or voucher the first, and of orders of programs no more than fit. The others are for
/// the next batch, also in this order.
pub fn choose<'a>(tickets: impl Iterator<Item = &'a Ticket>) -> Vec<&'a Ticket> {
    let (mut keys, mut subjects) = (BTreeSet::new(), BTreeSet::new());
    let mut positions = 0;
    let is_served = |ticket: &&'a Ticket| {
        let ticket: &'a Ticket = ticket;
        let mut is_first = keys.insert(ticket.key.as_str());
        for subject in ticket.request.subjects() {
            is_first &= subjects.insert(subject);
        }
        let Request::CreateOrder { wanted } = &ticket.request else { return is_first };
        let has_room = positions == 0 || positions + wanted.positions.len() <= POSITIONS_MAX;
        // Also of one that has no room: those behind it do not overtake it.
        positions += wanted.positions.len();
        is_first && has_room
    };
    tickets.filter(is_served).collect()
}

/// Decides about the holder's own request, if it has one, and those that wait. Requests that were served before hear
/// their first outcome again.
///
/// Those that wait are claimed first. Whoever has left one may give up at any moment: from the claim on it waits for
/// this batch and hears the outcome, before it the request is not served. So nobody hears that nothing happened while
/// it does. What is read along for a request that turns out to be gone, or served before, is not used.
pub(super) async fn decide(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    own: Option<&Ticket>,
    waiting: &[Waiting],
    now: Timestamp,
) -> Result<Decided, DbError> {
    let tickets = || waiting.iter().filter_map(|waiting| waiting.ticket.as_ref()).chain(own);
    // The same request may wait more than once.
    let mut rows: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (id, ticket) in waiting.iter().filter_map(|waiting| Some((waiting.id, waiting.ticket.as_ref()?))) {
        rows.entry(&ticket.key).or_default().push(id);
    }
    let chosen = choose(tickets());
    let rows_of = |key: &str| rows.get(key).into_iter().flatten();
    let claims = chosen.iter().flat_map(|ticket| rows_of(&ticket.key)).copied().collect();
    let all: Vec<String> = tickets().map(|ticket| ticket.key.clone()).collect();
    let requests: Vec<&Request> = chosen.iter().map(|ticket| &ticket.request).collect();
    let (Opened { known, claimed }, mut stock) = tokio::try_join!(
        biased;
        waiting::sql::open(lock, &claims, &all),
        load(lock, event, catalogue, &requests, now),
    )?;
    let is_known = |key: &str| known.iter().any(|(known, _)| known == key);
    let is_here = |key: &str| own.is_some_and(|own| own.key == key) || rows_of(key).any(|row| claimed.contains(row));
    let (mut keys, mut requests, mut identities) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (index, ticket) in chosen.iter().enumerate().filter(|(_, it)| !is_known(&it.key) && is_here(&it.key)) {
        identities.extend(stock.identities.remove(&index).map(|identity| (requests.len(), identity)));
        requests.push(ticket.request.clone());
        keys.push(ticket.key.clone());
    }
    stock.identities = identities;
    let (decided, changes) = decide_or_refuse(stock, &requests, now)?;
    Ok(Decided { new: keys.into_iter().zip(decided).collect(), known, changes })
}

/// Writes what was decided, and tells those who come how fast it goes.
pub(super) async fn write(
    lock: &EventLock<'_>,
    event: &Event,
    decided: &Decided,
    serving: Option<&Serving>,
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    let (outgoing, ..) = tokio::try_join!(
        biased;
        super::write(lock, event, &decided.changes, now),
        waiting::sql::record(lock, &decided.new, now),
        waiting::sql::keep_pace(lock, serving),
    )?;
    Ok(outgoing)
}

/// A bug in a rule must cost the request that meets it and nobody else: a batch that panics is refused like one that
/// the database refuses.
fn decide_or_refuse(stock: Stock, requests: &[Request], now: Timestamp) -> Result<(Vec<Outcome>, Changes), DbError> {
    catch_unwind(AssertUnwindSafe(|| super::decide(stock, requests, now))).map_err(|_| DbError::Undecided)
}
