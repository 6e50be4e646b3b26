//! References that are told as what they refer to, where a client asks for it (spec rest-api 10.1).

use std::collections::{BTreeMap, btree_map::Entry};

use lambda_http::{Request, RequestExt as _};
use serde_json::{Value, json};

use super::people;
use crate::{
    endpoint::{
        api::{
            Around,
            resource::{self, Resource},
        },
        api_items::{Items, Variations},
        api_orders::json::Extra,
        api_questions::Questions,
        api_subevents::Dates,
    },
    event::Event,
    order::Order,
    port::db::{DbError, Query},
    staff::Scope,
};

/// What a request wants to have expanded.
pub(super) struct Expansion(Vec<String>);

impl Expansion {
    /// Reads `expand`, which may come several times.
    pub(super) fn of(request: &Request) -> Self {
        let parameters = request.query_string_parameters_ref().and_then(|parameters| parameters.all("expand"));
        Self(parameters.into_iter().flatten().flat_map(|value| value.split(',')).map(str::to_owned).collect())
    }

    /// Whether it wants this.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.0.iter().any(|wanted| wanted == name)
    }

    /// Puts the objects of an event in the place of references to them.
    pub(super) async fn apply(
        &self,
        q: &impl Query,
        (scope, around): (Scope, &Around),
        told: &mut [Value],
    ) -> Result<(), DbError> {
        if self.wants("subevent") {
            put::<Dates>(q, (scope, around), told.iter_mut().map(|it| &mut it["subevent"]).collect()).await?;
        }
        if self.wants("item") {
            put::<Items>(q, (scope, around), told.iter_mut().map(|it| &mut it["item"]).collect()).await?;
        }
        if self.wants("variation") {
            put::<Variations>(q, (scope, around), told.iter_mut().map(|it| &mut it["variation"]).collect()).await?;
        }
        if self.wants("answers.question") {
            let answers = told.iter_mut().filter_map(|it| it["answers"].as_array_mut()).flatten();
            let places = answers.map(|answer| &mut answer["question"]).collect();
            put::<Questions>(q, (scope, around), places).await?;
        }
        Ok(())
    }
}

/// Each object is read once.
async fn put<R: Resource>(
    q: &impl Query,
    (scope, around): (Scope, &Around),
    places: Vec<&mut Value>,
) -> Result<(), DbError> {
    let mut known: BTreeMap<i64, Value> = BTreeMap::new();
    for place in places {
        let Some(id) = place.as_i64() else { continue };
        let told = match known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let told = resource::told::<R>(q, scope, around, id).await?;
                free.insert(told.unwrap_or_else(|| json!(id)))
            }
        };
        *place = told.clone();
    }
    Ok(())
}

/// The add-ons of a position that are good for something, as positions.
pub(super) fn add_ons(event: &Event, order: &Order, id: i64, extra: &Extra) -> Value {
    let below = order.live_positions().filter(|it| it.parent.is_some_and(|parent| parent.0 == id));
    below.filter_map(|it| people::told(event, order, it.id.0, extra)).collect()
}
