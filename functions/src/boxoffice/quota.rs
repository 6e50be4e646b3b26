//! Quotas: places by kind of use, and what is left (spec domain 4).

use crate::id::SubeventId;

/// Places of a quota in use, by kind of use; also a difference of such numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// Positions of paid orders.
    pub paid: i64,
    /// Positions of pending orders.
    pub pending: i64,
    /// Places kept by blocking vouchers.
    pub vouchers: i64,
    /// Positions in carts.
    pub carts: i64,
    /// Waiting list entries that count.
    pub waiting: i64,
}

impl Uses {
    /// All places in use.
    pub fn total(&self) -> i64 {
        self.paid + self.pending + self.vouchers + self.carts + self.waiting
    }

    pub(super) fn add(&mut self, delta: Self) {
        self.paid += delta.paid;
        self.pending += delta.pending;
        self.vouchers += delta.vouchers;
        self.carts += delta.carts;
        self.waiting += delta.waiting;
    }

    pub(super) const fn carts(count: i64) -> Self {
        Self { paid: 0, pending: 0, vouchers: 0, carts: count, waiting: 0 }
    }

    pub(super) const fn vouchers(count: i64) -> Self {
        Self { paid: 0, pending: 0, vouchers: count, carts: 0, waiting: 0 }
    }
}

/// A quota as it stands (spec domain 4).
#[derive(Debug, Clone)]
pub struct Quota {
    /// Number of places; `None` is unlimited.
    pub size: Option<i64>,
    /// A closed quota sells nothing, whatever is left.
    pub closed: bool,
    /// It closes by itself when it is sold out, and stays closed when places come back (spec domain 4.7).
    pub close_when_sold_out: bool,
    /// The date that it belongs to; in a series each quota has one.
    pub date: Option<SubeventId>,
    /// It says nothing about whether the event is sold out.
    pub ignore_for_event_availability: bool,
    /// Places in use.
    pub uses: Uses,
}

/// Whether a product can be had, and why not (spec domain 4.2). Ordered from worst to best: the worst quota of a
/// product decides, the best product of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Sold out for good: everything is paid.
    Gone,
    /// Everything is ordered or kept; some may come back.
    Ordered,
    /// The last places are in carts.
    Reserved,
    /// So many are left; `None` means without limit.
    Ok(Option<i64>),
}

impl Availability {
    fn rank(self) -> (u8, i64) {
        match self {
            Self::Gone => (0, 0),
            Self::Ordered => (1, 0),
            Self::Reserved => (2, 0),
            Self::Ok(left) => (3, left.unwrap_or(i64::MAX)),
        }
    }
}

impl Ord for Availability {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Availability {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Quota {
    /// Places left: `None` is unlimited, never negative.
    pub fn left(&self) -> Option<i64> {
        if self.closed {
            return Some(0);
        }
        self.size.map(|size| (size - self.uses.total()).max(0))
    }

    /// Places left for what staff does with an order: who waits for places does not count (spec domain 4.5).
    pub fn left_for_staff(&self) -> Option<i64> {
        if self.closed {
            return Some(0);
        }
        self.size.map(|size| (size - self.uses.total() + self.uses.waiting).max(0))
    }

    /// The state of spec domain 4.2: the first subtraction that leaves nothing decides (4.4).
    pub fn availability(&self) -> Availability {
        if self.closed {
            return Availability::Ordered;
        }
        let Some(size) = self.size else { return Availability::Ok(None) };
        let uses = &self.uses;
        let after_paid = size - uses.paid;
        let after_ordered = after_paid - uses.pending - uses.vouchers;
        let after_carts = after_ordered - uses.carts;
        let left = after_carts - uses.waiting;
        match () {
            () if after_paid <= 0 => Availability::Gone,
            () if after_ordered <= 0 => Availability::Ordered,
            () if after_carts <= 0 => Availability::Reserved,
            () if left <= 0 => Availability::Ordered,
            () => Availability::Ok(Some(left)),
        }
    }
}
