//! HTTP endpoints, one module per area: parse → authorise → call → render.

pub mod again;
pub mod api;
pub mod api_bulk_actions;
pub mod api_document;
pub mod api_events;
pub mod api_exporters;
pub mod api_items;
pub mod api_orders;
pub mod api_organizers;
pub mod api_pictures;
pub mod api_prices;
pub mod api_questions;
pub mod api_quotas;
pub mod api_subevents;
pub mod api_teams;
pub mod api_uploads;
pub mod api_vouchers;
pub mod api_webhooks;
pub mod cart;
pub mod checkout;
pub mod event;
pub mod listing;
pub mod notices;
pub mod order;
mod shelf;
pub mod site;
mod visit;
