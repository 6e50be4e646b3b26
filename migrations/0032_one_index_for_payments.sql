-- The same as the key of the table.
drop index payment_event_idx;
