//! The page on which an invitation to a team is accepted.

use askama::Template;

use super::Frame;

/// An invitation to a team.
#[derive(Debug, Clone, Template)]
#[template(path = "invite.html")]
pub struct InvitePage {
    /// What is around the content.
    pub frame: Frame,
    /// Whom it is for.
    pub email: String,
    /// What the team is called.
    pub team: String,
    /// What the organiser is called.
    pub organizer: String,
    /// Where the member chooses what to be told by mail, once it was accepted.
    pub notices_url: Option<String>,
}
