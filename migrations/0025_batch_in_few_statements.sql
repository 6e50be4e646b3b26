-- What every batch does, in few statements whose plans are kept by the connection: a batch of one order costs little more
-- than its rows. Plans fit any number of rows, so none is made anew.

-- Reads the outcomes of requests that were served before, and takes requests out of those that wait.
create function open_batch(
    of_event bigint, rows_claimed bigint[], forms text[],
    out claimed bigint[], out known text[], out outcomes jsonb[])
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    select array_agg(o.form_token), array_agg(o.outcome) into known, outcomes
      from form_outcome o where o.event_id = of_event and o.form_token = any(forms);
    with gone as (delete from waiting_request w where w.event_id = of_event and w.id = any(rows_claimed) returning w.id)
    select array_agg(gone.id) into claimed from gone;
end $$;

-- The version of the event and of what it sells with each of its quotas, in a series those of some dates and some by
-- themselves, and their products: a variation of 0 is none. Without any quota, one row that has only the version.
create function quotas_of_event(of_event bigint, dates bigint[], ids bigint[])
returns table (
    version bigint, id bigint, size bigint, closed boolean, close_when_sold_out boolean, subevent_id bigint,
    ignore_for_event_availability boolean, paid bigint, pending bigint, vouchers bigint, carts bigint, waiting bigint,
    items bigint[], variations bigint[])
language plpgsql stable rows 10 set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select e.version, q.id, q.size, q.closed, q.close_when_sold_out, q.subevent_id, q.ignore_for_event_availability,
           c.paid, c.pending, c.vouchers, c.carts, c.waiting, products.items, products.variations
      from event e
      left join quota q on q.event_id = e.id and (q.subevent_id is null or q.subevent_id = any(dates) or q.id = any(ids))
      left join quota_counter c on c.quota_id = q.id
      left join lateral (select array_agg(i.item_id) as items, array_agg(coalesce(i.variation_id, 0)) as variations
                           from quota_item i where i.event_id = of_event and i.quota_id = q.id) as products on true
     where e.id = of_event
     order by q.id;
end $$;

-- Numbers for new orders and their mails, and whether an order of the organiser has the code already.
create function reserve_orders(of_organizer bigint, codes text[])
returns table (order_id bigint, mail_id bigint, is_taken boolean)
language plpgsql rows 10 set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select nextval('orders_id_seq'), nextval('mail_id_seq'),
           exists (select from orders o where o.organizer_id = of_organizer and o.code = wanted.code)
      from unnest(codes) with ordinality as wanted (code, n) order by wanted.n;
end $$;

-- Writes new orders with all that they begin with: positions, payment, ledger, log, the mail that confirms them. Attendees,
-- dates and vouchers are copied from the cart. Numbers the positions itself, because add-ons and parts point to the row
-- that they belong to. Returns how many positions there are now.
create function place_orders(
    of_organizer bigint, of_event bigint, is_test boolean, at timestamptz, pay_until timestamptz,
    late_mail_at timestamptz, lost_mail_at timestamptz,
    order_ids bigint[], codes text[], statuses text[], order_secrets text[], internal_secrets text[], emails text[],
    phones text[], locales text[], totals bigint[], roundings text[], providers text[], payment_states text[],
    mail_ids bigint[], mail_kinds text[], mail_waits boolean[], carts text[],
    owners bigint[], numbers integer[], cart_positions bigint[], items bigint[], variations bigint[], prices bigint[],
    rates integer[], taxes bigint[], ticket_secrets text[], web_secrets text[], pseudonyms text[], savings bigint[],
    parents bigint[], price_corrections bigint[], tax_corrections bigint[], discounts bigint[])
returns bigint language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
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
          join cart_position c on c.event_id = of_event and c.id = n.cart_position_id
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

    delete from checkout_session s where s.event_id = of_event and s.cart_id = any(carts);

    insert into mail (id, organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    overriding system value
    select n.id, of_organizer, of_event, n.order_id, n.kind, n.recipient, n.locale,
           case when n.waits then 'waiting' else 'queued' end, at, case when n.waits then late_mail_at else lost_mail_at end
      from unnest(mail_ids, order_ids, mail_kinds, emails, locales, mail_waits)
           as n (id, order_id, kind, recipient, locale, waits);
    return positions;
end $$;

-- Tries to get the event's lock. If it is got, the first row says so and the others are what waits, read after that: what was
-- served before is not among it.
create function try_batch(of_event bigint, lock_key bigint, at timestamptz, most bigint)
returns table (won boolean, id bigint, form_token text, request jsonb)
language plpgsql rows 50 set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    if not pg_try_advisory_xact_lock(lock_key) then
        return query select false, null::bigint, null::text, null::jsonb;
        return;
    end if;
    return query select true, null::bigint, null::text, null::jsonb;
    return query
    select true, w.id, w.form_token, w.request from waiting_request w
     where w.event_id = of_event and w.deadline > at order by w.id limit most;
end $$;

-- Adds to the counters of quotas; returns how many there were.
create function add_uses(
    of_event bigint, quotas bigint[], paid_more bigint[], pending_more bigint[], vouchers_more bigint[], carts_more bigint[],
    waiting_more bigint[])
returns bigint language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
    touched bigint;
begin
    update quota_counter c
       set paid = c.paid + d.paid, pending = c.pending + d.pending, vouchers = c.vouchers + d.vouchers,
           carts = c.carts + d.carts, waiting = c.waiting + d.waiting
      from unnest(quotas, paid_more, pending_more, vouchers_more, carts_more, waiting_more)
           as d (quota_id, paid, pending, vouchers, carts, waiting)
     where c.event_id = of_event and c.quota_id = d.quota_id;
    get diagnostics touched = row_count;
    return touched;
end $$;

-- Puts positions into carts. Numbers the rows itself, because parts point to the row that they came with.
create function add_to_carts(
    of_event bigint, at timestamptz, cart_ids text[], items bigint[], variations bigint[], dates bigint[], prices bigint[],
    listed_prices bigint[], rates integer[], taxes bigint[], savings bigint[], custom_prices bigint[], voucher_ids bigint[],
    wholes bigint[], parts_of bigint[], expire_at timestamptz[], extend_until timestamptz[], discount_ids bigint[],
    discount_values bigint[])
returns void language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    with a as materialized (
        select *, nextval('cart_position_id_seq') as id
          from unnest(cart_ids, items, variations, dates, prices, listed_prices, rates, taxes, savings, custom_prices,
                      voucher_ids, wholes, parts_of, expire_at, extend_until, discount_ids, discount_values)
               with ordinality
               as a (cart_id, item_id, variation_id, subevent_id, price, listed_price, tax_rate_ppm, tax_value,
                     voucher_saving, custom_price, voucher_id, addon_to, part_of, expires_at, max_extend_at, discount_id,
                     discount_value, n))
    insert into cart_position (id, event_id, cart_id, item_id, variation_id, subevent_id, price, listed_price, tax_rate_ppm,
                               tax_value, voucher_saving, custom_price, voucher_id, addon_to, is_bundled, created_at,
                               expires_at, max_extend_at, holds_stock, discount_id, discount_value)
    overriding system value
    select a.id, of_event, a.cart_id, a.item_id, a.variation_id, a.subevent_id, a.price, a.listed_price, a.tax_rate_ppm,
           a.tax_value, a.voucher_saving, a.custom_price, a.voucher_id, coalesce(whole.id, a.addon_to),
           whole.id is not null, at, a.expires_at, a.max_extend_at, true, a.discount_id, a.discount_value
      from a left join a whole on whole.n = a.part_of;
end $$;

-- Records what was said to requests.
create function record_outcomes(of_event bigint, at timestamptz, forms text[], said jsonb[]) returns void
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    insert into form_outcome (event_id, form_token, outcome, created_at)
    select of_event, o.form_token, o.outcome, at from unnest(forms, said) as o (form_token, outcome);
end $$;

-- The same for what there is: a plan for few rows looks cheaper than the kept one by less than it costs to make it.
alter function look_for_outcome(bigint, text, bigint, timestamptz) set plan_cache_mode = force_generic_plan;
alter function leave_request(bigint, text, jsonb, timestamptz, timestamptz, integer)
    set plan_cache_mode = force_generic_plan;
alter function read_cart(bigint, text) set plan_cache_mode = force_generic_plan;
alter function save_session(bigint, text, jsonb, timestamptz) set plan_cache_mode = force_generic_plan;
alter function tell_contact(bigint, text, jsonb, timestamptz) set plan_cache_mode = force_generic_plan;
alter function cart_positions_of_batch(bigint, text[], timestamptz, bigint[]) set plan_cache_mode = force_generic_plan;
alter function vouchers_of_batch(bigint, text[], bigint[], timestamptz, text[], bigint[])
    set plan_cache_mode = force_generic_plan;
