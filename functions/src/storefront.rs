//! What a sandbox remembers between invocations of the events it has seen, so that a busy shop is not read anew for
//! every click (design: reads). Decisions about stock check under the lock that it is still true.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    catalogue::Catalogue,
    event::{self, Event},
    id::EventId,
    port::db::{DbError, Query},
    trace,
};

/// How long a remembered event is taken for true without asking.
const TRUSTED: Duration = Duration::from_secs(2);
/// More events than one sandbox ever serves at a time.
const EVENTS_MAX: usize = 500;
/// An event with a crowd stays crowded for this long after the last sign of it.
const CROWD_STAYS: Duration = Duration::from_millis(500);

/// Of the organiser and of the event.
type Slugs = (String, String);

/// Events and catalogues that were read a short time ago.
pub struct Storefronts {
    trusted: Duration,
    events: Mutex<HashMap<Slugs, (Instant, Arc<Event>)>>,
    catalogues: Mutex<HashMap<EventId, Arc<Catalogue>>>,
}

impl Default for Storefronts {
    fn default() -> Self {
        Self { trusted: TRUSTED, events: Mutex::default(), catalogues: Mutex::default() }
    }
}

impl Storefronts {
    /// Asks every time whether what it remembers is still true.
    pub fn distrustful() -> Self {
        Self { trusted: Duration::ZERO, ..Self::default() }
    }

    /// The event of two slugs, at most two seconds old.
    pub async fn event(&self, q: &impl Query, organizer: &str, event: &str) -> Result<Option<Arc<Event>>, DbError> {
        let slugs = (organizer.to_owned(), event.to_owned());
        if let Some((read_at, event)) = lock(&self.events).get(&slugs)
            && read_at.elapsed() < self.trusted
        {
            trace::about_event(event);
            return Ok(Some(event.clone()));
        }
        let Some(found) = event::find(q, organizer, event).await?.map(Arc::new) else { return Ok(None) };
        remember(&self.events, slugs, (Instant::now(), found.clone()));
        Ok(Some(found))
    }

    /// What the event sells, as true as `event` is.
    pub async fn catalogue(&self, q: &impl Query, event: &Event) -> Result<Arc<Catalogue>, DbError> {
        if let Some(catalogue) = lock(&self.catalogues).get(&event.id)
            && catalogue.version == event.version
        {
            return Ok(catalogue.clone());
        }
        let catalogue = Arc::new(Catalogue::load(q, event).await?);
        remember(&self.catalogues, event.id, catalogue.clone());
        Ok(catalogue)
    }
}

/// Events at which more than one buyer was seen a moment ago: there it is not worth asking whether the lock is free.
#[derive(Default)]
pub struct Crowds(Mutex<HashMap<EventId, Instant>>);

impl Crowds {
    /// Several buyers are at the event now.
    pub fn saw(&self, event: EventId) {
        remember(&self.0, event, Instant::now());
    }

    /// Whether several buyers were there a moment ago.
    pub fn is_crowded(&self, event: EventId) -> bool {
        lock(&self.0).get(&event).is_some_and(|seen| seen.elapsed() < CROWD_STAYS)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<K: Eq + std::hash::Hash, V>(memory: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut memory = lock(memory);
    if memory.len() >= EVENTS_MAX {
        memory.clear();
    }
    memory.insert(key, value);
}
