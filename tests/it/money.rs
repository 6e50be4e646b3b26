//! Money is exact: what is split adds up again, what is printed can be read, and nothing else is accepted.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use shop::money::{Currency, Money, MoneyError, TaxRate};

const RATES: [u32; 10] = [0, 1, 5_500, 71_250, 77_000, 190_000, 200_000, 333_333, 999_999, 1_000_000];

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, currency("EUR"))
}

/// Small prices without a gap, and large ones of all lengths.
fn prices() -> impl Iterator<Item = i64> {
    let mut random = StdRng::seed_from_u64(1);
    let large = (0..20_000).map(move |_| {
        let digits = random.random_range(4..16);
        random.random_range(0..10_i64.pow(digits))
    });
    (0..=5_000).chain(large)
}

#[test]
fn net_and_tax_are_the_price() {
    for (minor, rate) in prices().flat_map(|minor| RATES.map(|rate| (minor, rate))) {
        let (net, tax) = eur(minor).split_tax(TaxRate(rate));
        assert_eq!(net.minor() + tax.minor(), minor, "{minor} at {rate}");
        assert!(net.minor() >= 0 && tax.minor() >= 0 && tax.minor() <= net.minor() + 1, "{minor} at {rate}");
        // The net price is the nearest one: twice the error, in millionths of a cent, is at most one cent's worth.
        let whole = 1_000_000 + i128::from(rate);
        let error = i128::from(net.minor()) * whole - i128::from(minor) * 1_000_000;
        assert!(2 * error.abs() <= whole, "{minor} at {rate}: {net:?}");
        let negative = eur(-minor).split_tax(TaxRate(rate));
        assert_eq!((negative.0.minor(), negative.1.minor()), (-net.minor(), -tax.minor()), "refunds mirror prices");
    }
}

#[test]
fn a_price_with_or_without_its_tax_is_gross_and_tax() {
    for (minor, rate) in prices().flat_map(|minor| RATES.map(|rate| (minor, rate))) {
        let (gross, tax) = eur(minor).taxed(TaxRate(rate), true);
        assert_eq!((gross.minor(), tax), (minor, eur(minor).split_tax(TaxRate(rate)).1));
        let (gross, tax) = eur(minor).taxed(TaxRate(rate), false);
        assert_eq!(gross.minor() - tax.minor(), minor, "{minor} at {rate}");
        let error = i128::from(tax.minor()) * 1_000_000 - i128::from(minor) * i128::from(rate);
        assert!(2 * error.abs() <= 1_000_000, "{minor} at {rate}: {tax:?}");
    }
    let known = [(2300, 190_000, true, (2300, 367)), (2300, 190_000, false, (2737, 437)), (50, 10_000, false, (51, 1))];
    for (minor, rate, included, expected) in known {
        let (gross, tax) = eur(minor).taxed(TaxRate(rate), included);
        assert_eq!((gross.minor(), tax.minor()), expected);
    }
}

#[test]
fn what_is_printed_can_be_read() {
    let edges = [i64::MAX, i64::MAX / 100, -1, -99, -100, -2300, -i64::MAX];
    for minor in prices().chain(edges) {
        for code in ["EUR", "JPY"] {
            let money = Money::new(minor, currency(code));
            let text = money.to_decimal();
            assert_eq!(Money::parse_decimal(&text, currency(code)), Ok(money), "{text}");
            assert_eq!(text.len() - text.find('.').unwrap(), 3, "{text} has two decimals");
        }
    }
}

#[test]
fn amounts_are_read_exactly_or_not_at_all() {
    let read = [
        ("EUR", "23.00", 2300),
        ("EUR", "23", 2300),
        ("EUR", "-1.5", -150),
        ("EUR", "0.01", 1),
        ("EUR", "007.10", 710),
        ("EUR", "1.5000", 150),
        ("JPY", "500", 500),
        ("JPY", "500.00", 500),
        ("JPY", "-3", -3),
    ];
    for (code, text, minor) in read {
        assert_eq!(Money::parse_decimal(text, currency(code)), Ok(Money::new(minor, currency(code))), "{text} {code}");
    }
    let euros =
        ["", "-", ".5", "--1", "+1", " 1", "1 ", "1,00", "1.000.00", "1.234", "1e3", "0x1", "NaN", "½", "١", "1.-5"];
    for text in euros {
        assert_eq!(Money::parse_decimal(text, currency("EUR")), Err(MoneyError::Amount(2)), "{text:?}");
    }
    for text in ["0.5", "1.01", "x"] {
        assert_eq!(Money::parse_decimal(text, currency("JPY")), Err(MoneyError::Amount(0)), "{text:?}");
    }
    for text in ["92233720368547758.08", "99999999999999999999", "-9999999999999999999999.00"] {
        assert_eq!(Money::parse_decimal(text, currency("EUR")), Err(MoneyError::Overflow), "{text:?}");
    }
    for code in ["", "eu", "eur", "EURO", "E1R", "ÄÖ", "€"] {
        assert_eq!(Currency::parse(code), Err(MoneyError::Currency), "{code:?}");
    }
}

#[test]
fn sums_fit_or_are_refused() {
    assert_eq!(eur(1).checked_add(eur(2)), Some(eur(3)));
    assert_eq!(eur(1).checked_add(Money::new(1, currency("JPY"))), None);
    assert_eq!(eur(i64::MAX).checked_add(eur(1)), None);
    assert_eq!(eur(i64::MAX).checked_mul(2), None);
    assert_eq!(eur(2300).checked_mul(3), Some(eur(6900)));
}

#[test]
fn tax_rates_are_read_and_printed() {
    for ppm in 0..=1_000_000 {
        let rate = TaxRate(ppm);
        assert_eq!(TaxRate::parse_percent(&rate.to_percent()), Some(rate));
        assert_eq!(TaxRate::from_ppm(rate.ppm()), rate);
    }
    for (ppm, text) in [(0, "0.00"), (190_000, "19.00"), (71_250, "7.1250"), (55_000, "5.50"), (1_000_000, "100.00")] {
        assert_eq!(TaxRate(ppm).to_percent(), text);
    }
    for text in ["", ".", "-1", "+1", "1.00001", "101", "100.0001", "1.2.3", "19 %", "4294967296"] {
        assert_eq!(TaxRate::parse_percent(text), None, "{text:?}");
    }
}
