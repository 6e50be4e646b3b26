//! Rounding of taxes over all lines of an order (spec domain 3.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    money::{Money, TaxRate},
    port::db::DbError,
};

/// How the taxes of an order are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Each line by itself.
    #[default]
    Line,
    /// The sum of the net prices decides what the sum of the gross prices is.
    SumByNet,
    /// The same for businesses, and each line by itself for others.
    SumByNetOnlyBusiness,
    /// The sum of the gross prices decides what the sum of the net prices is.
    SumByNetKeepGross,
}

impl Rounding {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Line, Self::SumByNet, Self::SumByNetOnlyBusiness, Self::SumByNetKeepGross];

    /// The word in the database, the settings and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::SumByNet => "sum_by_net",
            Self::SumByNetOnlyBusiness => "sum_by_net_only_business",
            Self::SumByNetKeepGross => "sum_by_net_keep_gross",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rounding| rounding.code() == code)
    }

    /// Reads what the database keeps.
    pub fn read(code: &str) -> Result<Self, DbError> {
        Self::parse(code).ok_or_else(|| DbError::UnknownValue { what: "tax rounding mode", value: code.to_owned() })
    }
}

/// A line of an order with its tax. It remembers what rounding has done to it, so that it can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxedLine {
    /// What is paid, with tax.
    pub gross: Money,
    /// The tax in it.
    pub tax: Money,
    /// Its rate. Lines of one rate are rounded together.
    pub rate: TaxRate,
    /// What rounding has added to `gross`, in minor units.
    pub gross_correction: i64,
    /// What rounding has added to `tax`, in minor units.
    pub tax_correction: i64,
}

impl TaxedLine {
    /// A line that no rounding has touched.
    pub fn new(gross: Money, tax: Money, rate: TaxRate) -> Self {
        Self { gross, tax, rate, gross_correction: 0, tax_correction: 0 }
    }

    /// The line as it was before it was rounded with others.
    pub fn undone(self) -> Self {
        let (gross, tax) = (plus(self.gross, -self.gross_correction), plus(self.tax, -self.tax_correction));
        Self::new(gross, tax, self.rate)
    }

    /// What is paid, without tax.
    pub fn net(&self) -> i64 {
        self.gross.minor() - self.tax.minor()
    }

    fn correct(&mut self, gross: i64, tax: i64) {
        (self.gross, self.tax) = (plus(self.gross, gross), plus(self.tax, tax));
        self.gross_correction += gross;
        self.tax_correction += tax;
    }
}

fn plus(amount: Money, minor: i64) -> Money {
    Money::new(amount.minor() + minor, amount.currency())
}

/// Rounds the lines of an order together. What an earlier rounding did is undone first, so that doing it twice, or in
/// another mode, gives what doing it once gives. Free lines are not touched. The sums do not depend on the order of the
/// lines.
pub fn round(lines: &mut [TaxedLine], rounding: Rounding, is_business: bool) {
    for line in &mut *lines {
        *line = line.undone();
    }
    let keeps_gross = match rounding {
        Rounding::Line => return,
        Rounding::SumByNetOnlyBusiness if !is_business => return,
        Rounding::SumByNet | Rounding::SumByNetOnlyBusiness => false,
        Rounding::SumByNetKeepGross => true,
    };
    let mut groups: BTreeMap<u32, Vec<&mut TaxedLine>> = BTreeMap::new();
    for line in lines.iter_mut().filter(|line| !line.gross.is_zero()) {
        groups.entry(line.rate.0).or_default().push(line);
    }
    for group in groups.values_mut() {
        // The largest line bears a unit most easily; among equal ones the first.
        group.sort_by_key(|line| std::cmp::Reverse(line.gross.minor()));
        if keeps_gross { keep_gross(group) } else { keep_net(group) }
    }
}

/// The net prices stay; gross prices and taxes move until the tax on the sum of the net prices is the sum of the taxes.
fn keep_net(group: &mut [&mut TaxedLine]) {
    let target = gross_of(group, net_sum(group));
    spread(group, target - gross_sum(group), |line, units| line.correct(units, units));
}

/// The gross prices stay; taxes move until the net price in the sum of the gross prices is the sum of the net prices.
/// Some sums are the gross price of no net price (99.99 at 19 %): they move by a unit first.
fn keep_gross(group: &mut [&mut TaxedLine]) {
    let sum = Money::new(gross_sum(group), group[0].gross.currency());
    let target_net = sum.split_tax(group[0].rate).0.minor();
    let reachable = gross_of(group, target_net);
    spread(group, reachable - sum.minor(), |line, units| line.correct(units, units));
    spread(group, target_net - net_sum(group), |line, units| line.correct(0, -units));
}

fn gross_sum(group: &[&mut TaxedLine]) -> i64 {
    group.iter().map(|line| line.gross.minor()).sum()
}

fn net_sum(group: &[&mut TaxedLine]) -> i64 {
    group.iter().map(|line| line.net()).sum()
}

fn gross_of(group: &[&mut TaxedLine], net: i64) -> i64 {
    Money::new(net, group[0].gross.currency()).taxed(group[0].rate, false).0.minor()
}

/// Gives each line a unit of the difference, from the first on, and begins anew if there are more units than lines.
fn spread(group: &mut [&mut TaxedLine], difference: i64, give: impl Fn(&mut TaxedLine, i64)) {
    let count = i64::try_from(group.len()).expect("an order has few lines");
    let (each, more) = (difference / count, difference % count);
    for (line, number) in group.iter_mut().zip(0..) {
        let units = each + if number < more.abs() { more.signum() } else { 0 };
        if units != 0 {
            give(line, units);
        }
    }
}
