-- What was printed of tickets, as programs and devices that print tell it.
create table print_log (
    id           bigint generated always as identity primary key,
    event_id     bigint not null,
    position_id  bigint not null,
    type         text not null constraint print_log_type check (type in ('badge', 'ticket', 'certificate', 'other')),
    source       text not null,
    successful   boolean not null,
    -- When the program says it was, and when the shop heard of it.
    datetime     timestamptz not null,
    created_at   timestamptz not null,
    info         jsonb not null,
    device_id    bigint references device,
    constraint print_log_position_fk foreign key (event_id, position_id) references order_position (event_id, id) on delete cascade
);
create index print_log_position_idx on print_log (event_id, position_id);
