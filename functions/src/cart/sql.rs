//! Statements about carts.

use super::{Attendee, Position, PositionAnswers};
use crate::{
    boxoffice::{CartId, Product},
    id::{CartPositionId, EventId, QuestionId},
    money::{Currency, Money, TaxRate},
    port::db::{DbError, Query, Row, array, p},
    time::Timestamp,
};

const READ: &str = "
    select id, item_id, variation_id, subevent_id, price, listed_price, voucher_saving, custom_price, tax_rate_ppm,
           tax_value, expires_at, max_extend_at, attendee_name, attendee_email, company, voucher_code, addon_to, is_bundled,
           discount_id, discount_value
      from positions_of_cart($1, $2)";

/// The positions of a cart.
pub(super) async fn read(
    q: &impl Query,
    event: EventId,
    currency: Currency,
    cart: &CartId,
) -> Result<Vec<Position>, DbError> {
    q.query(READ, &[p(&event), p(&cart.0)]).await?.iter().map(|row| position(row, currency)).collect()
}

fn position(row: &Row, currency: Currency) -> Result<Position, DbError> {
    let custom_price: Option<i64> = row.get("custom_price")?;
    Ok(Position {
        id: row.get("id")?,
        product: Product {
            item: row.get("item_id")?,
            variation: row.get("variation_id")?,
            date: row.get("subevent_id")?,
        },
        listed: Money::new(row.get("listed_price")?, currency),
        saving: Money::new(row.get("voucher_saving")?, currency),
        custom_price: custom_price.map(|minor| Money::new(minor, currency)),
        voucher_code: row.get("voucher_code")?,
        parent: row.get("addon_to")?,
        bundled: row.get("is_bundled")?,
        price: Money::new(row.get("price")?, currency),
        tax_rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
        tax: Money::new(row.get("tax_value")?, currency),
        off: Money::new(row.get("discount_value")?, currency),
        discount: row.get("discount_id")?,
        expires_at: row.get("expires_at")?,
        max_extend_at: row.get("max_extend_at")?,
        attendee: Attendee {
            name: row.get("attendee_name")?,
            email: row.get("attendee_email")?,
            company: row.get("company")?,
        },
        answers: Vec::new(),
    })
}

const ANSWERS: &str = "
    select a.cart_position_id, a.question_id, a.answer
      from cart_position c join answer a on a.event_id = c.event_id and a.cart_position_id = c.id
     where c.event_id = $1 and c.cart_id = $2
     order by a.cart_position_id, a.question_id";

pub(super) async fn answers(
    q: &impl Query,
    event: EventId,
    cart: &CartId,
) -> Result<Vec<(CartPositionId, QuestionId, String)>, DbError> {
    let rows = q.query(ANSWERS, &[p(&event), p(&cart.0)]).await?;
    rows.iter().map(|row| Ok((row.get("cart_position_id")?, row.get("question_id")?, row.get("answer")?))).collect()
}

const SAVE_ANSWERS: &str = "select save_cart_answers($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(super) async fn save_answers(
    q: &impl Query,
    event: EventId,
    cart: &CartId,
    told: &[PositionAnswers],
) -> Result<(), DbError> {
    let ids: Vec<CartPositionId> = told.iter().map(|position| position.id).collect();
    let column = |field: fn(&Attendee) -> &Option<String>| -> Vec<Option<String>> {
        told.iter().map(|position| field(&position.attendee).clone()).collect()
    };
    let (names, emails, companies) = (column(|a| &a.name), column(|a| &a.email), column(|a| &a.company));
    let answers = || told.iter().flat_map(|it| it.answers.iter().map(move |(question, text)| (it.id, *question, text)));
    let positions: Vec<CartPositionId> = answers().map(|(position, ..)| position).collect();
    let questions: Vec<QuestionId> = answers().map(|(_, question, _)| question).collect();
    let texts: Vec<&str> = answers().map(|(.., text)| text.as_str()).collect();
    let params = [
        p(&event),
        p(&cart.0),
        array(&ids),
        array(&names),
        array(&emails),
        array(&companies),
        array(&positions),
        array(&questions),
        array(&texts),
    ];
    q.execute(SAVE_ANSWERS, &params).await.map(drop)
}

const EVENTS_TO_SETTLE: &str =
    "select distinct event_id from cart_position where holds_stock and expires_at < $1 order by event_id limit 500";

/// Events with positions that expired before `before` and still hold stock, because nobody has come since.
pub async fn events_to_settle(q: &impl Query, before: Timestamp) -> Result<Vec<EventId>, DbError> {
    q.query(EVENTS_TO_SETTLE, &[p(&before)]).await?.iter().map(|row| row.get("event_id")).collect()
}

const SWEEP_POSITIONS: &str = "delete from cart_position where not holds_stock and expires_at < $1";
// Nothing writes them any more; what an earlier release has kept about buyers goes like a cart does.
const SWEEP_SESSIONS: &str = "delete from checkout_session where updated_at < $1";
const SWEEP_FORM_OUTCOMES: &str = "delete from form_outcome where created_at < $1";

/// Drops carts, checkout sessions and form outcomes that nobody has touched since `before`. Positions that still hold
/// stock stay until a batch of their event has released them.
pub async fn sweep(q: &impl Query, before: Timestamp) -> Result<(), DbError> {
    for sql in [SWEEP_POSITIONS, SWEEP_SESSIONS, SWEEP_FORM_OUTCOMES] {
        q.execute(sql, &[p(&before)]).await?;
    }
    Ok(())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] =
    &[READ, ANSWERS, SAVE_ANSWERS, EVENTS_TO_SETTLE, SWEEP_POSITIONS, SWEEP_SESSIONS, SWEEP_FORM_OUTCOMES];
