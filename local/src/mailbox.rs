//! The local mailbox: the mails that the shop has put into a folder, read back and shown.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use http_body_util::Full;
use mail_parser::{MessageParser, MimeHeaders};

/// Where the gateway shows it.
pub const PATH: &str = "/_local/mailbox/";

/// Keeps browsers from asking for an icon that is not there.
const NO_ICON: &str = "<link rel=icon href=\"data:,\">";

/// A mail of the folder.
#[derive(Debug)]
pub struct Mail {
    /// Name of its file, without `.eml`.
    pub id: String,
    /// When it was put there.
    pub received: SystemTime,
    /// The sender, with name.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Attached files.
    pub attachments: Vec<Attachment>,
}

/// A file attached to a mail.
#[derive(Debug)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A folder of mails.
#[derive(Debug, Clone)]
pub struct Mailbox {
    folder: PathBuf,
}

impl Mailbox {
    /// The mailbox kept in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// All mails, newest first. Files that are no mails are left out.
    pub fn mails(&self) -> Vec<Mail> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut mails: Vec<Mail> = entries.filter_map(|entry| read(&entry.path())).collect();
        mails.sort_by(|a, b| (b.received, &b.id).cmp(&(a.received, &a.id)));
        mails
    }

    /// The page at a path below `/_local/`, if it is one of the mailbox's.
    pub fn page(&self, path: &str) -> Option<Response<Full<Bytes>>> {
        let path = path.strip_prefix("mailbox")?;
        let mut parts = path.strip_prefix('/').unwrap_or(path).splitn(2, '/');
        let id = parts.next().filter(|id| !id.is_empty());
        let Some(id) = id else { return Some(html(self.list())) };
        // Found among the files that are there: no path of the caller's making is ever opened.
        let mail = self.mails().into_iter().find(|mail| mail.id == id)?;
        match parts.next() {
            None => Some(html(show(&mail))),
            Some("html") => Some(sandboxed(&mail)),
            Some(number) => Some(download(mail.attachments.into_iter().nth(number.parse().ok()?)?)),
        }
    }

    fn list(&self) -> String {
        let mut rows = String::new();
        for mail in self.mails() {
            let _ = write!(
                rows,
                "<tr><td><a href=\"{PATH}{id}\">{subject}</a><td>{to}<td>{received}<td>{files}",
                id = escape(&mail.id),
                subject = escape(&mail.subject),
                to = escape(&mail.to),
                received = moment(mail.received),
                files = mail.attachments.len(),
            );
        }
        if rows.is_empty() {
            rows.push_str("<tr><td colspan=4>No mails yet. This page shows what the shop sends.");
        }
        frame("Mailbox", &format!("<table><tr><th>Subject<th>To<th>Sent<th>Files{rows}</table>"))
    }
}

fn read(file: &Path) -> Option<Mail> {
    let id = file.file_name()?.to_str()?.strip_suffix(".eml")?.to_owned();
    let received = file.metadata().ok()?.modified().ok()?;
    let bytes = std::fs::read(file).ok()?;
    let message = MessageParser::default().parse(&bytes)?;
    let text = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().into_owned();
    let from = message.from().and_then(|list| list.first());
    let address = from.and_then(|from| from.address()).unwrap_or_default();
    let attachments = message.attachments().map(|part| Attachment {
        name: part.attachment_name().unwrap_or("attachment").to_owned(),
        content_type: part.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()),
        ),
        bytes: part.contents().to_vec(),
    });
    Some(Mail {
        id,
        received,
        from: format!("{} <{address}>", from.and_then(|from| from.name()).unwrap_or_default()),
        to: message.to().and_then(|list| list.first()).and_then(|to| to.address()).unwrap_or_default().to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: text(message.body_text(0)),
        html: text(message.body_html(0)),
        attachments: attachments.collect(),
    })
}

fn show(mail: &Mail) -> String {
    let mut files = String::new();
    for (number, file) in mail.attachments.iter().enumerate() {
        let (id, name, bytes) = (escape(&mail.id), escape(&file.name), file.bytes.len());
        let _ = write!(files, "<li><a href=\"{PATH}{id}/{number}\">{name}</a> ({bytes} bytes)");
    }
    let (id, from, to) = (escape(&mail.id), escape(&mail.from), escape(&mail.to));
    let body = format!(
        "<p><a href=\"{PATH}\">All mails</a><p>From {from}<br>To {to}<br>Sent {sent}<ul>{files}</ul>\
         <iframe title=\"HTML part\" src=\"{PATH}{id}/html\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\"></iframe>\
         <h2>Text part</h2><pre>{text}</pre>",
        sent = moment(mail.received),
        text = escape(&mail.text),
    );
    frame(&mail.subject, &body)
}

fn frame(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>{NO_ICON}\
         <meta name=viewport content=\"width=device-width\"><title>{title}</title><style>\
         body{{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}}\
         td,th{{text-align:left;padding:.3rem 1rem .3rem 0}}pre{{white-space:pre-wrap}}\
         iframe{{width:100%;height:30rem;border:1px solid #999;background:#fff}}</style><h1>{title}</h1>{body}</html>"
    )
}

/// The HTML part as a mail program would show it: no scripts, nothing from elsewhere, links in a new window.
fn sandboxed(mail: &Mail) -> Response<Full<Bytes>> {
    const POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                          style-src 'unsafe-inline'; img-src data:";
    // Inside the head: before the document type it would change how browsers read the mail.
    let head = format!("<head><base target=\"_blank\">{NO_ICON}");
    let mut response = html(mail.html.replacen("<head>", &head, 1));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn download(file: Attachment) -> Response<Full<Bytes>> {
    let name: String = file.name.chars().filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c)).collect();
    let mut response = Response::new(Full::from(file.bytes));
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    insert(&mut response, headers);
    response
}

fn html(text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    insert(&mut response, [(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned())]);
    response
}

fn insert<const N: usize>(response: &mut Response<Full<Bytes>>, headers: [(HeaderName, String); N]) {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn moment(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
