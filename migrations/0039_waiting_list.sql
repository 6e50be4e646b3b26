-- Who waits for a ticket. An entry without a voucher counts in the quotas of its product, so that a place that comes back
-- is not sold to somebody who comes by.
create table waiting_entry (
    id            bigint generated always as identity primary key,
    event_id      bigint not null references event on delete cascade,
    created_at    timestamptz not null,
    name          text,
    email         text not null,
    phone         text,
    locale        text not null,
    item_id       bigint not null,
    variation_id  bigint,
    subevent_id   bigint,
    -- Who has more is served first.
    priority      integer not null default 0,
    -- What it was served with; an entry goes with its voucher.
    voucher_id    bigint,
    constraint waiting_entry_tenant_key unique (event_id, id),
    constraint waiting_entry_item_fk foreign key (event_id, item_id) references item (event_id, id),
    constraint waiting_entry_variation_fk foreign key (event_id, item_id, variation_id)
        references item_variation (event_id, item_id, id),
    constraint waiting_entry_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id),
    constraint waiting_entry_voucher_fk foreign key (event_id, voucher_id) references voucher (event_id, id) on delete cascade
);
create index waiting_entry_open_idx on waiting_entry (event_id, item_id) where voucher_id is null;
create index waiting_entry_voucher_idx on waiting_entry (event_id, voucher_id) where voucher_id is not null;

-- Where the places of each quota are, counted from rows: size = paid + pending + vouchers + carts + waiting + free. A
-- quota without a size has no free places to tell; what is overbooked has less than none. The counters of quota_counter
-- say the same without counting: decisions use those, the audit compares the two. Ask for the rows of one event. Where more
-- people wait than there are places, there are fewer than none.
create or replace view quota_ledger as
with counted as not materialized (
    select q.event_id, q.id as quota_id, q.subevent_id, q.name, q.size, coalesce(ordered.paid, 0) as paid,
           coalesce(ordered.pending, 0) as pending, coalesce(kept.places, 0) as vouchers, coalesce(held.places, 0) as carts,
           coalesce(wanted.places, 0) as waiting
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
        on held.event_id = q.event_id and held.quota_id = q.id and held.subevent_id is not distinct from q.subevent_id
      left join (
           select w.event_id, qi.quota_id, w.subevent_id, count(*) as places
             from waiting_entry w
             join quota_item qi on qi.event_id = w.event_id and qi.item_id = w.item_id
                  and qi.variation_id is not distinct from w.variation_id
            where w.voucher_id is null
            group by w.event_id, qi.quota_id, w.subevent_id) as wanted
        on wanted.event_id = q.event_id and wanted.quota_id = q.id
           and wanted.subevent_id is not distinct from q.subevent_id)
select event_id, quota_id, subevent_id, name, size, paid, pending, vouchers, carts, waiting,
       size - (paid + pending + vouchers + carts + waiting) as free
  from counted;
