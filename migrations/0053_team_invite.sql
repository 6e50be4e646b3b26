-- Who was asked to join a team and has not come yet. One that was accepted stays with whom it made a member, so that its
-- address leads there again.
create table team_invite (
    id            bigint generated always as identity primary key,
    organizer_id  bigint not null,
    team_id       bigint not null,
    email         text not null,
    created_at    timestamptz not null,
    user_id       bigint references app_user on delete cascade,
    constraint team_invite_team_fk foreign key (organizer_id, team_id) references team (organizer_id, id) on delete cascade
);
create unique index team_invite_open_key on team_invite (organizer_id, team_id, lower(email)) where user_id is null;
