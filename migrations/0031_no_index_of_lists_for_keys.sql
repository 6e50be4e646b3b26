-- What the indexes of lists replace. One large table in each migration: whoever holds one and waits for another may meet a
-- buyer who does it the other way round.
drop index orders_event_created_idx;
drop index orders_event_modified_idx;
