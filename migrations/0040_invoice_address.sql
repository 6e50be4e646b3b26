-- Whom an order is billed to, as programs say it: the fields of the address by their names, or nothing.
alter table orders add column invoice_address jsonb;
