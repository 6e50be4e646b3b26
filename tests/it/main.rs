//! The one test binary. Modules mirror what they test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addons;
mod after_sale;
mod api_catalogue;
mod api_change;
mod api_events;
mod api_money;
mod api_orders;
mod api_teams;
mod authorisation;
mod boxoffice;
mod browser;
mod bulk;
mod busy;
mod chaos;
mod checkin;
mod config;
mod crash;
mod devices;
mod downloads;
mod exports;
mod gateway;
mod giftcards;
mod import;
mod infra;
mod jobs;
mod kill;
mod mail;
mod migrations;
mod money;
mod notices;
mod openapi;
mod order_changes;
mod order_creation;
mod order_creation_sale;
mod oversell;
mod prices;
mod pricing;
mod queues;
mod rights;
mod routes;
mod s3;
mod sale;
mod series;
mod sqs;
mod stack;
mod statements;
mod ticket_pdf;
mod tidy;
mod uploads;
mod vouchers;
mod waiting;
mod webhooks;

use tests::shop;
