-- Who looks in vain hears when the next batch begins, so that the next look comes when it is over. If nobody goes on,
-- there is no such moment.
drop function look_for_outcome(bigint, text, bigint);
drop function leave_request(bigint, text, jsonb, timestamptz, timestamptz, integer);
alter table serving_pace alter column next_at drop not null;
-- A pace that is old says nothing any more.
alter table serving_pace add column served_at timestamptz not null default now();

create function look_for_outcome(
    of_event bigint, of_form text, lock_key bigint, recent timestamptz,
    out outcome jsonb, out free boolean, out batch_ms integer, out spacing_ms integer, out backlog_ms integer,
    out next_at timestamptz)
language plpgsql set enable_seqscan = off as $$
begin
    select o.outcome into outcome from form_outcome o where o.event_id = of_event and o.form_token = of_form;
    if outcome is null then
        -- It is let go with the statement.
        free := pg_try_advisory_xact_lock(lock_key);
        select p.batch_ms, p.spacing_ms, p.backlog_ms, p.next_at into batch_ms, spacing_ms, backlog_ms, next_at
          from serving_pace p where p.event_id = of_event and p.served_at >= recent;
    end if;
end $$;

create function leave_request(
    of_event bigint, of_form text, what jsonb, until timestamptz, recent timestamptz, backlog_ms_max integer,
    out id bigint, out batch_ms integer, out spacing_ms integer, out backlog_ms integer, out next_at timestamptz)
language plpgsql set enable_seqscan = off as $$
begin
    select p.batch_ms, p.spacing_ms, p.backlog_ms, p.next_at into batch_ms, spacing_ms, backlog_ms, next_at
      from serving_pace p where p.event_id = of_event and p.served_at >= recent;
    if backlog_ms is null or backlog_ms <= backlog_ms_max then
        insert into waiting_request as w (event_id, form_token, request, deadline)
        values (of_event, of_form, what, until) returning w.id into id;
    end if;
end $$;

-- Keeps who buys, unless the cart is empty. Like all that a buyer tells on the way to an order, it may be lost with the
-- database's machine.
create function tell_contact(of_event bigint, of_cart text, contact jsonb, at timestamptz) returns void
language plpgsql set enable_seqscan = off as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into checkout_session as s (event_id, cart_id, data, updated_at)
    select of_event, of_cart, contact, at
     where exists (select from cart_position c where c.event_id = of_event and c.cart_id = of_cart)
        on conflict (event_id, cart_id) do update set data = s.data || excluded.data, updated_at = excluded.updated_at;
end $$;
