-- What staff does to many orders at once: a row that remembers how far it is (spec domain 14.6).
create table bulk_action (
    id             bigint generated always as identity primary key,
    organizer_id   bigint not null,
    event_id       bigint not null,
    token_id       bigint not null references api_token on delete cascade,
    action         text not null constraint bulk_action_action check (action in ('cancel', 'deny')),
    -- Null: every order to which it can happen.
    codes          text[],
    send_email     boolean not null,
    note           text,
    -- Orders up to this one are done.
    last_order_id  bigint not null default 0,
    total          bigint not null,
    changed        bigint not null default 0,
    refused        bigint not null default 0,
    -- The first of those that were refused: code and reason.
    refusals       jsonb not null default '[]',
    created_at     timestamptz not null,
    ended_at       timestamptz,
    constraint bulk_action_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id)
);
