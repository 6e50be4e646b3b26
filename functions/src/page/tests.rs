//! What every page must keep: valid structure, no inline script or style, no missing text, readable colours.

use std::collections::{BTreeMap, BTreeSet};

use super::{asset, render, samples};
use crate::i18n::Lang;

/// The values of `name="…"` in `html`.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn each_page(check: impl Fn(&str, &str)) {
    for lang in Lang::ALL {
        for (name, html) in samples::pages(lang) {
            check(&format!("{name} in {}", lang.code()), &html);
        }
    }
}

#[test]
fn every_page_has_its_landmarks() {
    each_page(|name, html| {
        for (part, count) in [
            ("<h1", 1),
            ("<main id=\"content\"", 1),
            ("<a class=\"skip\" href=\"#content\"", 1),
            ("<header", 1),
            ("<footer", 1),
            ("<title>", 1),
            ("rel=\"stylesheet\"", 1),
        ] {
            assert_eq!(html.matches(part).count(), count, "{part} in {name}");
        }
        assert!(html.contains("<html lang=\"en\">") || html.contains("<html lang=\"de\">"), "{name}");
    });
}

#[test]
fn the_content_security_policy_holds() {
    each_page(|name, html| {
        for forbidden in ["<style", " style=", " onclick=", " onsubmit=", " onload=", "<script>", "javascript:", "<img"]
        {
            assert!(!html.contains(forbidden), "{forbidden} in {name}");
        }
    });
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    each_page(|name, html| {
        let ids = attributes(html, "id");
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "an id is twice in {name}: {ids:?}");
        for attribute in ["for", "aria-labelledby", "aria-describedby"] {
            for id in attributes(html, attribute).iter().flat_map(|ids| ids.split(' ')) {
                assert!(known.contains(id), "{attribute}={id} in {name}");
            }
        }
        for target in attributes(html, "href").iter().filter_map(|url| url.strip_prefix('#')) {
            assert!(known.contains(target), "#{target} in {name}");
        }
    });
}

#[test]
fn forms_that_change_something_carry_the_token() {
    each_page(|name, html| {
        // It belongs to no event, and nobody else knows its address.
        if name.starts_with("invite") {
            return;
        }
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            // The only form that changes nothing asks what a voucher is good for.
            if form.contains("method=\"get\"") && form.contains("/redeem\"") && !form.contains("c5rf") {
                continue;
            }
            assert!(
                form.contains("method=\"post\"") && form.contains("name=\"csrf\" value=\"c5rf\""),
                "{name}: {form}"
            );
        }
    });
}

#[test]
fn headings_leave_no_level_out() {
    each_page(|name, html| {
        // The cart stands before the title (spec shop-ux 3), so a page may begin on the second level.
        let mut level = 1;
        for heading in html.split("<h").skip(1).filter_map(|rest| rest.chars().next()?.to_digit(10)) {
            assert!(heading <= level + 1, "h{heading} after h{level} in {name}");
            level = heading;
        }
    });
}

#[test]
fn values_are_filled_in_and_escaped() {
    for lang in Lang::ALL {
        let mails = samples::mails(lang);
        for (name, mail) in &mails {
            assert!(!mail.html.contains("{$") && !mail.text.contains("{$"), "{name}");
            assert!(mail.text.contains(&mail_url(&mail.html)), "{name}");
        }
        let placed = &mails[0].1;
        assert!(placed.html.contains("Nacht der &#60;Lichter&#62;") && !placed.html.contains("<Lichter>"));
        assert!(placed.text.contains("Nacht der <Lichter>") && placed.subject.contains("A7K3Q"));
        assert!(placed.text.contains("DE02 1203 0000 0000 2020 51"));
    }
    each_page(|name, html| assert!(!html.contains("{$"), "{name}"));
}

fn mail_url(html: &str) -> String {
    attributes(html, "href").first().unwrap().replace("&#38;", "&")
}

#[test]
fn the_language_switch_comes_back() {
    let frame = samples::frame(Lang::En, "Tickets");
    assert_eq!(frame.switch_url(&Lang::De), "/locale/set?locale=de&next=%2Fkulturhafen%2Flichter%2F%3Fa%3D1%26b%3D2");
    assert_eq!(frame.full_title(), "Tickets – Nacht der Lichter – Kulturhafen");
}

#[test]
fn only_orders_invitations_and_errors_hide_from_search_engines() {
    each_page(|name, html| {
        let hidden = ["order", "waiting", "invite", "error"].iter().any(|start| name.starts_with(start));
        assert_eq!(html.contains("content=\"noindex\""), hidden, "{name}");
    });
}

#[test]
fn closed_shops_have_no_button() {
    let mut page = samples::event(Lang::En);
    assert!(render(&page).contains("Add to cart"));
    page.presale = Some("Later".into());
    assert!(!render(&page).contains("Add to cart"));
}

/// WCAG 2.2 AA: 4.5 for text, 3 for the edges of fields.
#[test]
fn colours_can_be_read_in_light_and_dark() {
    let (_, css) = asset("shop.css").unwrap();
    let css = std::str::from_utf8(css).unwrap();
    let palettes: Vec<BTreeMap<&str, [u8; 3]>> =
        css.split(":root {").skip(1).take(2).map(|block| palette(block.split('}').next().unwrap())).collect();
    for colours in &palettes {
        for (text, ground, least) in [
            ("--ink", "--page", 4.5),
            ("--ink", "--card", 4.5),
            ("--ink", "--accent-soft", 4.5),
            ("--soft", "--page", 4.5),
            ("--soft", "--card", 4.5),
            ("--accent", "--page", 4.5),
            ("--accent", "--card", 4.5),
            ("--accent-strong", "--accent-soft", 4.5),
            ("--on-accent", "--accent", 4.5),
            ("--on-accent", "--accent-strong", 4.5),
            ("--good", "--good-soft", 4.5),
            ("--good", "--card", 4.5),
            ("--warn", "--warn-soft", 4.5),
            ("--bad", "--bad-soft", 4.5),
            ("--bad", "--card", 4.5),
            ("--bad", "--page", 4.5),
            ("--edge", "--card", 3.0),
            ("--edge", "--page", 3.0),
        ] {
            let contrast = contrast(colours[text], colours[ground]);
            assert!(contrast >= least, "{text} on {ground}: {contrast:.2}");
        }
    }
}

fn palette(block: &str) -> BTreeMap<&str, [u8; 3]> {
    let colour = |text: &str| {
        let digits = text.trim().strip_prefix('#')?;
        let full =
            if digits.len() == 3 { digits.chars().flat_map(|digit| [digit; 2]).collect() } else { digits.to_owned() };
        let part = |from: usize| u8::from_str_radix(full.get(from..from + 2)?, 16).ok();
        Some([part(0)?, part(2)?, part(4)?])
    };
    let entry =
        |line: &'_ str| -> Option<(usize, [u8; 3])> { Some((line.find(':')?, colour(line.split_once(':')?.1)?)) };
    block.split(';').filter_map(|line| entry(line).map(|(end, value)| (line[..end].trim(), value))).collect()
}

#[expect(clippy::float_arithmetic, reason = "the definition of contrast has powers; no money here")]
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let luminance = |colour: [u8; 3]| {
        let linear = colour.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
