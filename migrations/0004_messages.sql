-- What leaves a transaction, and what was done because of it (design: outbox and queues).

create table outbox (
    id          bigint generated always as identity primary key,
    queue       text not null constraint outbox_queue
        check (queue in ('checkout', 'mail', 'notifications', 'background', 'default')),
    body        jsonb not null,
    created_at  timestamptz not null,
    -- How often it was handed to SQS. The row goes away when the message was handled, so a lost queue loses nothing.
    sends       integer not null default 1,
    -- When the relay sends it again; null: no more, and somebody must look.
    due_at      timestamptz
);
create index outbox_due_idx on outbox (due_at);

create table processed_message (
    outbox_id     bigint primary key,
    processed_at  timestamptz not null
);
create index processed_message_age_idx on processed_message (processed_at);

create table mail (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    event_id      bigint not null,
    order_id      bigint,
    kind          text not null,
    recipient     text not null,
    locale        text not null,
    -- Written by the worker at the first try, never under a lock; what was written once is what is sent.
    subject       text,
    body_text     text,
    body_html     text,
    state         text not null constraint mail_state
        check (state in ('waiting', 'queued', 'inflight', 'awaiting_retry', 'failed', 'sent')),
    attempts      integer not null default 0,
    -- When the periodic job queues it again if nothing else has happened to it: its tickets are overdue ('waiting'), its
    -- message was lost ('queued'), its worker has died ('inflight'), the next try is due ('awaiting_retry').
    retry_at      timestamptz not null,
    created_at    timestamptz not null,
    sent_at       timestamptz,
    last_error    text,
    constraint mail_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id),
    constraint mail_order_fk foreign key (event_id, order_id) references orders (event_id, id)
);
create index mail_order_idx on mail (event_id, order_id);
-- What is still to be sent is a small part.
create index mail_open_idx on mail (retry_at) where state in ('waiting', 'queued', 'inflight', 'awaiting_retry');

-- One file per ticket and output; the object itself lies in the bucket.
create table ticket_file (
    event_id     bigint not null,
    position_id  bigint not null,
    output       text not null,
    object_key   text not null,
    created_at   timestamptz not null,
    primary key (position_id, output),
    constraint ticket_file_position_fk foreign key (event_id, position_id) references order_position (event_id, id) on delete cascade
);

create table action_log (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    event_id      bigint,
    -- What changed: 'order', 'quota'… and its id.
    object_type   text not null,
    object_id     bigint not null,
    -- Dotted type, as webhooks name it (spec domain 23.1).
    action        text not null,
    data          jsonb not null default '{}',
    -- Who: 'buyer', 'token', 'system', with the id where there is one.
    actor_type    text not null constraint action_log_actor check (actor_type in ('buyer', 'token', 'system')),
    actor_id      bigint,
    created_at    timestamptz not null,
    constraint action_log_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id)
);
create index action_log_object_idx on action_log (event_id, object_type, object_id);
