//! Amounts of an order: rounding over all lines, automatic discounts, fees.

use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use shop::{
    id::{DiscountId, ItemId, SubeventId},
    money::{Currency, Money, TaxRate},
    payment::Provider,
    pricing::{
        Benefit, Billing, Dates, Discount, DiscountLine, PaymentFee, Products, Rounding, TaxedLine, apply_discounts,
        round, split,
    },
};

use crate::shop::at;

const RATES: [u32; 6] = [0, 55_000, 70_000, 190_000, 333_333, 1_000_000];

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

/// A line whose price contains its tax.
fn gross(minor: i64, rate: u32) -> TaxedLine {
    TaxedLine::new(eur(minor), eur(minor).split_tax(TaxRate(rate)).1, TaxRate(rate))
}

/// A line whose price does not contain its tax.
fn net(minor: i64, rate: u32) -> TaxedLine {
    let (gross, tax) = eur(minor).taxed(TaxRate(rate), false);
    TaxedLine::new(gross, tax, TaxRate(rate))
}

fn sums(lines: &[TaxedLine]) -> (i64, i64) {
    (lines.iter().map(|line| line.gross.minor()).sum(), lines.iter().map(|line| line.tax.minor()).sum())
}

#[test]
fn known_orders_are_rounded_as_expected() {
    // Lines, mode → sum of gross prices and taxes.
    let cases: [(Vec<TaxedLine>, Rounding, (i64, i64)); 7] = [
        (vec![net(8403, 190_000); 5], Rounding::Line, (50_000, 7_985)),
        // 5 × 84.03 = 420.15 net → 499.98 gross.
        (vec![net(8403, 190_000); 5], Rounding::SumByNet, (49_998, 7_983)),
        (vec![gross(10_000, 190_000); 5], Rounding::SumByNet, (49_998, 7_983)),
        // 500.00 gross → 420.17 net.
        (vec![gross(10_000, 190_000); 5], Rounding::SumByNetKeepGross, (50_000, 7_983)),
        // No net price has the gross price 99.99 at 19 %.
        (vec![gross(9_999, 190_000)], Rounding::SumByNetKeepGross, (10_000, 1_597)),
        (vec![gross(10_000, 190_000); 5], Rounding::SumByNetOnlyBusiness, (50_000, 7_985)),
        (vec![gross(0, 190_000), gross(10_000, 190_000)], Rounding::SumByNet, (10_000, 1_597)),
    ];
    for (mut lines, rounding, expected) in cases {
        round(&mut lines, rounding, false);
        assert_eq!(sums(&lines), expected, "{rounding:?} {lines:?}");
    }
    let mut business = vec![gross(10_000, 190_000); 5];
    round(&mut business, Rounding::SumByNetOnlyBusiness, true);
    assert_eq!(sums(&business), (49_998, 7_983));
}

/// Orders of all kinds.
fn orders() -> impl Iterator<Item = (StdRng, Vec<TaxedLine>)> {
    (0..4_000).map(|seed| {
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(1..30);
        let lines = (0..count).map(|_| {
            let (rate, top) = (RATES[random.random_range(0..RATES.len())], 10_i64.pow(random.random_range(1..7)));
            let price = if random.random_ratio(1, 10) { 0 } else { random.random_range(0..top) };
            if random.random_ratio(1, 2) { gross(price, rate) } else { net(price, rate) }
        });
        let lines = lines.collect();
        (random, lines)
    })
}

#[test]
fn rounded_sums_agree() {
    for (_, raw) in orders() {
        for rounding in Rounding::ALL {
            let mut lines = raw.clone();
            round(&mut lines, rounding, true);
            for rate in RATES {
                let of = |lines: &[TaxedLine]| -> Vec<TaxedLine> {
                    lines.iter().filter(|line| line.rate == TaxRate(rate)).copied().collect()
                };
                let ((gross, tax), (old_gross, old_tax)) = (sums(&of(&lines)), sums(&of(&raw)));
                match rounding {
                    Rounding::Line => assert_eq!((gross, tax), (old_gross, old_tax)),
                    Rounding::SumByNet | Rounding::SumByNetOnlyBusiness => {
                        assert_eq!(gross - tax, old_gross - old_tax, "net prices stay");
                        assert_eq!(eur(gross - tax).taxed(TaxRate(rate), false).1.minor(), tax);
                    }
                    Rounding::SumByNetKeepGross => {
                        assert!((gross - old_gross).abs() <= 1, "gross prices stay: {old_gross} became {gross}");
                        assert_eq!(eur(gross).split_tax(TaxRate(rate)).1.minor(), tax);
                        assert_eq!(
                            eur(gross - tax).taxed(TaxRate(rate), false).0.minor(),
                            gross,
                            "a price that exists"
                        );
                    }
                }
            }
            let corrected = lines.iter().zip(&raw).all(|(line, raw)| {
                line.gross.minor() - line.gross_correction == raw.gross.minor()
                    && line.tax.minor() - line.tax_correction == raw.tax.minor()
            });
            assert!(corrected, "each line knows what was done to it");
            assert!(lines.iter().zip(&raw).all(|(line, raw)| !raw.gross.is_zero() || line == raw), "free lines stay");
        }
    }
}

#[test]
fn rounding_can_be_undone_and_repeated() {
    for (mut random, raw) in orders() {
        let mut lines = raw.clone();
        for _ in 0..3 {
            let rounding = Rounding::ALL[random.random_range(0..4)];
            round(&mut lines, rounding, random.random_ratio(1, 2));
            assert_eq!(lines.iter().map(|line| line.undone()).collect::<Vec<_>>(), raw);
            let once = lines.clone();
            round(&mut lines, rounding, true);
            let mut fresh = raw.clone();
            round(&mut fresh, rounding, true);
            assert_eq!(lines, fresh, "what was done before does not matter");
            lines = once;
        }
    }
}

#[test]
fn the_order_of_lines_does_not_change_the_sums() {
    for (mut random, raw) in orders() {
        for rounding in Rounding::ALL {
            let (mut lines, mut shuffled) = (raw.clone(), raw.clone());
            shuffled.shuffle(&mut random);
            round(&mut lines, rounding, true);
            round(&mut shuffled, rounding, true);
            assert_eq!(sums(&lines), sums(&shuffled));
            let largest = |lines: &[TaxedLine]| lines.iter().map(|line| line.gross.minor()).max();
            assert_eq!(largest(&lines), largest(&shuffled));
        }
    }
}

#[test]
fn payment_fees_are_on_top_or_of_the_sum() {
    // Absolute, percent, of the sum, price → fee.
    let cases = [
        (100, 0, false, 1000, Some(100)),
        (0, 100_000, false, 1000, Some(100)),
        // 10 % of 11.11 is 1.11.
        (0, 100_000, true, 1000, Some(111)),
        (30, 29_000, true, 10_000, Some(330)),
        (30, 29_000, false, 10_000, Some(320)),
        (0, 1_000_000, true, 1000, None),
        (100, 500_000, true, 0, Some(0)),
    ];
    for (absolute, percent, of_sum, price, fee) in cases {
        let rule = PaymentFee { absolute: eur(absolute), percent: TaxRate(percent), of_sum };
        assert_eq!(rule.on(eur(price)), fee.map(eur), "{rule:?} on {price}");
    }
    // What the provider takes of all that is paid leaves the price.
    for price in (1..100_000).step_by(37) {
        let rule = PaymentFee { absolute: eur(30), percent: TaxRate(29_000), of_sum: true };
        let fee = rule.on(eur(price)).unwrap().minor();
        let taken = eur(price + fee).checked_share(29_000, 1_000_000).unwrap().minor() + 30;
        assert!((fee - taken).abs() <= 1, "{price}: {fee} for {taken}");
    }
}

#[test]
fn a_split_amount_is_the_sum_of_its_parts() {
    let rate = |ppm, minor| (TaxRate(ppm), eur(minor));
    // Too little by rounding goes to the highest rate, too much comes from the lowest.
    assert_eq!(
        split(eur(100), &[rate(70_000, 1), rate(190_000, 1), rate(0, 1)]),
        [rate(0, 33), rate(70_000, 33), rate(190_000, 34)]
    );
    assert_eq!(
        split(eur(200), &[rate(70_000, 1), rate(190_000, 1), rate(0, 1)]),
        [rate(0, 66), rate(70_000, 67), rate(190_000, 67)]
    );
    assert_eq!(split(eur(100), &[rate(70_000, 0)]), [rate(0, 100)]);
    assert_eq!(split(eur(0), &[rate(70_000, 5)]), []);
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..10_000 {
        let weights: Vec<_> = (0..random.random_range(0..6))
            .map(|_| rate(RATES[random.random_range(0..RATES.len())], random.random_range(0..10_000)))
            .collect();
        let value = random.random_range(-1_000..1_000_000);
        let parts = split(eur(value), &weights);
        assert_eq!(parts.iter().map(|(_, part)| part.minor()).sum::<i64>(), value, "{weights:?}");
    }
}

/// Prices with and without their tax, as any organiser may type them: nothing is lost between net, tax and gross.
#[test]
fn net_and_tax_are_the_price_whichever_was_typed() {
    let mut random = StdRng::seed_from_u64(11);
    for _ in 0..100_000 {
        let (minor, rate) = (random.random_range(0..10_000_000), TaxRate(RATES[random.random_range(0..RATES.len())]));
        let (gross, tax) = eur(minor).taxed(rate, true);
        assert_eq!(gross, eur(minor));
        let exact = i128::from(minor) * i128::from(rate.0) - i128::from(tax.minor()) * (1_000_000 + i128::from(rate.0));
        assert!(2 * exact.abs() <= 1_000_000 + i128::from(rate.0), "{minor} at {rate:?}: {tax:?}");
        let (gross, tax) = eur(minor).taxed(rate, false);
        assert_eq!(gross.minor() - tax.minor(), minor);
        assert_eq!(gross.split_tax(rate), (eur(minor), tax), "the tax can be found again in the price");
    }
}

#[test]
fn a_bill_is_the_sum_of_its_lines_and_its_fee() {
    for (mut random, lines) in orders() {
        let fee = PaymentFee {
            absolute: eur(random.random_range(0..500)),
            percent: TaxRate(random.random_range(0..200_000)),
            of_sum: random.random_ratio(1, 2),
        };
        let billing = Billing {
            rounding: Rounding::ALL[random.random_range(0..4)],
            payment_fees: vec![(Provider::Manual, fee)],
            fee_tax: TaxRate(RATES[random.random_range(0..RATES.len())]),
        };
        let plain = billing.bill(lines.clone(), None);
        let paid = billing.bill(lines.clone(), Some(Provider::Manual));
        assert_eq!(
            billing.bill(lines.clone(), Some(Provider::BankTransfer)),
            plain,
            "another way to pay costs nothing"
        );
        let all: Vec<TaxedLine> = paid.lines.iter().copied().chain(paid.payment_fee).collect();
        assert_eq!(paid.total(), sums(&all).0);
        assert_eq!(paid.lines.len(), lines.len());
        for (line, raw) in paid.lines.iter().zip(&lines) {
            assert_eq!(line.undone(), *raw);
        }
        let wanted = fee.on(eur(plain.total())).unwrap();
        let charged = paid.payment_fee.map_or(eur(0), |fee| fee.undone().gross);
        assert_eq!(charged, wanted, "the fee of the rounded sum");
        let mut shuffled = lines;
        shuffled.shuffle(&mut random);
        assert_eq!(billing.bill(shuffled, Some(Provider::Manual)).total(), paid.total());
    }
}

// --- discounts ---

fn discount(id: i64) -> Discount {
    Discount {
        id: DiscountId(id),
        position: 0,
        active: true,
        available_from: None,
        available_until: None,
        channels: None,
        dates: Dates::Mixed,
        date_from: None,
        date_until: None,
        condition: Products::All,
        condition_addons: true,
        condition_ignores_vouchers: false,
        min_count: 2,
        min_value: eur(0),
        benefit: None,
        percent: TaxRate(500_000),
        cheapest: None,
    }
}

fn items(numbers: &[i64]) -> Products {
    Products::Some(numbers.iter().map(|number| ItemId(*number)).collect())
}

/// A line of item 1 without a date.
fn line(price: i64) -> DiscountLine {
    DiscountLine {
        item: ItemId(1),
        date: None,
        date_from: None,
        price: eur(price),
        addon_index: None,
        is_bundled: false,
        has_voucher_discount: false,
    }
}

fn of_item(item: i64, price: i64) -> DiscountLine {
    DiscountLine { item: ItemId(item), ..line(price) }
}

fn on_date(date: i64, price: i64) -> DiscountLine {
    DiscountLine { date: Some(SubeventId(date)), ..line(price) }
}

/// The prices after discounts.
fn prices(discounts: &[Discount], lines: &[DiscountLine]) -> Vec<i64> {
    let now = at("2030-01-01T12:00:00Z");
    apply_discounts(discounts, lines, "web", now).iter().map(|it| it.price.minor()).collect()
}

#[test]
fn enough_of_them_are_all_reduced() {
    assert_eq!(prices(&[discount(1)], &[line(1000)]), [1000]);
    assert_eq!(prices(&[discount(1)], &[line(1000), line(501), line(0)]), [500, 251, 0]);
}

#[test]
fn every_second_one_is_half_price() {
    let rule = Discount { cheapest: Some(1), ..discount(1) };
    assert_eq!(prices(std::slice::from_ref(&rule), &[line(1000)]), [1000]);
    assert_eq!(prices(std::slice::from_ref(&rule), &[line(1000), line(600)]), [1000, 300]);
    // Five make two pairs: the two cheapest are reduced, later ones first among equal prices.
    assert_eq!(prices(&[rule], &[line(900), line(800), line(700), line(700), line(500)]), [900, 800, 700, 350, 250]);
}

#[test]
fn other_products_can_be_what_is_reduced() {
    let benefit = Some(Benefit { products: items(&[2]), addons: true, ignores_vouchers: false });
    let rule = Discount { condition: items(&[1]), min_count: 1, cheapest: Some(1), benefit, ..discount(1) };
    let lines = [of_item(1, 1000), of_item(1, 1000), of_item(2, 400), of_item(2, 300), of_item(2, 200)];
    assert_eq!(prices(&[rule], &lines), [1000, 1000, 400, 150, 100]);
}

#[test]
fn a_value_can_be_asked_for() {
    let rule = Discount { min_count: 0, min_value: eur(1500), ..discount(1) };
    assert_eq!(prices(std::slice::from_ref(&rule), &[line(1000), line(499)]), [1000, 499]);
    assert_eq!(prices(&[rule], &[line(1000), line(500)]), [500, 250]);
}

#[test]
fn a_line_is_used_once_in_the_order_of_the_rules() {
    let first = Discount { position: 1, condition: items(&[1]), percent: TaxRate(100_000), ..discount(7) };
    let second = Discount { position: 2, min_count: 1, percent: TaxRate(900_000), ..discount(3) };
    let lines = [of_item(1, 1000), of_item(1, 1000), of_item(2, 1000)];
    assert_eq!(prices(&[second.clone(), first.clone()], &lines), [900, 900, 100]);
    // What only counted is used too.
    let counted = Discount {
        benefit: Some(Benefit { products: items(&[9]), addons: true, ignores_vouchers: false }),
        ..first.clone()
    };
    assert_eq!(prices(&[second, counted], &lines), [1000, 1000, 100]);
    // The same position: by id.
    let same = Discount { position: 1, min_count: 1, percent: TaxRate(900_000), ..discount(1) };
    assert_eq!(prices(&[first, same], &lines), [100, 100, 100]);
}

#[test]
fn what_a_rule_leaves_out_is_neither_counted_nor_reduced() {
    let bundled = DiscountLine { is_bundled: true, ..line(1000) };
    assert_eq!(prices(&[discount(1)], &[line(1000), bundled]), [1000, 1000]);
    let addon = DiscountLine { addon_index: Some(0), ..line(1000) };
    let rule = Discount { condition_addons: false, ..discount(1) };
    assert_eq!(prices(&[rule], &[line(1000), addon.clone()]), [1000, 1000]);
    assert_eq!(prices(&[discount(1)], &[line(1000), addon]), [500, 500]);
    let vouchered = DiscountLine { has_voucher_discount: true, ..line(1000) };
    let rule = Discount { condition_ignores_vouchers: true, ..discount(1) };
    assert_eq!(prices(&[rule], &[line(1000), vouchered.clone(), line(1000)]), [500, 1000, 500]);
    let benefit = Some(Benefit { products: Products::All, addons: true, ignores_vouchers: true });
    assert_eq!(prices(&[Discount { benefit, ..discount(1) }], &[line(1000), vouchered]), [500, 1000]);
}

#[test]
fn a_rule_has_its_time_its_channels_and_its_switch() {
    let never = [
        Discount { active: false, ..discount(1) },
        Discount { available_from: Some(at("2030-01-01T12:00:01Z")), ..discount(1) },
        Discount { available_until: Some(at("2030-01-01T11:59:59Z")), ..discount(1) },
        Discount { channels: Some(BTreeSet::from(["api.box".to_owned()])), ..discount(1) },
    ];
    for rule in never {
        assert_eq!(prices(std::slice::from_ref(&rule), &[line(1000), line(1000)]), [1000, 1000], "{rule:?}");
    }
    let moment = Some(at("2030-01-01T12:00:00Z"));
    let now = Discount {
        available_from: moment,
        available_until: moment,
        channels: Some(BTreeSet::from(["web".to_owned()])),
        ..discount(1)
    };
    assert_eq!(prices(&[now], &[line(1000), line(1000)]), [500, 500]);
}

#[test]
fn dates_can_have_to_be_the_same_or_different() {
    let same = Discount { dates: Dates::Same, ..discount(1) };
    assert_eq!(prices(&[same], &[on_date(1, 1000), on_date(2, 1000), on_date(2, 800)]), [1000, 500, 400]);
    let distinct = Discount { dates: Dates::Distinct, ..discount(1) };
    assert_eq!(prices(std::slice::from_ref(&distinct), &[on_date(1, 1000), on_date(1, 1000)]), [1000, 1000]);
    assert_eq!(
        prices(std::slice::from_ref(&distinct), &[on_date(1, 1000), on_date(2, 900), on_date(2, 800)]),
        [500, 450, 800]
    );
    // What is left over joins a group that lacks its date.
    let lines = [on_date(1, 1000), on_date(2, 1000), on_date(3, 1000)];
    assert_eq!(prices(std::slice::from_ref(&distinct), &lines), [500, 500, 500]);
    // Cheapest of each pair: the first pick is the cheapest of its date, the second the dearest of the other.
    let cheapest = Discount { cheapest: Some(1), percent: TaxRate(1_000_000), ..distinct };
    let lines = [on_date(1, 1000), on_date(1, 400), on_date(2, 900), on_date(2, 500)];
    assert_eq!(prices(&[cheapest], &lines).iter().filter(|price| **price == 0).count(), 2);
    // Dates outside the window do not count.
    let window = Discount { date_from: Some(at("2030-02-01T00:00:00Z")), ..discount(1) };
    let early = DiscountLine { date_from: Some(at("2030-01-31T00:00:00Z")), ..line(1000) };
    assert_eq!(prices(&[window], &[early.clone(), early]), [1000, 1000]);
}

#[test]
fn no_discount_makes_anything_dearer_or_negative() {
    for seed in 0..3_000 {
        let mut random = StdRng::seed_from_u64(seed);
        let flag = |random: &mut StdRng| random.random_ratio(1, 2);
        let rules: Vec<Discount> = (0..random.random_range(1..4))
            .map(|id| {
                let dates = Dates::ALL[random.random_range(0..3)];
                let by_value = dates != Dates::Distinct && flag(&mut random);
                let benefit = (dates != Dates::Distinct && flag(&mut random)).then(|| Benefit {
                    products: items(&[random.random_range(1..4)]),
                    addons: flag(&mut random),
                    ignores_vouchers: flag(&mut random),
                });
                Discount {
                    dates,
                    min_count: if by_value { 0 } else { random.random_range(1..4) },
                    min_value: eur(if by_value { random.random_range(1..3_000) } else { 0 }),
                    cheapest: (!by_value && flag(&mut random)).then(|| random.random_range(1..4)),
                    percent: TaxRate(random.random_range(0..=1_000_000)),
                    benefit,
                    ..discount(id)
                }
            })
            .collect();
        let lines: Vec<DiscountLine> = (0..random.random_range(0..12))
            .map(|_| DiscountLine {
                item: ItemId(random.random_range(1..4)),
                addon_index: flag(&mut random).then_some(0),
                is_bundled: random.random_ratio(1, 8),
                has_voucher_discount: flag(&mut random),
                ..on_date(random.random_range(1..4), random.random_range(0..2_000))
            })
            .collect();
        let result = apply_discounts(&rules, &lines, "web", at("2030-01-01T12:00:00Z"));
        for (line, after) in lines.iter().zip(&result) {
            assert!(after.price.minor() >= 0 && after.price.minor() <= line.price.minor(), "{rules:?} {lines:?}");
            assert!(after.discount.is_some() || after.price == line.price);
            assert!(!line.is_bundled || after.discount.is_none());
        }
    }
}
