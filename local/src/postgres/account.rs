//! The account that Postgres runs as: ours, unless we are root, which Postgres refuses.

use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use super::PostgresError;

/// Accounts that root lends to Postgres, in order of preference.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Who runs Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The account of this process.
    Own,
    /// Another account, because this process is root.
    Other {
        /// Its number.
        uid: u32,
        /// The number of its first group.
        gid: u32,
    },
}

impl Account {
    /// The account to use on this machine.
    pub fn choose() -> Result<Self, PostgresError> {
        if number(&["-u"]) != Some(0) {
            return Ok(Self::Own);
        }
        let lent = CANDIDATES.iter().find_map(|name| {
            Some(Self::Other { uid: number(&["-u", name])?, gid: number(&["-g", name])? })
        });
        lent.ok_or(PostgresError::NoAccount)
    }

    /// Makes a command run as this account.
    pub fn run(self, command: &mut Command) -> &mut Command {
        match self {
            Self::Own => command,
            Self::Other { uid, gid } => command.uid(uid).gid(gid),
        }
    }

    /// Gives a file or folder to this account.
    pub fn own(self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::chown(path, Some(uid), Some(gid)),
        }
    }

    /// True when this account may work inside `folder`, which needs every folder above it to be passable too.
    pub fn reaches(self, folder: &Path) -> bool {
        let answer = self.run(Command::new("test").arg("-w").arg(folder).current_dir("/")).status();
        answer.is_ok_and(|status| status.success())
    }

    /// True when `path` belongs to this account, and not to somebody who waited for us in a shared folder.
    pub fn owns(self, path: &Path) -> bool {
        match self {
            Self::Own => true,
            Self::Other { uid, .. } => path.symlink_metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == uid),
        }
    }
}

fn number(arguments: &[&str]) -> Option<u32> {
    let answer = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&answer.stdout).trim().parse().ok()
}
