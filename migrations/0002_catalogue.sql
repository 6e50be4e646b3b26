-- Events and what they sell (spec domain 1.3, 2, 3.1, 4.1, 7).

create table event (
    id              bigint generated always as identity primary key,
    organizer_id    bigint not null references organizer,
    slug            text not null constraint event_slug_form check (slug ~ '^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,48}[a-zA-Z0-9])?$'),
    name            jsonb not null,
    live            boolean not null default false,
    testmode        boolean not null default false,
    currency        text not null constraint event_currency_form check (currency ~ '^[A-Z]{3}$'),
    timezone        text not null default 'UTC',
    date_from       timestamptz not null,
    date_to         timestamptz,
    date_admission  timestamptz,
    is_public       boolean not null default true,
    presale_start   timestamptz,
    presale_end     timestamptz,
    location        jsonb,
    settings        jsonb not null default '{}',
    created_at      timestamptz not null,
    constraint event_tenant_key unique (organizer_id, id),
    constraint event_dates_order check (date_to >= date_from),
    constraint event_presale_order check (presale_end >= presale_start)
);
create unique index event_slug_key on event (organizer_id, lower(slug));

create table team_event (
    team_id       bigint not null,
    event_id      bigint not null,
    organizer_id  bigint not null,
    primary key (team_id, event_id),
    constraint team_event_team_fk foreign key (organizer_id, team_id) references team (organizer_id, id) on delete cascade,
    constraint team_event_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade
);

create table tax_rule (
    id                  bigint generated always as identity primary key,
    event_id            bigint not null references event,
    name                jsonb not null,
    -- Parts per million: 19 % is 190000.
    rate_ppm            integer not null constraint tax_rule_rate_range check (rate_ppm between 0 and 1000000),
    code                text,
    price_includes_tax  boolean not null default true,
    is_default          boolean not null default false,
    constraint tax_rule_tenant_key unique (event_id, id)
);
create unique index tax_rule_default_key on tax_rule (event_id) where is_default;

create table category (
    id             bigint generated always as identity primary key,
    event_id       bigint not null references event,
    name           jsonb not null,
    internal_name  text,
    description    jsonb,
    position       integer not null default 0,
    is_addon       boolean not null default false,
    constraint category_tenant_key unique (event_id, id)
);

create table item (
    id                    bigint generated always as identity primary key,
    event_id              bigint not null references event,
    category_id           bigint,
    tax_rule_id           bigint,
    name                  jsonb not null,
    internal_name         text,
    description           jsonb,
    active                boolean not null default true,
    position              integer not null default 0,
    default_price         bigint not null constraint item_price_sign check (default_price >= 0),
    original_price        bigint,
    free_price            boolean not null default false,
    admission             boolean not null default false,
    personalized          boolean not null default false,
    -- Null: by the event's settings (spec domain 19.1).
    generate_tickets      boolean,
    show_quota_left       boolean,
    available_from        timestamptz,
    available_until       timestamptz,
    -- 'hide' or 'info': what the shop shows outside the window.
    available_from_mode   text not null default 'hide' constraint item_from_mode check (available_from_mode in ('hide', 'info')),
    available_until_mode  text not null default 'hide' constraint item_until_mode check (available_until_mode in ('hide', 'info')),
    require_voucher       boolean not null default false,
    hide_without_voucher  boolean not null default false,
    require_approval      boolean not null default false,
    allow_cancel          boolean not null default true,
    min_per_order         integer constraint item_min_sign check (min_per_order >= 0),
    max_per_order         integer constraint item_max_sign check (max_per_order >= 0),
    constraint item_tenant_key unique (event_id, id),
    constraint item_category_fk foreign key (event_id, category_id) references category (event_id, id),
    constraint item_tax_rule_fk foreign key (event_id, tax_rule_id) references tax_rule (event_id, id),
    constraint item_window_order check (available_until >= available_from),
    constraint item_min_max_order check (min_per_order <= max_per_order)
);

create table item_variation (
    id              bigint generated always as identity primary key,
    event_id        bigint not null,
    item_id         bigint not null,
    value           jsonb not null,
    description     jsonb,
    active          boolean not null default true,
    position        integer not null default 0,
    -- Null: the item's price.
    default_price   bigint constraint item_variation_price_sign check (default_price >= 0),
    original_price  bigint,
    constraint item_variation_tenant_key unique (event_id, item_id, id),
    constraint item_variation_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade
);

create table quota (
    id                     bigint generated always as identity primary key,
    event_id               bigint not null references event,
    name                   text not null,
    -- Null: unlimited.
    size                   bigint constraint quota_size_sign check (size >= 0),
    closed                 boolean not null default false,
    close_when_sold_out    boolean not null default false,
    constraint quota_tenant_key unique (event_id, id)
);

-- What a quota counts: an item without variations, or single variations of an item (spec domain 4.1).
create table quota_item (
    event_id      bigint not null,
    quota_id      bigint not null,
    item_id       bigint not null,
    variation_id  bigint,
    constraint quota_item_key unique nulls not distinct (quota_id, item_id, variation_id),
    constraint quota_item_quota_fk foreign key (event_id, quota_id) references quota (event_id, id) on delete cascade,
    constraint quota_item_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade,
    constraint quota_item_variation_fk foreign key (event_id, item_id, variation_id)
        references item_variation (event_id, item_id, id) on delete cascade
);
create index quota_item_event_idx on quota_item (event_id);

-- How many places of a quota are in use, by kind. Changed only under the event's stock lock, in the transaction that
-- changes the rows it counts, so that a decision costs the same with ten sold and with a million sold.
create table quota_counter (
    quota_id  bigint primary key,
    event_id  bigint not null,
    paid      bigint not null default 0 constraint quota_counter_paid_sign check (paid >= 0),
    pending   bigint not null default 0 constraint quota_counter_pending_sign check (pending >= 0),
    carts     bigint not null default 0 constraint quota_counter_carts_sign check (carts >= 0),
    vouchers  bigint not null default 0 constraint quota_counter_vouchers_sign check (vouchers >= 0),
    waiting   bigint not null default 0 constraint quota_counter_waiting_sign check (waiting >= 0),
    constraint quota_counter_quota_fk foreign key (event_id, quota_id) references quota (event_id, id) on delete cascade
) with (fillfactor = 50);
create index quota_counter_event_idx on quota_counter (event_id);

create table question (
    id                      bigint generated always as identity primary key,
    event_id                bigint not null references event,
    question                jsonb not null,
    help_text               jsonb,
    identifier              text not null,
    type                    text not null constraint question_type
        check (type in ('N', 'S', 'T', 'B', 'C', 'M', 'F', 'D', 'H', 'W', 'CC', 'TEL')),
    required                boolean not null default false,
    hidden                  boolean not null default false,
    ask_during_checkin      boolean not null default false,
    position                integer not null default 0,
    dependency_question_id  bigint,
    dependency_values       text[] not null default '{}',
    constraint question_tenant_key unique (event_id, id),
    constraint question_identifier_key unique (event_id, identifier),
    constraint question_dependency_fk foreign key (event_id, dependency_question_id) references question (event_id, id)
);

create table question_item (
    event_id     bigint not null,
    question_id  bigint not null,
    item_id      bigint not null,
    primary key (question_id, item_id),
    constraint question_item_question_fk foreign key (event_id, question_id) references question (event_id, id) on delete cascade,
    constraint question_item_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade
);

create table question_option (
    id           bigint generated always as identity primary key,
    event_id     bigint not null,
    question_id  bigint not null,
    identifier   text not null,
    answer       jsonb not null,
    position     integer not null default 0,
    constraint question_option_identifier_key unique (event_id, identifier),
    constraint question_option_question_fk foreign key (event_id, question_id) references question (event_id, id) on delete cascade
);

create index category_event_idx on category (event_id);
create index item_event_idx on item (event_id);
create index item_variation_event_idx on item_variation (event_id);
create index quota_event_idx on quota (event_id);
create index question_option_question_idx on question_option (event_id, question_id);
create index question_item_event_idx on question_item (event_id);
