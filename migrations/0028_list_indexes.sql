-- Lists and feeds are found by these. In a migration of their own: whoever reads waits for what changes a table, and not
-- for an index.
create index discount_item_item_idx on discount_item (event_id, item_id);
create index action_log_kind_idx on action_log (event_id, object_type, created_at) where object_type <> 'order';
create index orders_event_modified_idx on orders (event_id, modified_at, id);
