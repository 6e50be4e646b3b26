//! What stands below the fold, and on further pages where it is long.

use std::collections::VecDeque;

use super::TicketSheet;
use super::sheet::{NOTES_ROOM, NOTES_WIDTH};
use super::text::{Block, Fonts, clean};

/// Points between two texts.
const SPACE: f32 = 10.0;
/// No ticket is a book: lines beyond these end in an ellipsis.
const LINES_MAX: usize = 400;
/// As many as such lines have at most: more are not looked at.
const CHARS_MAX: usize = 40_000;

/// A heading or a text, or the lines of one that have room.
pub(super) struct Part {
    /// What it says, if it is a heading.
    pub(super) heading: Option<String>,
    /// Its lines.
    pub(super) block: Block,
    /// Points to the next one.
    pub(super) space_below: f32,
}

/// What is still to be drawn.
pub(super) struct Notes(VecDeque<Part>);

impl Notes {
    /// The notes of a sheet, in letters that are smaller if that keeps them on its page.
    pub(super) fn of(fonts: &Fonts, sheet: &TicketSheet) -> Self {
        let normal = Self::in_size(fonts, sheet, 10.0);
        if normal.height() <= NOTES_ROOM { normal } else { Self::in_size(fonts, sheet, 8.5) }
    }

    fn in_size(fonts: &Fonts, sheet: &TicketSheet, size: f32) -> Self {
        let labels = &sheet.labels;
        let mut parts = VecDeque::new();
        for (label, text) in [(&labels.info, &sheet.info), (&labels.terms, &sheet.terms)] {
            let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) else { continue };
            let heading = fonts.bold.fit(label, NOTES_WIDTH, &[12.0], 1);
            parts.push_back(Part { heading: Some(clean(label)), block: heading, space_below: 0.0 });
            let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(index, _)| index);
            let block = fonts.regular.fit(&text[..end], NOTES_WIDTH, &[size], LINES_MAX);
            parts.push_back(Part { heading: None, block, space_below: SPACE });
        }
        Self(parts)
    }

    fn height(&self) -> f32 {
        let heights = self.0.iter().map(|part| part.block.height() + part.space_below + 4.0);
        heights.sum::<f32>() - SPACE
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next part, or as many of its lines as are not higher than `room`; `None` if there is no room, or nothing left.
    pub(super) fn take(&mut self, room: f32) -> Option<Part> {
        let first = self.0.front()?;
        // A heading stays with the first lines of its text.
        let needed = match (&first.heading, self.0.get(1)) {
            (Some(_), Some(text)) => first.block.height() + 2.0 * text.block.leading(),
            _ => first.block.leading(),
        };
        if needed > room {
            return None;
        }
        let mut part = self.0.pop_front()?;
        if let Some(rest) = part.block.split(room) {
            self.0.push_front(Part { heading: None, block: rest, space_below: part.space_below });
            part.space_below = 0.0;
        }
        Some(part)
    }
}
