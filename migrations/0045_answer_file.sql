-- Files that buyers give as answers (spec domain 7.1, 28): private, below `answers/` in the bucket.
create table answer_file (
    -- A UUID, as text: part of keys, and never guessed.
    id            text primary key,
    event_id      bigint not null references event,
    -- The cart whose buyer has sent it: nobody else can answer with it.
    cart_id       text not null,
    file_name     text not null,
    content_type  text not null,
    object_key    text not null,
    created_at    timestamptz not null,
    -- When it is removed, because no answer has come to refer to it.
    expires_at    timestamptz,
    constraint answer_file_tenant_key unique (event_id, id)
);
create index answer_file_cart_idx on answer_file (event_id, cart_id);
create index answer_file_expiry_idx on answer_file (expires_at) where expires_at is not null;

-- Checked at the commit: an event that is deleted takes its files and its carts with it, in any order. What there is, has no
-- files; the next migration says so, without keeping anybody waiting.
alter table answer
    add column file_id text,
    add constraint answer_file_fk foreign key (event_id, file_id) references answer_file (event_id, id)
        deferrable initially deferred not valid;

-- While a release runs that knows no files, its orders copy answers without them: the file would go with the cart. To be
-- dropped by the next release.
create function answer_file_kept() returns trigger language plpgsql as $$
begin
    select f.id into new.file_id
      from answer_file f
     where f.event_id = new.event_id and new.answer = 'file:' || f.id || '/' || f.file_name
       and f.id = split_part(substr(new.answer, 6), '/', 1);
    return new;
end $$;
create trigger answer_file_kept before insert on answer
    for each row when (new.file_id is null and new.position_id is not null and new.answer like 'file:%')
    execute function answer_file_kept();

-- A file goes with the last answer that refers to it: with its cart, or when the buyer gives another one. Looked at when the
-- transaction ends, because an answer moves from a cart to an order by being written again.
create function answer_file_gone() returns trigger language plpgsql as $$
begin
    if exists (select from answer a where a.event_id = old.event_id and a.file_id = old.file_id) then
        return null;
    end if;
    with gone as (delete from answer_file f where f.event_id = old.event_id and f.id = old.file_id returning f.object_key)
    insert into media_removal (object_key, organizer_id)
    select g.object_key, e.organizer_id from gone g join event e on e.id = old.event_id
    on conflict do nothing;
    return null;
end $$;
create constraint trigger answer_file_gone after delete on answer deferrable initially deferred
    for each row when (old.file_id is not null) execute function answer_file_gone();
