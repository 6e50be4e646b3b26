-- Mails at the pace that the provider allows, and what became of them after they were handed over (spec domain 22).

-- One row for all workers: the moment at which the next mail may go, and the last turn that a confirmation took.
create table mail_pace (
    only_row  boolean primary key default true constraint mail_pace_only_row check (only_row),
    next_at   timestamptz not null,
    first_at  timestamptz not null
);
insert into mail_pace (next_at, first_at) values ('epoch', 'epoch');
-- Confirmations that wait to be claimed: while there are some, nothing else is sent.
create index mail_first_idx on mail (retry_at)
 where state = 'queued' and kind in ('order_placed', 'order_free', 'order_paid', 'order_approved', 'order_approved_free');

-- How the provider calls a mail, by which it tells later that nobody took it or that somebody complained.
alter table mail add column provider_id text;
create index mail_provider_idx on mail (provider_id) where provider_id is not null;

create table mail_feedback (
    id           bigint generated always as identity primary key,
    event_id     bigint not null,
    order_id     bigint,
    mail_id      bigint not null references mail on delete cascade,
    verdict      text not null constraint mail_feedback_verdict check (verdict in ('bounced', 'delayed', 'complained')),
    detail       text not null,
    recorded_at  timestamptz not null,
    -- The provider may tell the same twice.
    constraint mail_feedback_once_key unique (mail_id, verdict, detail),
    constraint mail_feedback_order_fk foreign key (event_id, order_id) references orders (event_id, id)
);
create index mail_feedback_order_idx on mail_feedback (event_id, order_id);
