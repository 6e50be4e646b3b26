//! One batch, served by whoever holds the lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{Changes, Outcome, Request, Stock, Ticket, decide, load, waiting, waiting::Waiting, write};
use crate::{
    catalogue::Catalogue,
    event::Event,
    outbox::Outgoing,
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// Most requests in one batch: the lock is held for as long as they take.
pub(super) const BATCH_MAX: i64 = 500;

/// What a batch has done. True once it is committed.
pub(super) struct Served {
    /// Outcomes by key, also of requests that were served before.
    pub outcomes: Vec<(String, Outcome)>,
    /// What is to be sent.
    pub outgoing: Outgoing,
}

/// The tickets that one batch serves, of those that are there in the order of their arrival: each key once, and of
/// several about the same cart, order or voucher the first. The others are for the next batch, also in this order.
pub fn choose<'a>(tickets: impl Iterator<Item = &'a Ticket>) -> Vec<&'a Ticket> {
    let (mut keys, mut subjects) = (BTreeSet::new(), BTreeSet::new());
    let is_first = |ticket: &&'a Ticket| {
        let ticket: &'a Ticket = ticket;
        let mut is_first = keys.insert(ticket.key.as_str());
        for subject in ticket.request.subjects() {
            is_first &= subjects.insert(subject);
        }
        is_first
    };
    tickets.filter(is_first).collect()
}

/// Serves the holder's own request, if it has one, and those that wait. Requests that were served before hear their
/// first outcome again.
///
/// Those that wait are claimed first. Whoever has left one may give up at any moment: from the claim on it waits for
/// this batch and hears the outcome, before it the request is not served. So nobody hears that nothing happened while
/// it does.
pub(super) async fn serve(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    own: Option<&Ticket>,
    waiting: &[Waiting],
    now: Timestamp,
) -> Result<Served, DbError> {
    let tickets = || waiting.iter().filter_map(|waiting| waiting.ticket.as_ref()).chain(own);
    // The same request may wait more than once.
    let mut rows: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (id, ticket) in waiting.iter().filter_map(|waiting| Some((waiting.id, waiting.ticket.as_ref()?))) {
        rows.entry(&ticket.key).or_default().push(id);
    }
    let mut chosen = choose(tickets());
    let rows_of = |key: &str| rows.get(key).into_iter().flatten();
    let claims = chosen.iter().flat_map(|ticket| rows_of(&ticket.key)).copied().collect();
    let all: Vec<String> = tickets().map(|ticket| ticket.key.clone()).collect();
    let (mut outcomes, claimed) = tokio::try_join!(
        biased;
        waiting::sql::known(lock, &all),
        waiting::sql::claim(lock, &claims),
    )?;
    let known: BTreeSet<&str> = outcomes.iter().map(|(key, _)| key.as_str()).collect();
    let is_here = |key: &str| own.is_some_and(|own| own.key == key) || rows_of(key).any(|row| claimed.contains(row));
    chosen.retain(|ticket| !known.contains(ticket.key.as_str()) && is_here(&ticket.key));
    let requests: Vec<Request> = chosen.iter().map(|ticket| ticket.request.clone()).collect();
    let stock = load(lock, event, catalogue, &requests, now).await?;
    let (decided, changes) = decide_or_refuse(stock, &requests, now)?;
    let record: Vec<(&str, &Outcome)> = chosen.iter().map(|ticket| ticket.key.as_str()).zip(&decided).collect();
    let (outgoing, ..) = tokio::try_join!(
        biased;
        write(lock, event, &changes, now),
        waiting::sql::record(lock, &record, now),
    )?;
    let keys: Vec<String> = chosen.iter().map(|ticket| ticket.key.clone()).collect();
    outcomes.extend(keys.into_iter().zip(decided));
    Ok(Served { outcomes, outgoing })
}

/// A bug in a rule must cost the request that meets it and nobody else: a batch that panics is refused like one that
/// the database refuses.
fn decide_or_refuse(stock: Stock, requests: &[Request], now: Timestamp) -> Result<(Vec<Outcome>, Changes), DbError> {
    catch_unwind(AssertUnwindSafe(|| decide(stock, requests, now))).map_err(|_| DbError::Undecided)
}
