//! Group commit: many buyers, one lock, few commits (design: the box office).
//!
//! A request finds the lock free, or leaves itself with those that wait. Whoever gets the lock next serves all that
//! wait in one transaction, and each of them finds its recorded outcome. Nobody blocks in the database, so waiting pins
//! no connection, and it works behind a pooler. If a holder dies, nothing of its batch has happened: those who wait
//! find the lock free and serve themselves.

use std::time::{Duration, Instant};

use super::{
    Outcome, Request,
    batch::{self, BATCH_MAX, Served},
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
/// A holder serves others for this long after its own request, while they keep coming.
const SERVE_OTHERS: Duration = Duration::from_millis(600);
/// In a crowd, batches begin as far apart as their requests need together at this rate, up to a limit: the more
/// requests share a batch, the less each of them costs.
const SPACING_PER_REQUEST: Duration = Duration::from_micros(1500);
const SPACING_MAX: Duration = Duration::from_millis(50);
/// Shortest and longest pause before the next look.
const PAUSE_MIN: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(500);

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
    let mut counter = Counter { ctx, event, catalogue, outgoing: Outgoing::default() };
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
}

/// What became of the attempt to serve.
enum Turn {
    /// Somebody else holds the lock.
    Taken,
    /// There was a batch.
    Served {
        /// How many were served.
        count: usize,
        /// The outcome of the own request, if it was given and not put off.
        own: Option<Outcome>,
        /// When the next batch should begin.
        next: Instant,
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
        match self.wait(db, ticket, pauses(pace, now), begun).await {
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
        Pauses { first: mut pause, next, in_crowd }: Pauses,
        begun: Instant,
    ) -> Result<Option<Outcome>, DbError> {
        let mut seen_free = false;
        while begun.elapsed() < WAIT_MAX {
            tokio::time::sleep(pause).await;
            match sql::look(db, self.event.id, &ticket.key).await? {
                Found::Outcome(outcome) => return read_outcome(outcome).map(Some),
                // In a crowd, whoever serves lets go of the lock between two batches: it is free if it is free twice.
                Found::Free if in_crowd && !seen_free => seen_free = true,
                Found::Free => {
                    if let Some(outcome) = self.serve_own(db, ticket).await? {
                        return Ok(Some(outcome));
                    }
                }
                Found::Taken => seen_free = false,
            }
            pause = self.ctx.codes().jitter(next);
        }
        Ok(None)
    }

    /// Serves the own request and others, if nobody else is at it. `None` if somebody is, or the request is put off.
    async fn serve_own(&mut self, db: &mut Db, ticket: &Ticket) -> Result<Option<Outcome>, DbError> {
        let Turn::Served { count, own, next } = self.serve(db, Some(ticket)).await? else { return Ok(None) };
        if count > 1 {
            self.ctx.crowds().saw(self.event.id);
            self.serve_others(db, next).await;
        }
        Ok(own)
    }

    /// As long as others keep coming, the holder goes on: else the lock would be idle until one of them looks.
    async fn serve_others(&mut self, db: &mut Db, mut next: Instant) {
        let begun = Instant::now();
        while begun.elapsed() < SERVE_OTHERS {
            tokio::time::sleep_until(next.into()).await;
            match self.serve(db, None).await {
                Ok(Turn::Served { count: 1.., next: then, .. }) => next = then,
                Ok(Turn::Served { .. } | Turn::Taken) => break,
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
    async fn serve(&mut self, db: &mut Db, own: Option<&Ticket>) -> Result<Turn, DbError> {
        match self.serve_batch(db, own, BATCH_MAX).await {
            Err(DbError::Constraint { name, .. }) if name == "orders_code_key" => {
                // Another event of the organiser took a code between look-up and commit: the next try draws another.
                self.serve_batch(db, own, BATCH_MAX).await
            }
            Err(
                error @ (DbError::Constraint { .. } | DbError::Failed(_) | DbError::Undecided | DbError::RowCount(_)),
            ) if own.is_some() => {
                tracing::error!(event.id = self.event.id.0, %error, "a batch was refused; serving one request alone");
                self.serve_batch(db, own, 0).await
            }
            turn => turn,
        }
    }

    async fn serve_batch(&mut self, db: &mut Db, own: Option<&Ticket>, others: i64) -> Result<Turn, DbError> {
        let (begun, now, event) = (Instant::now(), self.ctx.now(), self.event.id);
        let (tx, (attempt, waiting)) = db.begin_with(async |tx| sql::attempt(tx, event, now, others).await).await?;
        let Some(lock) = EventLock::won(&tx, attempt) else {
            tx.finish(Ok::<_, DbError>(())).await?;
            return Ok(Turn::Taken);
        };
        if own.is_none() && waiting.iter().all(|waiting: &Waiting| waiting.ticket.is_none()) {
            tx.finish(Ok::<_, DbError>(())).await?;
            return Ok(Turn::Served { count: 0, own: None, next: begun });
        }
        let served = batch::serve(&lock, self.event, self.catalogue, own, &waiting, now).await;
        let Served { outcomes, outgoing } = tx.finish(served).await?;
        self.outgoing.add(outgoing);
        let count = waiting.len();
        let spacing = SPACING_MAX.min(SPACING_PER_REQUEST * u32::try_from(count).unwrap_or(u32::MAX));
        if count > 0 {
            let (took, rest) = (begun.elapsed(), spacing.saturating_sub(begun.elapsed()));
            let serving = Serving {
                count: count as i64,
                batch_ms: milliseconds(took).max(1),
                spacing_ms: milliseconds(spacing),
                next_at: Timestamp::from_micros(self.ctx.now().as_micros() + i64::from(milliseconds(rest)) * 1000),
            };
            if let Err(error) = sql::keep_pace(&*db, event, &serving).await {
                // The batch is committed: whether others hear how fast it was must not change what is said of it.
                tracing::warn!(event.id = event.0, %error, "the pace could not be kept");
            }
        }
        let count = outcomes.len();
        let outcome = own.and_then(|own| outcomes.into_iter().find(|(key, _)| *key == own.key));
        Ok(Turn::Served { count, own: outcome.map(|(_, outcome)| outcome), next: begun + spacing })
    }
}

/// When to look.
struct Pauses {
    /// Before the first look.
    first: Duration,
    /// Between later ones.
    next: Duration,
    /// Somebody has served others a moment ago.
    in_crowd: bool,
}

/// When it is worth looking. A batch has those who were there when it began. Each look costs the database something, so
/// it is not made before its time.
fn pauses(pace: Option<Pace>, now: Timestamp) -> Pauses {
    let Some(pace) = pace else { return Pauses { first: PAUSE_MIN, next: PAUSE_MIN * 2, in_crowd: false } };
    let (batch, spacing) = (i64::from(pace.batch_ms), i64::from(pace.spacing_ms));
    let mut begins = (pace.next_at.as_micros() - now.as_micros()) / 1000;
    if begins < 0 {
        // It began without this request.
        begins += spacing.max(batch);
    }
    let over = begins + batch.max(i64::from(pace.backlog_ms));
    let pause = |ms: i64, max: Duration| Duration::from_millis(ms.max(0).cast_unsigned()).clamp(PAUSE_MIN, max);
    Pauses { first: pause(over + batch / 2, PAUSE_MAX * 8), next: pause(batch / 2, PAUSE_MAX), in_crowd: true }
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
