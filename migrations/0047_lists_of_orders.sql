-- Lists count in an index and know nothing more of most rows: orders less those that are not paid, positions less those that are
-- cancelled (0048). Nothing comes into these two while tickets are sold and paid at once. Their conditions are such as only
-- lists name (0030), but for the cancelled, whom nothing asks for that sells.
create index orders_unpaid_idx on orders (event_id, status, id) where status <> 'p' and created_at > '-infinity';
-- Whose order it is: staff asks by the address all day.
create index orders_email_idx on orders (event_id, lower(email)) where created_at > '-infinity';
