-- Which mails members of staff want about orders: everywhere, or in one event (spec domain 23.2). What nobody has chosen is
-- not sent, except new orders to the members of teams that are told of them.
create table notice_choice (
    user_id       bigint not null references app_user on delete cascade,
    organizer_id  bigint,
    -- Null: in all events.
    event_id      bigint,
    action_type   text not null,
    wanted        boolean not null,
    constraint notice_choice_key unique nulls not distinct (user_id, event_id, action_type),
    constraint notice_choice_event_fk foreign key (organizer_id, event_id) references event (organizer_id, id) on delete cascade
);
create index notice_choice_event_idx on notice_choice (organizer_id, event_id) where event_id is not null;

-- What a mail to staff is about.
alter table mail add column action text;
