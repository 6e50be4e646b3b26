//! Automatic discounts (spec domain 5.4).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use crate::{
    id::{DiscountId, ItemId, SubeventId},
    money::{Money, TaxRate},
    time::Timestamp,
};

/// Which products something is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Products {
    /// All of the event.
    All,
    /// These.
    Some(BTreeSet<ItemId>),
}

impl Products {
    fn contain(&self, item: ItemId) -> bool {
        match self {
            Self::All => true,
            Self::Some(items) => items.contains(&item),
        }
    }
}

/// How the dates of a series matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// Not at all.
    Mixed,
    /// What counts together is of one date.
    Same,
    /// What counts together is of different dates.
    Distinct,
}

impl Dates {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mixed, Self::Same, Self::Distinct];

    /// The word in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Same => "same",
            Self::Distinct => "distinct",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dates| dates.code() == code)
    }
}

/// What is reduced, where it is not what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benefit {
    /// These products.
    pub products: Products,
    /// Add-ons too.
    pub addons: bool,
    /// Not what a voucher has reduced.
    pub ignores_vouchers: bool,
}

/// A rule such as "two for one" or "15 % from five on".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discount {
    /// Its row.
    pub id: DiscountId,
    /// Rules with a smaller number come first.
    pub position: i32,
    /// Switched on.
    pub active: bool,
    /// From when it applies.
    pub available_from: Option<Timestamp>,
    /// Until when.
    pub available_until: Option<Timestamp>,
    /// On these sales channels; on all of them without a list.
    pub channels: Option<BTreeSet<String>>,
    /// How dates matter.
    pub dates: Dates,
    /// What counts is of a date that begins then or later.
    pub date_from: Option<Timestamp>,
    /// What counts is of a date that begins then or earlier.
    pub date_until: Option<Timestamp>,
    /// What counts.
    pub condition: Products,
    /// Add-ons count.
    pub condition_addons: bool,
    /// What a voucher has reduced does not count.
    pub condition_ignores_vouchers: bool,
    /// So many must be there. Zero asks for a value instead.
    pub min_count: usize,
    /// They must be worth so much. Zero asks for a count instead.
    pub min_value: Money,
    /// What is reduced; without it, what counts.
    pub benefit: Option<Benefit>,
    /// By how much.
    pub percent: TaxRate,
    /// Only so many of the cheapest are reduced each time the condition is met.
    pub cheapest: Option<usize>,
}

/// A line as discounts see it.
#[derive(Debug, Clone)]
pub struct DiscountLine {
    /// What it is.
    pub item: ItemId,
    /// Its date, in a series.
    pub date: Option<SubeventId>,
    /// When that begins.
    pub date_from: Option<Timestamp>,
    /// Its price with tax, after voucher and free price.
    pub price: Money,
    /// Its number among the add-ons of its parent, if it is one.
    pub addon_index: Option<usize>,
    /// Part of a bundle: never reduced, never counted.
    pub is_bundled: bool,
    /// A voucher has made it cheaper.
    pub has_voucher_discount: bool,
}

/// What a line costs in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discounted {
    /// The price with tax.
    pub price: Money,
    /// What made it so.
    pub discount: Option<DiscountId>,
}

/// Lines that count together, and lines that are reduced together.
type Group = (Vec<usize>, Vec<usize>);

/// Prices after the automatic discounts of a channel, line by line. Each line is used by one discount at most, as what
/// counts or as what is reduced.
pub fn apply_discounts(
    discounts: &[Discount],
    lines: &[DiscountLine],
    channel: &str,
    now: Timestamp,
) -> Vec<Discounted> {
    let mut run = Run { lines, results: vec![None; lines.len()] };
    let mut discounts: Vec<&Discount> = discounts.iter().filter(|discount| discount.applies(channel, now)).collect();
    discounts.sort_by_key(|discount| (discount.position, discount.id));
    for discount in discounts {
        for group in run.groups(discount) {
            run.apply(discount, group);
        }
    }
    let untouched = |line: &DiscountLine| Discounted { price: line.price, discount: None };
    run.results.iter().zip(lines).map(|(result, line)| result.unwrap_or_else(|| untouched(line))).collect()
}

impl Discount {
    /// Whether it counts at `now` in a sales channel.
    pub fn applies(&self, channel: &str, now: Timestamp) -> bool {
        self.is_in_force(now) && self.channels.as_ref().is_none_or(|channels| channels.contains(channel))
    }

    /// Whether it counts at `now` in some sales channel.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.active
            && self.available_from.is_none_or(|from| from <= now)
            && self.available_until.is_none_or(|until| now <= until)
    }

    fn counts(&self, line: &DiscountLine) -> bool {
        let in_window = line.date_from.is_none_or(|date| {
            self.date_from.is_none_or(|from| from <= date) && self.date_until.is_none_or(|until| date <= until)
        });
        self.condition.contain(line.item)
            && (self.condition_addons || line.addon_index.is_none())
            && !(self.condition_ignores_vouchers && line.has_voucher_discount)
            && in_window
    }
}

impl Benefit {
    fn reduces(&self, line: &DiscountLine) -> bool {
        self.products.contain(line.item)
            && (self.addons || line.addon_index.is_none())
            && !(self.ignores_vouchers && line.has_voucher_discount)
    }
}

struct Run<'a> {
    lines: &'a [DiscountLine],
    results: Vec<Option<Discounted>>,
}

impl Run<'_> {
    fn groups(&self, discount: &Discount) -> Vec<Group> {
        let free =
            || (0..self.lines.len()).filter(|line| self.results[*line].is_none() && !self.lines[*line].is_bundled);
        let condition: Vec<usize> = free().filter(|line| discount.counts(&self.lines[*line])).collect();
        let benefit: Vec<usize> = match &discount.benefit {
            None => condition.clone(),
            Some(benefit) => free().filter(|line| benefit.reduces(&self.lines[*line])).collect(),
        };
        match discount.dates {
            Dates::Mixed => vec![(condition, benefit)],
            Dates::Same => {
                let mut groups: BTreeMap<Option<SubeventId>, Group> = BTreeMap::new();
                for line in condition {
                    groups.entry(self.lines[line].date).or_default().0.push(line);
                }
                for line in benefit {
                    groups.entry(self.lines[line].date).or_default().1.push(line);
                }
                groups.into_values().collect()
            }
            Dates::Distinct => {
                let groups =
                    self.of_distinct_dates(condition, discount.min_count.max(1), discount.cheapest.unwrap_or(0));
                groups.into_iter().map(|group| (group.clone(), group)).collect()
            }
        }
    }

    /// Groups of `size` lines of different dates, always from the dates that have most lines left. The first `cheapest`
    /// of a group are the cheapest of their date, the others the dearest. What is left over goes to groups without its
    /// date.
    fn of_distinct_dates(&self, mut lines: Vec<usize>, size: usize, cheapest: usize) -> Vec<Vec<usize>> {
        self.sort(&mut lines);
        let mut by_date: BTreeMap<Option<SubeventId>, VecDeque<usize>> = BTreeMap::new();
        for line in lines {
            by_date.entry(self.lines[line].date).or_default().push_back(line);
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        while by_date.len() >= size {
            let mut dates: Vec<_> = by_date.iter().map(|(date, lines)| (Reverse(lines.len()), *date)).collect();
            dates.sort();
            let mut group = Vec::new();
            for ((_, date), pick) in dates.into_iter().take(size).zip(0..) {
                let left = by_date.get_mut(&date).expect("a date that was just listed");
                group.extend(if pick < cheapest { left.pop_front() } else { left.pop_back() });
            }
            by_date.retain(|_, lines| !lines.is_empty());
            groups.push(group);
        }
        for (date, line) in by_date.iter().flat_map(|(date, lines)| lines.iter().map(move |line| (*date, *line))) {
            let lacks = |group: &&mut Vec<usize>| group.iter().all(|member| self.lines[*member].date != date);
            if let Some(group) = groups.iter_mut().find(lacks) {
                group.push(line);
            }
        }
        groups
    }

    fn apply(&mut self, discount: &Discount, (mut condition, mut benefit): Group) {
        let (mut consumed, mut reduced): (&[usize], &[usize]) = (&condition, &benefit);
        if discount.min_count == 0 {
            let worth: i64 = condition.iter().map(|line| self.lines[*line].price.minor()).sum();
            if worth < discount.min_value.minor() {
                return;
            }
            consumed = &[];
        } else if let Some(cheapest) = discount.cheapest {
            self.sort(&mut condition);
            self.sort(&mut benefit);
            let times = (condition.len() / discount.min_count).min(benefit.len().div_ceil(cheapest.max(1)));
            consumed = &condition[..times * discount.min_count];
            reduced = &benefit[..(times * cheapest).min(benefit.len())];
        } else if condition.len() < discount.min_count {
            return;
        }
        for line in reduced {
            let price = self.lines[*line].price.reduced_by(discount.percent);
            self.results[*line] = Some(Discounted { price, discount: Some(discount.id) });
        }
        for line in consumed {
            let kept = Discounted { price: self.lines[*line].price, discount: None };
            self.results[*line].get_or_insert(kept);
        }
    }

    /// The cheapest first; of equal ones the one that comes later, and add-ons by their number.
    fn sort(&self, lines: &mut [usize]) {
        lines.sort_by_key(|line| {
            let it = &self.lines[*line];
            (it.price.minor(), it.addon_index.unwrap_or(0), Reverse(*line))
        });
    }
}
