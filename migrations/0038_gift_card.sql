-- Gift cards of an organiser. What one is worth is the sum of its entries, so nothing else can disagree with them.
create table gift_card (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null references organizer,
    secret        text not null constraint gift_card_secret_not_empty check (secret <> ''),
    currency      text not null constraint gift_card_currency check (currency ~ '^[A-Z]{3}$'),
    -- Of amounts in the currency: entries count its smallest unit.
    decimals      smallint not null constraint gift_card_decimals check (decimals in (0, 2)),
    testmode      boolean not null default false,
    created_at    timestamptz not null,
    expires_at    timestamptz,
    conditions    text,
    constraint gift_card_tenant_key unique (organizer_id, id)
);
create unique index gift_card_secret_key on gift_card (organizer_id, upper(secret));

create table gift_card_entry (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    card_id       bigint not null,
    -- Minor units; what is taken from the card is negative.
    amount        bigint not null,
    text          text not null default '',
    info          jsonb,
    -- The order that was paid, if it was for one.
    event_id      bigint,
    order_id      bigint,
    created_at    timestamptz not null,
    constraint gift_card_entry_card_fk foreign key (organizer_id, card_id) references gift_card (organizer_id, id),
    constraint gift_card_entry_order_fk foreign key (event_id, order_id) references orders (event_id, id),
    constraint gift_card_entry_order check (num_nulls(event_id, order_id) in (0, 2))
);
create index gift_card_entry_card_idx on gift_card_entry (organizer_id, card_id, id);
create index gift_card_entry_order_idx on gift_card_entry (event_id, order_id) where order_id is not null;
