//! Organisers' texts: Markdown in, harmless HTML out.

use std::fmt;

use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

/// HTML that may go into a page as it is, because it was made here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells the templates not to escape it again.
impl askama::filters::HtmlSafe for Html {}

impl Html {
    /// Renders Markdown. Raw HTML is shown as text, only harmless link targets stay, pictures become their
    /// description, headings rank below those of the page, and a line break is a line break.
    pub fn from_markdown(text: &str) -> Self {
        let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
        let events = Parser::new_ext(text, options).filter_map(harmless);
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, events);
        Self(html)
    }

    /// Like [`Html::from_markdown`], `None` for a text without content.
    pub fn from_markdown_opt(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self::from_markdown(text))
    }
}

/// The words of a Markdown text without its marks, for paper: paragraphs stay apart, points of lists begin with a dot, and
/// links say where they lead.
pub fn plain(text: &str) -> String {
    let mut words = String::new();
    let mut links: Vec<(String, usize)> = Vec::new();
    for event in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(part) | Event::Code(part) | Event::Html(part) | Event::InlineHtml(part) => {
                words.push_str(&part)
            }
            Event::SoftBreak | Event::HardBreak => words.push('\n'),
            Event::Start(Tag::Item) => words.push_str("• "),
            Event::End(TagEnd::Item) if !words.ends_with('\n') => words.push('\n'),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::List(_)) => {
                words.truncate(words.trim_end().len());
                words.push_str("\n\n");
            }
            Event::Start(Tag::Link { dest_url, .. }) => links.push((dest_url.into_string(), words.len())),
            Event::End(TagEnd::Link) => {
                let Some((url, from)) = links.pop() else { continue };
                if !words[from..].contains(url.as_str()) && is_harmless(&url) {
                    words.push_str(&format!(" ({url})"));
                }
            }
            _ => {}
        }
    }
    words.trim_end().to_owned()
}

fn harmless(event: Event<'_>) -> Option<Event<'_>> {
    Some(match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::SoftBreak => Event::HardBreak,
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            // `<ada@example.org>` has no scheme yet: it gets its `mailto:` when it is written.
            let harmless = link_type == LinkType::Email || is_harmless(&dest_url);
            let dest_url = if harmless { dest_url } else { "#".into() };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: below(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    })
}

/// Web, mail and phone addresses, and places of this shop; no `javascript:` or `data:`.
fn is_harmless(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    ["https://", "http://", "mailto:", "tel:", "/", "#"].iter().any(|start| url.starts_with(start))
}

/// Page and section have the first two levels.
const fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        Html::from_markdown(text).to_string()
    }

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(html("**Bold**\n*move*"), "<p><strong>Bold</strong><br />\n<em>move</em></p>\n");
        assert_eq!(html("# Doors"), "<h3>Doors</h3>\n");
        assert_eq!(html("[site](https://example.org)"), "<p><a href=\"https://example.org\">site</a></p>\n");
        let mail = "<p><a href=\"mailto:info@example.org\">info@example.org</a></p>\n";
        assert_eq!(html("<info@example.org>"), mail);
    }

    #[test]
    fn on_paper_there_are_only_words() {
        let text = "## Doors\n\nBring **an ID**,\nplease.\n\n- one\n- two\n\n[Terms](https://example.org/t) and \
                    <https://example.org>.";
        let paper = "Doors\n\nBring an ID,\nplease.\n\n• one\n• two\n\n\
                     Terms (https://example.org/t) and https://example.org.";
        assert_eq!(plain(text), paper);
        assert_eq!(plain("  \n"), "");
    }

    #[test]
    fn nothing_dangerous_survives() {
        assert_eq!(html("a <b onclick=x()>b</b>"), "<p>a &lt;b onclick=x()&gt;b&lt;/b&gt;</p>\n");
        assert!(html("<script>alert(1)</script>").starts_with("&lt;script&gt;"));
        assert_eq!(html("[x](JavaScript:alert(1))"), "<p><a href=\"#\">x</a></p>\n");
        assert_eq!(html("![a cat](https://example.org/cat.png)"), "<p>a cat</p>\n");
        assert_eq!(Html::from_markdown_opt(" \n"), None);
    }
}
