-- Batches of a crowd begin at a distance, so what those who come must know is when the next one begins.
alter table serving_pace rename column finished_at to next_at;
alter table serving_pace add column spacing_ms integer not null default 0;

drop function leave_request(bigint, text, jsonb, timestamptz, timestamptz, integer);
create function leave_request(
    of_event bigint, of_form text, what jsonb, until timestamptz, recent timestamptz, backlog_ms_max integer,
    out id bigint, out batch_ms integer, out spacing_ms integer, out backlog_ms integer, out next_at timestamptz)
language plpgsql set enable_seqscan = off as $$
begin
    select p.batch_ms, p.spacing_ms, p.backlog_ms, p.next_at into batch_ms, spacing_ms, backlog_ms, next_at
      from serving_pace p where p.event_id = of_event and p.next_at >= recent;
    if backlog_ms is null or backlog_ms <= backlog_ms_max then
        insert into waiting_request as w (event_id, form_token, request, deadline)
        values (of_event, of_form, what, until) returning w.id into id;
    end if;
end $$;
