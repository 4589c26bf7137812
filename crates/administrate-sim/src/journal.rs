//! A tenant stored on disk: a snapshot, and a journal of the mutations accepted since.
//!
//! A mutation is written before its response is sent, one line each. A killed simulator has therefore lost nothing it
//! acknowledged; a power cut may lose mutations, because nothing is fsynced. A start reads both files, writes a new
//! snapshot and opens a new journal under the next generation. The generation is part of the journal's file name, so a
//! start that is killed in between replays no mutation twice.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::log::Mutation;
use crate::mutations;
use crate::tenant::Tenant;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Reading or writing failed.
    #[error("the simulator's state {path}: {source}; check that its folder exists and can be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another process uses the file.
    #[error("the simulator's state {path} is in use by another process; stop that process or name another file")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a state file.
    #[error("the simulator's state {path} cannot be read ({source}); move it away to start with a new state")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The parse error.
        source: serde_json::Error,
    },
}

/// An open state file. Locks it until dropped.
#[derive(Debug)]
pub(crate) struct Journal {
    snapshot: PathBuf,
    generation: u64,
    journal: File,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Snapshot {
    generation: u64,
    tenant: Tenant,
}

impl Journal {
    /// Opens a state file and returns its tenant. `seed` is used only where the file does not exist.
    pub(crate) fn open(path: &Path, seed: Tenant) -> Result<(Self, Tenant), StateError> {
        let lock = lock(path)?;
        let (generation, tenant) = match fs::read(path) {
            Ok(bytes) => {
                let invalid = |source| StateError::Invalid { path: path.to_owned(), source };
                let Snapshot { generation, mut tenant } = serde_json::from_slice(&bytes).map_err(invalid)?;
                replay(&journal_path(path, generation), &mut tenant)?;
                (generation, tenant)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, seed),
            Err(source) => {
                return Err(StateError::Io { path: path.to_owned(), source });
            }
        };
        let journal = start_generation(path, generation + 1, &tenant)?;
        Ok((Self { snapshot: path.to_owned(), generation: generation + 1, journal, _lock: lock }, tenant))
    }

    /// Appends one accepted mutation.
    pub(crate) fn append(&mut self, mutation: &Mutation) -> io::Result<()> {
        let mut line = serde_json::to_vec(mutation)?;
        line.push(b'\n');
        self.journal.write_all(&line)
    }

    /// Replaces the stored state by a tenant.
    pub(crate) fn restart(&mut self, tenant: &Tenant) -> Result<(), StateError> {
        self.journal = start_generation(&self.snapshot, self.generation + 1, tenant)?;
        self.generation += 1;
        Ok(())
    }
}

fn journal_path(path: &Path, generation: u64) -> PathBuf {
    with_suffix(path, &format!("{generation}.journal"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens or creates a file that only its owner can read: the state contains names of people.
fn open_private(path: &Path, truncate: bool) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(truncate).write(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn lock(path: &Path) -> Result<File, StateError> {
    let file = with_suffix(path, "lock");
    let io_error = |source| StateError::Io { path: file.clone(), source };
    let opened = open_private(&file, false).map_err(io_error)?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error(source)),
    }
}

/// Applies the mutations of a journal. Ignores an incomplete last line: its response was never sent.
fn replay(path: &Path, tenant: &mut Tenant) -> Result<(), StateError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(StateError::Io { path: path.to_owned(), source });
        }
    };
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let invalid = |source| StateError::Invalid { path: path.to_owned(), source };
        let mutation: Mutation = serde_json::from_str(line).map_err(invalid)?;
        mutations::apply(tenant, &mutation.operation, &mutation.arguments, mutation.at);
    }
    Ok(())
}

/// Writes the snapshot of a new generation, opens its journal and deletes the previous journal.
fn start_generation(path: &Path, generation: u64, tenant: &Tenant) -> Result<File, StateError> {
    let io_error = |source| StateError::Io { path: path.to_owned(), source };
    let journal = journal_path(path, generation);
    let journal = open_private(&journal, true).map_err(io_error)?;
    let bytes = serde_json::to_vec(&Snapshot { generation, tenant: tenant.clone() });
    let bytes = bytes.map_err(|error| io_error(error.into()))?;
    let new_snapshot = with_suffix(path, "new");
    open_private(&new_snapshot, true).and_then(|mut file| file.write_all(&bytes)).map_err(io_error)?;
    fs::rename(&new_snapshot, path).map_err(io_error)?;
    match fs::remove_file(journal_path(path, generation - 1)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(error)),
        _ => Ok(journal),
    }
}
