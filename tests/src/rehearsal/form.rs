//! Forms of pages, filled in as a browser without a script sends them.

/// A form of a page, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// What it sends.
    pub fields: Vec<(String, String)>,
}

/// What a buyer writes into fields, by their kind.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The mail address.
    pub email: String,
}

/// Fills in the last form of a page whose tag says all of `marks`: hidden fields as they are, everything that is asked for
/// with something that fits. Of the products in a form one of the first is taken. `None` without such a form.
pub fn fill(page: &str, marks: &[&str], answers: &Answers) -> Option<Form> {
    let begin = page.rmatch_indices("<form ").map(|(at, _)| at).find(|at| {
        let tag = page[*at..].split('>').next().unwrap_or_default();
        marks.iter().all(|mark| tag.contains(mark))
    })?;
    let form = page[begin..].split("</form>").next()?;
    let action = attribute(form.split('>').next()?, "action")?;
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut has_product = false;
    for at in form.match_indices('<').map(|(at, _)| at) {
        let tag = form[at + 1..].split('>').next().unwrap_or_default();
        let kind = tag.split([' ', '\n']).next().unwrap_or_default();
        let Some(name) = attribute(tag, "name").filter(|_| ["input", "select", "textarea"].contains(&kind)) else {
            continue;
        };
        if fields.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let is_product = name.starts_with("item_") || name.starts_with("variation_");
        let value = match kind {
            _ if is_product && (has_product || name.starts_with("item_price")) => continue,
            "select" => first_option(&form[at..]),
            "textarea" => Some("Rehearsal".to_owned()),
            _ => of_input(tag, is_product, answers),
        };
        has_product |= is_product && value.is_some();
        fields.extend(value.map(|value| (name, value)));
    }
    Some(Form { action, fields })
}

/// Whether a form has something to buy.
pub fn buys(form: &Form) -> bool {
    form.fields.iter().any(|(name, _)| name.starts_with("item_") || name.starts_with("variation_"))
}

fn of_input(tag: &str, is_product: bool, answers: &Answers) -> Option<String> {
    let given = attribute(tag, "value").unwrap_or_default();
    let is_required = tag.contains(" required") || tag.contains("aria-required=\"true\"");
    let kind = attribute(tag, "type").unwrap_or_else(|| "text".to_owned());
    match kind.as_str() {
        _ if tag.contains(" disabled") => None,
        "file" | "submit" => None,
        "checkbox" if is_product => Some(given),
        "checkbox" | "radio" => (is_required || tag.contains(" checked")).then_some(given),
        "number" if is_product => Some("1".to_owned()),
        "hidden" => Some(given),
        "email" => Some(answers.email.clone()),
        _ if !given.is_empty() => Some(given),
        "tel" => Some("+49301234567".to_owned()),
        "number" => attribute(tag, "min").or_else(|| Some("1".to_owned())),
        "date" => Some("2000-01-01".to_owned()),
        "time" => Some("12:00".to_owned()),
        "datetime-local" => Some("2000-01-01T12:00".to_owned()),
        "url" => Some("https://example.org/".to_owned()),
        _ => Some("Rehearsal".to_owned()),
    }
}

fn first_option(select: &str) -> Option<String> {
    let options = select.split("</select>").next()?.split("<option").skip(1);
    options.filter_map(|option| attribute(option.split('>').next()?, "value")).find(|value| !value.is_empty())
}

/// An attribute of a tag, as text.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let begin = format!(" {name}=\"");
    let value = tag[tag.find(&begin)? + begin.len()..].split('"').next()?;
    let text = [("&#38;", "&"), ("&amp;", "&"), ("&#34;", "\""), ("&quot;", "\""), ("&#39;", "'"), ("&#60;", "<")];
    Some(text.iter().fold(value.to_owned(), |value, (code, letter)| value.replace(code, letter)))
}
