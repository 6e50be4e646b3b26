create index checkin_event_idx on checkin (event_id, id);
