//! Group commit: many buyers, one lock, few commits (design: the box office).
//!
//! A request finds the lock free, or leaves itself with those that wait. Whoever gets the lock next serves all that
//! wait in one transaction, and each of them finds its recorded outcome. Nobody blocks in the database, so waiting pins
//! no connection, and it works behind a pooler. If a holder dies, nothing of its batch has happened: those who wait
//! find the lock free and serve themselves.

use std::time::{Duration, Instant};

use super::{
    Outcome, Request,
    batch::{self, BATCH_MAX},
    waiting::{
        Found, Left, Pace, Serving, Waiting,
        sql::{self, read_outcome},
    },
};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event::Event,
    outbox::Outgoing,
    port::{
        db::{Db, DbError},
        lock::EventLock,
    },
    time::Timestamp,
};

/// A request with what makes its repetition the same request.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Drawn for the form, or named by the program that calls. It acts once.
    pub key: String,
    /// What is wanted.
    pub request: Request,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many wait, or it took too long. Nothing has happened and nothing will.
    #[error("so many buy at this moment that it would take too long")]
    TooMany,
    /// The database. It may have happened: the same ticket finds out.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How long somebody waits for the outcome.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// A holder serves others for this long, while they keep coming.
const SERVE_OTHERS: Duration = Duration::from_millis(600);
/// In a crowd, batches begin as far apart as their requests need together at this rate, up to a limit: the more
/// requests share a batch, the less each of them costs.
const SPACING_PER_REQUEST: Duration = Duration::from_micros(1500);
const SPACING_MAX: Duration = Duration::from_millis(50);
/// Shortest and longest pause before a look.
const PAUSE_MIN: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Who does not know how fast it goes looks ever more rarely, up to this pause.
const PAUSE_UNKNOWN_MAX: Duration = Duration::from_millis(256);
/// Whoever serves may be late by this much, or by the time of a batch, before somebody else takes over.
const LATE_MS: i64 = 30;

/// Serves a request, together with others that come at the same time. A repeated ticket hears the first outcome again.
///
/// Messages of what was served have been handed over when this returns, as far as this function has committed them.
pub async fn submit(
    ctx: &Ctx,
    db: &mut Db,
    event: &Event,
    catalogue: &Catalogue,
    ticket: &Ticket,
) -> Result<Outcome, SubmitError> {
    let begun = Instant::now();
    let mut counter = Counter { ctx, event, catalogue, outgoing: Outgoing::default(), last_took: None };
    let outcome = counter.be_served(db, ticket, begun).await;
    std::mem::take(&mut counter.outgoing).of(event.organizer.id).dispatch(ctx).await;
    outcome
}

/// Somebody at the counter of one event, who may have to serve others too.
struct Counter<'a> {
    ctx: &'a Ctx,
    event: &'a Event,
    catalogue: &'a Catalogue,
    outgoing: Outgoing,
    /// How long the last batch took.
    last_took: Option<Duration>,
}

/// What became of the attempt to serve.
enum Turn {
    /// Somebody else holds the lock.
    Taken,
    /// There was a batch.
    Served {
        /// The outcome of the own request, if it was given and not put off.
        own: Option<Outcome>,
        /// When to serve the next batch, if others keep coming and there is time for it.
        next: Option<Instant>,
    },
}

impl Counter<'_> {
    async fn be_served(&mut self, db: &mut Db, ticket: &Ticket, begun: Instant) -> Result<Outcome, SubmitError> {
        if !self.ctx.crowds().is_crowded(self.event.id)
            && let Some(outcome) = self.serve_own(db, ticket).await?
        {
            return Ok(outcome);
        }
        self.ctx.crowds().saw(self.event.id);
        let now = self.ctx.now();
        let deadline = now.plus_seconds(WAIT_MAX.as_secs().cast_signed());
        let (id, pace) = match sql::leave(db, self.event.id, ticket, deadline, now).await? {
            Left::Waits(id, pace) => (id, pace),
            Left::TooMany => return Err(SubmitError::TooMany),
        };
        match self.wait(db, ticket, plan(pace, now), begun).await {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => {}
            Err(error) => {
                // A request that cannot be served must not spoil the batches of others until its deadline.
                if let Err(error) = sql::withdraw(db, self.event.id, id, &ticket.key).await {
                    tracing::warn!(event.id = self.event.id.0, %error, "a request that failed still waits");
                }
                return Err(error.into());
            }
        }
        // After this nobody serves it any more; a batch that has claimed it is over.
        sql::withdraw(db, self.event.id, id, &ticket.key).await?;
        sql::outcome(db, self.event.id, &ticket.key).await?.ok_or(SubmitError::TooMany)
    }

    /// Looks now and then what has become of the request, and serves it if nobody else does. `None` if it takes too long.
    async fn wait(
        &mut self,
        db: &mut Db,
        ticket: &Ticket,
        mut planned: Option<Plan>,
        begun: Instant,
    ) -> Result<Option<Outcome>, DbError> {
        let mut unknown = PAUSE_MIN;
        while begun.elapsed() < WAIT_MAX {
            let (over, late) = planned.map_or((Duration::ZERO, unknown), |plan| (plan.over, plan.late));
            if planned.is_none() {
                unknown = (unknown * 2).min(PAUSE_UNKNOWN_MAX);
            }
            tokio::time::sleep(over + self.ctx.codes().jitter(late)).await;
            let now = self.ctx.now();
            match sql::look(db, self.event.id, &ticket.key, now).await? {
                Found::Outcome(outcome) => return read_outcome(outcome).map(Some),
                Found::Nothing { free: true, pace } if !goes_on(pace, now) => {
                    if let Some(outcome) = self.serve_own(db, ticket).await? {
                        return Ok(Some(outcome));
                    }
                }
                Found::Nothing { pace, .. } => {
                    let late = planned.filter(|plan| plan.is_late(pace));
                    planned = late.map(Plan::once_more).or_else(|| plan(pace, now));
                }
            }
        }
        Ok(None)
    }

    /// Serves the own request and others, if nobody else is at it. `None` if somebody is, or the request is put off.
    async fn serve_own(&mut self, db: &mut Db, ticket: &Ticket) -> Result<Option<Outcome>, DbError> {
        let until = Instant::now() + SERVE_OTHERS;
        let Turn::Served { own, next } = self.serve(db, Some(ticket), until).await? else { return Ok(None) };
        if let Some(next) = next {
            self.ctx.crowds().saw(self.event.id);
            self.serve_others(db, next, until).await;
        }
        Ok(own)
    }

    /// As long as others keep coming, the holder goes on: else the lock would be idle until one of them looks.
    async fn serve_others(&mut self, db: &mut Db, mut next: Instant, until: Instant) {
        loop {
            tokio::time::sleep_until(next.into()).await;
            match self.serve(db, None, until).await {
                Ok(Turn::Served { next: Some(then), .. }) => next = then,
                Ok(Turn::Served { next: None, .. } | Turn::Taken) => break,
                // Theirs, not ours: whoever has left the request that fails will hear of it.
                Err(error) => {
                    tracing::warn!(event.id = self.event.id.0, %error, "others could not be served");
                    break;
                }
            }
        }
    }

    /// Serves a batch. If it is refused as a whole, the own request alone: so a request that cannot be served fails
    /// for whoever has made it, and for nobody else.
    async fn serve(&mut self, db: &mut Db, own: Option<&Ticket>, until: Instant) -> Result<Turn, DbError> {
        let mut turn = self.serve_batch(db, own, BATCH_MAX, until).await;
        if let Err(DbError::Constraint { name, .. }) = &turn
            && name == "orders_code_key"
        {
            // Another event of the organiser took a code between look-up and commit: the next try draws another.
            turn = self.serve_batch(db, own, BATCH_MAX, until).await;
        }
        match turn {
            Err(
                error @ (DbError::Constraint { .. }
                | DbError::Failed(_)
                | DbError::Undecided
                | DbError::RowCount(_)
                | DbError::UnknownValue { .. }),
            ) if own.is_some() => {
                tracing::error!(event.id = self.event.id.0, %error, "a batch was refused; serving one request alone");
                self.serve_batch(db, own, 0, until).await
            }
            turn => turn,
        }
    }

    async fn serve_batch(
        &mut self,
        db: &mut Db,
        own: Option<&Ticket>,
        others: i64,
        until: Instant,
    ) -> Result<Turn, DbError> {
        let (begun, now, event) = (Instant::now(), self.ctx.now(), self.event.id);
        let (tx, (attempt, waiting)) = db.begin_with(async |tx| sql::attempt(tx, event, now, others).await).await?;
        let Some(lock) = EventLock::won(&tx, attempt) else {
            tx.finish(Ok::<_, DbError>(())).await?;
            return Ok(Turn::Taken);
        };
        if own.is_none() && waiting.iter().all(|waiting: &Waiting| waiting.ticket.is_none()) {
            tx.finish(Ok::<_, DbError>(())).await?;
            return Ok(Turn::Served { own: None, next: None });
        }
        let mut next = None;
        let served = async {
            let decided = batch::decide(&lock, self.event, self.catalogue, own, &waiting, now).await?;
            let serving = (!waiting.is_empty()).then(|| self.serving(waiting.len(), begun, until));
            next = serving.as_ref().and_then(|serving| serving.next_at.map(|_| begun + spacing(waiting.len())));
            let outgoing = batch::write(&lock, self.event, &decided, serving.as_ref(), now).await?;
            Ok::<_, DbError>((decided, outgoing))
        };
        let served = served.await;
        let (decided, outgoing) = tx.finish(served).await?;
        self.outgoing.add(outgoing);
        self.last_took = Some(begun.elapsed());
        let own = own.and_then(|own| decided.outcomes().find(|(key, _)| *key == own.key));
        Ok(Turn::Served { own: own.map(|(_, outcome)| outcome), next })
    }

    /// What those who come hear of a batch with so many others that has begun then and is about to be written.
    fn serving(&self, others: usize, begun: Instant, until: Instant) -> Serving {
        let served_at = self.ctx.now();
        // How long all of it takes is known of the one before.
        let took = self.last_took.unwrap_or_else(|| begun.elapsed() * 2);
        let next = Some(begun + spacing(others).max(took)).filter(|next| *next < until);
        let from_now = |moment: Instant| microseconds(moment.saturating_duration_since(Instant::now()));
        Serving {
            count: others as i64,
            batch_ms: milliseconds(took).max(1),
            spacing_ms: milliseconds(spacing(others)),
            next_at: next.map(|next| served_at.plus_micros(from_now(next))),
            served_at,
        }
    }
}

/// How far apart two batches begin, the first of which has so many others.
fn spacing(others: usize) -> Duration {
    SPACING_MAX.min(SPACING_PER_REQUEST * u32::try_from(others).unwrap_or(u32::MAX))
}

/// In how many milliseconds the next batch begins, if whoever has served the last one goes on: below zero it is late, or
/// has begun. Clocks differ: what is further away than a batch can be is nothing to go by.
fn begins_in(pace: Pace, now: Timestamp) -> Option<i64> {
    let begins = pace.next_at?.milliseconds_since(now);
    (begins <= i64::from(pace.spacing_ms.max(pace.batch_ms))).then_some(begins)
}

/// Whether whoever has served the last batch is about to serve the next: between two batches the lock is free.
fn goes_on(pace: Option<Pace>, now: Timestamp) -> bool {
    let begins = pace.and_then(|pace| Some((begins_in(pace, now)?, pace.batch_ms)));
    begins.is_some_and(|(begins, batch_ms)| begins > -LATE_MS.max(i64::from(batch_ms)))
}

/// When to look what has become of a request.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// How long it takes until the batch is over that has the request.
    over: Duration,
    /// How long it may be late.
    late: Duration,
    /// When that batch begins.
    begins: Timestamp,
    /// How far apart batches are.
    apart: Duration,
}

impl Plan {
    /// Whether the batch that was to have the request is still at it: nobody has told yet when the one after it begins.
    fn is_late(self, pace: Option<Pace>) -> bool {
        let next = pace.and_then(|pace| pace.next_at);
        next.is_some_and(|next| next < self.begins.plus_micros(microseconds(self.apart / 2)))
    }

    /// The next look at a batch that is late, ever more rarely.
    fn once_more(self) -> Self {
        Self { over: self.late, late: (self.late * 2).min(PAUSE_UNKNOWN_MAX), ..self }
    }
}

/// When to look, if it is known how fast the event is served. Each look costs the database something, so none is made
/// before its time.
fn plan(pace: Option<Pace>, now: Timestamp) -> Option<Plan> {
    let pace = pace?;
    let mut begins = begins_in(pace, now)?;
    let batch = i64::from(pace.batch_ms);
    let apart = batch.max(i64::from(pace.spacing_ms));
    if begins < 0 {
        // It began without this request.
        begins = (begins + apart).max(0);
    }
    let over = Duration::from_millis((begins + batch.max(i64::from(pace.backlog_ms))).cast_unsigned());
    let late = Duration::from_millis(batch.cast_unsigned() / 4).clamp(PAUSE_MIN, PAUSE_MAX);
    let (begins, apart) = (now.plus_micros(begins * 1000), Duration::from_millis(apart.cast_unsigned()));
    Some(Plan { over: over.min(PAUSE_MAX), late, begins, apart })
}

fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(next_at: Timestamp) -> Option<Pace> {
        Some(Pace { batch_ms: 40, spacing_ms: 50, backlog_ms: 0, next_at: Some(next_at) })
    }

    #[test]
    fn a_batch_that_takes_longer_is_looked_at_again_before_the_next_one_is_over() {
        let now = Timestamp::from_micros(1_000_000_000);
        let begins = now.plus_micros(20_000);
        let first = plan(pace(begins), now).unwrap();
        assert_eq!(first.over, Duration::from_millis(60), "it begins, and takes as long as the one before");
        assert!(first.is_late(pace(begins)), "nobody has told of another one yet");
        let (again, then) = (first.once_more(), first.once_more().once_more());
        assert_eq!([again.over, then.over].map(|over| over.as_millis()), [10, 20], "ever more rarely");
        assert!(!first.is_late(pace(begins.plus_micros(50_000))), "it is over, and did not have the request");
        assert!(!first.is_late(None), "whoever served has gone");
    }

    #[test]
    fn who_comes_while_a_batch_is_served_waits_for_the_one_after_it() {
        let now = Timestamp::from_micros(1_000_000_000);
        let begun = now.plus_micros(-10_000);
        let next = plan(pace(begun), now).unwrap();
        assert_eq!(next.over, Duration::from_millis(40 + 40), "in 40 ms it begins");
        assert!(
            next.is_late(pace(begun.plus_micros(52_000))),
            "it began a little later than foreseen, and is not over"
        );
        assert!(!next.is_late(pace(begun.plus_micros(105_000))));
    }
}
