-- Automatic discounts (spec domain 5.4) and what they take off a line; the date of a series in the ledger.

create table discount (
    id                                   bigint generated always as identity primary key,
    event_id                             bigint not null references event,
    internal_name                        text not null default '',
    active                               boolean not null default true,
    position                             integer not null default 0,
    all_sales_channels                   boolean not null default true,
    limit_sales_channels                 text[] not null default '{}',
    available_from                       timestamptz,
    available_until                      timestamptz,
    subevent_mode                        text not null default 'mixed'
        constraint discount_subevent_mode check (subevent_mode in ('mixed', 'same', 'distinct')),
    subevent_date_from                   timestamptz,
    subevent_date_until                  timestamptz,
    condition_all_products               boolean not null default true,
    condition_apply_to_addons            boolean not null default true,
    condition_ignore_voucher_discounted  boolean not null default false,
    condition_min_count                  integer not null default 0 constraint discount_min_count_sign check (condition_min_count >= 0),
    -- Minor units.
    condition_min_value                  bigint not null default 0 constraint discount_min_value_sign check (condition_min_value >= 0),
    benefit_same_products                boolean not null default true,
    benefit_apply_to_addons              boolean not null default true,
    benefit_ignore_voucher_discounted    boolean not null default false,
    benefit_ppm                          integer not null constraint discount_benefit_ppm check (benefit_ppm between 0 and 1000000),
    benefit_cheapest                     integer constraint discount_cheapest_sign check (benefit_cheapest >= 1),
    constraint discount_tenant_key unique (event_id, id),
    constraint discount_one_condition check ((condition_min_count > 0) <> (condition_min_value > 0)),
    constraint discount_value_alone check (condition_min_value = 0 or (benefit_cheapest is null and subevent_mode <> 'distinct')),
    constraint discount_distinct_same check (subevent_mode <> 'distinct' or benefit_same_products),
    constraint discount_window_order check (available_until >= available_from),
    constraint discount_dates_order check (subevent_date_until >= subevent_date_from)
);
create index discount_event_idx on discount (event_id);

-- Products of a discount: those that count, and those that are reduced where these are others.
create table discount_item (
    event_id     bigint not null,
    discount_id  bigint not null,
    item_id      bigint not null,
    role         text not null constraint discount_item_role check (role in ('condition', 'benefit')),
    primary key (discount_id, role, item_id),
    constraint discount_item_discount_fk foreign key (event_id, discount_id) references discount (event_id, id) on delete cascade,
    constraint discount_item_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade
);
create index discount_item_event_idx on discount_item (event_id);

call watch_catalogue('discount');
call watch_catalogue('discount_item');

alter table cart_position
    add column discount_id bigint,
    -- What it takes off the line, with tax; the price is what is left.
    add column discount_value bigint not null default 0,
    add constraint cart_position_discount_fk foreign key (event_id, discount_id) references discount (event_id, id)
        on delete set null (discount_id);
create index cart_position_discount_idx on cart_position (discount_id) where discount_id is not null;

-- A discount that was used in an order stays.
alter table order_position
    add column discount_id bigint,
    add constraint order_position_discount_fk foreign key (event_id, discount_id) references discount (event_id, id);
create index order_position_discount_idx on order_position (discount_id) where discount_id is not null;

alter table ledger_entry
    add column subevent_id bigint,
    add constraint ledger_entry_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id);
create index ledger_entry_subevent_idx on ledger_entry (event_id, subevent_id) where subevent_id is not null;

-- As before, with what a discount takes off.
drop function read_cart(bigint, text);
create function read_cart(of_event bigint, of_cart text)
returns table (
    id bigint, item_id bigint, variation_id bigint, subevent_id bigint, price bigint, listed_price bigint,
    voucher_saving bigint, custom_price bigint, tax_rate_ppm integer, tax_value bigint, expires_at timestamptz,
    max_extend_at timestamptz, attendee_name text, attendee_email text, company text, voucher_code text, addon_to bigint,
    is_bundled boolean, discount_id bigint, discount_value bigint, session jsonb)
language plpgsql stable rows 5 set enable_seqscan = off as $$
begin
    return query
    select c.id, c.item_id, c.variation_id, c.subevent_id, c.price, c.listed_price, c.voucher_saving, c.custom_price,
           c.tax_rate_ppm, c.tax_value, c.expires_at, c.max_extend_at, c.attendee_name, c.attendee_email, c.company, v.code,
           c.addon_to, c.is_bundled, c.discount_id, c.discount_value, s.data
      from (select 1) as one
      left join checkout_session s on s.event_id = of_event and s.cart_id = of_cart
      left join cart_position c on c.event_id = of_event and c.cart_id = of_cart
      left join voucher v on v.event_id = c.event_id and v.id = c.voucher_id;
end $$;
