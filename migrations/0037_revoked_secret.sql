-- Codes of tickets that were replaced by others: doors have to turn them away, also those that work without a network.
create table revoked_secret (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    event_id      bigint not null,
    position_id   bigint not null,
    secret        text not null,
    created_at    timestamptz not null,
    constraint revoked_secret_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade,
    constraint revoked_secret_position_fk foreign key (event_id, position_id) references order_position (event_id, id) on delete cascade
);
create index revoked_secret_secret_idx on revoked_secret (organizer_id, secret);
create index revoked_secret_event_idx on revoked_secret (event_id, created_at);
create index revoked_secret_position_idx on revoked_secret (event_id, position_id);
