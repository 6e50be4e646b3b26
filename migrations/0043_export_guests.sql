-- Exports of check-in lists: which list, and what of it. Null: the export is about none.
alter table export add column guests jsonb;
