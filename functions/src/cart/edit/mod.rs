//! Carts that programs of organisers fill and empty (spec rest-api 8). Their ids have an ending that no browser's have.

pub mod sql;

use super::Attendee;
use crate::{
    boxoffice::{self, CartId, OrderRefusal, Outcome, Request, Reservation},
    catalogue::Catalogue,
    event::Event,
    id::{CartPositionId, QuestionId},
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

/// What the ids of such carts end with.
pub const SUFFIX: &str = "@api";

/// One unit to be put into a cart.
#[derive(Debug, Clone)]
pub struct NewUnit {
    /// The cart.
    pub cart: CartId,
    /// What.
    pub unit: Reservation,
    /// How many of its parts, the first ones, are parts of a bundle; the others are add-ons.
    pub bundled: usize,
    /// Who comes with it, and with its parts in their order, with answers in their stored form.
    pub told: Vec<(Attendee, Vec<(QuestionId, String)>)>,
}

/// What is wrong with a unit: with itself at place 0, with its parts after it.
pub type Faults = Vec<(usize, OrderRefusal)>;

/// Puts units into carts, each as a whole or not at all; those that are refused do not keep the others out. Returns the
/// rows of each: its own, then those of its parts.
pub async fn reserve(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    units: &[NewUnit],
    now: Timestamp,
) -> Result<Vec<Result<Vec<CartPositionId>, Faults>>, DbError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let request = |it: &NewUnit| Request::Reserve { cart: it.cart.clone(), unit: Box::new(it.unit.clone()) };
    let requests: Vec<Request> = units.iter().map(request).collect();
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &requests, now).await?;
    let _nothing_to_send = boxoffice::write(&lock, event, &changes, now).await?;
    let mut rows = sql::newest(&lock, &changes.added).await?.into_iter();
    let mut told = Vec::new();
    let mut done = Vec::new();
    for (new, outcome) in units.iter().zip(outcomes) {
        let Outcome::Cart(_) = outcome else {
            let Outcome::NotCreated(faults) = outcome else {
                unreachable!("a unit is reserved or not, not {outcome:?}")
            };
            done.push(Err(faults));
            continue;
        };
        let own: Vec<CartPositionId> = rows.by_ref().take(1 + new.unit.parts.len()).collect();
        for (place, (id, (attendee, answers))) in own.iter().zip(&new.told).enumerate() {
            told.push(sql::Told { id: *id, is_add_on: place > new.bundled, attendee, answers });
        }
        done.push(Ok(own));
    }
    sql::tell(&lock, &told).await?;
    Ok(done)
}

/// Takes a position out of a cart, with what belongs to it, and gives its places back.
pub async fn release(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    (cart, position): (&CartId, CartPositionId),
    now: Timestamp,
) -> Result<(), DbError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let request = Request::Release { cart: cart.clone(), position };
    let (_, changes) = boxoffice::serve(&lock, event, catalogue, &[request], now).await?;
    let _nothing_to_send = boxoffice::write(&lock, event, &changes, now).await?;
    Ok(())
}
