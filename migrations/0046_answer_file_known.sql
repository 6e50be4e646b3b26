-- Buyers may answer while this looks at all answers.
alter table answer validate constraint answer_file_fk;
create index answer_file_idx on answer (event_id, file_id) where file_id is not null;
