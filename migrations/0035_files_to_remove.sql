-- Files of the public part that nothing shows any more, until they are removed: written with what takes them away, so that
-- a try that fails is followed by another.
create table media_removal (
    object_key    text primary key,
    organizer_id  bigint not null references organizer
);
create index media_removal_organizer_idx on media_removal (organizer_id);

-- The file that somebody asked for last, for each picture: messages may come in another order.
create table picture_wanted (
    event_id   bigint not null references event on delete cascade,
    -- Null: the event's logo.
    item_id    bigint,
    -- Null: none; the picture was taken away.
    upload_id  text,
    constraint picture_wanted_key unique nulls not distinct (event_id, item_id)
);

-- What the provider told about a mail before the shop had noted how the provider calls it.
create table mail_feedback_early (
    id           bigint generated always as identity primary key,
    provider_id  text not null,
    verdict      text not null constraint mail_feedback_early_verdict check (verdict in ('bounced', 'delayed', 'complained')),
    detail       text not null,
    recorded_at  timestamptz not null,
    constraint mail_feedback_early_once_key unique (provider_id, verdict, detail)
);
create index mail_feedback_early_age_idx on mail_feedback_early (recorded_at);
