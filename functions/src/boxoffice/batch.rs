//! One batch, served by whoever holds the lock.

use std::{
    collections::BTreeSet,
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

/// Serves the holder's own request, if it has one, and those that wait. Requests that were served before hear their
/// first outcome again; of several about the same cart or order the first is served now and the others by the next batch.
pub(super) async fn serve(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    own: Option<&Ticket>,
    waiting: &[Waiting],
    now: Timestamp,
) -> Result<Served, DbError> {
    let tickets = waiting.iter().filter_map(|waiting| waiting.ticket.as_ref());
    let all: Vec<String> = tickets.chain(own).map(|ticket| ticket.key.clone()).collect();
    let mut outcomes = waiting::sql::known(lock, &all).await?;
    let known: BTreeSet<&str> = outcomes.iter().map(|(key, _)| key.as_str()).collect();
    let mut done = Vec::new();
    let (mut keys, mut requests, mut subjects) = (Vec::new(), Vec::<Request>::new(), BTreeSet::new());
    let left = waiting.iter().filter_map(|waiting| Some((Some(waiting.id), waiting.ticket.as_ref()?)));
    for (id, ticket) in left.chain(own.map(|ticket| (None, ticket))) {
        if known.contains(ticket.key.as_str()) || keys.contains(&ticket.key.as_str()) {
            done.extend(id);
        } else if subjects.insert(ticket.request.subject()) {
            done.extend(id);
            keys.push(&ticket.key);
            requests.push(ticket.request.clone());
        }
    }
    let stock = load(lock, event, catalogue, &requests, now).await?;
    let (decided, changes) = decide_or_refuse(stock, &requests, now)?;
    let record: Vec<(&str, &Outcome)> = keys.iter().copied().zip(&decided).collect();
    let (outgoing, ..) = tokio::try_join!(
        biased;
        write(lock, event, &changes, now),
        waiting::sql::record(lock, &record, now),
        waiting::sql::done(lock, &done, now),
    )?;
    outcomes.extend(keys.into_iter().map(str::to_owned).zip(decided));
    Ok(Served { outcomes, outgoing })
}

/// A bug in a rule must cost the request that meets it and nobody else: a batch that panics is refused like one that
/// the database refuses.
fn decide_or_refuse(stock: Stock, requests: &[Request], now: Timestamp) -> Result<(Vec<Outcome>, Changes), DbError> {
    catch_unwind(AssertUnwindSafe(|| decide(stock, requests, now))).map_err(|_| DbError::Undecided)
}
