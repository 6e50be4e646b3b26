//! The tables of exports: their columns, and their rows in portions.

pub mod sql;

use serde_json::Value;
use sql::{FeeRow, GuestRow, OrderRow, PaymentRow, PositionRow};

use super::{Cell, Wish};
use crate::{
    catalogue::Catalogue,
    checkin::List,
    event::Event,
    i18n::Lang,
    id::{ItemId, VariationId},
    money::{Money, TaxRate},
    order::OrderStatus,
    port::db::{DbError, Query},
    question::Question,
};

/// The column of ticket codes, which not everybody at the door needs.
const SECRET: &str = "export-secret";

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
    /// One row per guest of a check-in list.
    Guests,
}

impl Table {
    /// The word in the API and in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Positions => "positions",
            Self::Fees => "fees",
            Self::Payments => "payments",
            Self::Guests => "checkin",
        }
    }

    /// The key of its name for people.
    pub fn title_key(self) -> &'static str {
        match self {
            Self::Orders => "export-orders",
            Self::Positions => "export-positions",
            Self::Fees => "export-fees",
            Self::Payments => "export-payments",
            Self::Guests => "export-guests",
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
                SECRET,
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
            Self::Guests => &[
                "export-order",
                "export-number",
                "export-attendee",
                "export-item",
                "export-variation",
                "export-date",
                "export-price",
                "export-currency",
                "export-status",
                "export-present",
                "export-checked-in",
                "export-checked-out",
                "export-last-scan",
                "export-entries",
                "export-email",
                "export-phone",
                "export-attendee-email",
                "export-company",
                "export-voucher",
                "export-created",
                "export-attention",
                "export-comment",
                "export-pseudonym",
                SECRET,
            ],
        }
    }

    /// The heading. Positions and guests have a column for every question.
    pub fn heading(self, source: &Source<'_>) -> Vec<String> {
        let questions = source.questions(self).map(|question| question.question.get(source.lang).to_owned());
        let columns = self.columns().iter().filter(|key| **key != SECRET || source.wish.shows_secrets());
        columns.map(|key| source.lang.text(key)).chain(questions).collect()
    }

    /// How many rows there are, roughly: more may come.
    pub async fn count(self, q: &impl Query, source: &Source<'_>) -> Result<i64, DbError> {
        let (event, paid) = (source.event.id, source.wish.paid_only);
        match self {
            Self::Orders => sql::count_orders(q, event, paid).await,
            Self::Positions => sql::count_positions(q, event, paid).await,
            Self::Fees => sql::count_fees(q, event, paid).await,
            Self::Payments => sql::count_payments(q, event).await,
            Self::Guests => match source.list {
                Some(list) => sql::count_guests(q, event, list, &source.wish).await,
                None => Ok(0),
            },
        }
    }

    /// The rows after the place `after`, and the place of the last. None when there are no more.
    pub async fn page(
        self,
        q: &impl Query,
        source: &Source<'_>,
        after: i64,
    ) -> Result<Option<(Vec<Vec<Cell>>, i64)>, DbError> {
        let (event, paid) = (source.event.id, source.wish.paid_only);
        Ok(match self {
            Self::Orders => page(sql::orders(q, event, after, paid).await?, |row| source.order(row)),
            Self::Positions => page(sql::positions(q, event, after, paid).await?, |row| source.position(row)),
            Self::Fees => page(sql::fees(q, event, after, paid).await?, |row| source.fee(row)),
            Self::Payments => page(sql::payments(q, event, after).await?, |row| source.payment(row)),
            Self::Guests => match source.list {
                Some(list) => page(sql::guests(q, event, after, list, &source.wish).await?, |row| source.guest(row)),
                None => None,
            },
        })
    }
}

fn page<R>((rows, last): (Vec<R>, Option<i64>), read: impl Fn(&R) -> Vec<Cell>) -> Option<(Vec<Vec<Cell>>, i64)> {
    last.map(|last| (rows.iter().map(read).collect(), last))
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
    /// Whose guests.
    pub list: Option<&'a List>,
}

impl Source<'_> {
    fn questions(&self, table: Table) -> impl Iterator<Item = &Question> {
        self.catalogue.questions.iter().filter(move |_| matches!(table, Table::Positions | Table::Guests))
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
        let [item, variation] = self.product(row.item, row.variation);
        let mut cells = vec![
            Cell::Text(row.code.clone()),
            Cell::count(row.number.into()),
            self.status(row.status),
            Cell::text(Some(row.email.clone())),
            Cell::moment(self.event, Some(row.created_at)),
            Cell::moment(self.event, row.date_from),
            item,
            variation,
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
        cells.extend(self.answers(Table::Positions, &row.answers));
        cells
    }

    /// The names of a product and its variation.
    fn product(&self, item: ItemId, variation: Option<VariationId>) -> [Cell; 2] {
        let item = self.catalogue.item(item);
        let variation = variation.and_then(|id| item?.variation(id));
        [
            Cell::text(item.map(|item| item.name.get(self.lang).to_owned())),
            Cell::text(variation.map(|variation| variation.value.get(self.lang).to_owned())),
        ]
    }

    /// A cell for every question.
    fn answers(&self, table: Table, answers: &Value) -> impl Iterator<Item = Cell> {
        self.questions(table).map(|question| {
            let given = answers.get(question.id.to_string()).and_then(Value::as_str);
            Cell::text(given.map(|given| question.readable(given, self.lang)))
        })
    }

    fn guest(&self, row: &GuestRow) -> Vec<Cell> {
        let moment = |moment| Cell::moment(self.event, moment);
        let [item, variation] = self.product(row.item, row.variation);
        let mut cells = vec![
            Cell::Text(row.code.clone()),
            Cell::count(row.number.into()),
            Cell::text(row.attendee.clone()),
            item,
            variation,
            moment(row.date_from),
            self.amount(row.price),
            self.currency(),
            self.status(row.status),
            Cell::Flag(row.present),
            moment(row.first_entry),
            moment(row.last_exit),
            moment(row.last_scan),
            Cell::count(row.entries),
            Cell::text(Some(row.email.clone())),
            Cell::text(row.phone.clone()),
            Cell::text(row.attendee_email.clone()),
            Cell::text(row.company.clone()),
            Cell::text(row.voucher.clone()),
            moment(Some(row.created_at)),
            Cell::Flag(row.attention),
            Cell::text(Some(row.comment.clone())),
            Cell::Text(row.pseudonym.clone()),
        ];
        cells.extend(self.wish.shows_secrets().then(|| Cell::Text(row.secret.clone())));
        cells.extend(self.answers(Table::Guests, &row.answers));
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
