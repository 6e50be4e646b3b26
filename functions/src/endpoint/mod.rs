//! HTTP endpoints, one module per area: parse → authorise → call → render.

pub mod again;
pub mod api_bulk_actions;
pub mod api_exporters;
pub mod api_orders;
pub mod api_pictures;
pub mod api_uploads;
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
