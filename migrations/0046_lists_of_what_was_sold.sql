-- Lists count in an index and know nothing more of most rows: positions less those that are cancelled, orders less those that
-- are not paid. Nothing comes into these two while tickets are sold and paid at once. Their conditions are such as only lists
-- name (0030), but for the cancelled, whom nothing asks for that sells.
create index orders_unpaid_idx on orders (event_id, status, id) where status <> 'p' and created_at > '-infinity';
create index order_position_canceled_idx on order_position (event_id, item_id) where canceled;
-- Whose order it is: staff asks by the address all day.
create index orders_email_idx on orders (event_id, lower(email)) where created_at > '-infinity';
-- How many of each product: in the place of order_position_item_idx, and as small, because equal entries share one.
create index order_position_product_idx on order_position (event_id, item_id, variation_id, subevent_id);
create index checkin_event_idx on checkin (event_id, id);
