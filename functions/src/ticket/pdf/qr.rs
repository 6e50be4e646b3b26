//! The QR code of a ticket as one vector path.

use krilla::geom::{Path, PathBuilder, Rect};
use qrcode::{Color, EcLevel, QrCode};

use super::PdfError;

/// Modules of white that scanners need around a code (ISO/IEC 18004).
const QUIET: usize = 4;

/// The dark modules of `content`, with the quiet zone inside the square of `side` points at (`x`, `y`).
pub(super) fn path(content: &str, x: f32, y: f32, side: f32) -> Result<Path, PdfError> {
    let code = QrCode::with_error_correction_level(content, EcLevel::M).map_err(PdfError::Secret)?;
    let width = code.width();
    let module = side / (width + 2 * QUIET) as f32;
    let at = |count: usize| (count + QUIET) as f32 * module;
    let mut path = PathBuilder::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        // One rectangle per run of equal modules keeps the file small and leaves no seams within the run.
        for run in modules.chunk_by(|a, b| a == b) {
            if run[0] == Color::Dark {
                let rect = Rect::from_xywh(x + at(column), y + at(row), run.len() as f32 * module, module);
                path.push_rect(rect.expect("a run has an area"));
            }
            column += run.len();
        }
    }
    Ok(path.finish().expect("a QR code has dark modules"))
}
