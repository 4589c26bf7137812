//! Runs: every sync and import that wrote something is stored with the document that it printed, and so is every run
//! requested over HTTP.
//!
//! The process that carries out a long run locks it. PostgreSQL releases the advisory lock when the process ends.

mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};

pub use store::{
    begin, begin_again, database_identity, ended_before, enqueue, find, finish, has_succeeded, last_syncs,
    later_writers, latest, latest_on, open_matches, purge, reopen, save_journal, try_lock_in_transaction, undo_pairs,
    undo_source, update_result,
};

use crate::error::Result;

/// What distinguishes a database from others, also from one of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseIdentity {
    pub name: String,
    /// When Lectern made its schema, RFC 3339.
    pub installed_on: String,
}

impl std::fmt::Display for DatabaseIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (of {})", self.name, self.installed_on.get(..19).unwrap_or(&self.installed_on))
    }
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunKind {
    Sync,
    SyncUndo,
    Import,
    ImportUndo,
    ImportPublish,
    CatalogueImport,
    CatalogueUndo,
}

impl RunKind {
    /// Returns the word stored in `lectern.runs`.
    pub const fn as_str(self) -> &'static str {
        match self {
            RunKind::Sync => "sync",
            RunKind::SyncUndo => "sync undo",
            RunKind::Import => "import",
            RunKind::ImportUndo => "import-undo",
            RunKind::ImportPublish => "import-publish",
            RunKind::CatalogueImport => "catalogue-import",
            RunKind::CatalogueUndo => "catalogue-undo",
        }
    }
}

/// Namespace of the advisory locks on runs that a process carries out.
pub const LOCKS: i32 = 0x4C_52_4E;

/// The lock on a run that this process carries out.
#[derive(Debug)]
pub struct RunLock(PgConnection);

/// Locks a run; returns none where another process has locked it.
pub async fn lock(pool: &PgPool, run: i64) -> Result<Option<RunLock>> {
    let mut connection = pool.acquire().await?.detach();
    let is_locked = store::try_lock(&mut connection, run).await?;
    Ok(is_locked.then_some(RunLock(connection)))
}

impl RunLock {
    /// Releases the lock by closing its connection.
    pub async fn release(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}

/// The last syncs of an entity.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LastSync {
    pub entity: String,
    /// When the last successful one ended, RFC 3339.
    pub succeeded_at: Option<String>,
    /// Exit code of the latest one that has ended.
    pub last_exit: Option<i32>,
}

/// What the latest sync of an entity left for a person to decide.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenMatches {
    pub run: i64,
    pub entity: String,
    /// Names that several records have.
    pub ambiguous: i32,
    /// Records without a counterpart, on both sides.
    pub unmatched: i32,
    /// Values that changed on both sides.
    pub conflicts: i32,
    pub errors: i32,
    pub exit_code: Option<i32>,
}

/// A stored run as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct Run {
    pub id: i64,
    /// The stored word of its [`RunKind`].
    pub kind: String,
    /// The entity or the file's name.
    pub subject: String,
    /// RFC 3339.
    pub started_at: String,
    /// Milliseconds; none while it runs, or where its process was killed.
    pub duration_ms: Option<i64>,
    /// None while it runs, or where its process was killed.
    pub exit_code: Option<i32>,
    /// The counts of its document.
    pub counts: Option<Value>,
    /// Number of requests to Administrate.
    pub requests: Option<i64>,
}

/// A run with all that is stored about it.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct StoredRun {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub run: Run,
    /// What it reported.
    pub document: Option<Value>,
    /// What it changed; none where it changed nothing.
    pub journal: Option<Value>,
}

/// A run as an undo needs it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct UndoSource {
    /// The stored word of its [`RunKind`].
    pub kind: String,
    pub subject: String,
    pub dry_run: bool,
    /// False while it runs, or where its process was killed.
    pub is_finished: bool,
    /// What it changed; none where it changed nothing.
    pub journal: Option<Value>,
    /// Names of the records that it created in Administrate.
    pub created_remote: Vec<String>,
}
