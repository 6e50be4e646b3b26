//! Fonts and lines: text is shaped once, and what was measured is what is drawn.

use std::ops::Range;

use krilla::text::{Font, Glyph, GlyphId, KrillaGlyph};
use rustybuzz::ttf_parser::Tag;
use rustybuzz::{Direction, Face, Feature, UnicodeBuffer};

/// Shown for a character that the font lacks.
const FALLBACK: char = '□';
/// Height of a line, in font sizes.
pub(super) const LEADING: f32 = 1.28;
/// From the top of a line to its baseline, in font sizes.
const ASCENT: f32 = 0.98;

/// The two typefaces of a ticket.
pub(super) struct Fonts {
    /// For what is read second.
    pub(super) regular: Typeface,
    /// For what is read first.
    pub(super) bold: Typeface,
}

impl Fonts {
    /// Opens the fonts that are part of this program.
    pub(super) fn load() -> Self {
        Self {
            regular: Typeface::open(include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
            bold: Typeface::open(include_bytes!("../../../assets/fonts/Inter-Bold.otf")),
        }
    }
}

/// One font, for shaping and for embedding.
pub(super) struct Typeface {
    /// The font as the PDF embeds it.
    pub(super) font: Font,
    face: Face<'static>,
}

/// A shaped line of text.
pub(super) struct Line {
    /// What the glyphs stand for.
    pub(super) text: String,
    /// What is drawn; lengths are in font sizes.
    pub(super) glyphs: Vec<KrillaGlyph>,
}

/// Lines of one size that were fitted into a width.
pub(super) struct Block<'a> {
    /// The face of all lines.
    pub(super) typeface: &'a Typeface,
    /// Font size in points.
    pub(super) size: f32,
    /// From top to bottom.
    pub(super) lines: Vec<Line>,
}

impl Typeface {
    fn open(data: &'static [u8]) -> Self {
        let font = Font::new(data.to_vec().into(), 0).expect("the embedded font is valid");
        let face = Face::from_slice(data, 0).expect("the embedded font is valid");
        Self { font, face }
    }

    /// Shapes one line. Missing glyphs become boxes that still stand for the original text.
    fn shape(&self, text: &str) -> Line {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        // The fonts have no right-to-left script, so such text is boxes; one direction keeps clusters ascending.
        buffer.set_direction(Direction::LeftToRight);
        // Inter's contextual alternates turn "2x4" into "2×4": a ticket shows codes as they are.
        let features = [Feature::new(Tag::from_bytes(b"calt"), 0, ..)];
        let output = rustybuzz::shape(&self.face, &features, buffer);

        let em = |units: i32| units as f32 / self.font.units_per_em();
        let fallback = self.face.glyph_index(FALLBACK).expect("the embedded font has the fallback");
        let fallback_advance = i32::from(self.face.glyph_hor_advance(fallback).expect("glyphs have widths"));
        let starts: Vec<usize> = output.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        let glyphs = output.glyph_infos().iter().zip(output.glyph_positions()).enumerate();
        let glyphs = glyphs.map(|(index, (info, position))| {
            let start = starts[index];
            let end = starts[index..].iter().copied().find(|&next| next > start).unwrap_or(text.len());
            let (glyph, advance) = match info.glyph_id {
                0 => (u32::from(fallback.0), fallback_advance),
                glyph => (glyph, position.x_advance),
            };
            let (x, y) = (em(position.x_offset), em(position.y_offset));
            KrillaGlyph::new(GlyphId::new(glyph), em(advance), x, y, 0.0, start..end, None)
        });
        Line { glyphs: glyphs.collect(), text: text.to_owned() }
    }

    /// Lines of `text` no wider than `width`, and whether a word had to be cut for that.
    fn wrap(&self, text: &str, width: f32) -> (Vec<Line>, bool) {
        let mut cut = false;
        let mut lines = Vec::new();
        for paragraph in text.trim().lines() {
            let paragraph = clean(paragraph) + " ";
            let ranges = self.breaks(&paragraph, width, &mut cut);
            lines.extend(ranges.into_iter().map(|range| self.shape(&paragraph[range])));
        }
        (lines, cut)
    }

    /// Where to break a paragraph. A line keeps its last space: it parts the words for who hears or copies the text.
    fn breaks(&self, paragraph: &str, width: f32, cut: &mut bool) -> Vec<Range<usize>> {
        let shaped = self.shape(paragraph);
        let mut ranges = Vec::new();
        let (mut start, mut start_x) = (0, 0.0);
        let (mut chance, mut chance_x) = (0, 0.0);
        let mut x = 0.0;
        for glyph in &shaped.glyphs {
            let range = glyph.text_range();
            let text = &paragraph[range.clone()];
            let end_x = x + glyph.x_advance(1.0);
            if end_x - start_x > width && text != " " && range.start > start {
                if chance <= start {
                    *cut = true;
                    (chance, chance_x) = (range.start, x);
                }
                ranges.push(start..chance);
                (start, start_x) = (chance, chance_x);
            }
            x = end_x;
            if text == " " || text == "-" {
                (chance, chance_x) = (range.end, x);
            }
        }
        ranges.push(start..paragraph.len());
        ranges
    }

    /// Sets `text` in the first of `sizes` that shows it whole in `lines_max` lines of `width` points without cutting
    /// words; in the last one otherwise, ended by an ellipsis where needed.
    pub(super) fn fit(&self, text: &str, width: f32, sizes: &[f32], lines_max: usize) -> Block<'_> {
        let (&smallest, larger) = sizes.split_last().expect("a text has a size");
        for &size in larger {
            let (lines, cut) = self.wrap(text, width / size);
            if !cut && lines.len() <= lines_max {
                return Block { typeface: self, size, lines };
            }
        }
        let (mut lines, _) = self.wrap(text, width / smallest);
        if lines.len() > lines_max {
            lines.truncate(lines_max);
            if let Some(last) = lines.last_mut() {
                *last = self.ellipsis(&last.text, width / smallest);
            }
        }
        Block { typeface: self, size: smallest, lines }
    }

    /// Sets `text` as [`Self::fit`] does, with other sizes and lines if it would end in an ellipsis: names are better small
    /// than cut. Each pair is sizes and lines.
    pub(super) fn fit_or(&self, text: &str, width: f32, first: (&[f32], usize), second: (&[f32], usize)) -> Block<'_> {
        let block = self.fit(text, width, first.0, first.1);
        match block.lines.last().is_some_and(|line| line.text.ends_with('…')) {
            true => self.fit(text, width, second.0, second.1),
            false => block,
        }
    }

    fn ellipsis(&self, text: &str, width: f32) -> Line {
        let mut kept = text.trim_end().to_owned();
        loop {
            let line = self.shape(&format!("{kept}…"));
            if line.width() <= width || kept.pop().is_none() {
                return line;
            }
        }
    }
}

impl Line {
    /// Width in font sizes, without the space at the end.
    pub(super) fn width(&self) -> f32 {
        let seen = self.text.trim_end().len();
        let glyphs = self.glyphs.iter().filter(|glyph| glyph.text_range().start < seen);
        glyphs.map(|glyph| glyph.x_advance(1.0)).sum()
    }
}

impl Block<'_> {
    /// Keeps the lines that are not higher than `room` together, at least one; returns the others.
    pub(super) fn split(&mut self, room: f32) -> Option<Self> {
        let fitting = ((room / self.leading()) as usize).max(1);
        let rest = (self.lines.len() > fitting).then(|| self.lines.split_off(fitting))?;
        Some(Self { typeface: self.typeface, size: self.size, lines: rest })
    }

    /// Height of all lines in points.
    pub(super) fn height(&self) -> f32 {
        self.lines.len() as f32 * self.leading()
    }

    /// From one baseline to the next, in points.
    pub(super) fn leading(&self) -> f32 {
        self.size * LEADING
    }

    /// From the top of the block to its first baseline, in points.
    pub(super) fn ascent(&self) -> f32 {
        self.size * ASCENT
    }
}

/// One line of printable text: white space that may break is single spaces, and what PDF or XML forbids is gone.
pub(super) fn clean(text: &str) -> String {
    let glue = |letter| matches!(letter, '\u{a0}' | '\u{202f}');
    let breaks = |letter: char| letter.is_control() || (letter.is_whitespace() && !glue(letter));
    let words: Vec<&str> = text.split(breaks).filter(|word| !word.is_empty()).collect();
    words.join(" ").replace(['\u{feff}', '\u{fffe}', '\u{ffff}'], "")
}
