-- When each periodic job ran last, and who is at it now (spec domain 27.2).
create table job_run (
    job           text primary key,
    -- Counts the runs: only the present one may say how it ended.
    run           bigint not null,
    started_at    timestamptz not null,
    -- Nobody else begins before this moment; null: nobody is at it.
    busy_until    timestamptz,
    ended_at      timestamptz,
    succeeded_at  timestamptz,
    last_error    text
);

-- Tickets that were drawn are kept for a while and drawn again when somebody asks.
create index ticket_file_age_idx on ticket_file (created_at);
create index order_ticket_file_age_idx on order_ticket_file (created_at);
