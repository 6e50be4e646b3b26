//! Files that programs send: checked by their real bytes, kept for a day, used by whoever sent them (spec domain 28).
//!
//! A file goes straight into the bucket, by a form that the shop has signed ([`begin`]), and is looked at when its sender
//! says that it is there ([`finish`]). Small ones may also come through the API ([`store`]).

pub mod kind;
pub mod picture;
pub mod removal;
pub mod sql;

use crate::{
    ctx::Ctx,
    event::Event,
    id::{EventId, ItemId},
    outbox::{self, Message, Outgoing},
    port::{
        db::{DbError, Query, Tx},
        media::{MediaError, UploadForm},
    },
    staff::{Program, Staff},
    time::Timestamp,
};
pub use kind::Kind;
pub use picture::Picture;

/// Largest file.
pub const BYTES_MAX: usize = 10 * 1024 * 1024;
/// A file can be used for a day.
pub const KEEP_SECONDS: i64 = 24 * 3600;
/// Longest name.
const NAME_MAX: usize = 200;

/// A file on its way, or there.
#[derive(Debug, Clone)]
pub struct Upload {
    /// A UUID.
    pub id: String,
    /// What it is called.
    pub file_name: String,
    /// What it was said to be; what it is, once it was looked at.
    pub kind: Kind,
    /// Where it lies.
    pub object_key: String,
    /// It was looked at.
    pub is_checked: bool,
}

impl Upload {
    /// How other calls name it.
    pub fn reference(&self) -> String {
        format!("{REFERENCE}{}", self.id)
    }
}

/// What references to files begin with.
const REFERENCE: &str = "file:";

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such file, or it is not its sender who asks, or its day is over.
    #[error("no such file")]
    Unknown,
    /// What is wrong, for who has sent it.
    #[error("{0}")]
    Refused(String),
    /// The bucket.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn refused<T>(why: impl Into<String>) -> Result<T, UploadError> {
    Err(UploadError::Refused(why.into()))
}

/// The name of a file without folders and without what a header cannot hold; refused if its ending says something else
/// than its type.
fn file_name(name: &str, kind: Kind) -> Result<String, UploadError> {
    let name: String = name.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(|c| c.is_control() || c == '"') {
        return refused(format!("The file needs a name of at most {NAME_MAX} characters without quotes."));
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    match kind.endings().contains(&ending.as_str()) {
        true => Ok(name),
        false => {
            refused(format!("A file of the type {} ends in {}.", kind.content_type(), kind.endings().join(" or ")))
        }
    }
}

/// A type by its name; refused with the allowed ones.
pub fn kind(content_type: &str) -> Result<Kind, UploadError> {
    let name = content_type.split(';').next().unwrap_or_default().trim();
    let allowed = || format!("Files of this type cannot be sent. Allowed are {}.", Kind::names());
    Kind::parse(name).ok_or_else(|| UploadError::Refused(allowed()))
}

/// Whether bytes are what they were said to be. Pictures are decoded, so that one that passes can be shown.
fn check(bytes: &[u8], said: Kind) -> Result<(), UploadError> {
    if bytes.is_empty() || bytes.len() > BYTES_MAX {
        return refused(format!("A file has at least one byte and at most {} MB.", BYTES_MAX >> 20));
    }
    match Kind::of(bytes) {
        Some(kind) if kind == said => {}
        Some(kind) => {
            return refused(format!("The file is {}, not {}.", kind.content_type(), said.content_type()));
        }
        None => return refused(format!("The file is of no allowed type. Allowed are {}.", Kind::names())),
    }
    if said.is_picture() {
        picture::decode(bytes).map_err(|error| UploadError::Refused(error.to_string()))?;
    }
    Ok(())
}

fn draft(id: String, name: &str, kind: Kind) -> Result<Upload, UploadError> {
    let object_key = format!("uploads/{id}");
    Ok(Upload { file_name: file_name(name, kind)?, id, kind, object_key, is_checked: false })
}

/// Prepares a file: the form sends it straight into the bucket, within ten minutes and of no other type or larger size.
pub async fn begin(
    ctx: &Ctx,
    program: &Program,
    name: &str,
    kind: Kind,
    now: Timestamp,
) -> Result<(Upload, UploadForm), UploadError> {
    let upload = draft(ctx.codes().uuid(), name, kind)?;
    sql::insert(&*ctx.db().await?, program, &upload, None, now).await?;
    let form = ctx.media().await.upload_form(&upload.object_key, kind.content_type(), BYTES_MAX, now);
    Ok((upload, form))
}

/// Looks at a file that was sent with a form. One that is not what it was said to be is removed at once.
pub async fn finish(ctx: &Ctx, program: &Program, id: &str, now: Timestamp) -> Result<Upload, UploadError> {
    let upload = sql::find(&*ctx.db().await?, program, id, now).await?.ok_or(UploadError::Unknown)?;
    if upload.is_checked {
        return Ok(upload);
    }
    let Some(bytes) = ctx.media().await.find(&upload.object_key).await? else {
        return refused("Nothing has been sent yet.");
    };
    if let Err(error) = check(&bytes, upload.kind) {
        ctx.media().await.delete(&upload.object_key).await?;
        sql::delete(&*ctx.db().await?, &upload.id).await?;
        return Err(error);
    }
    sql::mark_checked(&*ctx.db().await?, &upload.id, now).await?;
    Ok(Upload { is_checked: true, ..upload })
}

/// Takes a file that came through the API.
pub async fn store(
    ctx: &Ctx,
    program: &Program,
    name: &str,
    kind: Kind,
    bytes: Vec<u8>,
    now: Timestamp,
) -> Result<Upload, UploadError> {
    let upload = draft(ctx.codes().uuid(), name, kind)?;
    check(&bytes, kind)?;
    ctx.media().await.put(&upload.object_key, kind.content_type(), bytes).await?;
    sql::insert(&*ctx.db().await?, program, &upload, Some(now), now).await?;
    Ok(Upload { is_checked: true, ..upload })
}

/// A file that the same token has sent, by its reference.
pub async fn sent_by(
    q: &impl Query,
    staff: &Staff,
    reference: &str,
    now: Timestamp,
) -> Result<Option<Upload>, DbError> {
    let id = reference.strip_prefix(REFERENCE).unwrap_or_default();
    Ok(sql::find_for(q, staff, id, now).await?.filter(|upload| upload.is_checked))
}

/// What a picture belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The event: its logo.
    Event,
    /// A product.
    Item(ItemId),
}

impl Subject {
    fn item(self) -> Option<ItemId> {
        match self {
            Self::Event => None,
            Self::Item(item) => Some(item),
        }
    }
}

/// Gives the event or a product a picture from a file that the same token has sent. A worker makes its sizes; the old one
/// is shown until then.
pub async fn use_picture(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    subject: Subject,
    reference: &str,
    now: Timestamp,
) -> Result<Outgoing, UploadError> {
    let Some(upload) = sent_by(tx, staff, reference, now).await? else {
        return refused("The submitted file ID was not found.");
    };
    if !upload.kind.is_picture() {
        return refused("The submitted file has a file type that is not allowed in this field.");
    }
    sql::want(tx, event.id, subject, Some(&upload.id)).await?;
    let message = Message::MakePicture { event: event.id, item: subject.item(), upload: upload.id };
    Ok(outbox::record(tx, &[message], now).await?.of(event.organizer.id))
}

/// Takes the picture away, also one that is still being made. Returns what is to be removed from the bucket.
pub async fn drop_picture(tx: &Tx<'_>, staff: &Staff, subject: Subject) -> Result<Option<Picture>, DbError> {
    sql::want(tx, staff.event(), subject, None).await?;
    replace(tx, staff.event(), subject, None).await
}

/// Whether the picture that a file makes is still the one that was asked for last. Until the transaction ends nobody can
/// ask for another.
pub async fn is_wanted(tx: &Tx<'_>, event: EventId, subject: Subject, upload: &str) -> Result<bool, DbError> {
    sql::is_wanted(tx, event, subject, upload).await
}

/// Notes the files of a picture that came too late to be shown as to be removed; returns them.
pub async fn discard(tx: &Tx<'_>, event: EventId, picture: &Picture) -> Result<Vec<String>, DbError> {
    sql::discard(tx, event, picture).await
}

/// Puts a picture in the place of another. Returns the old one, whose files are noted as to be removed.
pub async fn replace(
    q: &impl Query,
    event: EventId,
    subject: Subject,
    picture: Option<&Picture>,
) -> Result<Option<Picture>, DbError> {
    match subject {
        Subject::Event => sql::replace_logo(q, event, picture).await,
        Subject::Item(item) => sql::replace_picture(q, event, item, picture).await,
    }
}
