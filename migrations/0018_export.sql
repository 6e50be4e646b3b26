-- Exports of lists: made by a worker, kept for a day, handed only to who asked for them (spec domain 24.1).

create table export (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    event_id      bigint not null,
    token_id      bigint not null references api_token on delete cascade,
    exporter      text not null,
    format        text not null,
    paid_only     boolean not null,
    -- Part of the address of the download.
    secret        text not null,
    file_name     text not null,
    object_key    text not null,
    state         text not null constraint export_state check (state in ('waiting', 'running', 'done', 'failed')),
    attempts      integer not null default 0,
    rows_done     bigint not null default 0,
    rows_total    bigint not null default 0,
    last_error    text,
    claimed_at    timestamptz,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    constraint export_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id)
);
create index export_expiry_idx on export (expires_at);
-- Rows of tables are read by portions, in the order in which they came.
create index payment_event_idx on payment (event_id, id);
