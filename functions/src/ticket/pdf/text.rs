//! Lines: text is shaped once, and what was measured is what is drawn.

use std::ops::Range;

use krilla::text::{Glyph, GlyphId, KrillaGlyph};
use rustybuzz::ttf_parser::Tag;
use rustybuzz::{Direction, Feature, UnicodeBuffer};
use unicode_bidi::{Level, ParagraphBidiInfo};

use super::font::{BOLD, MISSING, Opened, REGULAR, Typeface};

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
    /// The fonts that are part of this program.
    pub(super) fn load() -> Self {
        Self { regular: REGULAR, bold: BOLD }
    }
}

/// A shaped line of text.
pub(super) struct Line {
    /// What the glyphs stand for.
    pub(super) text: String,
    /// What is drawn, from the left to the right.
    pub(super) runs: Vec<Run>,
    /// Whether the line begins at the right.
    pub(super) from_right: bool,
}

/// A part of a line that is drawn with one font.
pub(super) struct Run {
    /// The font.
    pub(super) font: &'static Opened,
    /// What is drawn; lengths are in font sizes.
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// The text is to be bold and the font is not: its strokes are drawn thicker.
    pub(super) thicker: bool,
}

/// Lines of one size that were fitted into a width.
pub(super) struct Block {
    /// Font size in points.
    pub(super) size: f32,
    /// From top to bottom.
    pub(super) lines: Vec<Line>,
}

impl Typeface {
    /// Shapes one line of a paragraph that is written in the direction of `base`.
    fn shape(&self, text: &str, base: Level) -> Line {
        let order = ParagraphBidiInfo::new(text, Some(base));
        let mut runs = Vec::new();
        // There is no order in no text.
        let (levels, ranges) = if text.is_empty() { Default::default() } else { order.visual_runs(0..text.len()) };
        for range in ranges {
            let from_right = levels[range.start].is_rtl();
            let mut parts = self.parts(&text[range.clone()]);
            if from_right {
                parts.reverse();
            }
            let place = |part: Range<usize>| range.start + part.start..range.start + part.end;
            runs.extend(parts.into_iter().map(|(part, font)| self.run(text, place(part), font, from_right)));
        }
        Line { runs, text: text.to_owned(), from_right: base.is_rtl() }
    }

    /// Shapes what has one font and one direction. Missing glyphs become boxes that still stand for the original text.
    fn run(&self, text: &str, range: Range<usize>, font: &'static Opened, from_right: bool) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text[range.clone()]);
        buffer.guess_segment_properties();
        buffer.set_direction(if from_right { Direction::RightToLeft } else { Direction::LeftToRight });
        // Inter's contextual alternates turn "2x4" into "2×4": a ticket shows codes as they are. Elsewhere they join letters.
        let features = [Feature::new(Tag::from_bytes(b"calt"), 0, ..)];
        let features = if std::ptr::eq(font, self.main()) { &features[..] } else { &[] };
        let output = rustybuzz::shape(&font.face, features, buffer);

        let em = |units: i32| units as f32 / font.font.units_per_em();
        let missing = |font: &Opened| {
            let glyph = font.face.glyph_index(MISSING)?;
            Some((u32::from(glyph.0), i32::from(font.face.glyph_hor_advance(glyph)?)))
        };
        let mut starts: Vec<usize> = output.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        starts.sort_unstable();
        let glyphs = output.glyph_infos().iter().zip(output.glyph_positions()).map(|(info, position)| {
            let start = info.cluster as usize;
            let next = starts[starts.partition_point(|&other| other <= start)..].first();
            let end = next.map_or(range.end, |next| range.start + next);
            let given = (info.glyph_id, position.x_advance);
            let (glyph, advance) = if info.glyph_id == 0 { missing(font).unwrap_or(given) } else { given };
            let (x, y) = (em(position.x_offset), em(position.y_offset));
            KrillaGlyph::new(GlyphId::new(glyph), em(advance), x, y, 0.0, range.start + start..end, None)
        });
        Run { font, glyphs: glyphs.collect(), thicker: self.needs_weight(font) }
    }

    /// Lines of `text` no wider than `width`, and whether a word had to be cut for that.
    fn wrap(&self, text: &str, width: f32) -> (Vec<Line>, bool) {
        let mut cut = false;
        let mut lines = Vec::new();
        for paragraph in text.trim().lines() {
            let paragraph = clean(paragraph) + " ";
            let base = ParagraphBidiInfo::new(&paragraph, None).paragraph_level;
            let ranges = self.breaks(&paragraph, base, width, &mut cut);
            lines.extend(ranges.into_iter().map(|range| self.shape(&paragraph[range], base)));
        }
        (lines, cut)
    }

    /// Where to break a paragraph. A line keeps its last space: it parts the words for who hears or copies the text.
    fn breaks(&self, paragraph: &str, base: Level, width: f32, cut: &mut bool) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let (mut start, mut start_x) = (0, 0.0);
        let (mut chance, mut chance_x) = (0, 0.0);
        let mut x = 0.0;
        for (range, advance) in self.shape(paragraph, base).clusters() {
            let text = &paragraph[range.clone()];
            let end_x = x + advance;
            if end_x - start_x > width && text != " " && range.start > start {
                if chance <= start {
                    *cut = true;
                    (chance, chance_x) = (range.start, x);
                }
                ranges.push(start..chance);
                (start, start_x) = (chance, chance_x);
            }
            x = end_x;
            if may_break(text, &paragraph[range.end..]) {
                (chance, chance_x) = (range.end, x);
            }
        }
        ranges.push(start..paragraph.len());
        ranges
    }

    /// Sets `text` in the first of `sizes` that shows it whole in `lines_max` lines of `width` points without cutting
    /// words; in the last one otherwise, ended by an ellipsis where needed.
    pub(super) fn fit(&self, text: &str, width: f32, sizes: &[f32], lines_max: usize) -> Block {
        let (&smallest, larger) = sizes.split_last().expect("a text has a size");
        for &size in larger {
            let (lines, cut) = self.wrap(text, width / size);
            if !cut && lines.len() <= lines_max {
                return Block { size, lines };
            }
        }
        let (mut lines, _) = self.wrap(text, width / smallest);
        if lines.len() > lines_max {
            lines.truncate(lines_max);
            if let Some(last) = lines.last_mut() {
                *last = self.ellipsis(last, width / smallest);
            }
        }
        Block { size: smallest, lines }
    }

    /// Sets `text` as [`Self::fit`] does, with other sizes and lines if it would end in an ellipsis: names are better small
    /// than cut. Each pair is sizes and lines.
    pub(super) fn fit_or(&self, text: &str, width: f32, first: (&[f32], usize), second: (&[f32], usize)) -> Block {
        let block = self.fit(text, width, first.0, first.1);
        match block.lines.last().is_some_and(|line| line.text.ends_with('…')) {
            true => self.fit(text, width, second.0, second.1),
            false => block,
        }
    }

    fn ellipsis(&self, line: &Line, width: f32) -> Line {
        let base = if line.from_right { Level::rtl() } else { Level::ltr() };
        let mut kept = line.text.trim_end().to_owned();
        loop {
            let line = self.shape(&format!("{kept}…"), base);
            if line.width() <= width || kept.pop().is_none() {
                return line;
            }
        }
    }
}

impl Line {
    /// What belongs together in the text, in its order, and how wide it is.
    fn clusters(&self) -> Vec<(Range<usize>, f32)> {
        let glyphs = self.runs.iter().flat_map(|run| &run.glyphs);
        let mut clusters: Vec<_> = glyphs.map(|glyph| (glyph.text_range(), glyph.x_advance(1.0))).collect();
        clusters.sort_by_key(|(range, _)| range.start);
        clusters.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        clusters
    }

    /// Width in font sizes, without the space at the end.
    pub(super) fn width(&self) -> f32 {
        self.widths().0
    }

    /// Where the first glyph is drawn, seen from where the line begins to be seen: the space at the end of a line that
    /// begins at the right is at its left.
    pub(super) fn offset(&self) -> f32 {
        if self.from_right { -self.widths().1 } else { 0.0 }
    }

    /// What is seen, and the space at the end.
    fn widths(&self) -> (f32, f32) {
        let seen = self.text.trim_end().len();
        let (mut text, mut space) = (0.0, 0.0);
        for (range, advance) in self.clusters() {
            *(if range.start < seen { &mut text } else { &mut space }) += advance;
        }
        (text, space)
    }
}

impl Run {
    /// Width in font sizes.
    pub(super) fn width(&self) -> f32 {
        self.glyphs.iter().map(|glyph| glyph.x_advance(1.0)).sum()
    }
}

impl Block {
    /// Width of the longest line in font sizes.
    pub(super) fn width(&self) -> f32 {
        self.lines.iter().map(Line::width).fold(0.0, f32::max)
    }

    /// Keeps the lines that are not higher than `room` together, at least one; returns the others.
    pub(super) fn split(&mut self, room: f32) -> Option<Self> {
        let fitting = ((room / self.leading()) as usize).max(1);
        let rest = (self.lines.len() > fitting).then(|| self.lines.split_off(fitting))?;
        Some(Self { size: self.size, lines: rest })
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

/// Whether a line may end between a cluster and what follows: behind spaces and hyphens, and between the letters of East
/// Asia, which have no spaces.
fn may_break(before: &str, after: &str) -> bool {
    let (Some(before), Some(after)) = (before.chars().next_back(), after.chars().next()) else { return true };
    let ideograph =
        |letter| matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}');
    let ends = |letter| {
        "、。，．：；？！）」』】〉》〕］｝ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ )]},.:;!?…".contains(letter)
    };
    let begins = |letter| "（「『【〈《〔［｛([{".contains(letter);
    let between = (ideograph(before) || ideograph(after)) && !begins(before) && !ends(after);
    before == ' ' || before == '-' || between
}
