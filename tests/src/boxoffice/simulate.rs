//! Long random histories of one event: buyers leave requests, repeat them and give up, holders serve them in batches of
//! any size and die at any step, time jumps. [`World`] checks after each batch that no place was lost or sold twice;
//! here it is checked that each request acts once, whatever happens around it.
//!
//! A history is a seed and the numbers of its steps. Each step draws from a generator of its own, so that leaving some
//! out leaves the others as they are: that is how a failing history is made short.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use shop::{
    boxoffice::{Outcome, Request, Ticket, choose},
    id::OrderId,
};

use super::{
    random::{anything, opening, organise},
    world::{RESERVATION, World},
};

/// Steps of a history, unless somebody wants another number.
pub const STEPS: u64 = 1_000;
/// Repetitions come at most so many requests late.
const REPEATS_WITHIN: usize = 40;

/// A seed and the numbers of the steps that are taken.
#[derive(Debug, Clone)]
pub struct History {
    /// Where all chance comes from.
    pub seed: u64,
    /// The steps.
    pub steps: Vec<u64>,
}

/// What has happened in a history. It is worth something only if much of what is wanted also happens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Steps taken.
    pub steps: u64,
    /// Requests that were decided.
    pub served: u64,
    /// Orders that were placed.
    pub orders: u64,
    /// Requests that heard their first outcome again.
    pub repeated: u64,
    /// Batches that were decided and lost.
    pub lost: u64,
}

impl Tally {
    /// Adds what happened in another history.
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.served += other.served;
        self.orders += other.orders;
        self.repeated += other.repeated;
        self.lost += other.lost;
    }
}

/// A rule that was broken.
#[derive(Debug)]
pub struct Broken {
    /// Which one.
    pub rule: String,
    /// What was done, step by step.
    pub story: Vec<String>,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of histories are kept for whoever runs the history instead of being printed.
pub fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|panic| LAST_PANIC.set(Some(panic.to_string()))));
}

impl History {
    /// The first `steps` steps of a seed.
    pub fn new(seed: u64, steps: u64) -> Self {
        Self { seed, steps: (0..steps).collect() }
    }

    /// Goes through the history.
    pub fn run(&self) -> Result<Tally, Broken> {
        let mut counter = Counter::new(&mut self.random(u64::MAX));
        let all = catch_unwind(AssertUnwindSafe(|| {
            for step in &self.steps {
                counter.step(&mut self.random(*step));
            }
        }));
        match all {
            Ok(()) => Ok(counter.tally),
            Err(reason) => {
                let words = || reason.downcast_ref::<String>().cloned();
                let rule = LAST_PANIC.take().or_else(words).unwrap_or_else(|| "a panic without words".to_owned());
                Err(Broken { rule, story: counter.story })
            }
        }
    }

    fn random(&self, step: u64) -> StdRng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&step.to_le_bytes());
        StdRng::from_seed(seed)
    }

    /// A shorter history that breaks a rule too: steps are left out, many at first, then one by one, as long as it fails.
    pub fn shrink(&self) -> Self {
        let mut shortest = self.clone();
        let mut chunk = shortest.steps.len().div_ceil(2);
        loop {
            let before = shortest.steps.len();
            let mut from = 0;
            while from < shortest.steps.len() {
                let mut shorter = shortest.clone();
                shorter.steps.drain(from..(from + chunk).min(shorter.steps.len()));
                if shorter.run().is_err() { shortest = shorter } else { from += chunk }
            }
            if chunk == 1 && shortest.steps.len() == before {
                return shortest;
            }
            chunk = (chunk / 2).max(1);
        }
    }
}

/// The event, those who wait and what was recorded.
struct Counter {
    world: World,
    /// The requests that wait, in the order of their arrival.
    waiting: Vec<Ticket>,
    /// All that were ever sent: any of them may come again.
    sent: Vec<Ticket>,
    /// The recorded outcome of each key.
    outcomes: BTreeMap<String, Outcome>,
    /// What the buyers have heard.
    heard: BTreeMap<String, Outcome>,
    tally: Tally,
    story: Vec<String>,
}

/// What happens to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is committed, and all hear of it.
    Committed,
    /// Its holder dies before the commit.
    Lost,
    /// It is committed, but nobody hears of it.
    AnswerLost,
}

impl Counter {
    fn new(random: &mut StdRng) -> Self {
        Self {
            world: opening(random),
            waiting: Vec::new(),
            sent: Vec::new(),
            outcomes: BTreeMap::new(),
            heard: BTreeMap::new(),
            tally: Tally::default(),
            story: Vec::new(),
        }
    }

    fn step(&mut self, random: &mut StdRng) {
        self.tally.steps += 1;
        match random.random_range(0..100) {
            0..45 => {
                let ticket = self.new_ticket(random);
                self.leave(ticket);
            }
            45..52 => self.repeat(random),
            52..55 => self.give_up(random),
            55..57 => {
                // Nothing of a table that is not logged survives a crash.
                self.tell("the database crashes: nobody waits any more".to_owned());
                self.waiting.clear();
            }
            57..60 => {
                organise(&mut self.world, random);
                self.tell("the organiser changes something".to_owned());
            }
            60..68 => {
                let seconds = *[1, 60, RESERVATION / 2, RESERVATION, 5 * RESERVATION].choose(random).unwrap();
                self.world.pass(seconds);
                self.tell(format!("{seconds} seconds pass"));
            }
            _ => self.serve(random),
        }
    }

    fn tell(&mut self, what: String) {
        self.story.push(what);
    }

    fn new_ticket(&mut self, random: &mut StdRng) -> Ticket {
        let ticket = Ticket { key: format!("k{}", self.sent.len()), request: anything(&self.world, random) };
        self.sent.push(ticket.clone());
        ticket
    }

    /// A request with a key that waits already is the same request.
    fn leave(&mut self, ticket: Ticket) {
        self.tell(format!("{} is left: {}", ticket.key, in_short(&ticket.request)));
        if self.waiting.iter().all(|waiting| waiting.key != ticket.key) {
            self.waiting.push(ticket);
        }
    }

    fn repeat(&mut self, random: &mut StdRng) {
        let from = self.sent.len().saturating_sub(REPEATS_WITHIN);
        if let Some(ticket) = self.sent[from..].choose(random).cloned() {
            self.leave(ticket);
        }
    }

    fn give_up(&mut self, random: &mut StdRng) {
        if !self.waiting.is_empty() {
            let ticket = self.waiting.remove(random.random_range(0..self.waiting.len()));
            self.tell(format!("{} gives up", ticket.key));
        }
    }

    /// Somebody takes the lock, with a request of its own or as the holder who goes on, and serves some of those who wait.
    fn serve(&mut self, random: &mut StdRng) {
        let own = match random.random_range(0..4) {
            0 => Some(self.new_ticket(random)),
            // The lock was free when it looked again.
            1 => self.waiting.choose(random).cloned(),
            2 => None,
            _ => self.sent.last().cloned(),
        };
        let fate =
            *[Fate::Committed, Fate::Committed, Fate::Committed, Fate::Lost, Fate::AnswerLost].choose(random).unwrap();
        let most = random.random_range(0..=6);
        let there: Vec<Ticket> = self.waiting.iter().take(most).chain(&own).cloned().collect();
        let chosen: Vec<Ticket> = choose(there.iter()).into_iter().cloned().collect();
        let (known, new): (Vec<Ticket>, Vec<Ticket>) =
            chosen.into_iter().partition(|ticket| self.outcomes.contains_key(&ticket.key));
        let requests: Vec<Request> = new.iter().map(|ticket| ticket.request.clone()).collect();
        for Ticket { key, request } in &new {
            self.tell(format!("{fate:?}: {key} {}", in_short(request)));
        }
        if fate == Fate::Lost {
            self.tally.lost += 1;
            return self.world.rehearse(&requests);
        }
        let orders = self.world.stock.orders.len();
        let decided = self.world.serve(&requests);
        self.tally.served += decided.len() as u64;
        self.tally.repeated += known.len() as u64;
        self.waiting.retain(|ticket| !known.iter().chain(&new).any(|served| served.key == ticket.key));
        for (ticket, outcome) in new.iter().zip(decided) {
            self.tell(format!("  {} → {outcome:?}", ticket.key));
            let first = self.outcomes.insert(ticket.key.clone(), outcome);
            assert!(first.is_none(), "{} was served twice", ticket.key);
        }
        if fate == Fate::Committed {
            for Ticket { key, .. } in known.iter().chain(&new) {
                let outcome = &self.outcomes[key];
                let first = self.heard.entry(key.clone()).or_insert_with(|| outcome.clone());
                assert_eq!(first, outcome, "{key} hears something else than the first time");
            }
        }
        self.check_orders(orders, &new);
    }

    /// Each order has one request that placed it, and its positions; no request of another kind made one.
    fn check_orders(&mut self, before: usize, served: &[Ticket]) {
        let placed_now = |ticket: &&Ticket| matches!(self.outcomes[&ticket.key], Outcome::Placed { .. });
        let placed = served.iter().filter(placed_now).count();
        assert_eq!(self.world.stock.orders.len(), before + placed, "orders and requests that placed one");
        self.tally.orders += placed as u64;
        let placed = self.outcomes.values().filter_map(|outcome| match outcome {
            Outcome::Placed { order, .. } => Some(*order),
            _ => None,
        });
        let mut placed: Vec<OrderId> = placed.collect();
        placed.sort_unstable();
        assert!(self.world.stock.orders.keys().eq(placed.iter()), "each order is placed by one request");
        assert!(self.world.stock.orders.values().all(|order| order.last_position > 0), "an order without positions");
    }
}

/// A request in a few words.
fn in_short(request: &Request) -> String {
    let text = format!("{request:?}");
    let end = text.find(", draft").unwrap_or(text.len());
    text[..end].to_owned()
}
