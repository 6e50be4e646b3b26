//! The box office under fire: the same kind of days as in memory, but through [`submit`] on a real database, by several
//! sandboxes at once, with wires that break, connections that are terminated and clocks that jump. Afterwards, and in
//! between, what the database says must be what the buyers have heard.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use shop::{
    boxoffice::{CartId, Draft, Line, Outcome, Product, Request, SubmitError, Ticket, submit, waiting},
    cart::Session,
    catalogue::Catalogue,
    ctx::Ctx,
    event::{self, Event},
    id::{CartPositionId, OrderId},
    money::Money,
    payment::Provider,
    port::{
        clock::Clock,
        codes::Codes,
        db::{Db, DbError, Query as _, p},
    },
};

use super::books;
use crate::{
    proxy::{Commit, Wire, address_of},
    shop::{TestShop, document},
};

/// Sandboxes that work at the same time.
const SANDBOXES: usize = 8;
/// Requests of each, without repetitions.
const REQUESTS: usize = 20;
/// Carts that they share.
const CARTS: usize = 10;
/// More tries than a calm database ever needs.
const TRIES: usize = 40;

/// What happened in one or more days.
#[derive(Debug, Clone, Copy, Default)]
pub struct Damage {
    /// Requests of buyers.
    pub requests: u64,
    /// Orders that were placed.
    pub orders: u64,
    /// Faults that were made.
    pub faults: u64,
    /// Answers that buyers did not get.
    pub errors: u64,
    /// Outcomes that were recorded although the buyer heard an error.
    pub found: u64,
    /// Buyers who were told that nothing has happened.
    pub refused: u64,
}

impl Damage {
    /// Adds another day.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.orders += other.orders;
        self.faults += other.faults;
        self.errors += other.errors;
        self.found += other.found;
        self.refused += other.refused;
    }
}

/// What a buyer knows of a request.
#[derive(Debug, Clone, PartialEq)]
enum Known {
    /// Sent, or the answer was lost: it may have happened.
    Maybe,
    /// Told that nothing has happened and nothing will.
    Refused,
    /// The outcome.
    Heard(Outcome),
}

/// One event under fire.
struct Day<'a> {
    shop: &'a TestShop,
    event: Event,
    catalogue: Catalogue,
    products: Vec<Product>,
    sandboxes: Vec<Sandbox>,
    journal: Mutex<BTreeMap<String, (Ticket, Known)>>,
    faults: AtomicU64,
    errors: AtomicU64,
    over: AtomicBool,
}

struct Sandbox {
    ctx: Ctx,
    wire: Wire,
    clock: &'static Clock,
}

/// One day with a random catalogue at a shop. Panics when a rule is broken.
pub async fn day(shop: &TestShop, seed: u64) -> Damage {
    let mut random = StdRng::seed_from_u64(seed);
    let day = Day::open(shop, seed, &mut random).await;
    let mut chaos = StdRng::seed_from_u64(random.next_u64());
    let buyers = async {
        join_all((0..SANDBOXES).map(|number| day.buy(number, StdRng::seed_from_u64(random.next_u64())))).await;
        day.over.store(true, Ordering::Relaxed);
    };
    tokio::join!(buyers, day.break_things(&mut chaos));
    day.settle_accounts().await
}

/// Runs futures at the same time in this task.
async fn join_all(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// Two quotas and more that share products with each other, one product with variations, few places.
fn catalogue(seed: u64, random: &mut StdRng) -> Value {
    let mut event = document(5);
    event["event"]["slug"] = json!(slug(seed));
    event["items"] = json!([
        {"id": 1, "name": "Seat", "default_price": "0.00"},
        {"id": 2, "name": "Ticket", "default_price": "23.00", "tax_rule": 1},
        {"id": 3, "name": "Pass", "default_price": "50.00", "max_per_order": 4},
        {"id": 4, "name": "Shirt", "default_price": "20.00", "variations": [{"id": 41, "value": "S"}, {"id": 42, "value": "L"}]},
    ]);
    let quotas = (1..=random.random_range(2..=5)).map(|id| {
        let items: Vec<i64> = (1..=4).filter(|_| random.random_ratio(1, 2)).collect();
        let variations: Vec<i64> =
            [41, 42].into_iter().filter(|_| items.contains(&4) && random.random_ratio(2, 3)).collect();
        let items: Vec<i64> = items.into_iter().filter(|item| *item != 4 || !variations.is_empty()).collect();
        let size = random.random_ratio(9, 10).then(|| random.random_range(1..=25));
        json!({"id": id, "name": format!("q{id}"), "size": size, "items": items, "variations": variations})
    });
    event["quotas"] = quotas.collect();
    event
}

fn slug(seed: u64) -> String {
    format!("gig-{seed}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}

impl<'a> Day<'a> {
    async fn open(shop: &'a TestShop, seed: u64, random: &mut StdRng) -> Self {
        shop.import(&catalogue(seed, random)).await;
        let db = shop.ctx.db().await.unwrap();
        let event = event::find(&*db, "org", &slug(seed)).await.unwrap().unwrap();
        let catalogue = Catalogue::load(&*db, &event).await.unwrap();
        let mut sandboxes = Vec::new();
        for _ in 0..SANDBOXES {
            let wire = Wire::to(address_of(shop.database_url())).await.unwrap();
            let clock: &'static Clock = Box::leak(Box::default());
            clock.advance_seconds(random.random_range(0..=3));
            sandboxes.push(Sandbox { ctx: shop.sandbox_at(&wire.url(shop.database_url()), clock), wire, clock });
        }
        let products = catalogue.items.iter().flat_map(|item| match item.variations.as_slice() {
            [] => vec![Product::undated(item.id, None)],
            variations => variations.iter().map(|it| Product::undated(item.id, Some(it.id))).collect(),
        });
        let products = products.collect();
        Self {
            shop,
            event,
            catalogue,
            products,
            sandboxes,
            journal: Mutex::default(),
            faults: AtomicU64::default(),
            errors: AtomicU64::default(),
            over: AtomicBool::default(),
        }
    }

    /// The buyers of one sandbox, one after the other.
    async fn buy(&self, number: usize, mut random: StdRng) {
        for count in 0..REQUESTS {
            let Ok(request) = self.wish(number, &mut random).await else { continue };
            let ticket = Ticket { key: format!("{}-{number}-{count}", self.event.slug), request };
            lock(&self.journal).insert(ticket.key.clone(), (ticket.clone(), Known::Maybe));
            let patience = if random.random_ratio(1, 3) { 1 } else { TRIES };
            if random.random_ratio(1, 5) {
                // A double click: the other one arrives at another sandbox.
                let other = random.random_range(0..SANDBOXES);
                tokio::join!(self.send(number, &ticket, patience), self.send(other, &ticket, 1));
            } else {
                self.send(number, &ticket, patience).await;
            }
            if random.random_ratio(1, 4) {
                let earlier: Vec<Ticket> = lock(&self.journal).values().map(|(ticket, _)| ticket.clone()).collect();
                self.send(number, earlier.choose(&mut random).unwrap(), patience).await;
            }
        }
    }

    async fn submit(&self, number: usize, ticket: &Ticket) -> Result<Outcome, SubmitError> {
        let ctx = &self.sandboxes[number].ctx;
        let mut db = ctx.db().await?;
        submit(ctx, &mut db, &self.event, &self.catalogue, ticket).await
    }

    /// Sends a ticket until there is an outcome, so many times at most.
    async fn send(&self, number: usize, ticket: &Ticket, tries: usize) {
        for _ in 0..tries {
            match self.submit(number, ticket).await {
                Ok(outcome) => return self.hear(&ticket.key, outcome),
                Err(SubmitError::TooMany) => {
                    let mut journal = lock(&self.journal);
                    let known = &mut journal.get_mut(&ticket.key).unwrap().1;
                    if *known == Known::Maybe {
                        *known = Known::Refused;
                    }
                }
                Err(SubmitError::Db(DbError::Busy(_))) => {
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    let mut journal = lock(&self.journal);
                    let known = &mut journal.get_mut(&ticket.key).unwrap().1;
                    if *known == Known::Refused {
                        *known = Known::Maybe;
                    }
                }
                Err(SubmitError::Db(error)) => panic!("{} meets a bug: {error:?}", ticket.key),
            }
        }
    }

    /// Whatever was heard of a key before must be heard again.
    fn hear(&self, key: &str, outcome: Outcome) {
        let mut journal = lock(&self.journal);
        let known = &mut journal.get_mut(key).unwrap().1;
        if let Known::Heard(first) = known {
            assert_eq!(*first, outcome, "{key} hears something else than the first time");
        }
        *known = Known::Heard(outcome);
    }

    /// What somebody wants next, from what is in the database now.
    async fn wish(&self, number: usize, random: &mut StdRng) -> Result<Request, DbError> {
        let db = self.sandboxes[number].ctx.db().await?;
        if random.random_ratio(1, 5) {
            let orders = db.query("select id from orders where event_id = $1", &[p(&self.event.id)]).await?;
            let orders: Vec<OrderId> = orders.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
            if let Some(&order) = orders.choose(random) {
                return Ok(match random.random_range(0..3) {
                    0 => Request::ExpireOrder { order },
                    late => Request::PayOrder { order, accept_late: late == 1, by_staff: false },
                });
            }
        }
        let cart = CartId(format!("{}-cart{}", self.event.slug, random.random_range(0..CARTS)));
        let find = "select id, price from cart_position where event_id = $1 and cart_id = $2";
        let rows = db.query(find, &[p(&self.event.id), p(&cart.0)]).await?;
        let positions: Vec<CartPositionId> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
        let total: i64 = rows.iter().map(|row| row.get::<i64>("price")).sum::<Result<_, _>>()?;
        Ok(match random.random_range(0..10) {
            0..5 => {
                let wanted = self.products.iter().filter(|_| random.random_ratio(1, 3)).collect::<Vec<_>>();
                let line =
                    |product: &&Product| Line { product: **product, count: 2, chosen_price: None, voucher: None };
                Request::AddToCart { cart, lines: wanted.iter().map(line).collect() }
            }
            5 => match positions.choose(random) {
                Some(&position) => Request::RemoveFromCart { cart, position },
                None => Request::ClearCart { cart },
            },
            6 => Request::ClearCart { cart },
            _ => Request::PlaceOrder {
                cart,
                agreed_total: Money::new(total, self.event.currency),
                draft: Draft {
                    told: Session {
                        email: Some("ada@example.org".to_owned()),
                        phone: None,
                        payment: Some(if total == 0 { Provider::Free } else { Provider::Manual }),
                    },
                    locale: "en".to_owned(),
                    seed: Codes::random().seed(),
                },
            },
        })
    }

    /// Until the buyers are done: breaks wires at commits and anywhere, terminates connections, moves clocks, and looks
    /// whether the books still agree.
    async fn break_things(&self, random: &mut StdRng) {
        let db = Db::connect(self.shop.database_url(), None).await.unwrap();
        while !self.over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(random.random_range(2..15))).await;
            let victim = self.sandboxes.choose(random).unwrap();
            self.faults.fetch_add(1, Ordering::Relaxed);
            match random.random_range(0..20) {
                0..7 => victim.wire.next_commit(Commit::AnswerLost),
                7..10 => victim.wire.next_commit(Commit::NeverSent),
                10..13 => victim.wire.cut(),
                13..15 => {
                    let terminate = "select count(pg_terminate_backend(pid)) from (
                        select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
                           and state = 'active' order by random() limit 1) as victim";
                    db.query(terminate, &[]).await.unwrap();
                }
                15..17 => victim.clock.advance_seconds(random.random_range(1..8)),
                17 => self.sandboxes.iter().for_each(|sandbox| sandbox.clock.advance_seconds(31 * 60)),
                _ => {
                    self.faults.fetch_sub(1, Ordering::Relaxed);
                    books::check(&db, self.event.id).await;
                }
            }
        }
    }

    /// The fire is out: every request is asked for once more, and the database must hold what was said, nothing else.
    async fn settle_accounts(&self) -> Damage {
        for sandbox in &self.sandboxes {
            sandbox.wire.next_commit(Commit::Passes);
        }
        let db = Db::connect(self.shop.database_url(), None).await.unwrap();
        books::check(&db, self.event.id).await;
        let mut damage = Damage {
            faults: self.faults.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            ..Damage::default()
        };
        let journal: Vec<(Ticket, Known)> = lock(&self.journal).values().cloned().collect();
        for (ticket, known) in journal {
            damage.requests += 1;
            let recorded = waiting::sql::outcome(&db, self.event.id, &ticket.key).await.unwrap();
            match known {
                Known::Refused => {
                    assert_eq!(recorded, None, "{} was told that nothing has happened", ticket.key);
                    damage.refused += 1;
                    continue;
                }
                Known::Heard(heard) => assert_eq!(recorded, Some(heard), "{} is lost", ticket.key),
                Known::Maybe => damage.found += u64::from(recorded.is_some()),
            }
            if let Some(recorded) = recorded {
                self.hear(&ticket.key, recorded);
            }
            // A wire that was cut while it was idle is only found broken now.
            self.send(0, &ticket, 5).await;
            assert!(matches!(lock(&self.journal)[&ticket.key].1, Known::Heard(_)), "{} has no end", ticket.key);
        }
        books::check(&db, self.event.id).await;
        damage.orders = self.check_orders(&db).await;
        damage
    }

    /// The orders are those that somebody has heard of, each with its positions and one payment.
    async fn check_orders(&self, db: &Db) -> u64 {
        let placed: Vec<(OrderId, String)> = lock(&self.journal)
            .values()
            .filter_map(|(_, known)| match known {
                Known::Heard(Outcome::Placed { order, code, .. }) => Some((*order, code.clone())),
                _ => None,
            })
            .collect();
        let found = books::orders(db, self.event.id).await;
        assert_eq!(placed.len(), found.len(), "orders that were heard of, and orders that there are");
        assert_eq!(placed.into_iter().collect::<BTreeSet<_>>(), found);
        found.len() as u64
    }
}
