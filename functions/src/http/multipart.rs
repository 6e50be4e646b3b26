//! Forms with files: `multipart/form-data` (RFC 7578), as browsers write it.

/// A file in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFile {
    /// The field.
    pub field: String,
    /// What its sender calls it.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Fields and files in the order of the form.
pub(super) type Parts = (Vec<(String, String)>, Vec<FormFile>);

/// Longest boundary (RFC 2046, 5.1.1).
const BOUNDARY_MAX: usize = 70;

/// The content of a form; `None` if it is no such form.
pub(super) fn parse(content_type: &str, body: &[u8]) -> Option<Parts> {
    let boundary = content_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    if boundary.is_empty() || boundary.len() > BOUNDARY_MAX {
        return None;
    }
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter has no line before it.
    let mut rest = body.strip_prefix(&delimiter[2..])?;
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, &delimiter)?;
        let head_end = find(&part[..end], b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..head_end]).ok()?;
        let content = &part[head_end + 4..end];
        let name = parameter(head, "name")?;
        match parameter(head, "filename") {
            Some(file) => files.push(FormFile { field: name, name: file, bytes: content.to_vec() }),
            None => fields.push((name, String::from_utf8_lossy(content).into_owned())),
        }
        rest = &part[end + delimiter.len()..];
    }
    Some((fields, files))
}

/// A parameter of the line that says what a part is. Browsers write quotes in names as `%22`.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.split("\r\n").find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let (_, rest) = line.split_once(&format!("; {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x1";

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = b"--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nB\xc3\xa9\r\n\r\n--x1\r\n\
                     content-disposition: form-data; name=\"f\"; filename=\"a;b.pdf\"\r\nContent-Type: application/pdf\r\n\r\n\
                     %PDF\r\n--x\0\r\n--x1--\r\n";
        let file = FormFile { field: "f".to_owned(), name: "a;b.pdf".to_owned(), bytes: b"%PDF\r\n--x\0".to_vec() };
        assert_eq!(parse(TYPE, body), Some((vec![("a".to_owned(), "B\u{e9}\r\n".to_owned())], vec![file])));
        assert_eq!(parse(TYPE, b"--x1--"), Some((vec![], vec![])));
    }

    #[test]
    fn what_is_cut_off_is_no_form() {
        for body in [
            &b""[..],
            b"--x1",
            b"--x1\r\n",
            b"--x1\r\nContent-Disposition: form-data; name=\"a\"",
            b"--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nB",
            b"--x1\r\nContent-Disposition: form-data\r\n\r\nB\r\n--x1--",
            b"--x2\r\n",
        ] {
            assert_eq!(parse(TYPE, body), None, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(parse("multipart/form-data", b"--x1--"), None);
    }
}
