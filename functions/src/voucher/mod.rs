//! Vouchers as programs of organisers make and change them. What a voucher keeps and what it must not change any more is
//! decided by the box office (spec domain 6).

pub mod sql;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    boxoffice::{self, Outcome, Request, VoucherFault, VoucherTerms},
    catalogue::Catalogue,
    event::Event,
    id::{EventId, VoucherId},
    port::{
        db::{DbError, Query, array, p},
        lock::EventLock,
    },
    record::{self, Record},
    time::Timestamp,
};

/// Creates vouchers, or changes them: all of them, or none if one is refused. What was refused, by place.
pub async fn save(
    lock: &EventLock<'_>,
    event: &Event,
    wanted: Vec<(Option<VoucherId>, VoucherTerms)>,
    now: Timestamp,
) -> Result<Vec<Option<VoucherFault>>, DbError> {
    let requests = wanted.into_iter().map(|(voucher, terms)| Request::SaveVoucher { voucher, terms }).collect();
    serve(lock, event, requests, now).await
}

/// Deletes a voucher that nobody has ordered with; carts lose what they held with it.
pub async fn delete(
    lock: &EventLock<'_>,
    event: &Event,
    voucher: VoucherId,
    now: Timestamp,
) -> Result<Option<VoucherFault>, DbError> {
    Ok(serve(lock, event, vec![Request::DeleteVoucher { voucher }], now).await?.into_iter().flatten().next())
}

async fn serve(
    lock: &EventLock<'_>,
    event: &Event,
    requests: Vec<Request>,
    now: Timestamp,
) -> Result<Vec<Option<VoucherFault>>, DbError> {
    let catalogue = Catalogue::load(lock.tx(), event).await?;
    let (outcomes, changes) = boxoffice::serve(lock, event, &catalogue, &requests, now).await?;
    let fault = |outcome: &Outcome| match outcome {
        Outcome::VoucherRefused(fault) => Some(*fault),
        _ => None,
    };
    let faults: Vec<Option<VoucherFault>> = outcomes.iter().map(fault).collect();
    if faults.iter().all(Option::is_none) {
        // Vouchers are nobody's order: there is nothing to send.
        boxoffice::write(lock, event, &changes, now).await.map(drop)?;
    }
    Ok(faults)
}

/// The ids of vouchers by their codes.
pub async fn ids(q: &impl Query, event: EventId, codes: &Vec<String>) -> Result<BTreeMap<String, i64>, DbError> {
    let rows = q.query(sql::IDS_BY_CODE, &[p(&event), array(codes)]).await?;
    rows.iter().map(|row| Ok((row.get("code")?, row.get("id")?))).collect()
}

/// What staff notes at vouchers: objects of `id`, `tag` and `comment`.
pub async fn note(lock: &EventLock<'_>, notes: Vec<Value>) -> Result<(), DbError> {
    lock.tx().execute(sql::NOTE, &[p(&lock.event()), p(&Value::Array(notes))]).await.map(drop)
}

/// Vouchers by their ids, in the order of these.
pub async fn records(q: &impl Query, event: EventId, ids: Vec<i64>) -> Result<Vec<Record>, DbError> {
    let rows = q.query(sql::RECORDS, &[p(&event), array(&ids)]).await?;
    rows.iter().map(record::body).collect()
}
