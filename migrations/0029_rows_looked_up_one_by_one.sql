-- Plans that a connection keeps are made before the sale, when the tables that it fills are all but empty: reading all that
-- an event has in one of them looks cheap then, and stays the plan. So what a batch reads of them is looked up row by row
-- (`offset 0` keeps a look-up from becoming a join that reads them all; `event_id + 0` checks the event and keeps out an
-- index that knows nothing but the event), and never by a bitmap, which reads rows that are gone again and again.

-- Reads the outcomes of requests that were served before, and takes requests out of those that wait: nearly all of them.
create or replace function open_batch(
    of_event bigint, rows_claimed bigint[], forms text[],
    out claimed bigint[], out known text[], out outcomes jsonb[])
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
begin
    select array_agg(o.form_token), array_agg(o.outcome) into known, outcomes
      from unnest(forms) as k (form_token)
     cross join lateral (select o.form_token, o.outcome from form_outcome o
                          where o.event_id = of_event and o.form_token = k.form_token offset 0) as o;
    with gone as (delete from waiting_request w where w.event_id = of_event and w.id = any(rows_claimed) returning w.id)
    select array_agg(gone.id) into claimed from gone;
end $$;

-- Numbers for new orders and their mails, and whether an order of the organiser has the code already.
create or replace function reserve_orders(of_organizer bigint, codes text[])
returns table (order_id bigint, mail_id bigint, is_taken boolean)
language plpgsql rows 10 set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select nextval('orders_id_seq'), nextval('mail_id_seq'), same.code is not null
      from unnest(codes) with ordinality as wanted (code, n)
      left join lateral (select o.code from orders o
                          where o.organizer_id = of_organizer and o.code = wanted.code offset 0) as same on true
     order by wanted.n;
end $$;

-- Writes new orders with all that they begin with: positions, payment, ledger, log, the mail that confirms them. Attendees,
-- dates and vouchers are copied from the cart. Numbers the positions itself, because add-ons and parts point to the row
-- that they belong to. Returns how many positions there are now.
create or replace function place_orders(
    of_organizer bigint, of_event bigint, is_test boolean, at timestamptz, pay_until timestamptz,
    late_mail_at timestamptz, lost_mail_at timestamptz,
    order_ids bigint[], codes text[], statuses text[], order_secrets text[], internal_secrets text[], emails text[],
    phones text[], locales text[], totals bigint[], roundings text[], providers text[], payment_states text[],
    mail_ids bigint[], mail_kinds text[], mail_waits boolean[], carts text[],
    owners bigint[], numbers integer[], cart_positions bigint[], items bigint[], variations bigint[], prices bigint[],
    rates integer[], taxes bigint[], ticket_secrets text[], web_secrets text[], pseudonyms text[], savings bigint[],
    parents bigint[], price_corrections bigint[], tax_corrections bigint[], discounts bigint[])
returns bigint language plpgsql set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan as $$
declare
    positions bigint;
begin
    insert into orders (id, organizer_id, event_id, code, status, secret, internal_secret, email, phone, locale, testmode,
                        created_at, expires_at, total, modified_at, tax_rounding_mode)
    overriding system value
    select n.id, of_organizer, of_event, n.code, n.status, n.secret, n.internal_secret, n.email, n.phone, n.locale, is_test,
           at, pay_until, n.total, at, n.rounding
      from unnest(order_ids, codes, statuses, order_secrets, internal_secrets, emails, phones, locales, totals, roundings)
           as n (id, code, status, secret, internal_secret, email, phone, locale, total, rounding);

    with n as materialized (
        select *, nextval('order_position_id_seq') as id
          from unnest(owners, numbers, cart_positions, items, variations, prices, rates, taxes, ticket_secrets, web_secrets,
                      pseudonyms, savings, parents, price_corrections, tax_corrections, discounts)
               as n (order_id, number, cart_position_id, item_id, variation_id, price, tax_rate_ppm, tax_value, secret,
                     web_secret, pseudonym, saving, parent_id, price_correction, tax_correction, discount_id)),
    placed as (
        insert into order_position (id, organizer_id, event_id, order_id, positionid, item_id, variation_id, subevent_id,
                                    price, tax_rate_ppm, tax_value, attendee_name, attendee_email, company, secret,
                                    web_secret, pseudonymization_id, voucher_id, voucher_budget_use, addon_to, is_bundled,
                                    price_correction, tax_correction, discount_id)
        overriding system value
        select n.id, of_organizer, of_event, n.order_id, n.number, n.item_id, n.variation_id, c.subevent_id, n.price,
               n.tax_rate_ppm, n.tax_value, c.attendee_name, c.attendee_email, c.company, n.secret, n.web_secret,
               n.pseudonym, c.voucher_id, case when c.voucher_id is null then 0 else n.saving end, parent.id, c.is_bundled,
               n.price_correction, n.tax_correction, n.discount_id
          from n
         cross join lateral (select c.* from cart_position c
                              where c.id = n.cart_position_id and c.event_id + 0 = of_event offset 0) as c
          left join n parent on parent.cart_position_id = n.parent_id
        returning order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm, tax_value)
    -- What was just sold is all that an order's ledger says.
    insert into ledger_entry (event_id, order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm,
                              tax_value, count, created_at)
    select of_event, p.order_id, p.positionid, p.item_id, p.variation_id, p.subevent_id, p.price, p.tax_rate_ppm, p.tax_value,
           1, at
      from placed p;
    get diagnostics positions = row_count;

    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at)
    select of_event, n.order_id, 1, n.provider, n.state, n.amount, at, case when n.state = 'confirmed' then at end
      from unnest(order_ids, providers, payment_states, totals) as n (order_id, provider, state, amount);

    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at)
    select of_organizer, of_event, 'order', n.id, 'pretix.event.order.placed', 'buyer', at from unnest(order_ids) as n (id);

    delete from checkout_session s
     where s.ctid = any(array(select told.ctid
                                from unnest(carts) as k (cart_id)
                               cross join lateral (select t.ctid from checkout_session t
                                                    where t.event_id = of_event and t.cart_id = k.cart_id
                                                   offset 0) as told));

    insert into mail (id, organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    overriding system value
    select n.id, of_organizer, of_event, n.order_id, n.kind, n.recipient, n.locale,
           case when n.waits then 'waiting' else 'queued' end, at, case when n.waits then late_mail_at else lost_mail_at end
      from unnest(mail_ids, order_ids, mail_kinds, emails, locales, mail_waits)
           as n (id, order_id, kind, recipient, locale, waits);
    return positions;
end $$;

-- Positions of carts, expired ones of others in portions (what is left over stays counted, which errs on the safe side),
-- and live ones whose voucher is about to change, or has expired, because they will be counted elsewhere; with what belongs
-- to them, because a deleted voucher takes them along.
create or replace function cart_positions_of_batch(of_event bigint, carts text[], at timestamptz, changed_vouchers bigint[])
returns setof cart_position language plpgsql stable rows 100 set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select c.*
      from unnest(carts) as k (cart_id)
     cross join lateral (select c.* from cart_position c
                          where c.event_id = of_event and c.cart_id = k.cart_id offset 0) as c
    union
    (select c.* from cart_position c where c.event_id = of_event and c.holds_stock and c.expires_at <= at
      order by c.expires_at, c.id limit 1000)
    union
    select c.*
      from unnest(changed_vouchers || array(
               select v.id from voucher v where v.event_id = of_event and v.holds_stock and v.valid_until < at
                order by v.valid_until, v.id limit 1000)) as k (voucher_id)
     cross join lateral (select c.* from cart_position c
                          where c.voucher_id = k.voucher_id and c.event_id + 0 = of_event offset 0) as c
    union
    select c.*
      from unnest(changed_vouchers) as k (voucher_id)
     cross join lateral (select c.id from cart_position c
                          where c.voucher_id = k.voucher_id and c.event_id + 0 = of_event offset 0) as parent
     cross join lateral (select c.* from cart_position c
                          where c.event_id = of_event and c.addon_to = parent.id offset 0) as c;
end $$;

-- The vouchers with these codes or ids, those of the carts, of the orders and of expired carts, and those that keep places
-- though they have expired, in portions: what is left over keeps its places a little longer, which errs on the safe side.
create or replace function vouchers_of_batch(
    of_event bigint, codes text[], ids bigint[], at timestamptz, carts text[], orders bigint[])
returns setof voucher language plpgsql stable rows 10 set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select v.*
      from unnest(codes) as k (code)
     cross join lateral (select v.* from voucher v where v.event_id = of_event and v.code = k.code offset 0) as v
    union
    select v.*
      from unnest(ids
               || array(select c.voucher_id
                          from unnest(carts) as k (cart_id)
                         cross join lateral (select c.voucher_id from cart_position c
                                              where c.event_id = of_event and c.cart_id = k.cart_id offset 0) as c
                         where c.voucher_id is not null)
               || array(select e.voucher_id from (
                          select c.voucher_id from cart_position c
                           where c.event_id = of_event and c.holds_stock and c.expires_at <= at
                           order by c.expires_at, c.id limit 1000) as e where e.voucher_id is not null)
               || array(select op.voucher_id
                          from unnest(orders) as k (order_id)
                         cross join lateral (select op.voucher_id from order_position op
                                              where op.order_id = k.order_id and op.event_id + 0 = of_event offset 0) as op
                         where op.voucher_id is not null)
               || array(select k.id from voucher k where k.event_id = of_event and k.holds_stock and k.valid_until < at
                         order by k.valid_until, k.id limit 1000)) as wanted (id)
     cross join lateral (select v.* from voucher v where v.event_id = of_event and v.id = wanted.id offset 0) as v;
end $$;

alter function try_batch(bigint, bigint, timestamptz, bigint) set enable_bitmapscan = off;
alter function read_cart(bigint, text) set enable_bitmapscan = off;
