-- order_position_product_idx begins like it and knows more.
drop index order_position_item_idx;
