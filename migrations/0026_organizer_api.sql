-- What programs of organisers may say and nothing had a place for yet (spec rest-api 2.2, 2.11, 3, 4, 5).

-- Every organiser has the channel web; others begin with api.
create table sales_channel (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null references organizer,
    identifier    text not null constraint sales_channel_identifier_length check (length(identifier) between 1 and 200),
    label         jsonb not null,
    type          text not null constraint sales_channel_type check (type in ('web', 'api')),
    position      integer not null default 0,
    constraint sales_channel_identifier_key unique (organizer_id, identifier)
);
insert into sales_channel (organizer_id, identifier, label, type) select id, 'web', '{"en": "Online shop"}', 'web' from organizer;

create function organizer_sells_online() returns trigger language plpgsql as $$
begin
    insert into sales_channel (organizer_id, identifier, label, type) values (new.id, 'web', '{"en": "Online shop"}', 'web');
    return null;
end $$;
create trigger organizer_sells_online after insert on organizer for each row execute function organizer_sells_online();

-- What events and dates say about themselves in words of the organiser.
create table event_meta_property (
    id              bigint generated always as identity primary key,
    organizer_id    bigint not null references organizer,
    name            text not null,
    "default"       text not null default '',
    required        boolean not null default false,
    protected       boolean not null default false,
    filter_public   boolean not null default false,
    public_label    jsonb,
    filter_allowed  boolean not null default true,
    -- [{"key", "label"}]; null: any text.
    choices         jsonb,
    constraint event_meta_property_name_key unique (organizer_id, name)
);

alter table event
    add column geo_lat numeric,
    add column geo_lon numeric,
    -- Property → value.
    add column meta_data jsonb not null default '{}';
alter table subevent
    add column geo_lat numeric,
    add column geo_lon numeric,
    add column meta_data jsonb not null default '{}';

alter table tax_rule
    add column internal_name text,
    add column home_country text not null default '',
    add column keep_gross_if_rate_changes boolean not null default false;

-- What staff at the door is told.
alter table item
    add column checkin_attention boolean not null default false,
    add column checkin_text text;
alter table item_variation
    add column checkin_attention boolean not null default false,
    add column checkin_text text;
alter table question
    add column show_during_checkin boolean not null default false;
