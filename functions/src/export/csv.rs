//! Tables as text (RFC 4180).

use super::Cell;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// For programs: commas, UTF-8.
    Default,
    /// For Excel in English: the same with a mark by which it knows UTF-8.
    Excel,
    /// For Excel where the comma is part of numbers.
    Semicolon,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Default, Self::Excel, Self::Semicolon];

    /// The word in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Excel => "excel",
            Self::Semicolon => "semicolon",
        }
    }

    fn separator(self) -> char {
        match self {
            Self::Default | Self::Excel => ',',
            Self::Semicolon => ';',
        }
    }
}

/// A file that is being written.
pub struct Csv {
    dialect: Dialect,
    out: String,
}

impl Csv {
    /// An empty file.
    pub fn new(dialect: Dialect) -> Self {
        let mark = if dialect == Dialect::Default { "" } else { "\u{feff}" };
        Self { dialect, out: mark.to_owned() }
    }

    /// Adds a line.
    pub fn row(&mut self, cells: &[Cell]) {
        for (number, cell) in cells.iter().enumerate() {
            if number > 0 {
                self.out.push(self.dialect.separator());
            }
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => self.text(text),
                Cell::Number(digits) if self.dialect == Dialect::Semicolon => self.text(&digits.replace('.', ",")),
                Cell::Number(digits) => self.out.push_str(digits),
                Cell::Moment(moment) => self.out.push_str(&moment.strftime("%Y-%m-%d %H:%M:%S").to_string()),
                Cell::Flag(flag) => self.out.push_str(if *flag { "yes" } else { "no" }),
            }
        }
        self.out.push_str("\r\n");
    }

    fn text(&mut self, text: &str) {
        let text = if is_formula(text) { format!("'{text}") } else { text.to_owned() };
        let needs_quotes = text.contains(['"', '\r', '\n', ',', ';']) || text.starts_with(' ') || text.ends_with(' ');
        if needs_quotes {
            self.out.push('"');
            self.out.push_str(&text.replace('"', "\"\""));
            self.out.push('"');
        } else {
            self.out.push_str(&text);
        }
    }

    /// Adds the line with the names of the columns.
    pub fn heading(&mut self, names: &[String]) {
        let cells: Vec<Cell> = names.iter().cloned().map(Cell::Text).collect();
        self.row(&cells);
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).into_bytes()
    }
}

/// Whether a spreadsheet would compute the text instead of showing it: names come from strangers. Phone numbers and
/// numbers begin like formulas and do no harm.
fn is_formula(text: &str) -> bool {
    let harmless = |letter: char| letter.is_ascii_digit() || " +-./,()".contains(letter);
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !text.chars().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dialect: Dialect, cells: &[Cell]) -> String {
        let mut csv = Csv::new(dialect);
        csv.row(cells);
        String::from_utf8(csv.take()).unwrap()
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn fields_come_back_as_they_were() {
        let cells = [text("Ada"), Cell::Empty, text("say \"hi\", she said\nloudly"), Cell::Number("-12.50".to_owned())];
        let expected = "Ada,,\"say \"\"hi\"\", she said\nloudly\",-12.50\r\n";
        assert_eq!(written(Dialect::Default, &cells), expected);
        let expected = "\u{feff}Ada;;\"say \"\"hi\"\", she said\nloudly\";\"-12,50\"\r\n";
        assert_eq!(written(Dialect::Semicolon, &cells), expected);
        let moment = jiff::civil::date(2026, 11, 25).at(9, 5, 3, 0);
        assert_eq!(
            written(Dialect::Excel, &[Cell::Moment(moment), Cell::Flag(true)]),
            "\u{feff}2026-11-25 09:05:03,yes\r\n"
        );
    }

    #[test]
    fn what_a_stranger_typed_is_never_computed() {
        for evil in ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "=HYPERLINK(\"x\")"] {
            let line = written(Dialect::Default, &[text(evil)]);
            assert!(line.trim_start_matches('"').starts_with('\''), "{line}");
        }
        assert_eq!(written(Dialect::Default, &[text("+49 (30) 123-45")]), "+49 (30) 123-45\r\n");
    }
}
