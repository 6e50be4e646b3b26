-- What programs and staff note at orders (spec rest-api 9.1, 9.9).

alter table orders
    -- A day on which staff wants to look at it again.
    add column custom_followup_at date,
    add column checkin_attention boolean not null default false,
    add column checkin_text text,
    -- Whatever a program wants to keep with it.
    add column api_meta jsonb not null default '{}';
alter table refund add column info jsonb not null default '{}';
