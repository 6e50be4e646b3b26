-- The uses that blocking vouchers keep: of each voucher, in each quota of its scope.
create view voucher_keeps as
select v.event_id, v.id as voucher_id, q.id as quota_id, greatest(v.max_usages - v.redeemed, 0) as places
  from voucher v join quota q on q.event_id = v.event_id and q.subevent_id is not distinct from v.subevent_id
 where v.holds_stock
   and (q.id = v.quota_id
        or exists (select 1 from quota_item qi
                    where qi.quota_id = q.id and qi.item_id = v.item_id
                      and (v.variation_id is null or qi.variation_id = v.variation_id)));

-- Where the places of each quota are, counted from rows: size = paid + pending + vouchers + carts + waiting + free. A
-- quota without a size has no free places to tell; what is overbooked has less than none. The counters of quota_counter
-- say the same without counting: decisions use those, the audit compares the two. Ask for the rows of one event.
create view quota_ledger as
with counted as not materialized (
    select q.event_id, q.id as quota_id, q.subevent_id, q.name, q.size, coalesce(ordered.paid, 0) as paid,
           coalesce(ordered.pending, 0) as pending, coalesce(kept.places, 0) as vouchers, coalesce(held.places, 0) as carts,
           -- Nobody waits for places yet.
           0::bigint as waiting
      from quota q
      left join (
           select op.event_id, qi.quota_id, op.subevent_id, count(*) filter (where o.status = 'p') as paid,
                  count(*) filter (where o.status = 'n') as pending
             from order_position op
             join orders o on o.id = op.order_id and o.status in ('n', 'p')
             join quota_item qi on qi.event_id = op.event_id and qi.item_id = op.item_id
                  and qi.variation_id is not distinct from op.variation_id
            where not op.canceled
            group by op.event_id, qi.quota_id, op.subevent_id) as ordered
        on ordered.event_id = q.event_id and ordered.quota_id = q.id
           and ordered.subevent_id is not distinct from q.subevent_id
      left join (
           select event_id, quota_id, sum(places)::bigint as places from voucher_keeps group by event_id, quota_id) as kept
        on kept.event_id = q.event_id and kept.quota_id = q.id
      left join (
           select cp.event_id, qi.quota_id, cp.subevent_id, count(*) as places
             from cart_position cp
             join quota_item qi on qi.event_id = cp.event_id and qi.item_id = cp.item_id
                  and qi.variation_id is not distinct from cp.variation_id
             -- What lies in a cart with such a voucher is counted there.
             left join voucher_keeps k
               on k.event_id = cp.event_id and k.voucher_id = cp.voucher_id and k.quota_id = qi.quota_id
            where cp.holds_stock and k.voucher_id is null
            group by cp.event_id, qi.quota_id, cp.subevent_id) as held
        on held.event_id = q.event_id and held.quota_id = q.id and held.subevent_id is not distinct from q.subevent_id)
select event_id, quota_id, subevent_id, name, size, paid, pending, vouchers, carts, waiting,
       size - (paid + pending + vouchers + carts + waiting) as free
  from counted;
