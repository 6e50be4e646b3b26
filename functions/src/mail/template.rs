//! Organisers' own mail texts: Markdown with `{placeholders}`. What is put in is text and stays text: nobody's name can
//! become a link or bold letters, or another placeholder.

/// What can be put into a text. A test compares it with what `Values` knows.
pub const PLACEHOLDERS: [&str; 11] = [
    "code",
    "currency",
    "event",
    "event_slug",
    "expire_date",
    "name",
    "organizer",
    "payment_info",
    "total",
    "total_with_currency",
    "url",
];

/// The values for one mail.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// The order's code.
    pub code: String,
    /// Three letters.
    pub currency: String,
    /// The event's name.
    pub event: String,
    /// Its part of the URL.
    pub event_slug: String,
    /// Until when the order must be paid, in words.
    pub expire_date: String,
    /// Who comes, as far as we know: the first attendee with a name.
    pub name: String,
    /// The organiser's name.
    pub organizer: String,
    /// Where and how to pay, on several lines; empty if nothing is to be paid.
    pub payment_info: String,
    /// What is to be paid in all: `23.00`.
    pub total: String,
    /// The same as readers write it: `€23.00`.
    pub total_with_currency: String,
    /// The buyer's page of the order.
    pub url: String,
}

impl Values {
    fn get(&self, name: &str) -> Option<&str> {
        Some(match name {
            "code" => &self.code,
            "currency" => &self.currency,
            "event" => &self.event,
            "event_slug" => &self.event_slug,
            "expire_date" => &self.expire_date,
            "name" => &self.name,
            "organizer" => &self.organizer,
            "payment_info" => &self.payment_info,
            "total" => &self.total,
            "total_with_currency" => &self.total_with_currency,
            "url" => &self.url,
            _ => return None,
        })
    }
}

/// A part of a text.
enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits a text at its placeholders: a word of letters, digits and underscores in braces. Other braces are text.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(open) = rest[from..].find('{').map(|at| at + from) {
        let name = rest[open + 1..].split('}').next().unwrap_or_default();
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_word && rest.len() > open + 1 + name.len() {
            parts.extend([Part::Text(&rest[..open]), Part::Placeholder(name)]);
            rest = &rest[open + name.len() + 2..];
            from = 0;
        } else {
            from = open + 1;
        }
    }
    parts.push(Part::Text(rest));
    parts
}

/// The first placeholder of a text that nothing is known for.
pub fn unknown(text: &str) -> Option<&str> {
    parts(text).into_iter().find_map(|part| match part {
        Part::Placeholder(name) if !PLACEHOLDERS.contains(&name) => Some(name),
        Part::Placeholder(_) | Part::Text(_) => None,
    })
}

fn fill(text: &str, values: &Values, write: impl Fn(&str, &str) -> String) -> String {
    let filled = parts(text).into_iter().map(|part| match part {
        Part::Text(text) => text.to_owned(),
        // Texts from before a placeholder was checked keep what nobody knows.
        Part::Placeholder(name) => values.get(name).map_or(format!("{{{name}}}"), |value| write(name, value)),
    });
    filled.collect()
}

/// The text as plain text.
pub fn fill_text(text: &str, values: &Values) -> String {
    fill(text, values, |_, value| value.to_owned())
}

/// The text as Markdown in which every value means itself.
pub fn fill_markdown(text: &str, values: &Values) -> String {
    fill(text, values, |name, value| if name == "url" { format!("<{value}>") } else { escaped(value) })
}

/// Every mark of Markdown with a backslash before it, and each line without the white space that would mean something.
fn escaped(value: &str) -> String {
    let line = |line: &str| -> String {
        let escape = |letter: char| match letter {
            mark if mark.is_ascii_punctuation() => vec!['\\', mark],
            other => vec![other],
        };
        line.trim().chars().flat_map(escape).collect()
    };
    value.lines().map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Html;

    #[test]
    fn every_placeholder_has_a_value() {
        assert!(PLACEHOLDERS.iter().all(|name| Values::default().get(name).is_some()));
        assert_eq!(Values::default().get("secret"), None);
    }

    #[test]
    fn unknown_placeholders_are_found_and_other_braces_are_text() {
        assert_eq!(unknown("Hello {name}, {code}!"), None);
        assert_eq!(unknown("Hello {name}, {naem}!"), Some("naem"));
        assert_eq!(unknown("{{code}} {{secret}}"), Some("secret"), "there is nothing to hide behind");
        for text in ["", "{", "}", "{}", "{ name }", "{a-b}", "a { b", "{na{me", "{{", "{ä}"] {
            assert_eq!(unknown(text), None, "{text}");
            assert_eq!(fill_text(text, &Values::default()), text);
        }
    }

    #[test]
    fn what_is_put_in_stays_text() {
        let values = Values {
            name: "**Ada** [x](https://evil.example) <b> {code}\n# big".to_owned(),
            code: "ABCDE".to_owned(),
            url: "https://example.org/o/ABCDE/".to_owned(),
            ..Values::default()
        };
        let text = "Dear *{name}*, see {url}";
        assert_eq!(fill_text(text, &values), format!("Dear *{}*, see {}", values.name, values.url));
        let html = Html::from_markdown(&fill_markdown(text, &values)).to_string();
        assert!(html.contains("**Ada** [x](https://evil.example) &lt;b&gt; {code}"), "{html}");
        assert!(html.contains("<a href=\"https://example.org/o/ABCDE/\">https://example.org/o/ABCDE/</a>"), "{html}");
        assert!(!html.contains("evil.example\"") && !html.contains("<strong>") && !html.contains("<h"), "{html}");
    }
}
