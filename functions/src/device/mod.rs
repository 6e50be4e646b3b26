//! Devices that scan tickets (spec domain 18.7): how one becomes a member of the organiser's, and what it should show.

pub mod profile;
pub mod selection;
pub mod sql;

use rand::{CryptoRng, RngExt as _, distr::Alphanumeric};
use serde_json::{Value, json};

use crate::{
    port::db::{DbError, Query, Tx},
    staff::token_hash,
    time::Timestamp,
};

/// The rights that every device has (spec rest-api 15).
pub const PERMISSIONS: &[&str] = &[
    "event.orders:read",
    "event.orders:write",
    "event.vouchers:read",
    "organizer.giftcards:read",
    "organizer.giftcards:write",
    "organizer.reusablemedia:read",
    "organizer.reusablemedia:write",
];

const TOKEN_LENGTH: usize = 64;

/// Why a device was not let in.
#[derive(Debug, thiserror::Error)]
pub enum InitializeError {
    /// There is no device with this code.
    #[error("Unknown initialization token.")]
    Unknown,
    /// A device has used the code already.
    #[error("This initialization token has already been used.")]
    Used,
    /// Staff has revoked the device.
    #[error("This initialization token has been revoked.")]
    Revoked,
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn new_token(random: &mut impl CryptoRng) -> (String, Vec<u8>) {
    let text: String = random.sample_iter(Alphanumeric).take(TOKEN_LENGTH).map(char::from).collect();
    let hash = token_hash(&text);
    (text, hash)
}

/// Uses an initialization code, once, and returns what the device needs to know; its token is told now and never again.
pub async fn initialize(
    tx: &Tx<'_>,
    code: &str,
    said: &Value,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<Value, InitializeError> {
    let waiting = sql::for_initialization(tx, code).await?.ok_or(InitializeError::Unknown)?;
    if waiting.revoked {
        return Err(InitializeError::Revoked);
    }
    if waiting.used {
        return Err(InitializeError::Used);
    }
    let (text, hash) = new_token(random);
    sql::initialize(tx, waiting.id, now, &hash).await?;
    sql::describe(tx, waiting.id, said).await?;
    Ok(told(tx, waiting.id, Some(&text)).await?)
}

/// Keeps what a device says about itself.
pub async fn update(tx: &Tx<'_>, id: i64, said: &Value) -> Result<Value, DbError> {
    sql::describe(tx, id, said).await?;
    told(tx, id, None).await
}

/// Gives a device a new token; the old one ends at once.
pub async fn roll(tx: &Tx<'_>, id: i64, random: &mut impl CryptoRng) -> Result<Value, DbError> {
    let (text, hash) = new_token(random);
    sql::roll(tx, id, &hash).await?;
    told(tx, id, Some(&text)).await
}

/// Ends a device.
pub async fn revoke(tx: &Tx<'_>, id: i64) -> Result<(), DbError> {
    sql::revoke(tx, id).await
}

/// Whether a device has told its public key, which is set once.
pub async fn has_key(q: &impl Query, id: i64) -> Result<bool, DbError> {
    sql::show(q, id).await?.get("has_key")
}

/// A device as it is told about itself.
pub async fn told(q: &impl Query, id: i64, token: Option<&str>) -> Result<Value, DbError> {
    let row = sql::show(q, id).await?;
    let string = |name: &str| row.get::<Option<String>>(name);
    let mut body = json!({
        "organizer": string("slug")?,
        "device_id": row.get::<i32>("device_id")?,
        "unique_serial": string("unique_serial")?,
        "name": string("name")?,
        "security_profile": string("security_profile")?,
        "gate": null,
    });
    if let Some(token) = token {
        body["api_token"] = json!(token);
    }
    Ok(body)
}
