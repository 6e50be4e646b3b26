-- Devices that scan, lists of who may come in, and every attempt to do so.
create table device (
    id                    bigint generated always as identity primary key,
    organizer_id          bigint not null references organizer,
    -- 1..n within the organiser.
    device_id             integer not null,
    unique_serial         text not null constraint device_serial_key unique,
    -- Shown to staff until the device has used it; worth nothing afterwards.
    initialization_token  text not null constraint device_initialization_key unique,
    name                  text not null,
    all_events            boolean not null default false,
    security_profile      text not null default 'full' constraint device_profile
        check (security_profile in ('full', 'pretixscan', 'pretixscan_online_noorders', 'pretixscan_online_kiosk')),
    revoked               boolean not null default false,
    created_at            timestamptz not null,
    initialized_at        timestamptz,
    hardware_brand        text,
    hardware_model        text,
    os_name               text,
    os_version            text,
    software_brand        text,
    software_version      text,
    info                  jsonb,
    rsa_pubkey            text,
    constraint device_tenant_key unique (organizer_id, id),
    constraint device_number_key unique (organizer_id, device_id)
);

create table device_event (
    organizer_id  bigint not null,
    device_id     bigint not null,
    event_id      bigint not null,
    primary key (device_id, event_id),
    constraint device_event_device_fk foreign key (organizer_id, device_id) references device (organizer_id, id) on delete cascade,
    constraint device_event_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade
);
create index device_event_event_idx on device_event (organizer_id, event_id);

-- A token is a team's or a device's.
alter table api_token
    alter column team_id drop not null,
    add column device_id bigint constraint api_token_device_key unique,
    add constraint api_token_owner check (num_nonnulls(team_id, device_id) = 1),
    add constraint api_token_device_fk foreign key (organizer_id, device_id) references device (organizer_id, id);

create table checkin_list (
    id                        bigint generated always as identity primary key,
    event_id                  bigint not null references event on delete cascade,
    name                      text not null,
    all_products              boolean not null default true,
    subevent_id               bigint,
    include_pending           boolean not null default false,
    addon_match               boolean not null default false,
    allow_multiple_entries    boolean not null default false,
    allow_entry_after_exit    boolean not null default true,
    rules                     jsonb not null default '{}',
    ignore_in_statistics      boolean not null default false,
    consider_tickets_used     boolean not null default true,
    constraint checkin_list_tenant_key unique (event_id, id),
    constraint checkin_list_subevent_fk foreign key (event_id, subevent_id) references subevent (event_id, id)
);

create table checkin_list_item (
    event_id  bigint not null,
    list_id   bigint not null,
    item_id   bigint not null,
    primary key (list_id, item_id),
    constraint checkin_list_item_list_fk foreign key (event_id, list_id) references checkin_list (event_id, id) on delete cascade,
    constraint checkin_list_item_item_fk foreign key (event_id, item_id) references item (event_id, id) on delete cascade
);
create index checkin_list_item_item_idx on checkin_list_item (event_id, item_id);

create table checkin (
    id                 bigint generated always as identity primary key,
    event_id           bigint not null,
    list_id            bigint not null,
    -- Nothing for a code that nobody knows.
    position_id        bigint,
    type               text not null constraint checkin_type check (type in ('entry', 'exit')),
    -- When the device says it was, and when the shop heard of it.
    datetime           timestamptz not null,
    created_at         timestamptz not null,
    nonce              text,
    forced             boolean not null default false,
    force_sent         boolean not null default false,
    successful         boolean not null,
    error_reason       text,
    error_explanation  text,
    raw_barcode        text,
    raw_source_type    text,
    raw_item_id        bigint,
    raw_variation_id   bigint,
    raw_subevent_id    bigint,
    device_id          bigint references device,
    auto_checked_in    boolean not null default false,
    constraint checkin_outcome check (successful = (error_reason is null)),
    constraint checkin_list_fk foreign key (event_id, list_id) references checkin_list (event_id, id) on delete cascade,
    constraint checkin_position_fk foreign key (event_id, position_id) references order_position (event_id, id) on delete cascade
);
create index checkin_position_idx on checkin (event_id, position_id);
create index checkin_list_idx on checkin (event_id, list_id, id);
create index checkin_nonce_idx on checkin (event_id, nonce) where nonce is not null;
