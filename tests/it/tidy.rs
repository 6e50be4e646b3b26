//! House rules that the compiler does not know.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use shop::i18n::Lang;

/// A text file of the workspace.
struct Source {
    /// Path in the workspace, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The text without the tests at its end.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap()
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.ends_with("/samples.rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below some folders with one of the endings.
fn sources(folders: &[&str], endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source { path: name, text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folders:?}");
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

const ALL: &[&str] = &["functions", "local", "migrations", "tests"];

#[test]
fn files_can_be_read_in_one_go() {
    for file in sources(ALL, &["rs", "sql", "html", "css", "js", "ftl"]) {
        let lines = file.text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines, 600 are the limit", file.path);
    }
}

#[test]
fn only_the_local_program_prints() {
    for file in sources(&["functions", "local"], &["rs"]) {
        let prints = ["println!", "print!(", "eprintln!", "eprint!(", "dbg!("].iter().any(|it| file.text.contains(it));
        assert!(!prints || file.path == "local/src/output.rs", "{} prints", file.path);
    }
}

#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not contain them.
    let marks =
        [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    for file in sources(ALL, &["rs", "sql", "html", "css", "js", "ftl", "md"]) {
        for mark in &marks {
            assert!(!file.text.contains(mark.as_str()), "{} contains {mark}", file.path);
        }
    }
}

#[test]
fn no_file_knows_a_machine() {
    let homes = ["root", "Users", "work"].map(|folder| format!("/{folder}/"));
    for file in sources(&["functions", "local", "migrations", "tests", "infra"], &["rs", "sql", "html", "json", "md"]) {
        for home in &homes {
            assert!(!file.text.contains(home.as_str()), "{} contains {home}", file.path);
        }
    }
}

/// Files that speak to the database about the database itself, not about the shop's tables.
const SQL_ELSEWHERE: &[&str] = &["functions/src/migrate.rs", "functions/src/port/lock.rs", "local/src/postgres/mod.rs"];

#[test]
fn sql_is_in_sql_files() {
    for file in sources(&["functions/src", "local/src"], &["rs"]) {
        let allowed = file.path.ends_with("/sql.rs") || SQL_ELSEWHERE.contains(&file.path.as_str());
        for literal in file.code().split('"').map(str::trim_start) {
            let words = ["select ", "insert into ", "update ", "delete from ", "with "];
            let is_sql = words.iter().any(|word| literal.starts_with(word))
                && [" from ", " set ", " values ", "select ", "pg_"].iter().any(|word| literal.contains(word));
            assert!(allowed || !is_sql, "{} contains SQL: {literal}", file.path);
        }
    }
}

#[test]
fn sql_files_end_with_the_list_of_their_statements() {
    for file in sources(&["functions/src"], &["rs"]) {
        if !file.path.ends_with("/sql.rs") {
            continue;
        }
        let (statements, list) =
            file.code().rsplit_once("pub const ALL: &[&str] =").unwrap_or_else(|| panic!("{}: no ALL", file.path));
        let (list, rest) = list.trim_start().trim_start_matches("&[").split_once("];").unwrap();
        assert!(rest.trim().is_empty(), "{}: something follows ALL", file.path);
        let listed: BTreeSet<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let declared: BTreeSet<&str> = statements
            .lines()
            .filter_map(|line| line.split_once("const ")?.1.split_once(": &str ="))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(listed, declared, "{}", file.path);
    }
}

#[test]
fn every_migration_is_listed() {
    let files = sources(&["migrations"], &["sql"]);
    let names: Vec<_> = files.iter().map(|file| file.path["migrations/".len()..].trim_end_matches(".sql")).collect();
    assert_eq!(names, shop::migrate::names().collect::<Vec<_>>());
    // Numbers may be left out: several people choose theirs at the same time.
    for name in &names {
        let number = name.split('_').next().unwrap();
        assert!(number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()), "{name} has no number");
    }
}

// --- texts ---

/// What is put behind a key at run time (`page/notice.rs`).
const ENDINGS: [&str; 2] = ["-title", "-text"];
/// Files with a function `text` that reads something else.
const NO_TEXTS: &str = "functions/src/event/import/";

fn text_users() -> Vec<Source> {
    let mut files = sources(&["functions/src", "functions/templates"], &["rs", "html", "txt"]);
    files.retain(|file| !file.is_test() && !file.path.starts_with(NO_TEXTS));
    files
}

#[test]
fn every_text_that_is_asked_for_exists() {
    let mut asked = BTreeSet::new();
    for file in text_users() {
        for call in ["t(\"", "n(\"", "text(\"", "named(\"", "text_with(\""] {
            for (start, _) in file.code().match_indices(call) {
                let (before, from) = (&file.code()[..start], &file.code()[start + call.len()..]);
                // The end of a longer name is another function.
                if !before.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    asked.insert(from.split('"').next().unwrap().to_owned());
                }
            }
        }
    }
    assert!(asked.len() > 100, "the search finds texts");
    for lang in Lang::ALL {
        let missing: Vec<_> = asked.iter().filter(|key| !lang.keys().contains(key)).collect();
        assert!(missing.is_empty(), "{lang:?} lacks {missing:?}");
    }
}

#[test]
fn every_text_is_used() {
    let literals: BTreeSet<String> =
        text_users().iter().flat_map(|file| file.code().split('"').map(str::to_owned).collect::<Vec<_>>()).collect();
    let begun = |key: &str| ENDINGS.iter().any(|end| key.strip_suffix(end).is_some_and(|it| literals.contains(it)));
    let is_used = |key: &String| literals.contains(key) || begun(key);
    let unused: BTreeSet<&str> = Lang::En.keys().iter().filter(|key| !is_used(key)).map(String::as_str).collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
}
