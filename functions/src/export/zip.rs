//! A ZIP archive that is written from front to back, without knowing how long a file becomes.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};

/// Version 2.0 of the format: compressed files.
const VERSION: u16 = 20;
/// Sizes follow the content, and names are UTF-8.
const FLAGS: u16 = 0x0808;
const DEFLATED: u16 = 8;
/// The first of January 1980: the same content gives the same archive.
const DAY: u16 = 0x21;

/// An archive that is being written.
#[derive(Default)]
pub(super) struct Zip {
    out: Vec<u8>,
    /// Bytes that were taken out.
    taken: u64,
    files: Vec<File>,
    open: Option<Open>,
}

struct File {
    name: String,
    at: u64,
    crc: u32,
    compressed: u64,
    size: u64,
}

struct Open {
    name: String,
    at: u64,
    compressed: u64,
    encoder: DeflateEncoder<Vec<u8>>,
    crc: Crc,
}

impl Zip {
    fn position(&self) -> u64 {
        self.taken + self.out.len() as u64
    }

    /// Ends the file that is open and begins another.
    pub(super) fn begin(&mut self, name: &str) {
        self.end();
        let at = self.position();
        self.out.extend_from_slice(&0x0403_4b50_u32.to_le_bytes());
        self.numbers(&[VERSION, FLAGS, DEFLATED, 0, DAY]);
        self.out.extend_from_slice(&[0; 12]);
        self.numbers(&[length(name), 0]);
        self.out.extend_from_slice(name.as_bytes());
        let encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        self.open = Some(Open { name: name.to_owned(), at, compressed: 0, encoder, crc: Crc::new() });
    }

    /// Adds to the file that is open.
    pub(super) fn write(&mut self, text: &str) {
        if let Some(open) = &mut self.open {
            open.crc.update(text.as_bytes());
            open.encoder.write_all(text.as_bytes()).expect("memory takes everything");
        }
    }

    /// Moves what is compressed to where it leaves.
    fn drain(&mut self) {
        if let Some(open) = &mut self.open {
            let ready = std::mem::take(open.encoder.get_mut());
            open.compressed += ready.len() as u64;
            self.out.extend(ready);
        }
    }

    fn end(&mut self) {
        self.drain();
        let Some(open) = self.open.take() else { return };
        let rest = open.encoder.finish().expect("memory takes everything");
        let compressed = open.compressed + rest.len() as u64;
        self.out.extend(rest);
        let size = u64::from(open.crc.amount());
        let file = File { name: open.name, at: open.at, crc: open.crc.sum(), compressed, size };
        self.out.extend_from_slice(&0x0807_4b50_u32.to_le_bytes());
        self.sizes(&file);
        self.files.push(file);
    }

    /// Ends the archive.
    pub(super) fn finish(&mut self) {
        self.end();
        let directory = self.position();
        let files = std::mem::take(&mut self.files);
        for file in &files {
            self.out.extend_from_slice(&0x0201_4b50_u32.to_le_bytes());
            self.numbers(&[VERSION, VERSION, FLAGS, DEFLATED, 0, DAY]);
            self.sizes(file);
            self.numbers(&[length(&file.name), 0, 0, 0, 0, 0, 0]);
            self.out.extend_from_slice(&short(file.at).to_le_bytes());
            self.out.extend_from_slice(file.name.as_bytes());
        }
        let size = self.position() - directory;
        let count = u16::try_from(files.len()).expect("a workbook has few files");
        self.out.extend_from_slice(&0x0605_4b50_u32.to_le_bytes());
        self.numbers(&[0, 0, count, count]);
        self.out.extend_from_slice(&short(size).to_le_bytes());
        self.out.extend_from_slice(&short(directory).to_le_bytes());
        self.numbers(&[0]);
    }

    fn numbers(&mut self, numbers: &[u16]) {
        self.out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn sizes(&mut self, file: &File) {
        let numbers = [file.crc, short(file.compressed), short(file.size)];
        self.out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    /// What was written since the last time.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.drain();
        self.taken += self.out.len() as u64;
        std::mem::take(&mut self.out)
    }
}

fn length(name: &str) -> u16 {
    u16::try_from(name.len()).expect("names are short")
}

/// Without the later form of the format, an archive has at most 4 GB: far more than the rows of a workbook take.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
