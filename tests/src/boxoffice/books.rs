//! What must be true of an event's rows at any moment.

use std::collections::BTreeSet;

use shop::{
    boxoffice::audit,
    id::{EventId, OrderId},
    port::db::{Query, p},
};

/// Counters equal the rows, and no quota has more in use than it has places.
pub async fn check(db: &impl Query, event: EventId) {
    let drifted = audit::drifted_quotas(db, event).await.unwrap();
    assert!(drifted.is_empty(), "counters of quotas {drifted:?} differ from their rows");
    let oversold = "select q.name, q.size, c.paid + c.pending + c.carts + c.vouchers + c.waiting as used
                      from quota q join quota_counter c on c.quota_id = q.id
                     where q.event_id = $1 and c.paid + c.pending + c.carts + c.vouchers + c.waiting > q.size";
    if let Some(row) = db.opt(oversold, &[p(&event)]).await.unwrap() {
        let (name, size, used): (String, i64, i64) =
            (row.get("name").unwrap(), row.get("size").unwrap(), row.get("used").unwrap());
        panic!("quota {name} has {size} places and sold {used}");
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
