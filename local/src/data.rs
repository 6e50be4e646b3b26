//! The data folder: everything that survives a restart, and the lock that keeps a second stack out of it.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rand::Rng as _;

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another stack is running on it.
    #[error(
        "Process {pid} is already running on {folder}.\n\
         Use that one, stop it with `kill {pid}`, or choose another folder with ONSALE_DATA."
    )]
    InUse {
        /// The other process.
        pid: String,
        /// The folder.
        folder: PathBuf,
        /// Its database.
        database_url: String,
        /// What the addresses of its queues begin with.
        queue_url_prefix: String,
    },
    /// Missing rights, a full disk.
    #[error("The data folder {folder} cannot be used: {source}.\nChoose another one with ONSALE_DATA.")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
}

/// The data folder, owned by this process until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    folder: PathBuf,
    // The kernel gives the lock back however the process ends, so there are no stale ones.
    lock: File,
}

impl DataFolder {
    /// Takes the folder, made if missing.
    pub fn take(folder: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Io { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let path = folder.join("lock");
        let mut options = File::options();
        let mut lock =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                lock.read_to_string(&mut text).map_err(failed)?;
                let mut lines = text.lines().map(str::to_owned);
                let mut line = || lines.next().unwrap_or_default();
                let (pid, database_url, queue_url_prefix) = (line(), line(), line());
                return Err(DataError::InUse { pid, folder, database_url, queue_url_prefix });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut taken = Self { folder, lock };
        taken.announce("", "").map_err(failed)?;
        Ok(taken)
    }

    /// Tells other processes which database and queues this one uses.
    pub fn announce(&mut self, database_url: &str, queue_url_prefix: &str) -> std::io::Result<()> {
        self.lock.rewind()?;
        self.lock.set_len(0)?;
        write!(self.lock, "{}\n{database_url}\n{queue_url_prefix}\n", std::process::id())
    }

    /// A file or folder inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.folder
    }

    /// The text of a secret that is made once and then kept.
    pub fn secret(&self, name: &str) -> std::io::Result<String> {
        let path = self.path(name);
        if let Ok(kept) = std::fs::read_to_string(&path)
            && kept.len() >= 64
        {
            return Ok(kept);
        }
        let secret: String = (0..4).map(|_| format!("{:016x}", rand::rng().next_u64())).collect();
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(secret.as_bytes())?;
        Ok(secret)
    }

    /// Removes everything, database included.
    pub fn clear(self) -> Result<(), crate::stack::StackError> {
        crate::postgres::remove(&self.folder)?;
        let folder = self.folder.clone();
        std::fs::remove_dir_all(&folder).map_err(|source| DataError::Io { folder, source })?;
        Ok(())
    }
}
