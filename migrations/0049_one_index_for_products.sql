-- order_position_product_idx begins like it and knows more. By itself: who drops an index must not hold a lock already.
drop index order_position_item_idx;
