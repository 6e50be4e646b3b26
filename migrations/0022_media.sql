-- Files that programs send, for a day: until then something has made use of them (spec domain 28, rest-api 1).
create table upload (
    -- A UUID, as text: part of addresses, and never guessed.
    id            text primary key,
    organizer_id  bigint not null references organizer,
    -- Only who sent it may use it.
    token_id      bigint not null references api_token on delete cascade,
    file_name     text not null,
    content_type  text not null,
    object_key    text not null,
    -- What lies there was looked at and is what it was said to be.
    checked_at    timestamptz,
    created_at    timestamptz not null,
    expires_at    timestamptz not null
);
create index upload_expiry_idx on upload (expires_at);
create index upload_token_idx on upload (token_id);
create index upload_organizer_idx on upload (organizer_id);

-- Where the sizes of a picture lie in the public part of the bucket; null: there is none.
alter table event add column logo jsonb;
alter table item add column picture jsonb;
-- Copies of shops in the public part of the bucket, for when the shop itself cannot be reached.
create table shop_snapshot (
    event_id      bigint primary key,
    organizer_id  bigint not null,
    object_key    text not null,
    -- Of the page: the same page is not written again.
    hash          text not null,
    made_at       timestamptz not null,
    constraint shop_snapshot_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade
);
create index shop_snapshot_event_idx on shop_snapshot (organizer_id, event_id);
