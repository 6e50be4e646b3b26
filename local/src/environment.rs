//! The process environment of the local tools, read in one place.

use std::path::PathBuf;

/// A variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place of the local tools that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folders in which the shell looks for programs.
pub fn search_path() -> Vec<PathBuf> {
    variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}
