-- Where the person of a ticket lives, as far as programs say so.
alter table order_position
    add column street text,
    add column zipcode text,
    add column city text,
    add column country text,
    add column state text;
