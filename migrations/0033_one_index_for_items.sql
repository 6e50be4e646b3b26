-- It begins like the key of the table and knows less, and the checks of keys to an item took it: each read all items.
drop index item_event_idx;
