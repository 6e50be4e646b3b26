-- The check that a row's event belongs to its organiser took the index of slugs, which has the organiser and not the event's
-- number: each read all events of the organiser.
lock table event in access exclusive mode;
drop index event_slug_key;
create unique index event_slug_key on event (lower(slug), organizer_id);
