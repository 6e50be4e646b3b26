//! Writing an export: rows in, parts of a file out.

use super::{
    Csv, Format, State, Xlsx, sql,
    table::{Source, Table},
    xlsx::TooManyRows,
};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event, export,
    i18n::Lang,
    id::ExportId,
    port::{
        db::DbError,
        media::{MediaError, Upload},
    },
};

/// Why an export was not made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The bucket.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The kind of file cannot hold it.
    #[error(transparent)]
    TooManyRows(#[from] TooManyRows),
    /// Its check-in list was deleted.
    #[error("the check-in list is gone")]
    ListGone,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// The file is there.
    Done {
        /// How many rows it has.
        rows: i64,
    },
    /// Another worker has it.
    Elsewhere,
    /// There is nothing left to do: it is made, has failed for good, or nobody wants it any more.
    Over,
    /// It failed for good, and its owner is told so.
    Failed,
}

/// Makes an export: claim → write → record. No transaction is open meanwhile. An error means that it may be tried
/// again.
pub async fn make(ctx: &Ctx, export: ExportId) -> Result<Made, MakeError> {
    let (db, now) = (ctx.db().await?, ctx.now());
    let Some(claimed) = sql::claim(&*db, export, now).await? else {
        return Ok(if sql::is_open(&*db, export, now).await? { Made::Elsewhere } else { Made::Over });
    };
    drop(db);
    let content_type = claimed.wish.format.content_type();
    let mut upload = ctx.media().await.begin_upload(&claimed.object_key, content_type);
    let written = write(ctx, &claimed, &mut upload).await;
    let written = match written {
        Ok(rows) => upload.finish().await.map(|()| rows).map_err(MakeError::from),
        Err(error) => {
            upload.abandon().await;
            Err(error)
        }
    };
    let db = ctx.db().await?;
    match written {
        Ok(rows) => {
            sql::mark_done(&*db, &claimed, rows).await?;
            Ok(Made::Done { rows })
        }
        Err(error) => {
            let is_last = matches!(error, MakeError::TooManyRows(_) | MakeError::ListGone);
            match sql::mark_failed(&*db, &claimed, &error.to_string(), is_last).await? {
                State::Failed => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(export.id = export.0, error, "an export was given up");
                    Ok(Made::Failed)
                }
                _ => Err(error),
            }
        }
    }
}

/// Writes all tables; returns the number of rows.
async fn write(ctx: &Ctx, claimed: &sql::Claimed, upload: &mut Upload<'_>) -> Result<i64, MakeError> {
    let gone = || DbError::UnknownValue { what: "event of an export", value: claimed.event.to_string() };
    let event = event::by_id(&*ctx.db().await?, claimed.event).await?.ok_or_else(gone)?;
    let catalogue = Catalogue::load(&*ctx.db().await?, &event).await?;
    let list = export::list(&*ctx.db().await?, &event, &claimed.wish).await?;
    if claimed.wish.guests.is_some() && list.is_none() {
        return Err(MakeError::ListGone);
    }
    // Programs have no language: the event's first.
    let lang = Lang::parse(event.settings.locale()).unwrap_or_default();
    let source = Source { event: &event, catalogue: &catalogue, lang, wish: claimed.wish, list: list.as_ref() };
    let tables: Vec<Table> = match claimed.wish.format {
        Format::Csv(table, _) => vec![table],
        Format::Xlsx => claimed.wish.exporter.tables().to_vec(),
    };
    let (mut done, mut total) = (0, 0);
    for table in &tables {
        total += table.count(&*ctx.db().await?, &source).await?;
    }
    let mut book = Book::begin(claimed.wish.format, &tables, lang);
    for (number, table) in (1..).zip(&tables) {
        book.table(number, &table.heading(&source));
        let mut after = 0;
        loop {
            let page = table.page(&*ctx.db().await?, &source, after).await?;
            let Some((rows, last)) = page else { break };
            for row in &rows {
                book.row(row)?;
            }
            upload.push(book.take()).await?;
            after = last;
            done += i64::try_from(rows.len()).unwrap_or_default();
            sql::tell(&*ctx.db().await?, claimed, done, total).await?;
        }
    }
    book.finish();
    upload.push(book.take()).await?;
    Ok(done)
}

/// The file of either kind.
enum Book {
    Csv(Csv),
    Xlsx(Box<Xlsx>),
}

impl Book {
    fn begin(format: Format, tables: &[Table], lang: Lang) -> Self {
        match format {
            Format::Csv(_, dialect) => Self::Csv(Csv::new(dialect)),
            Format::Xlsx => {
                let names: Vec<String> = tables.iter().map(|table| lang.text(table.title_key())).collect();
                Self::Xlsx(Box::new(Xlsx::new(&names)))
            }
        }
    }

    fn table(&mut self, number: usize, heading: &[String]) {
        match self {
            Self::Csv(csv) => csv.heading(heading),
            Self::Xlsx(xlsx) => xlsx.begin(number, heading),
        }
    }

    fn row(&mut self, cells: &[super::Cell]) -> Result<(), TooManyRows> {
        match self {
            Self::Csv(csv) => {
                csv.row(cells);
                Ok(())
            }
            Self::Xlsx(xlsx) => xlsx.row(cells),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Csv(_) => {}
            Self::Xlsx(xlsx) => xlsx.finish(),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Csv(csv) => csv.take(),
            Self::Xlsx(xlsx) => xlsx.take(),
        }
    }
}
