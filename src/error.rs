//! The error type of the program and its tables: exit code per error, message per constraint.
//!
//! An error has a message for the user (what failed, where, what to do) and an exit code for scripts. Errors of
//! PostgreSQL are translated by constraint name or SQLSTATE; users never see SQL. An error is logged once, where it is
//! handled.

use std::process::ExitCode;

/// A result with the error type of the program.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything requested is done.
    Done = 0,
    /// The command failed.
    Failed = 1,
    /// The command line or a setting is wrong.
    Usage = 2,
    /// A setting or an earlier step is missing.
    Prerequisite = 3,
    /// Done, but something needs attention.
    NeedsAttention = 4,
    /// A prompt was interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Every error of the program, grouped by what the user can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or a setting is wrong.
    #[error("{0}")]
    Usage(String),
    /// A setting or an earlier step is missing. The message names it.
    #[error("{0}")]
    Prerequisite(String),
    /// Refused until a user decides.
    #[error("{0}")]
    NeedsAttention(String),
    /// A signal ended the command before it wrote anything.
    #[error("stopped before anything was written")]
    Cancelled,
    /// Any other failure. The message gives the reason.
    #[error("{0}")]
    Failed(String),
    /// A file or folder cannot be read or written. The message contains its path.
    #[error("{message}")]
    File {
        message: String,
        /// The reason without the path.
        reason: String,
        is_disk_full: bool,
    },
    /// PostgreSQL refused a statement or cannot be reached.
    #[error("{}", database_message(.0))]
    Database(#[from] sqlx::Error),
    /// The schema cannot be updated.
    #[error("{}", migration_message(.0))]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Administrate refused a request or cannot be reached.
    #[error("{0}")]
    Administrate(#[source] administrate::Error),
}

impl Error {
    /// Returns the exit code of this error.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) => Exit::Usage,
            Error::Prerequisite(_) => Exit::Prerequisite,
            Error::NeedsAttention(_) | Error::Cancelled => Exit::NeedsAttention,
            Error::Failed(_)
            | Error::File { .. }
            | Error::Database(_)
            | Error::Migration(_)
            | Error::Administrate(_) => Exit::Failed,
        }
    }

    /// Reports whether the connection to the database was lost. Interrupted work can resume when it is back.
    pub fn is_lost_database(&self) -> bool {
        match self {
            Error::Database(sqlx::Error::Database(error)) => is_shutdown(error.as_ref()),
            Error::Database(error) => matches!(
                error,
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed
            ),
            _ => false,
        }
    }

    /// Reports whether a disk is full, here or on the server of the database.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Error::File { is_disk_full, .. } => *is_disk_full,
            Error::Database(sqlx::Error::Database(refusal)) => refusal.code().as_deref() == Some("53100"),
            _ => false,
        }
    }

    /// Returns the message for clients that must not see paths of this machine.
    pub fn without_path(&self) -> String {
        match self {
            Error::File { reason, .. } => format!("a file of the server cannot be used: {reason}"),
            error => error.to_string(),
        }
    }

    /// Reports whether the database works but did not execute a statement in time. The same statement may succeed later.
    pub fn is_busy_database(&self) -> bool {
        matches!(self, Error::Database(sqlx::Error::Database(error)) if is_busy(error.as_ref()))
    }

    /// Creates an error from an action ("reading"), the path of a file or folder, and the reason.
    pub fn io(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let reason = io_sentence(error);
        let is_disk_full = matches!(error.kind(), StorageFull | QuotaExceeded);
        Error::File { message: format!("{action} {}: {reason}", path.display()), reason, is_disk_full }
    }
}

impl From<administrate::Error> for Error {
    /// The rate limiter is in the database, so that its errors are errors of the database.
    fn from(error: administrate::Error) -> Self {
        match error {
            administrate::Error::RateLimiter { operation, source } => match source.downcast::<Error>() {
                Ok(error) => *error,
                Err(source) => Error::Administrate(administrate::Error::RateLimiter { operation, source }),
            },
            error => Error::Administrate(error),
        }
    }
}

/// Returns the reason of an I/O error with advice.
pub(crate) fn io_sentence(error: &std::io::Error) -> String {
    use std::io::ErrorKind::*;
    match error.kind() {
        NotFound => "no such file or folder: check the path or choose another one".into(),
        PermissionDenied => "permission denied: choose another path or change its permissions".into(),
        IsADirectory => "this is a folder: choose another name".into(),
        NotADirectory | AlreadyExists => "a part of this path is a file, not a folder: choose another path".into(),
        StorageFull => "the disk is full: free some space".into(),
        InvalidFilename => "the name is too long or not allowed: choose another name".into(),
        ReadOnlyFilesystem => "the file system is read-only: choose another path".into(),
        _ => error.to_string(),
    }
}

/// Constraints that a user can violate, with the message of each.
const CONSTRAINTS: &[(&str, &str)] = &[
    ("tutorial_events_code_key", "an event with this code exists already"),
    ("tutorial_sessions_event_seq_unique", "the event has a session with this sequence already"),
    ("tutorial_sessions_date_valid", "a session cannot end before it starts"),
    ("staff_user_id_fkey", "the user is a member of staff and cannot be deleted"),
    ("tutorial_course_templates_code_key", "a course template with this code exists already"),
];

fn database_message(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refusal) => {
            let constraint = refusal.constraint().unwrap_or_default();
            if let Some((_, message)) = CONSTRAINTS.iter().find(|(name, _)| *name == constraint) {
                return (*message).into();
            }
            match refusal.code().as_deref() {
                Some("28P01" | "28000") => {
                    "the database refused the login: check the user and password in DATABASE_URL".into()
                }
                Some("3D000") => "the database named in DATABASE_URL does not exist: create it first".into(),
                _ if is_shutdown(refusal.as_ref()) => UNREACHABLE.into(),
                _ if is_missing(refusal.as_ref()) => {
                    "the database schema is older than this program: run `lectern migrate`".into()
                }
                Some("53100") => DATABASE_DISK_FULL.into(),
                Some("23503") => foreign_key_message(refusal.as_ref()),
                _ if is_busy(refusal.as_ref()) => {
                    "the database is busy and did not answer in time: try again in a few seconds".into()
                }
                Some("25006") => DATABASE_READ_ONLY.into(),
                // RAISE in a trigger: its owner wrote this sentence for people.
                Some("P0001") => {
                    let sentence: String = refusal.message().lines().next().unwrap_or_default().chars().take(200).collect();
                    format!("a trigger of the database refused the change: {sentence}")
                }
                Some("42501") => "the database user lacks a privilege: `lectern migrate plan --grants OWNER,SERVICE` prints what it needs".into(),
                Some(code) => {
                    format!("the database refused the change (SQLSTATE {code}): run again with --debug for details")
                }
                None => "the database refused the change: run again with --debug for details".into(),
            }
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => UNREACHABLE.into(),
        sqlx::Error::Configuration(_) => {
            "DATABASE_URL is not a PostgreSQL address: write postgres://user:password@host:5432/name".into()
        }
        _ => "a request to the database failed: run again with --debug for details".into(),
    }
}

const DATABASE_DISK_FULL: &str = "the disk of the database is full: free some space";

const DATABASE_READ_ONLY: &str = "the database accepts no changes: name the primary server in DATABASE_URL if this is a \
                                  standby, or turn default_transaction_read_only off for this user and database";

const UNREACHABLE: &str = "the database cannot be reached: check that PostgreSQL runs and that DATABASE_URL is right";

/// Reports whether the server is shutting down or an administrator closed the connection.
fn is_shutdown(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(refusal.code().as_deref(), Some("57P01" | "57P02" | "57P03"))
}

/// Reports whether a statement was refused because of others: a timeout, a deadlock, or too many connections.
fn is_busy(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(refusal.code().as_deref(), Some("57014" | "55P03" | "40001" | "40P01" | "53300"))
}

fn foreign_key_message(refusal: &dyn sqlx::error::DatabaseError) -> String {
    let rows = refusal.table().map(|table| format!(" (of {table})")).unwrap_or_default();
    format!(
        "records{rows} refer to one that is deleted or does not exist: delete or change the referring records first, or \
         choose an existing one"
    )
}

/// Reports whether a statement names a table, schema or column that does not exist.
fn is_missing(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(refusal.code().as_deref(), Some("42P01" | "3F000" | "42703"))
}

fn migration_message(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError::*;
    match error {
        VersionMismatch(version) | VersionMissing(version) => format!(
            "another version of this program migrated the database (step {version} differs): use the newer program"
        ),
        Execute(error) => database_message(error),
        ExecuteMigration(sqlx::Error::Database(refusal), version) if is_missing(refusal.as_ref()) => format!(
            "step {version} of the schema does not fit the existing tables and was not applied: this version cannot \
             adopt them; use an empty database"
        ),
        ExecuteMigration(error, version) => format!("step {version} of the schema: {}", database_message(error)),
        _ => "the schema cannot be updated: run again with --debug for details".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_database_of_the_rate_limiter_is_a_lost_database() {
        let of = |source: Error| {
            Error::from(administrate::Error::RateLimiter { operation: "introspection", source: Box::new(source) })
        };
        assert!(of(sqlx::Error::PoolTimedOut.into()).is_lost_database());
        assert!(!of(sqlx::Error::RowNotFound.into()).is_lost_database());
    }
}
