//! Files that buyers give as answers (spec domain 7.1, 28): private, told by their real bytes, and gone with the cart, or
//! kept with the order, that they belong to.
//!
//! They come with the form of the questions step, so that no script is needed. What an answer says about its file is its
//! [`AnswerFile::answer`]; the row of the answer refers to the file, and the last answer that does takes it along.

pub mod sql;

use crate::{
    boxoffice::CartId,
    ctx::Ctx,
    event::Event,
    id::{EventId, OrderId, PositionId, QuestionId},
    port::{
        db::{DbError, Query, Tx},
        media::MediaError,
    },
    staff::Staff,
    time::Timestamp,
    upload::{self, Kind},
};

/// Largest file. Lambda takes requests of 6 MB, in an encoding that makes them a third longer.
pub const BYTES_MAX: usize = 4 << 20;
/// A file that no answer refers to by then is removed.
pub const KEEP_SECONDS: i64 = 24 * 3600;
/// Longest name.
const NAME_MAX: usize = 100;
/// How often a file that a program has sent can become an answer.
const ANSWERS_OF_UPLOAD_MAX: i64 = 500;
/// Where the files of programs stand in the place of a cart.
const UPLOADED: &str = "upload:";
/// What answers that are files begin with.
const PREFIX: &str = "file:";

/// A file that a buyer has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFile {
    /// A UUID.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it lies.
    pub object_key: String,
}

impl AnswerFile {
    /// How a form names it.
    pub fn reference(&self) -> String {
        format!("{PREFIX}{}", self.id)
    }

    /// The answer that it is, in the stored form.
    pub fn answer(&self) -> String {
        format!("{}/{}", self.reference(), self.name)
    }
}

/// The reference and the name of a file in an answer's stored form.
pub fn in_answer(answer: &str) -> Option<(&str, &str)> {
    answer.split_once('/').filter(|(reference, _)| reference.starts_with(PREFIX))
}

/// The id in a reference.
pub fn id_of(reference: &str) -> &str {
    reference.strip_prefix(PREFIX).unwrap_or(reference)
}

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not of an allowed type, by its bytes.
    #[error("the file is of no allowed type")]
    Type,
    /// Too large.
    #[error("the file is larger than {} MB", BYTES_MAX >> 20)]
    TooLarge,
    /// The cart has too many.
    #[error("there are too many files already")]
    TooMany,
    /// The bucket.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Takes a file for an answer of a cart, which may have `most`. Its row comes first: a file without one would never be removed.
pub async fn take(
    ctx: &Ctx,
    q: &impl Query,
    event: &Event,
    cart: &CartId,
    (name, bytes): (&str, &[u8]),
    most: i64,
    now: Timestamp,
) -> Result<AnswerFile, FileError> {
    if bytes.len() > BYTES_MAX {
        return Err(FileError::TooLarge);
    }
    let kind = Kind::of(bytes).ok_or(FileError::Type)?;
    let id = ctx.codes().uuid();
    let object_key = format!("answers/{}/{id}", event.id);
    let file = AnswerFile { id, name: file_name(name, kind), kind, object_key };
    if !sql::insert(q, event.id, cart, &file, (now, now.plus_seconds(KEEP_SECONDS)), most).await? {
        return Err(FileError::TooMany);
    }
    ctx.media().await.put(&file.object_key, kind.content_type(), bytes.to_vec()).await?;
    Ok(file)
}

/// Takes a file that a program has sent, as an answer that it is about to write; `None` if it has not, or its day is over. The
/// answer has its own copy: the program may use its file for other things.
pub async fn take_upload(
    ctx: &Ctx,
    q: &impl Query,
    staff: &Staff,
    event: &Event,
    reference: &str,
    now: Timestamp,
) -> Result<Option<AnswerFile>, FileError> {
    let Some(upload) = upload::sent_by(q, staff, reference, now).await? else { return Ok(None) };
    let Some(bytes) = ctx.media().await.find(&upload.object_key).await? else { return Ok(None) };
    // No cart of a browser or a program is called so.
    let cart = CartId(format!("{UPLOADED}{}", upload.id));
    take(ctx, q, event, &cart, (&upload.file_name, &bytes), ANSWERS_OF_UPLOAD_MAX, now).await.map(Some)
}

/// What a buyer calls a file, without folders and control characters, and with an ending that is true.
fn file_name(name: &str, kind: Kind) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control() && *c != '"').collect();
    let (stem, ending) = name.trim().rsplit_once('.').unwrap_or((name.trim(), ""));
    let true_ending = kind.endings().iter().find(|it| ending.eq_ignore_ascii_case(it)).unwrap_or(&kind.endings()[0]);
    let stem: String = stem.chars().take(NAME_MAX).collect();
    format!("{}.{true_ending}", if stem.is_empty() { "file" } else { &stem })
}

/// The files that the buyer of a cart has sent.
pub async fn of_cart(q: &impl Query, event: EventId, cart: &CartId) -> Result<Vec<AnswerFile>, DbError> {
    sql::of_cart(q, event, cart).await
}

/// A file that the buyer of a cart has sent, until it belongs to an order.
pub async fn of_cart_by_id(
    q: &impl Query,
    event: EventId,
    cart: &CartId,
    id: &str,
) -> Result<Option<AnswerFile>, DbError> {
    sql::of_cart_by_id(q, event, cart, id).await
}

/// A file that is an answer for one of an order's positions.
pub async fn of_order_by_id(
    q: &impl Query,
    event: EventId,
    order: OrderId,
    id: &str,
) -> Result<Option<AnswerFile>, DbError> {
    sql::of_order_by_id(q, event, order, id).await
}

/// The file that answers a question for a position of an order.
pub async fn of_answer(
    q: &impl Query,
    event: EventId,
    position: PositionId,
    question: QuestionId,
) -> Result<Option<AnswerFile>, DbError> {
    sql::of_answer(q, event, position, question).await
}

/// Lets the answers of a position, which were written in this transaction, refer to some files.
pub async fn link_to_position(
    tx: &Tx<'_>,
    event: EventId,
    position: (OrderId, i32),
    files: &Vec<String>,
) -> Result<(), DbError> {
    sql::link_to_position(tx, event, position, files).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless_and_end_in_what_they_are() {
        for (name, kept) in [
            ("pass.PDF", "pass.pdf"),
            ("C:\\fakepath\\my \"pass\".pdf", "my pass.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("evil.exe", "evil.pdf"),
            ("\r\n", "file.pdf"),
            (".pdf", "file.pdf"),
        ] {
            assert_eq!(file_name(name, Kind::Pdf), kept, "{name}");
        }
        assert_eq!(in_answer("file:a/b/c.pdf"), Some(("file:a", "b/c.pdf")));
        assert_eq!(in_answer("Either/or"), None);
    }
}
