//! Statements about carts of programs.

use crate::{
    boxoffice::NewCartPosition,
    cart::Attendee,
    id::{CartPositionId, EventId, QuestionId},
    port::{
        db::{DbError, Query, array, p},
        lock::EventLock,
    },
    record::{self, Record, Table, sql::list_rows},
};

macro_rules! position_body {
    () => {
        "(to_jsonb(r) || jsonb_build_object('answers', (
             select coalesce(jsonb_agg(jsonb_build_object('question', a.question_id, 'answer', a.answer) order by a.question_id), '[]')
               from answer a where a.event_id = r.event_id and a.cart_position_id = r.id)))"
    };
}
const POSITIONS: &str = list_rows!(
    "cart_position",
    position_body!(),
    "and right(r.cart_id, 4) = '@api' and ($2::jsonb->'cart_id' is null or r.cart_id = $2::jsonb->>'cart_id')",
    "case when $3 = 'datetime' then r.created_at end, case when $3 = '-datetime' then r.created_at end desc,
     case when $3 = 'cart_id' then r.cart_id end, case when $3 = '-cart_id' then r.cart_id end desc, r.id"
);
const FIND: &str = concat!(
    "select ",
    position_body!(),
    " as body from cart_position r where r.event_id = $1 and r.id = $2 and right(r.cart_id, 4) = '@api'"
);

/// What lies in carts of programs.
pub static CART_POSITIONS: Table =
    Table { object: "cartposition", list: POSITIONS, find: FIND, insert: "", update: "", delete: "" };

const OF_IDS: &str = concat!(
    "select ",
    position_body!(),
    " as body from cart_position r where r.event_id = $1 and r.id = any($2) and right(r.cart_id, 4) = '@api' order by r.id"
);

/// Positions by their ids, as they are told.
pub async fn records(q: &impl Query, event: EventId, ids: &Vec<CartPositionId>) -> Result<Vec<Record>, DbError> {
    q.query(OF_IDS, &[p(&event), array(ids)]).await?.iter().map(record::body).collect()
}

const NEWEST: &str = "select id from cart_position where event_id = $1 and cart_id = any($2) order by id desc limit $3";

/// The rows of what was added a moment ago, in its order: nobody else adds any while the event's lock is held.
pub(super) async fn newest(lock: &EventLock<'_>, added: &[NewCartPosition]) -> Result<Vec<CartPositionId>, DbError> {
    let carts: Vec<&str> = added.iter().map(|new| new.cart.0.as_str()).collect();
    let count = added.iter().map(|new| 1 + new.parts.len() as i64).sum::<i64>();
    let rows = lock.tx().query(NEWEST, &[p(&lock.event()), array(&carts), p(&count)]).await?;
    rows.iter().rev().map(|row| row.get("id")).collect()
}

/// What was told about a position.
pub(super) struct Told<'a> {
    pub(super) id: CartPositionId,
    /// It can go without what it belongs to.
    pub(super) is_add_on: bool,
    pub(super) attendee: &'a Attendee,
    pub(super) answers: &'a [(QuestionId, String)],
}

const TELL: &str = "
    update cart_position c
       set attendee_name = a.name, attendee_email = a.email, company = a.company, is_bundled = c.is_bundled and not a.is_add_on
      from unnest($2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::text[]) as a (id, is_add_on, name, email, company)
     where c.event_id = $1 and c.id = a.id";
const ANSWER: &str = "
    insert into answer (event_id, cart_position_id, question_id, answer)
    select $1, a.cart_position_id, a.question_id, a.answer
      from unnest($2::bigint[], $3::bigint[], $4::text[]) as a (cart_position_id, question_id, answer)";

/// Keeps what was told about new positions.
pub(super) async fn tell(lock: &EventLock<'_>, told: &[Told<'_>]) -> Result<(), DbError> {
    if told.is_empty() {
        return Ok(());
    }
    let event = lock.event();
    let ids: Vec<CartPositionId> = told.iter().map(|it| it.id).collect();
    let add_ons: Vec<bool> = told.iter().map(|it| it.is_add_on).collect();
    let column = |field: fn(&Attendee) -> &Option<String>| -> Vec<Option<String>> {
        told.iter().map(|it| field(it.attendee).clone()).collect()
    };
    let (names, emails, companies) = (column(|a| &a.name), column(|a| &a.email), column(|a| &a.company));
    let params = [p(&event), array(&ids), array(&add_ons), array(&names), array(&emails), array(&companies)];
    lock.tx().execute(TELL, &params).await?;
    let (mut positions, mut questions, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for it in told {
        for (question, answer) in it.answers {
            positions.push(it.id);
            questions.push(*question);
            texts.push(answer.as_str());
        }
    }
    if positions.is_empty() {
        return Ok(());
    }
    let params = [p(&event), array(&positions), array(&questions), array(&texts)];
    lock.tx().execute(ANSWER, &params).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[POSITIONS, FIND, OF_IDS, NEWEST, TELL, ANSWER];
