-- A mail without an event brings an invitation to a team. One whose invitation is gone is not sent.
alter table mail
    alter column event_id drop not null,
    add column invite_id bigint;
