//! The tables of exports: their columns, and their rows in portions.

pub mod sql;

use serde_json::Value;
use sql::{FeeRow, OrderRow, PaymentRow, PositionRow};

use super::{Cell, Wish};
use crate::{
    catalogue::Catalogue,
    event::Event,
    i18n::Lang,
    money::{Money, TaxRate},
    order::OrderStatus,
    port::db::{DbError, Query},
    question::Question,
};

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One row per order.
    Orders,
    /// One row per position that is not cancelled.
    Positions,
    /// One row per fee that is not cancelled.
    Fees,
    /// One row per payment and per refund, whose amounts are negative.
    Payments,
}

impl Table {
    /// The word in the API and in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Positions => "positions",
            Self::Fees => "fees",
            Self::Payments => "payments",
        }
    }

    /// The key of its name for people.
    pub fn title_key(self) -> &'static str {
        match self {
            Self::Orders => "export-orders",
            Self::Positions => "export-positions",
            Self::Fees => "export-fees",
            Self::Payments => "export-payments",
        }
    }

    /// Keys of the columns that every event has.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &[
                "export-order",
                "export-status",
                "export-email",
                "export-phone",
                "export-created",
                "export-expires",
                "export-paid-at",
                "export-total",
                "export-currency",
                "export-tax",
                "export-fee-sum",
                "export-count",
                "export-provider",
                "export-channel",
                "export-language",
                "export-testmode",
                "export-comment",
            ],
            Self::Positions => &[
                "export-order",
                "export-number",
                "export-status",
                "export-email",
                "export-created",
                "export-date",
                "export-item",
                "export-variation",
                "export-price",
                "export-currency",
                "export-tax-rate",
                "export-tax",
                "export-attendee",
                "export-attendee-email",
                "export-company",
                "export-voucher",
                "export-pseudonym",
                "export-secret",
            ],
            Self::Fees => &[
                "export-order",
                "export-status",
                "export-email",
                "export-created",
                "export-fee-type",
                "export-description",
                "export-amount",
                "export-currency",
                "export-tax-rate",
                "export-tax",
            ],
            Self::Payments => &[
                "export-order",
                "export-payment",
                "export-created",
                "export-confirmed",
                "export-payment-state",
                "export-amount",
                "export-currency",
                "export-provider",
                "export-email",
            ],
        }
    }

    /// The heading. Positions have a column for every question.
    pub fn heading(self, source: &Source<'_>) -> Vec<String> {
        let questions = source.questions(self).map(|question| question.question.get(source.lang).to_owned());
        self.columns().iter().map(|key| source.lang.text(key)).chain(questions).collect()
    }

    /// How many rows there are, roughly: more may come.
    pub async fn count(self, q: &impl Query, source: &Source<'_>) -> Result<i64, DbError> {
        sql::count(q, self, source.event.id, source.wish.paid_only).await
    }

    /// The rows after the one that has the id `after`, and the id of the last. None when there are no more.
    pub async fn page(
        self,
        q: &impl Query,
        source: &Source<'_>,
        after: i64,
    ) -> Result<Option<(Vec<Vec<Cell>>, i64)>, DbError> {
        let (event, paid) = (source.event.id, source.wish.paid_only);
        Ok(match self {
            Self::Orders => page(sql::orders(q, event, after, paid).await?, |row| (source.order(row), row.id)),
            Self::Positions => page(sql::positions(q, event, after, paid).await?, |row| (source.position(row), row.id)),
            Self::Fees => page(sql::fees(q, event, after, paid).await?, |row| (source.fee(row), row.id)),
            Self::Payments => page(sql::payments(q, event, after).await?, |row| (source.payment(row), row.place)),
        })
    }
}

fn page<R>(rows: Vec<R>, read: impl Fn(&R) -> (Vec<Cell>, i64)) -> Option<(Vec<Vec<Cell>>, i64)> {
    let last = read(rows.last()?).1;
    Some((rows.iter().map(|row| read(row).0).collect(), last))
}

/// What tables are made of, besides their rows.
pub struct Source<'a> {
    /// Whose orders.
    pub event: &'a Event,
    /// Names of what it sells.
    pub catalogue: &'a Catalogue,
    /// The language of words.
    pub lang: Lang,
    /// Which rows.
    pub wish: Wish,
}

impl Source<'_> {
    fn questions(&self, table: Table) -> impl Iterator<Item = &Question> {
        self.catalogue.questions.iter().filter(move |_| table == Table::Positions)
    }

    fn amount(&self, minor: i64) -> Cell {
        Cell::Number(Money::new(minor, self.event.currency).to_decimal())
    }

    fn currency(&self) -> Cell {
        Cell::Text(self.event.currency.code().to_owned())
    }

    fn status(&self, status: OrderStatus) -> Cell {
        Cell::Text(self.lang.text(match status {
            OrderStatus::Pending => "status-payment-pending",
            OrderStatus::Paid => "status-paid",
            OrderStatus::Expired => "status-expired",
            OrderStatus::Canceled => "status-canceled",
        }))
    }

    fn order(&self, row: &OrderRow) -> Vec<Cell> {
        let moment = |moment| Cell::moment(self.event, moment);
        vec![
            Cell::Text(row.code.clone()),
            self.status(row.status),
            Cell::text(Some(row.email.clone())),
            Cell::text(row.phone.clone()),
            moment(Some(row.created_at)),
            moment(Some(row.expires_at)),
            moment(row.paid_at),
            self.amount(row.total),
            self.currency(),
            self.amount(row.tax),
            self.amount(row.fees),
            Cell::count(row.positions),
            Cell::text(row.providers.clone()),
            Cell::Text(row.sales_channel.clone()),
            Cell::Text(row.locale.clone()),
            Cell::Flag(row.testmode),
            Cell::text(Some(row.comment.clone())),
        ]
    }

    fn position(&self, row: &PositionRow) -> Vec<Cell> {
        let item = self.catalogue.item(row.item);
        let variation = row.variation.and_then(|id| item?.variation(id));
        let mut cells = vec![
            Cell::Text(row.code.clone()),
            Cell::count(row.number.into()),
            self.status(row.status),
            Cell::text(Some(row.email.clone())),
            Cell::moment(self.event, Some(row.created_at)),
            Cell::moment(self.event, row.date_from),
            Cell::text(item.map(|item| item.name.get(self.lang).to_owned())),
            Cell::text(variation.map(|variation| variation.value.get(self.lang).to_owned())),
            self.amount(row.price),
            self.currency(),
            Cell::Number(row.tax_rate.to_percent()),
            self.amount(row.tax),
            Cell::text(row.attendee.clone()),
            Cell::text(row.attendee_email.clone()),
            Cell::text(row.company.clone()),
            Cell::text(row.voucher.clone()),
            Cell::Text(row.pseudonym.clone()),
            Cell::Text(row.secret.clone()),
        ];
        let answer = |question: &Question| {
            let given = row.answers.get(question.id.to_string()).and_then(Value::as_str);
            Cell::text(given.map(|given| question.readable(given, self.lang)))
        };
        cells.extend(self.questions(Table::Positions).map(answer));
        cells
    }

    fn fee(&self, row: &FeeRow) -> Vec<Cell> {
        vec![
            Cell::Text(row.code.clone()),
            self.status(row.status),
            Cell::text(Some(row.email.clone())),
            Cell::moment(self.event, Some(row.created_at)),
            Cell::Text(self.lang.text(&format!("fee-{}", row.fee_type))),
            Cell::text(Some(row.description.clone())),
            self.amount(row.value),
            self.currency(),
            Cell::Number(TaxRate::from_ppm(row.tax_rate_ppm).to_percent()),
            self.amount(row.tax),
        ]
    }

    fn payment(&self, row: &PaymentRow) -> Vec<Cell> {
        vec![
            Cell::Text(row.code.clone()),
            Cell::Text(row.name.clone()),
            Cell::moment(self.event, Some(row.created_at)),
            Cell::moment(self.event, row.ended_at),
            Cell::Text(row.state.clone()),
            self.amount(row.amount),
            self.currency(),
            Cell::Text(row.provider.clone()),
            Cell::text(Some(row.email.clone())),
        ]
    }
}
