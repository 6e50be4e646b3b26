//! First data: the demo event, and events from files.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop::{
    ctx::Ctx,
    event::{
        self,
        import::{ImportError, Imported},
    },
    port::db::{DbError, Tx},
    staff::{NewTeam, NewToken, create_team, create_token},
    time::Timestamp,
};

/// What a developer wants to know about the demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Demo {
    /// Path of the shop, such as `/harbour/systems/`.
    pub shop_path: String,
    /// A token that may do everything in the REST API.
    pub api_token: String,
}

/// Why there is no first data.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The document, or the database.
    #[error("{0}")]
    Import(#[from] ImportError),
    /// The file with the token.
    #[error("the demo's token could not be kept: {0}")]
    Token(#[from] std::io::Error),
    /// The document has no organiser to import it for.
    #[error("the document needs \"organizer\": {{\"slug\": …, \"name\": …}}")]
    NoOrganizer,
}

impl From<DbError> for SeedError {
    fn from(error: DbError) -> Self {
        Self::Import(error.into())
    }
}

/// Creates the demo in an empty database, and keeps what to know about it in `file`. A database with organisers is left
/// alone; then the answer is what was kept.
pub async fn seed(ctx: &Ctx, file: &Path) -> Result<Option<Demo>, SeedError> {
    let mut db = ctx.db().await?;
    if !event::organizers(&*db).await?.is_empty() {
        return Ok(std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()));
    }
    let tx = db.begin().await?;
    let created = create_demo(ctx, &tx, file).await;
    tx.finish(created).await.map(Some)
}

async fn create_demo(ctx: &Ctx, tx: &Tx<'_>, file: &Path) -> Result<Demo, SeedError> {
    let now = ctx.now();
    let document = crate::demo::document(now);
    let imported = import(tx, &document, now).await?;
    let organizer_slug = document["organizer"]["slug"].as_str().unwrap_or_default();
    let organizer = event::find_organizer(tx, organizer_slug).await?.ok_or(SeedError::NoOrganizer)?.id;
    let team = NewTeam { organizer, name: "Demo", permissions: vec!["*".to_owned()], notify_orders: false };
    let team = create_team(tx, &team).await?;
    let api_token = create_token(tx, &NewToken { organizer, team, name: "Demo" }, now, &mut rand::rng()).await?;
    let demo = Demo { shop_path: format!("/{organizer_slug}/{}/", imported.slug), api_token };
    // Before the commit: a token that is in the database and nowhere else would be lost.
    std::fs::write(file, serde_json::to_vec(&demo).map_err(std::io::Error::from)?)?;
    Ok(demo)
}

/// Imports an event document; its organiser is created unless it exists.
pub async fn import(tx: &Tx<'_>, document: &Value, now: Timestamp) -> Result<Imported, SeedError> {
    let fields = &document["organizer"];
    let slug = fields["slug"].as_str().ok_or(SeedError::NoOrganizer)?;
    let organizer = match event::find_organizer(tx, slug).await? {
        Some(known) => known.id,
        None => {
            let name = fields["name"].as_str().unwrap_or(slug);
            let none = serde_json::json!({});
            event::create_organizer(tx, slug, name, fields.get("settings").unwrap_or(&none), now).await?
        }
    };
    Ok(event::import::import(tx, organizer, document, now).await?)
}
