//! Workbooks of Excel and LibreOffice (Office Open XML), written row by row.

use super::{Cell, zip::Zip};

/// The most rows that a sheet may have.
const ROWS_MAX: u64 = 1_048_576;
/// The longest text of a cell.
const TEXT_LENGTH_MAX: usize = 32_767;
/// Columns are this wide: most content fits, and nobody has to widen all of them first.
const WIDTH: u32 = 18;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Indices of the cell styles below.
const BOLD: u32 = 1;
const MOMENT: u32 = 2;
const TWO_DECIMALS: u32 = 3;
const THREE_DECIMALS: u32 = 4;
const STYLES: &str = "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/>\
    <numFmt numFmtId=\"165\" formatCode=\"#,##0.000\"/></numFmts>\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font>\
    <font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"5\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>\
    <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"4\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs>";

/// A workbook that is being written.
pub struct Xlsx {
    zip: Zip,
    sheet: Option<Sheet>,
}

struct Sheet {
    rows: u64,
}

/// A sheet takes no more rows.
#[derive(Debug, thiserror::Error)]
#[error("a sheet of a workbook has at most {ROWS_MAX} rows: CSV has no limit")]
pub struct TooManyRows;

impl Xlsx {
    /// A workbook that will have sheets of these names.
    pub fn new(sheets: &[String]) -> Self {
        let mut zip = Zip::default();
        let numbers = || 1..=sheets.len();
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
        let parts: String = numbers()
            .map(|n| {
                format!("<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"{kind}.worksheet+xml\"/>")
            })
            .collect();
        zip.begin("[Content_Types].xml");
        zip.write(&format!(
            "{HEAD}<Types xmlns=\"{PACKAGE}/content-types\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{kind}.sheet.main+xml\"/>\
             <Override PartName=\"/xl/styles.xml\" ContentType=\"{kind}.styles+xml\"/>{parts}</Types>"
        ));
        let relations = |relations: &str| {
            format!("{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}</Relationships>")
        };
        let relation = |id: usize, kind: &str, target: &str| {
            format!("<Relationship Id=\"rId{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
        };
        zip.begin("_rels/.rels");
        zip.write(&relations(&relation(1, "officeDocument", "xl/workbook.xml")));
        let names: String = numbers()
            .zip(sheets)
            .map(|(n, name)| {
                format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>", escaped(&sheet_name(name)))
            })
            .collect();
        zip.begin("xl/workbook.xml");
        zip.write(&format!(
            "{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{names}</sheets></workbook>"
        ));
        let files: String = numbers().map(|n| relation(n, "worksheet", &format!("worksheets/sheet{n}.xml"))).collect();
        zip.begin("xl/_rels/workbook.xml.rels");
        zip.write(&relations(&(files + &relation(sheets.len() + 1, "styles", "styles.xml"))));
        zip.begin("xl/styles.xml");
        zip.write(&format!("{HEAD}<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>"));
        Self { zip, sheet: None }
    }

    /// Begins sheet number `number`, from 1, with its heading, which stays in view.
    pub fn begin(&mut self, number: usize, heading: &[String]) {
        self.end();
        self.zip.begin(&format!("xl/worksheets/sheet{number}.xml"));
        let columns = heading.len().max(1);
        self.zip.write(&format!(
            "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" \
             topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>\
             <cols><col min=\"1\" max=\"{columns}\" width=\"{WIDTH}\" customWidth=\"1\"/></cols><sheetData>"
        ));
        let cells: String = heading.iter().map(|text| text_cell(text, BOLD)).collect();
        self.zip.write(&format!("<row>{cells}</row>"));
        self.sheet = Some(Sheet { rows: 1 });
    }

    /// Adds a row to the sheet.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), TooManyRows> {
        if let Some(sheet) = &mut self.sheet {
            sheet.rows += 1;
            if sheet.rows > ROWS_MAX {
                return Err(TooManyRows);
            }
        }
        let cells: String = cells.iter().map(cell).collect();
        self.zip.write(&format!("<row>{cells}</row>"));
        Ok(())
    }

    fn end(&mut self) {
        if self.sheet.take().is_some() {
            self.zip.write("</sheetData></worksheet>");
        }
    }

    /// Ends the workbook.
    pub fn finish(&mut self) {
        self.end();
        self.zip.finish();
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        self.zip.take()
    }
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => "<c/>".to_owned(),
        Cell::Text(text) => text_cell(text, 0),
        Cell::Number(digits) => {
            let style = match digits.split_once('.').map_or(0, |(_, decimals)| decimals.len()) {
                2 => TWO_DECIMALS,
                3 => THREE_DECIMALS,
                _ => 0,
            };
            format!("<c s=\"{style}\"><v>{digits}</v></c>")
        }
        Cell::Moment(moment) => format!("<c s=\"{MOMENT}\"><v>{}</v></c>", serial(*moment)),
        Cell::Flag(flag) => format!("<c t=\"b\"><v>{}</v></c>", u8::from(*flag)),
    }
}

fn text_cell(text: &str, style: u32) -> String {
    let text: String = text.chars().take(TEXT_LENGTH_MAX).collect();
    format!("<c s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", escaped(&text))
}

/// Days since the last day of 1899, with the time as a fraction.
fn serial(moment: jiff::civil::DateTime) -> String {
    let first = jiff::civil::date(1899, 12, 30);
    let days = first.until(moment.date()).map_or(0, |span| i64::from(span.get_days()));
    let time = moment.time();
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    // Ten digits are a hundredth of a millisecond.
    format!("{days}.{:010}", seconds * 10_000_000_000 / 86_400)
}

/// Sheets have short names without some marks.
fn sheet_name(name: &str) -> String {
    name.chars().filter(|letter| !"[]:*?/\\'".contains(*letter)).take(31).collect()
}

/// Text in XML, without what XML cannot say.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_the_days_that_spreadsheets_count() {
        let at = |day: jiff::civil::Date, hour| serial(day.at(hour, 0, 0, 0));
        assert_eq!(at(jiff::civil::date(1900, 3, 1), 0), "61.0000000000");
        assert_eq!(at(jiff::civil::date(2026, 11, 25), 12), "46351.5000000000");
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("a<b>&\"\u{0}\u{b}\n"), "a&lt;b&gt;&amp;&quot;\n");
        assert!(cell(&Cell::Text("=1+1".to_owned())).contains("t=\"inlineStr\""));
    }
}
