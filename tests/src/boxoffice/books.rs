//! What must be true of an event's rows at any moment.

use std::collections::BTreeSet;

use shop::{
    boxoffice::audit,
    id::{EventId, OrderId},
    port::db::{Query, p},
};

/// Counters equal the rows, every place is where the ledger says, and no quota has more in use than it has places.
pub async fn check(db: &impl Query, event: EventId) {
    for quota in audit::ledger(db, event).await.unwrap() {
        assert!(!quota.has_drifted(), "counters differ from their rows: {quota:?}");
        let Some(size) = quota.size else { continue };
        let used = quota.counted.total();
        assert!(used <= size, "quota {} has {size} places and sold {used}", quota.name);
        assert_eq!(quota.free, Some(size - used), "the ledger of {quota:?} does not add up");
    }
}

/// The orders of an event by row and code, each whole: with positions that cost what it costs, and with one payment.
pub async fn orders(db: &impl Query, event: EventId) -> BTreeSet<(OrderId, String)> {
    let orders = "
        select o.id, o.code, o.total, (select count(*) from payment p where p.order_id = o.id) as payments,
               (select count(*) from order_position p where p.order_id = o.id) as positions,
               (select coalesce(sum(price), 0)::bigint from order_position p where p.order_id = o.id) as price
          from orders o where o.event_id = $1";
    let mut found = BTreeSet::new();
    for row in db.query(orders, &[p(&event)]).await.unwrap() {
        let number = |column: &str| row.get::<i64>(column).unwrap();
        let code: String = row.get("code").unwrap();
        assert!(number("positions") > 0 && number("payments") == 1, "{code} is not whole");
        assert_eq!(number("price"), number("total"), "{code} costs what is in it");
        found.insert((OrderId(number("id")), code));
    }
    found
}
