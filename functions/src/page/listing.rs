//! The pages above an event: all organisers, and the events of one.

use askama::Template;

use super::event::Sale;
use super::{Frame, Html};

/// The first page of the installation.
#[derive(Debug, Clone, Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// What is around the content.
    pub frame: Frame,
    /// Organisers with a public event.
    pub organizers: Vec<OrganizerRow>,
}

/// An organiser in the list.
#[derive(Debug, Clone)]
pub struct OrganizerRow {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// How many public events are still to come.
    pub upcoming: i64,
}

/// The events of an organiser.
#[derive(Debug, Clone, Template)]
#[template(path = "organizer.html")]
pub struct OrganizerPage {
    /// What is around the content.
    pub frame: Frame,
    /// The organiser's name.
    pub name: String,
    /// The organiser's own words.
    pub text: Option<Html>,
    /// True for past events (`?old=1`).
    pub past: bool,
    /// The organiser's page, without query.
    pub url: String,
    /// The events, in the order to show.
    pub events: Vec<EventRow>,
    /// The page before this one.
    pub previous: Option<String>,
    /// The page after this one.
    pub next: Option<String>,
}

/// An event in the list.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its name.
    pub name: String,
    /// Its shop.
    pub url: String,
    /// When, in words and in the event's zone.
    pub dates: String,
    /// Where, on one line.
    pub location: Option<String>,
    /// Whether there are tickets.
    pub sale: Sale,
}
