-- Tenants, the people who work for them, and their API tokens (spec domain 1.1, 30).

create table organizer (
    id          bigint generated always as identity primary key,
    slug        text not null constraint organizer_slug_form check (slug ~ '^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,48}[a-zA-Z0-9])?$'),
    name        text not null constraint organizer_name_length check (length(name) between 1 and 200),
    -- Explicit settings of this level only; an event inherits what it does not set itself (spec domain 1.1).
    settings    jsonb not null default '{}',
    created_at  timestamptz not null
);
create unique index organizer_slug_key on organizer (lower(slug));

create table app_user (
    id             bigint generated always as identity primary key,
    email          text not null,
    full_name      text not null default '',
    -- argon2 string; null for people who cannot log in yet.
    password_hash  text,
    locale         text not null default 'en',
    is_active      boolean not null default true,
    created_at     timestamptz not null
);
create unique index app_user_email_key on app_user (lower(email));

create table team (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null references organizer,
    name          text not null,
    all_events    boolean not null default false,
    -- Named permissions such as event.orders:write; {"*"} grants all (spec domain 30).
    permissions   text[] not null default '{}',
    -- Members are told by mail when an order is placed.
    notify_orders boolean not null default false,
    constraint team_tenant_key unique (organizer_id, id)
);

create table team_member (
    team_id  bigint not null references team on delete cascade,
    user_id  bigint not null references app_user on delete cascade,
    primary key (team_id, user_id)
);

create table api_token (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    team_id       bigint not null,
    name          text not null,
    -- SHA-256 of the token: it has 64 random characters, so a slow hash would add nothing.
    token_hash    bytea not null constraint api_token_hash_key unique,
    active        boolean not null default true,
    created_at    timestamptz not null,
    constraint api_token_team_fk foreign key (organizer_id, team_id) references team (organizer_id, id)
);
