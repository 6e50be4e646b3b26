-- What every buyer writes at the same time must not lock the row of the event: a foreign key takes a share of it, and
-- shares of many are kept in a list that grows with them. These rows are nobody's after some days and go then.
alter table checkout_session drop constraint checkout_session_event_id_fkey;
alter table form_outcome drop constraint form_outcome_event_id_fkey;

-- Found by its number alone; the same request may wait twice, as its outcome tells the second one.
alter table waiting_request drop constraint waiting_request_key;

-- When the batch was over whose duration it tells: those who come can tell when the next ones will be.
alter table serving_pace rename column served_at to finished_at;
