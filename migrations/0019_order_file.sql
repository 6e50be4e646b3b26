-- All tickets of an order in one file. Its key says what is in it: another key than the order would give now means that
-- it is old.
create table order_ticket_file (
    event_id    bigint not null,
    order_id    bigint not null primary key,
    object_key  text not null,
    created_at  timestamptz not null,
    constraint order_ticket_file_order_fk foreign key (event_id, order_id) references orders (event_id, id) on delete cascade
);
