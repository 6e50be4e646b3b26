-- Exports read refunds in portions, by event and id. Nobody writes refunds while an event sells.
alter table refund add constraint refund_tenant_key unique (event_id, id);
