-- The check of a foreign key to an order keeps its plan from before the sale, when every index that begins with the event
-- looked as good as the one with the order's number: so it read all orders of the event for each row that points to one.
-- These have a condition that only lists name, so nothing else takes them.
create index orders_created_idx on orders (event_id, created_at desc, id desc) where created_at > '-infinity';
create index orders_modified_idx on orders (event_id, modified_at, id) where modified_at > '-infinity';
