-- Sales channels, dates of a series, add-ons, bundles, vouchers (spec domain 1.2, 1.4, 2.4, 2.5, 6).

alter table event
    add column has_subevents boolean not null default false,
    add column all_sales_channels boolean not null default true,
    -- Identifiers of sales channels, when not all.
    add column limit_sales_channels text[] not null default '{}';

create table subevent (
    id              bigint generated always as identity primary key,
    event_id        bigint not null references event,
    name            jsonb not null,
    active          boolean not null default false,
    is_public       boolean not null default true,
    date_from       timestamptz not null,
    date_to         timestamptz,
    date_admission  timestamptz,
    presale_start   timestamptz,
    presale_end     timestamptz,
    location        jsonb,
    frontpage_text  jsonb,
    comment         text not null default '',
    modified_at     timestamptz not null,
    constraint subevent_tenant_key unique (event_id, id),
    constraint subevent_dates_order check (date_to >= date_from),
    constraint subevent_presale_order check (presale_end >= presale_start)
);
create index subevent_date_idx on subevent (event_id, date_from, id);

alter table item
    add column require_bundling boolean not null default false,
    add column allow_waitinglist boolean not null default true,
    add column all_sales_channels boolean not null default true,
    add column limit_sales_channels text[] not null default '{}',
    -- Hidden while that quota, or that item, can still be had.
    add column hidden_if_available bigint,
    add column hidden_if_item_available bigint,
    add column hidden_if_item_available_mode text not null default 'hide'
        constraint item_hidden_if_mode check (hidden_if_item_available_mode in ('hide', 'info')),
    add constraint item_hidden_if_item_fk foreign key (event_id, hidden_if_item_available) references item (event_id, id);

alter table item_variation
    add column hide_without_voucher boolean not null default false,
    add column available_from timestamptz,
    add column available_until timestamptz,
    add column available_from_mode text not null default 'hide'
        constraint item_variation_from_mode check (available_from_mode in ('hide', 'info')),
    add column available_until_mode text not null default 'hide'
        constraint item_variation_until_mode check (available_until_mode in ('hide', 'info')),
    add column all_sales_channels boolean not null default true,
    add column limit_sales_channels text[] not null default '{}',
    add constraint item_variation_window_order check (available_until >= available_from);

alter table quota
    -- In a series each quota belongs to one date.
    add column subevent_id bigint,
    add column ignore_for_event_availability boolean not null default false,
    add constraint quota_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id);
create index quota_subevent_idx on quota (event_id, subevent_id) where subevent_id is not null;
alter table item
    add constraint item_hidden_if_quota_fk foreign key (event_id, hidden_if_available) references quota (event_id, id);

-- What one date says differently about an item or a variation (spec domain 1.4).
create table subevent_override (
    event_id         bigint not null,
    subevent_id      bigint not null,
    item_id          bigint not null,
    variation_id     bigint,
    price            bigint constraint subevent_override_price_sign check (price >= 0),
    disabled         boolean not null default false,
    available_from   timestamptz,
    available_until  timestamptz,
    constraint subevent_override_key unique nulls not distinct (subevent_id, item_id, variation_id),
    constraint subevent_override_window_order check (available_until >= available_from),
    constraint subevent_override_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id) on delete cascade,
    constraint subevent_override_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade,
    constraint subevent_override_variation_fk foreign key (event_id, item_id, variation_id)
        references item_variation (event_id, item_id, id) on delete cascade
);
create index subevent_override_event_idx on subevent_override (event_id);

-- A buyer of the item may, or must, add products of a category.
create table item_addon (
    id              bigint generated always as identity primary key,
    event_id        bigint not null,
    item_id         bigint not null,
    category_id     bigint not null,
    min_count       integer not null default 0,
    max_count       integer not null default 1,
    multi_allowed   boolean not null default false,
    price_included  boolean not null default false,
    position        integer not null default 0,
    constraint item_addon_key unique (item_id, category_id),
    constraint item_addon_counts check (0 <= min_count and min_count <= max_count),
    constraint item_addon_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade,
    constraint item_addon_category_fk foreign key (event_id, category_id) references category (event_id, id)
);
create index item_addon_event_idx on item_addon (event_id);

-- Who buys the item gets these as well, each with its own tax.
create table item_bundle (
    id                    bigint generated always as identity primary key,
    event_id              bigint not null,
    item_id               bigint not null,
    bundled_item_id       bigint not null,
    bundled_variation_id  bigint,
    count                 integer not null default 1 constraint item_bundle_count_sign check (count >= 1),
    -- The part of the item's price, with tax, that stands on each of them.
    designated_price      bigint not null default 0 constraint item_bundle_price_sign check (designated_price >= 0),
    constraint item_bundle_no_self check (bundled_item_id <> item_id),
    constraint item_bundle_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade,
    constraint item_bundle_bundled_fk foreign key (event_id, bundled_item_id) references item (event_id, id),
    constraint item_bundle_variation_fk foreign key (event_id, bundled_item_id, bundled_variation_id)
        references item_variation (event_id, item_id, id)
);
create index item_bundle_event_idx on item_bundle (event_id);

create table voucher (
    id                    bigint generated always as identity primary key,
    event_id              bigint not null references event,
    -- In capital letters: codes are compared without regard to case.
    code                  text not null constraint voucher_code_form check (length(code) between 1 and 255),
    max_usages            bigint not null default 1,
    min_usages            bigint not null default 1 constraint voucher_min_usages_sign check (min_usages >= 1),
    -- Most that it takes off in all.
    budget                bigint constraint voucher_budget_sign check (budget >= 0),
    valid_until           timestamptz,
    block_quota           boolean not null default false,
    allow_ignore_quota    boolean not null default false,
    price_mode            text not null default 'none' constraint voucher_price_mode check (price_mode in ('none', 'set', 'subtract', 'percent')),
    -- Minor units, or parts per million for a percentage.
    value                 bigint not null default 0 constraint voucher_value_sign check (value >= 0),
    item_id               bigint,
    variation_id          bigint,
    quota_id              bigint,
    subevent_id           bigint,
    tag                   text not null default '',
    comment               text not null default '',
    show_hidden_items     boolean not null default true,
    all_addons_included   boolean not null default false,
    all_bundles_included  boolean not null default false,
    created_at            timestamptz not null,
    -- Counters like those of quota_counter: changed only under the event's stock lock, with the rows that they count.
    redeemed              bigint not null default 0 constraint voucher_redeemed_sign check (redeemed >= 0),
    in_carts              bigint not null default 0 constraint voucher_in_carts_sign check (in_carts >= 0),
    budget_used           bigint not null default 0 constraint voucher_budget_used_sign check (budget_used >= 0),
    -- True while its remaining uses are counted in quota_counter.vouchers. Cleared by the batch that finds it expired.
    holds_stock           boolean not null default false,
    constraint voucher_code_key unique (event_id, code),
    constraint voucher_tenant_key unique (event_id, id),
    constraint voucher_usages_order check (min_usages <= max_usages),
    constraint voucher_scope check (quota_id is null or item_id is null),
    constraint voucher_variation_item check (variation_id is null or item_id is not null),
    constraint voucher_item_fk foreign key (event_id, item_id) references item (event_id, id),
    constraint voucher_variation_fk foreign key (event_id, item_id, variation_id) references item_variation (event_id, item_id, id),
    constraint voucher_quota_fk foreign key (event_id, quota_id) references quota (event_id, id),
    constraint voucher_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id)
) with (fillfactor = 80);
create index voucher_expiry_idx on voucher (event_id, valid_until) where holds_stock;

alter table cart_position
    add column subevent_id bigint,
    add column voucher_id bigint,
    -- The position that it was added to, or is a part of.
    add column addon_to bigint,
    add column is_bundled boolean not null default false,
    -- The price, with tax, that the buyer typed.
    add column custom_price bigint,
    -- What the voucher takes off the listed price.
    add column voucher_saving bigint not null default 0,
    add constraint cart_position_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id),
    add constraint cart_position_voucher_fk foreign key (event_id, voucher_id) references voucher (event_id, id),
    add constraint cart_position_parent_fk foreign key (event_id, addon_to) references cart_position (event_id, id) on delete cascade,
    add constraint cart_position_bundle_parent check (not is_bundled or addon_to is not null);
create index cart_position_voucher_idx on cart_position (voucher_id) where voucher_id is not null;
create index cart_position_parent_idx on cart_position (event_id, addon_to) where addon_to is not null;

alter table order_position
    add column subevent_id bigint,
    add column voucher_id bigint,
    add column addon_to bigint,
    add column is_bundled boolean not null default false,
    add column voucher_budget_use bigint not null default 0 constraint order_position_budget_sign check (voucher_budget_use >= 0),
    add constraint order_position_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id),
    add constraint order_position_voucher_fk foreign key (event_id, voucher_id) references voucher (event_id, id),
    add constraint order_position_parent_fk foreign key (event_id, addon_to) references order_position (event_id, id);
create index order_position_voucher_idx on order_position (voucher_id) where voucher_id is not null;

call watch_catalogue('subevent');
call watch_catalogue('subevent_override');
call watch_catalogue('item_addon');
call watch_catalogue('item_bundle');
