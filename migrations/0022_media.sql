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
