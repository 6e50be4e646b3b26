-- What happens to orders after they were placed: approval, rounding, fees, the ledger (spec domain 3.3, 10, 12.4, 15).

alter table orders
    -- Waits for somebody to approve it; it is pending and holds its places meanwhile.
    add column require_approval boolean not null default false,
    add column tax_rounding_mode text not null default 'line' constraint orders_tax_rounding_mode
        check (tax_rounding_mode in ('line', 'sum_by_net', 'sum_by_net_only_business', 'sum_by_net_keep_gross')),
    -- Good for admission though it is not paid; it never expires by itself.
    add column valid_if_pending boolean not null default false;

-- What rounding over the whole order has added to a line, so that it can be undone before the next time.
alter table order_position
    add column price_correction bigint not null default 0,
    add column tax_correction bigint not null default 0;
alter table order_fee
    -- 1..n within the order, never reused.
    add column number integer,
    add column price_correction bigint not null default 0,
    add column tax_correction bigint not null default 0;
update order_fee f set number = n.number
  from (select id, row_number() over (partition by order_id order by id) as number from order_fee) n where n.id = f.id;
-- No program has written a fee yet.
alter table order_fee
    alter column number set not null,
    add constraint order_fee_number_key unique (order_id, number);

-- Append-only: per change of an order, what was sold and what was taken back. The sum of an order's rows is what is sold
-- of it now: its positions and fees while it is pending or paid, and not waiting for approval.
create table ledger_entry (
    id             bigint generated always as identity primary key,
    event_id       bigint not null,
    order_id       bigint not null,
    -- The position's number; null for fees.
    positionid     integer,
    item_id        bigint,
    variation_id   bigint,
    price          bigint not null,
    tax_rate_ppm   integer not null,
    tax_value      bigint not null,
    fee_type       text,
    internal_type  text not null default '',
    count          integer not null,
    created_at     timestamptz not null,
    constraint ledger_entry_order_fk foreign key (event_id, order_id) references orders (event_id, id)
);
create index ledger_entry_order_idx on ledger_entry (event_id, order_id);

-- What staff adds to a mail in its own words.
alter table mail add column note text;

-- Calls of the API with an idempotency key, and what they were answered (spec rest-api 0.4).
create table api_call (
    token_id    bigint not null references api_token on delete cascade,
    key         text not null,
    -- Null until the call has ended; nobody but the call itself ever sees that.
    status      integer,
    body        jsonb,
    created_at  timestamptz not null,
    primary key (token_id, key)
);
create index api_call_age_idx on api_call (created_at);
