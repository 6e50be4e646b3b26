-- Many buyers, one lock: who finds it taken leaves a request, whoever holds it next serves all that wait (design: the
-- box office, group commit).

-- Requests that wait. Not logged: it is the outcome that must survive a crash, and that is written with what it says
-- (form_outcome). A request that was lost is left again by whoever still waits for it.
create unlogged table waiting_request (
    id        bigint generated always as identity,
    event_id  bigint not null,
    -- What makes a repetition the same request: its outcome is found under it.
    form_token text not null,
    request   jsonb not null,
    -- Nobody waits for the outcome any more after this.
    deadline  timestamptz not null,
    primary key (event_id, id),
    constraint waiting_request_key unique (event_id, form_token)
) with (fillfactor = 70);

-- How fast an event was served lately: tells those who come how long it takes, and when it is too long.
create unlogged table serving_pace (
    event_id    bigint primary key,
    -- How long a batch took.
    batch_ms    integer not null,
    -- How long those who were left over will wait.
    backlog_ms  integer not null,
    served_at   timestamptz not null
) with (fillfactor = 50);

-- The record of the form finds the order that it placed.
alter table orders drop constraint orders_form_token_key, drop column form_token;

-- Counts changes of an event and of what it sells, so that a copy in memory knows whether it is still true.
alter table event add column version bigint not null default 0;

create function event_changed() returns trigger language plpgsql as $$
begin
    new.version := old.version + 1;
    return new;
end $$;
create trigger event_changed before update on event for each row execute function event_changed();

create function organizer_changed() returns trigger language plpgsql as $$
begin
    update event set version = version + 1 where organizer_id = new.id;
    return null;
end $$;
create trigger organizer_changed after update on organizer for each row execute function organizer_changed();

create function catalogue_changed() returns trigger language plpgsql as $$
begin
    update event set version = version + 1 where id in (select event_id from changed);
    return null;
end $$;

-- Every table that the catalogue is read from has these three triggers: call it for a new one.
create procedure watch_catalogue(watched regclass) language plpgsql as $$
begin
    execute format('create trigger catalogue_inserted after insert on %s referencing new table as changed
                    for each statement execute function catalogue_changed()', watched);
    execute format('create trigger catalogue_updated after update on %s referencing new table as changed
                    for each statement execute function catalogue_changed()', watched);
    execute format('create trigger catalogue_deleted after delete on %s referencing old table as changed
                    for each statement execute function catalogue_changed()', watched);
end $$;
call watch_catalogue('category');
call watch_catalogue('item');
call watch_catalogue('item_variation');
call watch_catalogue('tax_rule');
call watch_catalogue('question');
call watch_catalogue('question_item');
call watch_catalogue('question_option');
