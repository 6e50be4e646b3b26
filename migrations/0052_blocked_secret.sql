-- Codes of tickets that are blocked, or were: doors without a network keep this list.
create table blocked_secret (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    event_id      bigint not null,
    position_id   bigint not null,
    secret        text not null,
    blocked       boolean not null,
    updated_at    timestamptz not null,
    constraint blocked_secret_key unique (organizer_id, secret),
    constraint blocked_secret_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade,
    constraint blocked_secret_position_fk foreign key (event_id, position_id) references order_position (event_id, id) on delete cascade
);
create index blocked_secret_event_idx on blocked_secret (event_id, updated_at);
create index blocked_secret_position_idx on blocked_secret (event_id, position_id);
