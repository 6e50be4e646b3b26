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

-- Orders of events whose words may not be the last ones, or all of them. A function, because the planner cannot know that they
-- are few.
create function orders_beyond_words(of_events bigint[], are_all boolean)
returns setof bigint language plpgsql stable rows 100 set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select o.id from unnest(of_events) as e (id)
      cross join lateral (
          -- One event after the other, by the moment up to which its words are kept.
          select o.id from orders o
           where o.event_id = e.id and o.modified_at > '-infinity'
             and o.modified_at > coalesce(
                 (select w.until from order_words_until w where w.event_id = e.id and not are_all), '-infinity')
          offset 0) o;
end $$;
