-- Carts, orders, payments (spec domain 8, 10, 12).

-- What a buyer told us on the way to an order: contact data, payment choice. One row per cart.
create table checkout_session (
    event_id    bigint not null references event,
    cart_id     text not null,
    data        jsonb not null default '{}',
    updated_at  timestamptz not null,
    primary key (event_id, cart_id)
);

create table cart_position (
    id                 bigint generated always as identity primary key,
    event_id           bigint not null references event,
    cart_id            text not null,
    item_id            bigint not null,
    variation_id       bigint,
    -- Price with tax, what one unit costs the buyer.
    price              bigint not null,
    listed_price       bigint not null,
    tax_rate_ppm       integer not null,
    tax_value          bigint not null,
    created_at         timestamptz not null,
    expires_at         timestamptz not null,
    -- The reservation cannot be renewed past this moment (spec domain 8.3).
    max_extend_at      timestamptz not null,
    -- True while the position is counted in quota_counter.carts. Cleared by the batch that finds it expired.
    holds_stock        boolean not null,
    attendee_name      text,
    attendee_email     text,
    company            text,
    constraint cart_position_tenant_key unique (event_id, id),
    constraint cart_position_item_fk foreign key (event_id, item_id) references item (event_id, id),
    constraint cart_position_variation_fk foreign key (event_id, item_id, variation_id) references item_variation (event_id, item_id, id)
);
create index cart_position_cart_idx on cart_position (event_id, cart_id);
create index cart_position_expiry_idx on cart_position (event_id, expires_at) where holds_stock;

-- The outcome of a buyer's form, so that the same form sent twice acts once and answers the same.
create table form_outcome (
    event_id    bigint not null references event,
    form_token  text not null,
    outcome     jsonb not null,
    created_at  timestamptz not null,
    primary key (event_id, form_token)
);

create table orders (
    id                    bigint generated always as identity primary key,
    organizer_id          bigint not null,
    event_id              bigint not null,
    code                  text not null constraint orders_code_form check (code ~ '^[A-Z0-9]{5,16}$'),
    status                text not null constraint orders_status check (status in ('n', 'p', 'e', 'c')),
    secret                text not null,
    -- Key of derived hashes, such as the one in links of mails (spec domain 10.4).
    internal_secret       text not null,
    email                 text not null,
    phone                 text,
    locale                text not null,
    testmode              boolean not null,
    sales_channel         text not null default 'web',
    created_at            timestamptz not null,
    expires_at            timestamptz not null,
    cancelled_at          timestamptz,
    total                 bigint not null constraint orders_total_sign check (total >= 0),
    email_known_to_work   boolean not null default false,
    -- The form that placed it: sent again, it finds this order instead of placing another.
    form_token            text,
    comment               text not null default '',
    modified_at           timestamptz not null,
    constraint orders_tenant_key unique (event_id, id),
    constraint orders_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id),
    constraint orders_code_key unique (organizer_id, code),
    constraint orders_form_token_key unique (event_id, form_token)
);
create index orders_event_created_idx on orders (event_id, created_at desc, id desc);
create index orders_due_idx on orders (expires_at) where status = 'n';

create table order_position (
    id                   bigint generated always as identity primary key,
    organizer_id         bigint not null,
    event_id             bigint not null,
    order_id             bigint not null,
    -- 1..n within the order, never reused.
    positionid           integer not null,
    item_id              bigint not null,
    variation_id         bigint,
    price                bigint not null,
    tax_rate_ppm         integer not null,
    tax_value            bigint not null,
    attendee_name        text,
    attendee_email       text,
    company              text,
    -- What the QR code says.
    secret               text not null,
    web_secret           text not null,
    pseudonymization_id  text not null constraint order_position_pseudonymization_key unique,
    canceled             boolean not null default false,
    constraint order_position_tenant_key unique (event_id, id),
    constraint order_position_number_key unique (order_id, positionid),
    constraint order_position_secret_key unique (organizer_id, secret),
    constraint order_position_order_fk foreign key (event_id, order_id) references orders (event_id, id),
    constraint order_position_item_fk foreign key (event_id, item_id) references item (event_id, id),
    constraint order_position_variation_fk foreign key (event_id, item_id, variation_id) references item_variation (event_id, item_id, id)
);
create index order_position_item_idx on order_position (event_id, item_id);

create table answer (
    id                bigint generated always as identity primary key,
    event_id          bigint not null,
    question_id       bigint not null,
    cart_position_id  bigint,
    position_id       bigint,
    -- Text form: booleans True/False, dates ISO, choices as option identifiers separated by commas (spec domain 7.3).
    answer            text not null,
    constraint answer_owner check (num_nonnulls(cart_position_id, position_id) = 1),
    constraint answer_cart_key unique (cart_position_id, question_id),
    constraint answer_position_key unique (position_id, question_id),
    constraint answer_question_fk foreign key (event_id, question_id) references question (event_id, id),
    constraint answer_cart_fk foreign key (event_id, cart_position_id) references cart_position (event_id, id) on delete cascade,
    constraint answer_position_fk foreign key (event_id, position_id) references order_position (event_id, id) on delete cascade
);

create table payment (
    id            bigint generated always as identity primary key,
    event_id      bigint not null,
    order_id      bigint not null,
    -- 1..n within the order: CODE-P-1.
    local_id      integer not null,
    provider      text not null,
    state         text not null constraint payment_state
        check (state in ('created', 'pending', 'confirmed', 'failed', 'canceled', 'refunded')),
    amount        bigint not null constraint payment_amount_sign check (amount >= 0),
    created_at    timestamptz not null,
    confirmed_at  timestamptz,
    info          jsonb not null default '{}',
    constraint payment_number_key unique (order_id, local_id),
    constraint payment_tenant_key unique (event_id, id),
    constraint payment_order_fk foreign key (event_id, order_id) references orders (event_id, id)
);

create table refund (
    id           bigint generated always as identity primary key,
    event_id     bigint not null,
    order_id     bigint not null,
    local_id     integer not null,
    payment_id   bigint,
    provider     text not null,
    state        text not null constraint refund_state
        check (state in ('created', 'transit', 'done', 'failed', 'canceled', 'external')),
    source       text not null constraint refund_source check (source in ('admin', 'buyer', 'external')),
    amount       bigint not null constraint refund_amount_sign check (amount >= 0),
    created_at   timestamptz not null,
    executed_at  timestamptz,
    comment      text not null default '',
    constraint refund_number_key unique (order_id, local_id),
    constraint refund_order_fk foreign key (event_id, order_id) references orders (event_id, id),
    constraint refund_payment_fk foreign key (event_id, payment_id) references payment (event_id, id)
);

create table order_fee (
    id             bigint generated always as identity primary key,
    event_id       bigint not null,
    order_id       bigint not null,
    fee_type       text not null constraint order_fee_type check (fee_type in
        ('payment', 'shipping', 'service', 'cancellation', 'insurance', 'late', 'other', 'giftcard')),
    value          bigint not null,
    description    text not null default '',
    internal_type  text not null default '',
    tax_rate_ppm   integer not null default 0,
    tax_value      bigint not null default 0,
    canceled       boolean not null default false,
    constraint order_fee_order_fk foreign key (event_id, order_id) references orders (event_id, id)
);
create index order_fee_order_idx on order_fee (event_id, order_id);
