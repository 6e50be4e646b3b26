-- What a buyer tells on the way to an order is kept by the browser, signed, and comes with the request: a row for it cost each
-- order an insert and a delete. Whoever is on the way at that moment is asked once more. What an earlier release uses stays until the next one: checkout_session, save_session,
-- tell_contact, read_cart, and place_orders with the names of carts.

-- What lies in a cart.
create function positions_of_cart(of_event bigint, of_cart text)
returns table (
    id bigint, item_id bigint, variation_id bigint, subevent_id bigint, price bigint, listed_price bigint,
    voucher_saving bigint, custom_price bigint, tax_rate_ppm integer, tax_value bigint, expires_at timestamptz,
    max_extend_at timestamptz, attendee_name text, attendee_email text, company text, voucher_code text, addon_to bigint,
    is_bundled boolean, discount_id bigint, discount_value bigint)
language plpgsql stable rows 5
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select c.id, c.item_id, c.variation_id, c.subevent_id, c.price, c.listed_price, c.voucher_saving, c.custom_price,
           c.tax_rate_ppm, c.tax_value, c.expires_at, c.max_extend_at, c.attendee_name, c.attendee_email, c.company, v.code,
           c.addon_to, c.is_bundled, c.discount_id, c.discount_value
      from cart_position c
      left join voucher v on v.event_id = c.event_id and v.id = c.voucher_id
     where c.event_id = of_event and c.cart_id = of_cart;
end $$;

-- Writes new orders with all that they begin with: positions, payment, ledger, log, the mail that confirms them. Attendees,
-- dates and vouchers are copied from the cart. Numbers the positions itself, because add-ons and parts point to the row
-- that they belong to. Returns how many positions there are now.
create function place_orders(
    of_organizer bigint, of_event bigint, is_test boolean, at timestamptz, pay_until timestamptz,
    late_mail_at timestamptz, lost_mail_at timestamptz,
    order_ids bigint[], codes text[], statuses text[], order_secrets text[], internal_secrets text[], emails text[],
    phones text[], locales text[], totals bigint[], roundings text[], providers text[], payment_states text[],
    mail_ids bigint[], mail_kinds text[], mail_waits boolean[],
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

    insert into mail (id, organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    overriding system value
    select n.id, of_organizer, of_event, n.order_id, n.kind, n.recipient, n.locale,
           case when n.waits then 'waiting' else 'queued' end, at, case when n.waits then late_mail_at else lost_mail_at end
      from unnest(mail_ids, order_ids, mail_kinds, emails, locales, mail_waits)
           as n (id, order_id, kind, recipient, locale, waits);
    return positions;
end $$;
