//! Lists: pages, filters, orderings (spec rest-api 0.2).

use ::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Value, json};

use super::{
    Around,
    read::{read_amount, read_flag, read_moment},
};
use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    record::{Part, Record},
};

/// Default and largest page.
const PAGE_SIZE_MAX: i64 = 50;

/// The form of a filter's value.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// true or false.
    Flag,
    /// A whole number, such as an id.
    Number,
    /// Whole numbers, separated by commas.
    Numbers,
    /// An amount.
    Amount,
    /// A decimal number, whatever its currency.
    Decimal,
    /// A percentage.
    Percent,
    /// Percentages, separated by commas.
    Percents,
    /// Any text.
    Text,
    /// Texts, separated by commas.
    Texts,
    /// A moment.
    Moment,
    /// One of some words in small letters, however it is written.
    Lower(&'static [&'static str]),
}

/// A query parameter that limits a list.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Its name, outside and for the statement.
    pub name: &'static str,
    /// The form of its value.
    pub wanted: Wanted,
}

impl Filter {
    /// A filter.
    pub const fn new(name: &'static str, wanted: Wanted) -> Self {
        Self { name, wanted }
    }
}

/// A parameter that is not empty.
pub fn parameter(request: &Request, name: &str) -> Option<String> {
    http::query(request, name).filter(|value| !value.is_empty())
}

/// Whether a parameter says true.
pub fn asks_for(request: &Request, name: &str) -> bool {
    parameter(request, name).and_then(|value| read_flag(&json!(value))).unwrap_or(false)
}

/// The values of the filters that are asked for, all faults at once.
pub fn read_filters(request: &Request, filters: &[Filter], around: &Around) -> Result<Record, ApiError> {
    let (mut read, mut faults) = (Record::new(), super::read::Faults::default());
    for filter in filters {
        let Some(text) = parameter(request, filter.name) else { continue };
        match read_filter(filter.wanted, &text, around) {
            Ok(value) => drop(read.insert(filter.name.to_owned(), value)),
            Err(message) => faults.add(filter.name, message),
        }
    }
    faults.check().map(|()| read)
}

fn read_filter(wanted: Wanted, text: &str, around: &Around) -> Result<Value, String> {
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| "Enter a number.".to_owned());
    let percent = |text: &str| {
        let rate = crate::money::TaxRate::parse_percent(text.trim()).ok_or("Enter a percentage from 0 to 100.")?;
        Ok::<_, String>(rate.ppm())
    };
    Ok(match wanted {
        Wanted::Flag => json!(read_flag(&json!(text)).ok_or("Allowed are true and false.")?),
        Wanted::Number => json!(number(text)?),
        Wanted::Numbers => json!(text.split(',').map(number).collect::<Result<Vec<_>, _>>()?),
        Wanted::Amount => json!(read_amount(&json!(text), around)?),
        Wanted::Decimal => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            let is_number = (1..=20).contains(&whole.len()) && (1..=20).contains(&fraction.len());
            json!((is_number && is_digits(whole) && is_digits(fraction)).then_some(text).ok_or("Enter a number.")?)
        }
        Wanted::Percent => json!(percent(text)?),
        Wanted::Percents => json!(text.split(',').map(percent).collect::<Result<Vec<_>, _>>()?),
        Wanted::Text => json!(text),
        Wanted::Texts => text.split(',').map(|word| json!(word.trim())).collect(),
        // A plus sign that was not encoded arrives as a space.
        Wanted::Moment => {
            let moment = read_moment(&json!(text.replace(' ', "+")), around);
            json!(moment.map_err(|_| "Enter a date and time with a zone, such as 2026-12-27T10:00:00Z.")?.to_string())
        }
        Wanted::Lower(words) => {
            let word = text.to_ascii_lowercase();
            let known = words.contains(&word.as_str());
            json!(known.then_some(word).ok_or_else(|| format!("Allowed are {}.", words.join(", ")))?)
        }
    })
}

/// The part of a list that is asked for.
#[derive(Debug)]
pub struct Page {
    number: i64,
    size: i64,
}

impl Page {
    /// Reads `page` and `page_size`.
    pub fn read(request: &Request) -> Result<Self, ApiError> {
        let number = |name: &str, default: i64| match parameter(request, name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|number| *number >= 1).ok_or(ApiError::InvalidPage),
        };
        // A size that is none is as good as none.
        let size = number("page_size", PAGE_SIZE_MAX).unwrap_or(PAGE_SIZE_MAX).min(PAGE_SIZE_MAX);
        Ok(Self { number: number("page", 1)?, size })
    }

    /// How many rows come before it.
    pub fn offset(&self) -> i64 {
        (self.number - 1).saturating_mul(self.size)
    }

    /// How many rows it has at most.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// The rows that a statement has to find, in one of `orderings`; unknown ones are ignored.
    pub fn part(&self, request: &Request, filter: Record, orderings: &[&str]) -> Part {
        let asked = parameter(request, "ordering").unwrap_or_default();
        let known = |word: &&str| orderings.contains(&word.trim_start_matches('-'));
        let ordering = asked.split(',').map(str::trim).find(known).unwrap_or_default().to_owned();
        Part { filter, ordering, offset: self.offset(), limit: self.size }
    }

    /// The list's envelope; its links keep every other parameter. `total` is not known beyond the end.
    pub fn answer(
        &self,
        ctx: &Ctx,
        request: &Request,
        total: Option<i64>,
        results: Vec<Value>,
    ) -> Result<Response<Body>, ApiError> {
        let count = total.unwrap_or(0);
        if self.number > 1 && self.offset() >= count {
            return Err(ApiError::InvalidPage);
        }
        let address = |page: i64| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let parameters = request.query_string_parameters_ref();
            for (name, value) in parameters.into_iter().flat_map(|parameters| parameters.iter()) {
                if name != "page" {
                    query.append_pair(name, value);
                }
            }
            query.append_pair("page", &page.to_string());
            format!("{}{}?{}", ctx.config().public_url, request.raw_http_path(), query.finish())
        };
        let body = json!({
            "count": count,
            "next": (self.offset() + self.size < count).then(|| address(self.number + 1)),
            "previous": (self.number > 1).then(|| address(self.number - 1)),
            "results": results,
        });
        Ok(http::json(StatusCode::OK, &body))
    }
}
