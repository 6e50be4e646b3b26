//! Languages: the shop's own texts (Fluent files), texts that organisers typed in several languages, and the choice of one.

pub mod format;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

/// A language that the shop itself speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Lang {
    /// English, also the last resort.
    #[default]
    En,
    /// German.
    De,
}

impl Lang {
    /// Every language of the shop.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// The code that URLs, cookies, `lang` attributes and the database use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language's own name, for the language switch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
        }
    }

    /// Reads a code with or without a region or variant (`de`, `de-AT`, `de-informal`).
    pub fn parse(code: &str) -> Option<Self> {
        let base = base_of(code);
        Self::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(base))
    }

    /// The best of `allowed` for an `Accept-Language` header; the first of `allowed` when the browser wants none of them.
    pub fn negotiate(accept_language: &str, allowed: &[Self]) -> Self {
        let mut wanted: Vec<(u32, Self)> = accept_language
            .split(',')
            .filter_map(|entry| {
                let (code, parameter) = entry.split_once(';').unwrap_or((entry, ""));
                let weight = parameter.trim().strip_prefix("q=").map_or(Some(1000), thousandths)?;
                Some((weight, Self::parse(code.trim())?))
            })
            .filter(|(weight, lang)| *weight > 0 && allowed.contains(lang))
            .collect();
        // Stable, so the browser's order decides between equal weights.
        wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        wanted.first().map(|(_, lang)| *lang).or_else(|| allowed.first().copied()).unwrap_or_default()
    }

    /// A text of the shop. A missing key shows itself instead of failing the page; a test keeps the languages complete.
    pub fn text(self, key: &str) -> String {
        self.text_with(key, &[])
    }

    /// A text of the shop with values in it. Numbers choose the plural form.
    pub fn text_with(self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let bundle = &self.texts().bundle;
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        // What could not be filled in stays visible as {$name}; that beats an error page.
        let mut errors = Vec::new();
        bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned()
    }

    /// All keys of the language, so that a test can compare the languages.
    pub fn keys(self) -> &'static [String] {
        &self.texts().keys
    }

    fn texts(self) -> &'static Texts {
        static EN: LazyLock<Texts> = LazyLock::new(|| Texts::new(Lang::En, include_str!("../../assets/text/en.ftl")));
        static DE: LazyLock<Texts> = LazyLock::new(|| Texts::new(Lang::De, include_str!("../../assets/text/de.ftl")));
        match self {
            Self::En => &EN,
            Self::De => &DE,
        }
    }
}

/// The parsed texts of one language.
struct Texts {
    bundle: FluentBundle<FluentResource>,
    keys: Vec<String>,
}

impl Texts {
    fn new(lang: Lang, source: &str) -> Self {
        let id: LanguageIdentifier = lang.code().parse().expect("our language codes are well-formed");
        // Lines that do not parse are left out and then show as their key, which the tests refuse.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, _)| readable);
        let keys = source
            .lines()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
            .filter_map(|line| line.split_once(" ="))
            .map(|(key, _)| key.to_owned())
            .collect();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // The invisible isolation marks would end up in subjects, file names and copied IBANs.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self { bundle, keys }
    }
}

/// A text that an organiser typed in one or more languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "LocalizedIn")]
pub struct Localized(pub BTreeMap<String, String>);

/// What is accepted for a [`Localized`]: `{"en": "…", "de": "…"}`, or one text for all languages.
#[derive(Deserialize)]
#[serde(untagged)]
enum LocalizedIn {
    One(String),
    Many(BTreeMap<String, String>),
}

impl From<LocalizedIn> for Localized {
    fn from(text: LocalizedIn) -> Self {
        match text {
            LocalizedIn::One(text) => Self::from(text.as_str()),
            LocalizedIn::Many(texts) => Self(texts),
        }
    }
}

impl From<&str> for Localized {
    fn from(text: &str) -> Self {
        Self(BTreeMap::from([(Lang::default().code().to_owned(), text.to_owned())]))
    }
}

impl Localized {
    /// The text for a reader of `lang`: that language, else a variant of it, else English, else any; empty if there is none.
    pub fn get(&self, lang: Lang) -> &str {
        let filled = || self.0.iter().filter(|(_, text)| !text.is_empty());
        let of = |wanted: Lang| {
            filled()
                .find(|(code, _)| *code == wanted.code())
                .or_else(|| filled().find(|(code, _)| base_of(code) == wanted.code()))
        };
        of(lang).or_else(|| of(Lang::En)).or_else(|| filled().next()).map_or("", |(_, text)| text.as_str())
    }

    /// True when no language has a text.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(String::is_empty)
    }
}

/// A country by its ISO 3166-1 code and its name in the reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// Two capital letters.
    pub code: &'static str,
    /// The name in the language asked for.
    pub name: &'static str,
}

/// All countries in the alphabetical order of `lang`.
pub fn countries(lang: Lang) -> Vec<Country> {
    let mut all: Vec<Country> = include_str!("../../assets/text/countries.tsv")
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let (code, en, de) = (columns.next()?, columns.next()?, columns.next()?);
            Some(Country {
                code,
                name: match lang {
                    Lang::En => en,
                    Lang::De => de,
                },
            })
        })
        .collect();
    all.sort_by_key(|country| country.name.replace('Ä', "A").replace('Ö', "O").replace('Å', "A"));
    all
}

fn base_of(code: &str) -> &str {
    code.split(['-', '_']).next().unwrap_or(code)
}

/// Reads a quality value such as `0.8` as 800.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let whole: u32 = whole.parse().ok()?;
    let fraction: u32 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_texts() {
        let sorted = |lang: Lang| {
            let mut keys = lang.keys().to_vec();
            keys.sort();
            keys
        };
        assert_eq!(sorted(Lang::En), sorted(Lang::De));
        let mut once = sorted(Lang::En);
        once.dedup();
        assert_eq!(once, sorted(Lang::En), "a key is there twice");
    }

    #[test]
    fn every_text_can_be_read() {
        for lang in Lang::ALL {
            for key in lang.keys() {
                assert_ne!(&lang.text(key), key, "{key} in {}", lang.code());
            }
        }
    }

    #[test]
    fn a_missing_key_shows_itself() {
        assert_eq!(Lang::De.text("no-such-text"), "no-such-text");
    }

    #[test]
    fn numbers_choose_the_plural() {
        assert_eq!(Lang::En.text_with("products-count", &[("count", 1.into())]), "1 product");
        assert_eq!(Lang::De.text_with("products-count", &[("count", 3.into())]), "3 Produkte");
    }

    #[test]
    fn browsers_get_the_best_allowed_language() {
        let both = [Lang::En, Lang::De];
        assert_eq!(Lang::negotiate("fr, en;q=0.5, de-AT;q=0.9", &both), Lang::De);
        assert_eq!(Lang::negotiate("de, en", &[Lang::En]), Lang::En);
        assert_eq!(Lang::negotiate("de;q=0", &both), Lang::En);
        assert_eq!(Lang::negotiate("", &[Lang::De, Lang::En]), Lang::De);
        assert_eq!(Lang::negotiate("en;q=broken, de;q=0.1", &both), Lang::De);
    }

    #[test]
    fn organisers_texts_fall_back() {
        let texts: Localized = serde_json::from_str(r#"{"en": "Seat", "de-informal": "Platz", "fr": ""}"#).unwrap();
        assert_eq!((texts.get(Lang::De), texts.get(Lang::En)), ("Platz", "Seat"));
        let one: Localized = serde_json::from_str(r#""Seat""#).unwrap();
        assert_eq!(one.get(Lang::De), "Seat");
        assert!(Localized::default().is_empty());
        assert_eq!(Localized::default().get(Lang::De), "");
    }

    #[test]
    fn countries_are_sorted_for_the_reader() {
        let german = countries(Lang::De);
        let at = |code| german.iter().position(|country| country.code == code);
        assert!(german.len() > 240 && at("EG") < at("AL"), "Ägypten stands before Albanien");
    }
}
