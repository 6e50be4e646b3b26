-- What else staff does to many orders at once: more time to pay, and taking a cancellation back.
alter table bulk_action
    add column expires_at timestamptz,
    drop constraint bulk_action_action,
    add constraint bulk_action_action check (action in ('cancel', 'deny', 'extend', 'reactivate'));
