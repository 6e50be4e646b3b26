//! Many buyers at one event, each with a connection of its own, who buy until they are told to stop, whatever breaks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use shop::{
    boxoffice::{
        CartId, CartOutcome, Draft, Line, Outcome, Product, Request, SubmitError, Ticket, submit, waiting::sql::outcome,
    },
    cart::Session,
    catalogue::Catalogue,
    ctx::Ctx,
    event::{self, Event},
    id::OrderId,
    money::Money,
    payment::Provider,
    port::{
        codes::Codes,
        db::{Db, DbError},
    },
};

use super::books;

/// An event and what it sells.
pub struct Gig {
    /// The event.
    pub event: Event,
    /// What it sells.
    pub catalogue: Catalogue,
}

impl Gig {
    /// The event `org/gig`.
    pub async fn find(db: &Db) -> Self {
        Self::named(db, "gig").await
    }

    /// An event of `org`.
    pub async fn named(db: &Db, slug: &str) -> Self {
        let event = event::find(db, "org", slug).await.unwrap().unwrap();
        let catalogue = Catalogue::load(db, &event).await.unwrap();
        Self { event, catalogue }
    }

    /// Puts so many of the first product into a cart.
    pub fn add(&self, cart: &str, count: i64) -> Ticket {
        self.add_nth(0, cart, count)
    }

    /// Puts so many of a product into a cart.
    pub fn add_nth(&self, nth: usize, cart: &str, count: i64) -> Ticket {
        let product = Product::undated(self.catalogue.items[nth].id, None);
        let lines = vec![Line { product, count, chosen_price: None, voucher: None }];
        let request = Request::AddToCart { cart: CartId(cart.to_owned()), lines };
        Ticket { key: format!("add {cart}"), request }
    }

    /// Orders a cart that costs nothing.
    pub fn place(&self, cart: &str) -> Ticket {
        let draft = Draft {
            told: Session { email: Some("ada@example.org".to_owned()), phone: None, payment: Some(Provider::Free) },
            locale: "en".to_owned(),
            seed: Codes::random().seed(),
        };
        let agreed_total = Money::new(0, self.event.currency);
        let request = Request::PlaceOrder { cart: CartId(cart.to_owned()), agreed_total, draft };
        Ticket { key: format!("place {cart}"), request }
    }

    /// Brings a request to the box office.
    pub async fn submit(&self, ctx: &Ctx, ticket: &Ticket) -> Result<Outcome, SubmitError> {
        let mut db = ctx.db().await?;
        submit(ctx, &mut db, &self.event, &self.catalogue, ticket).await
    }
}

/// So many were added, and nothing else is to be said.
pub fn added(count: i64) -> Outcome {
    Outcome::Cart(CartOutcome { added: count, ..CartOutcome::default() })
}

/// Buyers of free seats and what they have heard.
pub struct Crowd {
    gig: Gig,
    journal: Mutex<BTreeMap<String, Asked>>,
    orders_heard: AtomicUsize,
    over: AtomicBool,
}

/// A request that was sent, perhaps more than once, and what was heard of it.
#[derive(Clone)]
struct Asked {
    since: Instant,
    heard: Option<(Outcome, Duration)>,
}

/// What a crowd has to tell.
#[derive(Debug)]
pub struct Told {
    /// Orders that buyers have heard of.
    pub heard: usize,
    /// Orders that were recorded and of which nobody has heard.
    pub found: usize,
    /// The longest time from the first try of a request to its outcome.
    pub longest: Duration,
}

/// Before the same request comes again.
const PAUSE: Duration = Duration::from_millis(50);

impl Crowd {
    /// Nobody is here yet.
    pub fn at(gig: Gig) -> Self {
        Self { gig, journal: Mutex::default(), orders_heard: AtomicUsize::default(), over: AtomicBool::default() }
    }

    /// Nobody begins anything new.
    pub fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Orders that buyers have heard of so far.
    pub fn orders_heard(&self) -> usize {
        self.orders_heard.load(Ordering::Relaxed)
    }

    /// Buys one seat after the other until it is over or everything is sold, beginning with the purchase number `first`.
    /// `hear` gets the key of each request before it is sent, and with the outcome when it is heard.
    pub async fn buy(&self, ctx: &Ctx, name: &str, first: usize, mut hear: impl FnMut(&str, Option<&Outcome>)) {
        for number in first.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let cart = format!("{name}-{number}");
            if self.until_heard(ctx, &self.gig.add(&cart, 1), &mut hear).await == Some(added(1)) {
                self.until_heard(ctx, &self.gig.place(&cart), &mut hear).await;
            } else {
                return;
            }
        }
    }

    /// Sends a request again until there is an outcome, or it is over and the last try has failed too.
    async fn until_heard(
        &self,
        ctx: &Ctx,
        ticket: &Ticket,
        hear: &mut impl FnMut(&str, Option<&Outcome>),
    ) -> Option<Outcome> {
        self.note(&ticket.key, None);
        hear(&ticket.key, None);
        loop {
            let last = self.over.load(Ordering::Relaxed);
            match self.gig.submit(ctx, ticket).await {
                Ok(outcome) => {
                    self.note(&ticket.key, Some(outcome.clone()));
                    hear(&ticket.key, Some(&outcome));
                    return Some(outcome);
                }
                Err(SubmitError::TooMany | SubmitError::Db(DbError::Busy(_))) if last => return None,
                Err(SubmitError::TooMany | SubmitError::Db(DbError::Busy(_))) => tokio::time::sleep(PAUSE).await,
                Err(SubmitError::Db(error)) => panic!("{} meets a bug: {error:?}", ticket.key),
            }
        }
    }

    /// Somebody, perhaps elsewhere, has sent a request or heard its outcome.
    pub fn note(&self, key: &str, heard: Option<Outcome>) {
        let mut journal = lock(&self.journal);
        let asked = journal.entry(key.to_owned()).or_insert_with(|| Asked { since: Instant::now(), heard: None });
        let Some(heard) = heard else { return };
        match &asked.heard {
            Some((first, _)) => assert_eq!(*first, heard, "{key} hears something else than the first time"),
            None => {
                let is_order = matches!(heard, Outcome::Placed { .. });
                self.orders_heard.fetch_add(usize::from(is_order), Ordering::Relaxed);
                asked.heard = Some((heard, asked.since.elapsed()));
            }
        }
    }

    /// When all is quiet: what was heard is there, what is there was heard or can be heard, and the books agree.
    pub async fn tell(&self, db: &Db) -> Told {
        let event = self.gig.event.id;
        books::check(db, event).await;
        let orders = books::orders(db, event).await;
        let mut told = Told { heard: 0, found: 0, longest: Duration::ZERO };
        let mut expected: BTreeSet<(OrderId, String)> = BTreeSet::new();
        let journal = lock(&self.journal).clone();
        for (key, Asked { heard, .. }) in journal {
            told.longest = heard.as_ref().map_or(told.longest, |(_, waited)| told.longest.max(*waited));
            let heard = heard.map(|(outcome, _)| outcome);
            let recorded = outcome(db, event, &key).await.unwrap();
            assert!(heard.is_none() || heard == recorded, "{key}: heard {heard:?}, recorded {recorded:?}");
            if let Some(Outcome::Placed { order, code, .. }) = recorded {
                assert!(expected.insert((order, code)), "{key} has the order of another request");
                *(if heard.is_some() { &mut told.heard } else { &mut told.found }) += 1;
            }
        }
        assert_eq!(expected.len(), orders.len(), "orders that were heard of or can be, and orders that there are");
        assert_eq!(expected, orders);
        told
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}
