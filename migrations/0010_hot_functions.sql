-- The statements that every buyer needs on every step, as functions: their plans are kept by the connection, which
-- named statements cannot be behind a pooler. Planning one anew costs more than running it. A plan that is kept was made
-- when the shop was new and its tables were empty, so they are told to use indexes all the same.

-- The outcome of a request. Only if there is none, whether the event's lock is free: it is let go with the statement.
create function look_for_outcome(of_event bigint, of_form text, lock_key bigint, out outcome jsonb, out free boolean)
language plpgsql set enable_seqscan = off as $$
begin
    select o.outcome into outcome from form_outcome o where o.event_id = of_event and o.form_token = of_form;
    free := outcome is null and pg_try_advisory_xact_lock(lock_key);
end $$;

-- Leaves a request with those that wait, unless it would wait for too long; tells how fast the event is served.
create function leave_request(
    of_event bigint, of_form text, what jsonb, until timestamptz, recent timestamptz, backlog_ms_max integer,
    out id bigint, out batch_ms integer, out backlog_ms integer, out finished_at timestamptz)
language plpgsql set enable_seqscan = off as $$
begin
    select p.batch_ms, p.backlog_ms, p.finished_at into batch_ms, backlog_ms, finished_at
      from serving_pace p where p.event_id = of_event and p.finished_at >= recent;
    if backlog_ms is null or backlog_ms <= backlog_ms_max then
        insert into waiting_request as w (event_id, form_token, request, deadline)
        values (of_event, of_form, what, until) returning w.id into id;
    end if;
end $$;

-- What lies in a cart and what its buyer has told so far: a row for each position, and one row without a position for
-- an empty cart.
create function read_cart(of_event bigint, of_cart text)
returns table (
    id bigint, item_id bigint, variation_id bigint, subevent_id bigint, price bigint, listed_price bigint,
    voucher_saving bigint, custom_price bigint, tax_rate_ppm integer, tax_value bigint, expires_at timestamptz,
    max_extend_at timestamptz, attendee_name text, attendee_email text, company text, voucher_code text, addon_to bigint,
    is_bundled boolean, session jsonb)
language plpgsql stable rows 5 set enable_seqscan = off as $$
begin
    return query
    select c.id, c.item_id, c.variation_id, c.subevent_id, c.price, c.listed_price, c.voucher_saving, c.custom_price,
           c.tax_rate_ppm, c.tax_value, c.expires_at, c.max_extend_at, c.attendee_name, c.attendee_email, c.company, v.code,
           c.addon_to, c.is_bundled, s.data
      from (select 1) as one
      left join checkout_session s on s.event_id = of_event and s.cart_id = of_cart
      left join cart_position c on c.event_id = of_event and c.cart_id = of_cart
      left join voucher v on v.event_id = c.event_id and v.id = c.voucher_id;
end $$;
