-- Webhooks: whom an organiser wants to tell what, and what became of each telling (spec domain 23.3).

create table webhook (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null references organizer,
    enabled       boolean not null,
    target_url    text not null constraint webhook_target_length check (length(target_url) between 1 and 1024),
    -- All events of the organiser, or those of webhook_event.
    all_events    boolean not null,
    -- Dotted types; one that ends in .* stands for all that begin like it.
    action_types  text[] not null,
    comment       text,
    created_at    timestamptz not null,
    constraint webhook_tenant_key unique (organizer_id, id)
);
create index webhook_enabled_idx on webhook (organizer_id) where enabled;

create table webhook_event (
    organizer_id  bigint not null,
    webhook_id    bigint not null,
    event_id      bigint not null,
    primary key (webhook_id, event_id),
    constraint webhook_event_webhook_fk foreign key (organizer_id, webhook_id) references webhook (organizer_id, id) on delete cascade,
    constraint webhook_event_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade
);

-- Not the secrets themselves: they are derived from the shop's key and these texts, so that no copy of the database signs.
create table webhook_secret (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    webhook_id    bigint not null,
    nonce         text not null,
    created_at    timestamptz not null,
    -- Replaced: signs beside the new one until then. Null: the present one.
    expires_at    timestamptz,
    constraint webhook_secret_webhook_fk foreign key (organizer_id, webhook_id) references webhook (organizer_id, id) on delete cascade
);
create unique index webhook_secret_present_key on webhook_secret (webhook_id) where expires_at is null;
create index webhook_secret_webhook_idx on webhook_secret (webhook_id);

-- The log is its own outbox: what has no moment here is still to be announced to webhooks.
alter table action_log add column announced_at timestamptz;
update action_log set announced_at = created_at;
create index action_log_unannounced_idx on action_log (id) where announced_at is null;

-- One action told to one webhook. The row drives what happens, as that of a mail does.
create table webhook_delivery (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    webhook_id    bigint not null,
    -- Not a foreign key: the log may be swept before its deliveries.
    action_id     bigint not null,
    state         text not null constraint webhook_delivery_state
        check (state in ('queued', 'inflight', 'awaiting_retry', 'delivered', 'failed', 'dropped')),
    -- How often it was tried in all, and how far it is in the plan, which a replay begins anew.
    attempts      integer not null default 0,
    step          integer not null default 0,
    -- When the periodic job queues it again, as in mail.
    retry_at      timestamptz not null,
    -- Written at the first try: what was written once is what is sent.
    payload       text,
    created_at    timestamptz not null,
    ended_at      timestamptz,
    constraint webhook_delivery_once_key unique (webhook_id, action_id),
    constraint webhook_delivery_tenant_key unique (organizer_id, id),
    constraint webhook_delivery_webhook_fk foreign key (organizer_id, webhook_id) references webhook (organizer_id, id) on delete cascade
);
create index webhook_delivery_open_idx on webhook_delivery (retry_at) where state in ('queued', 'inflight', 'awaiting_retry');
create index webhook_delivery_list_idx on webhook_delivery (webhook_id, id);
create index webhook_delivery_age_idx on webhook_delivery (created_at);

-- Every try and what was answered.
create table webhook_call (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    delivery_id   bigint not null,
    attempt       integer not null,
    called_at     timestamptz not null,
    target_url    text not null,
    -- 0 when nothing was answered.
    status        integer not null,
    -- The beginning of what was answered, or why nothing was.
    answer        text not null,
    duration_ms   integer not null,
    constraint webhook_call_delivery_fk foreign key (organizer_id, delivery_id) references webhook_delivery (organizer_id, id) on delete cascade
);
create index webhook_call_delivery_idx on webhook_call (delivery_id, id);
