create index order_position_canceled_idx on order_position (event_id, item_id) where canceled;
-- How many of each product: in the place of order_position_item_idx, and as small, because equal entries share one.
create index order_position_product_idx on order_position (event_id, item_id, variation_id, subevent_id);
