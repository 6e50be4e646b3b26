//! Money in minor units, tax rates in parts per million, and the only rounding in the shop (spec domain 3.2).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency code; it knows how many decimals its amounts have.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// Currencies without minor units (spec domain 3.2).
const WITHOUT_DECIMALS: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// Why a money text or code was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("a currency is three capital letters, such as EUR")]
    Currency,
    /// Not a decimal number with at most the currency's decimals.
    #[error("an amount is a decimal number with at most {0} decimals, such as 23.00")]
    Amount(u32),
    /// Outside what the shop can count.
    #[error("the amount is too large")]
    Overflow,
}

impl Currency {
    /// Reads a code such as `EUR`; `XXX` means "no currency, only free products" (spec domain 1.3).
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| MoneyError::Currency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) { Ok(Self(bytes)) } else { Err(MoneyError::Currency) }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("parse accepts ASCII only")
    }

    /// Number of decimals of an amount: 0 or 2.
    pub fn decimals(&self) -> u32 {
        if WITHOUT_DECIMALS.contains(&self.code()) { 0 } else { 2 }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// An exact amount in the minor unit of its currency (cents for EUR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// `minor` counts the smallest unit: 2300 is 23.00 EUR, 2300 JPY is 2300 yen.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The amount in the smallest unit.
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// True for 0.00.
    pub const fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// Sum of two amounts of one currency. `None` when it does not fit or the currencies differ.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { minor: self.minor.checked_add(other.minor)?, ..self })
    }

    /// `count` times the amount. `None` when it does not fit.
    pub fn checked_mul(self, count: i64) -> Option<Self> {
        Some(Self { minor: self.minor.checked_mul(count)?, ..self })
    }

    /// Reads `"23.00"`, `"23"` or `"-1.5"` as the API writes amounts (spec rest-api 0.2).
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let decimals = currency.decimals();
        let refused = MoneyError::Amount(decimals);
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        // Zeros past the currency's decimals carry no value, so "500.00" JPY is fine.
        let kept = fraction.trim_end_matches('0');
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || kept.len() > decimals as usize {
            return Err(refused);
        }
        let scale = 10_i64.pow(decimals);
        let whole: i64 = whole.parse().map_err(|_| MoneyError::Overflow)?;
        let padded = format!("{kept:0<width$}", width = decimals as usize);
        let fraction: i64 = if padded.is_empty() { 0 } else { padded.parse().map_err(|_| refused)? };
        let minor =
            whole.checked_mul(scale).and_then(|minor| minor.checked_add(fraction)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// `"23.00"`: the text form of the API, always with two decimals (spec rest-api 0.2).
    pub fn to_decimal(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        match self.currency.decimals() {
            0 => format!("{sign}{minor}.00"),
            _ => format!("{sign}{}.{:02}", minor / 100, minor % 100),
        }
    }

    /// Difference of two amounts of one currency. `None` when it does not fit or the currencies differ.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { minor: self.minor.checked_sub(other.minor)?, ..self })
    }

    /// The amount times `part / whole`, rounded. `None` when it does not fit or `whole` is zero.
    pub fn checked_share(self, part: i64, whole: i64) -> Option<Self> {
        let (part, whole) =
            if whole < 0 { (-i128::from(part), -i128::from(whole)) } else { (part.into(), whole.into()) };
        if whole == 0 {
            return None;
        }
        let minor = i64::try_from(div_half_up(i128::from(self.minor).checked_mul(part)?, whole)).ok()?;
        Some(Self { minor, ..self })
    }

    /// The amount without a part of it: 25 % less of 23.00 is 17.25.
    pub fn reduced_by(self, part: TaxRate) -> Self {
        let rest = div_half_up(i128::from(self.minor) * (1_000_000 - i128::from(part.0)), 1_000_000);
        Self { minor: i64::try_from(rest).expect("a part is never larger than the whole"), ..self }
    }

    /// Splits a price that includes tax into (net, tax); net + tax is the price, always.
    pub fn split_tax(self, rate: TaxRate) -> (Self, Self) {
        let net = div_half_up(i128::from(self.minor) * 1_000_000, 1_000_000 + i128::from(rate.0));
        let net = i64::try_from(net).expect("a net price is never larger than its gross price");
        (Self { minor: net, ..self }, Self { minor: self.minor - net, ..self })
    }

    /// Taxes a price that contains its tax (`included`) or does not: (what the buyer pays, the tax in it).
    pub fn taxed(self, rate: TaxRate, included: bool) -> (Self, Self) {
        if included {
            return (self, self.split_tax(rate).1);
        }
        let tax = div_half_up(i128::from(self.minor) * i128::from(rate.0), 1_000_000);
        let tax = Self { minor: i64::try_from(tax).expect("prices are capped far below what money can count"), ..self };
        (self.checked_add(tax).expect("prices are capped far below what money can count"), tax)
    }
}

/// A tax rate, or another percentage from 0 to 100, in parts per million: 19 % = 190_000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaxRate(pub u32);

impl TaxRate {
    /// No tax.
    pub const ZERO: Self = Self(0);

    /// The rate as the database keeps it.
    pub fn ppm(self) -> i32 {
        i32::try_from(self.0).expect("a rate is at most one million")
    }

    /// The rate that the database keeps; its check refuses negative ones.
    pub fn from_ppm(ppm: i32) -> Self {
        Self(ppm.unsigned_abs())
    }

    /// Reads a percentage such as `"19.00"` or `"7.125"` (up to 4 decimals, spec domain 3.1).
    pub fn parse_percent(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() || fraction.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        let whole: u32 = whole.parse().ok()?;
        let fraction: u32 = format!("{fraction:0<4}").parse().ok()?;
        let ppm = whole.checked_mul(10_000)?.checked_add(fraction)?;
        (ppm <= 1_000_000).then_some(Self(ppm))
    }

    /// `"19.00"`, or up to four decimals where needed: `"7.1250"` (spec rest-api 0.2).
    pub fn to_percent(self) -> String {
        let (whole, fraction) = (self.0 / 10_000, self.0 % 10_000);
        if fraction.is_multiple_of(100) {
            format!("{whole}.{:02}", fraction / 100)
        } else {
            format!("{whole}.{fraction:04}")
        }
    }
}

/// Division that rounds half away from zero.
fn div_half_up(dividend: i128, divisor: i128) -> i128 {
    let half = divisor / 2;
    if dividend >= 0 { (dividend + half) / divisor } else { (dividend - half) / divisor }
}
