//! Pages that say why there is nothing else to see.

use askama::Template;

use super::{Frame, Link};
use crate::i18n::Lang;
use crate::repeat::PAUSE_SECONDS;

/// What a member of staff is told by mail.
#[derive(Debug, Clone, Template)]
#[template(path = "notices.html")]
pub struct NoticePage {
    /// What is around the content.
    pub frame: Frame,
    /// Whose page it is.
    pub email: String,
    /// The event that it is about; without one it is about all.
    pub event: Option<String>,
    /// The page about all events, if this is about one.
    pub everywhere_url: Option<String>,
    /// What can be chosen.
    pub lines: Vec<NoticeLine>,
}

/// Something that a member of staff can be told.
#[derive(Debug, Clone)]
pub struct NoticeLine {
    /// Its name in the form.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// It is chosen.
    pub wanted: bool,
}

/// An error as a page.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What is around the content.
    pub frame: Frame,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub title: String,
    /// What to do about it.
    pub text: String,
    /// Where to go from here.
    pub link: Option<Link>,
    /// The number of the report, for errors of ours.
    pub incident: Option<String>,
    /// What is loaded by itself, and after how many seconds.
    pub again: Option<(u32, String)>,
}

impl ErrorPage {
    /// The page for an HTTP status in our own words: 400, 403 (shop offline), 404, 413, 503 (busy), else "our mistake".
    pub fn of_status(frame: Frame, status: u16) -> Self {
        let name = match status {
            400 => "error-invalid",
            403 => "error-offline",
            404 => "error-missing",
            413 => "error-too-large",
            503 => "error-busy",
            _ => "error-internal",
        };
        Self::from_texts(frame, status, name)
    }

    /// The page for a form whose CSRF token does not fit.
    pub fn stale_form(frame: Frame) -> Self {
        Self::from_texts(frame, 403, "error-stale-form")
    }

    /// The page that tries again by itself at an address; without one it has tried often enough.
    pub fn busy(frame: Frame, address: Option<String>) -> Self {
        let Some(address) = address else { return Self::of_status(frame, 503) };
        let link = Some(Link { text: frame.lang.text("error-busy-now"), url: address.clone() });
        let page = Self::from_texts(frame, 503, "error-busy-again");
        Self { link, again: Some((PAUSE_SECONDS, address)), ..page }
    }

    fn from_texts(frame: Frame, status: u16, name: &str) -> Self {
        let lang: Lang = frame.lang;
        let title = lang.text(&format!("{name}-title"));
        let text = lang.text(&format!("{name}-text"));
        Self {
            frame: Frame { title: title.clone(), noindex: true, ..frame },
            status,
            title,
            text,
            link: None,
            incident: None,
            again: None,
        }
    }
}
