-- What a search looks at, one text an order, by a job and not by the sale. Of what changed after `until` searches read the
-- orders themselves.
create extension if not exists pg_trgm;
create table order_words (
    event_id  bigint not null,
    order_id  bigint not null,
    words     text not null,
    primary key (event_id, order_id),
    constraint order_words_order_fk foreign key (event_id, order_id) references orders (event_id, id) on delete cascade
);
create index order_words_idx on order_words using gin (words gin_trgm_ops);
create table order_words_until (
    event_id  bigint primary key references event on delete cascade,
    until     timestamptz not null
);
