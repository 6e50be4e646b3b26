//! What a cart costs as a whole: its lines, the fee of the way to pay, rounded together (spec domain 3.3, 11, 12.4).

use super::{PaymentFee, Rounding, TaxedLine, round};
use crate::{
    money::{Money, TaxRate},
    payment::Provider,
};

/// How an event bills.
#[derive(Debug, Clone, Default)]
pub struct Billing {
    /// How taxes are rounded.
    pub rounding: Rounding,
    /// What ways to pay cost; those that cost nothing are not among them.
    pub payment_fees: Vec<(Provider, PaymentFee)>,
    /// The rate of the tax in these fees.
    pub fee_tax: TaxRate,
}

/// What is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The lines in the order in which they came, rounded.
    pub lines: Vec<TaxedLine>,
    /// The fee of the way to pay.
    pub payment_fee: Option<TaxedLine>,
}

impl Billing {
    /// What a way to pay costs on top of a price.
    ///
    /// A fee that no amount can cover (100 % of all that is paid) is refused when it is set, so it is none here.
    pub fn payment_fee(&self, provider: Provider, price: Money) -> Option<Money> {
        let (_, fee) = self.payment_fees.iter().find(|(of, _)| *of == provider)?;
        fee.on(price).filter(|amount| amount.minor() > 0)
    }

    /// The bill for lines that are paid in a certain way, if one is chosen. The fee is computed from the rounded sum of
    /// the lines, and then rounded with them. The address of a buyer is not asked for yet: nobody is a business.
    pub fn bill(&self, mut lines: Vec<TaxedLine>, provider: Option<Provider>) -> Bill {
        round(&mut lines, self.rounding, false);
        let fee = provider.zip(sum(&lines)).and_then(|(provider, price)| self.payment_fee(provider, price));
        let Some(fee) = fee else { return Bill { lines, payment_fee: None } };
        lines.push(TaxedLine::new(fee, fee.split_tax(self.fee_tax).1, self.fee_tax));
        round(&mut lines, self.rounding, false);
        let payment_fee = lines.pop();
        Bill { lines, payment_fee }
    }
}

impl Bill {
    /// What is to be paid in all, in minor units.
    pub fn total(&self) -> i64 {
        self.lines.iter().chain(&self.payment_fee).map(|line| line.gross.minor()).sum()
    }

    /// The taxes in it, with their rates.
    pub fn taxes(&self) -> impl Iterator<Item = (TaxRate, Money)> {
        self.lines.iter().chain(&self.payment_fee).map(|line| (line.rate, line.tax))
    }
}

/// The sum of the lines, if there are any.
fn sum(lines: &[TaxedLine]) -> Option<Money> {
    let currency = lines.first()?.gross.currency();
    Some(Money::new(lines.iter().map(|line| line.gross.minor()).sum(), currency))
}
