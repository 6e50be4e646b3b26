//! Products in the REST API: categories, items, and what belongs to an item (spec rest-api 5.1, 5.2).

mod categories;
mod items;
mod parts;

use lambda_http::{Body, Request, Response};

pub use self::{
    categories::Categories,
    items::Items,
    parts::{AddOns, Bundles, Variations},
};
use super::api::{resource, segments};
use crate::{ctx::Ctx, http::ApiError};

/// Answers every route of products: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = segments(&request);
    match (path.get(6).copied(), path.get(8).copied()) {
        (Some("categories"), _) => resource::handle::<Categories>(ctx, request).await,
        (_, Some("variations")) => resource::handle::<Variations>(ctx, request).await,
        (_, Some("addons")) => resource::handle::<AddOns>(ctx, request).await,
        (_, Some("bundles")) => resource::handle::<Bundles>(ctx, request).await,
        _ => resource::handle::<Items>(ctx, request).await,
    }
}
