//! placeholder until the ticket lands
use crate::i18n::Lang;
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct PdfError;
/// x
pub struct SheetLabels;
impl SheetLabels {
    /// x
    pub fn in_language(_: Lang) -> Self {
        Self
    }
}
#[expect(missing_docs)]
pub struct TicketSheet {
    pub organizer: String,
    pub event: String,
    pub dates: String,
    pub admission: Option<String>,
    pub location: Option<String>,
    pub item: String,
    pub variation: Option<String>,
    pub attendee: Option<String>,
    pub company: Option<String>,
    pub order_code: String,
    pub position: u32,
    pub price: String,
    pub secret: String,
    pub info: Option<String>,
    pub labels: SheetLabels,
    pub lang: String,
}
/// x
pub fn render(_: &[TicketSheet]) -> Result<Vec<u8>, PdfError> {
    Err(PdfError)
}
