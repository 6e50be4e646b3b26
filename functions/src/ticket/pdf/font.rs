//! The fonts of a ticket: one that is seen first, and others for the letters that it lacks.

use std::ops::Range;
use std::sync::LazyLock;

use krilla::text::Font;
use rustybuzz::Face;

/// Shown for a character that every font lacks.
pub(super) const MISSING: char = '□';

/// One font, for shaping and for embedding.
pub(super) struct Opened {
    /// The font as the PDF embeds it.
    pub(super) font: Font,
    /// The font as text is shaped with it.
    pub(super) face: Face<'static>,
}

/// A font that is opened when a text needs it.
type Lazy = LazyLock<Opened>;

macro_rules! font {
    ($name:ident, $file:literal) => {
        static $name: Lazy = Lazy::new(|| open(include_bytes!(concat!("../../../assets/fonts/", $file))));
    };
}

font!(INTER, "Inter-Regular.otf");
font!(INTER_BOLD, "Inter-Bold.otf");
font!(HEBREW, "NotoSansHebrew-Regular.ttf");
font!(HEBREW_BOLD, "NotoSansHebrew-Bold.ttf");
font!(ARABIC, "NotoSansArabic-Regular.ttf");
font!(ARABIC_BOLD, "NotoSansArabic-Bold.ttf");
font!(ARMENIAN, "NotoSansArmenian-Regular.ttf");
font!(DEVANAGARI, "NotoSansDevanagari-Regular.ttf");
font!(GEORGIAN, "NotoSansGeorgian-Regular.ttf");
font!(THAI, "NotoSansThai-Regular.ttf");
font!(HAN, "DroidSansFallback-Regular.ttf");
font!(HANGUL, "NotoSansKR-Regular.otf");

fn open(data: &'static [u8]) -> Opened {
    Opened {
        font: Font::new(data.into(), 0).expect("the embedded font is valid"),
        face: Face::from_slice(data, 0).expect("the embedded font is valid"),
    }
}

/// A weight: the font that has most letters, and those that have the others. Only Hebrew and Arabic have a bold one: it
/// would double what the letters of East Asia need.
pub(super) struct Typeface {
    is_bold: bool,
    main: &'static Lazy,
    hebrew: &'static Lazy,
    arabic: &'static Lazy,
}

/// What is read second.
pub(super) const REGULAR: Typeface = Typeface { is_bold: false, main: &INTER, hebrew: &HEBREW, arabic: &ARABIC };
/// What is read first.
pub(super) const BOLD: Typeface =
    Typeface { is_bold: true, main: &INTER_BOLD, hebrew: &HEBREW_BOLD, arabic: &ARABIC_BOLD };

impl Typeface {
    /// The font that most letters are of; it has [`MISSING`].
    pub(super) fn main(&self) -> &'static Opened {
        self.main
    }

    /// Whether a font that has its letters is lighter than it should be.
    pub(super) fn needs_weight(&self, font: &'static Opened) -> bool {
        let of_weight = [self.main, self.hebrew, self.arabic];
        self.is_bold && !of_weight.into_iter().any(|own| std::ptr::eq::<Opened>(&**own, font))
    }

    /// The parts of `text` that one font has, in the order of the text.
    pub(super) fn parts(&self, text: &str) -> Vec<(Range<usize>, &'static Opened)> {
        let mut parts: Vec<(Range<usize>, &'static Opened)> = Vec::new();
        for (start, letter) in text.char_indices() {
            let end = start + letter.len_utf8();
            match parts.last_mut() {
                Some((range, _)) if joins(letter) => range.end = end,
                Some((range, font)) if std::ptr::eq(*font, self.of(letter)) => range.end = end,
                _ => parts.push((start..end, self.of(letter))),
            }
        }
        parts
    }

    /// The font for a letter; the main one if none has it.
    fn of(&self, letter: char) -> &'static Opened {
        let main: &'static Opened = self.main;
        if main.face.glyph_index(letter).is_some() {
            return main;
        }
        let other: &'static Opened = match letter {
            '\u{0590}'..='\u{05ff}' | '\u{fb1d}'..='\u{fb4f}' | '₪' => self.hebrew,
            '\u{0600}'..='\u{08ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => self.arabic,
            '\u{0530}'..='\u{058f}' => &ARMENIAN,
            '\u{0900}'..='\u{097f}' | '\u{a8e0}'..='\u{a8ff}' | '₹' => &DEVANAGARI,
            '\u{0e00}'..='\u{0e7f}' => &THAI,
            '\u{10a0}'..='\u{10ff}' | '\u{1c90}'..='\u{1cbf}' => &GEORGIAN,
            '\u{3131}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' => &HANGUL,
            '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' => {
                &HAN
            }
            _ => main,
        };
        if other.face.glyph_index(letter).is_some() { other } else { main }
    }
}

/// Whether a character says how those beside it look, and so belongs to their font.
fn joins(letter: char) -> bool {
    matches!(letter, '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}')
}
