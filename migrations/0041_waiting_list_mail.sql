-- A mail without an order brings a voucher. One whose voucher is gone is not sent.
alter table mail add column voucher_id bigint;
