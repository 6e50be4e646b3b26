-- What a buyer tells on the way to an order may be lost with the database's machine: it would be asked again. So nobody
-- waits for the disk.
create function save_session(of_event bigint, of_cart text, what jsonb, at timestamptz) returns void
language plpgsql set enable_seqscan = off as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into checkout_session as s (event_id, cart_id, data, updated_at) values (of_event, of_cart, what, at)
        on conflict (event_id, cart_id) do update set data = excluded.data, updated_at = excluded.updated_at;
end $$;
