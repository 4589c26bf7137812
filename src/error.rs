//! The one error type, and the tables that say what becomes of it.
//!
//! Policy: an error is a sentence for a person (what, where, how to mend it) and an exit code for a script. Whatever
//! PostgreSQL says is translated by constraint name or told in our own words; SQL never reaches a person. An error is
//! logged once, where it is handled.

use std::process::ExitCode;

/// Shorthand for results of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How a command ends (contract §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All that was asked is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// A prerequisite is missing.
    Prerequisite = 3,
    /// Done, but something needs a person.
    NeedsAttention = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Whatever can go wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command was called in a way that cannot work.
    #[error("{0}")]
    Usage(String),
    /// Something has to be set or run first; the sentence says what.
    #[error("{0}")]
    Prerequisite(String),
    /// Refused until a person decides.
    #[error("{0}")]
    NeedsAttention(String),
    /// A signal ended it before anything was written.
    #[error("stopped before anything was written")]
    Cancelled,
    /// It failed, and the sentence says why.
    #[error("{0}")]
    Failed(String),
    /// PostgreSQL refused or could not be reached.
    #[error("{}", database_sentence(.0))]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("{}", migration_sentence(.0))]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Administrate refused or could not be reached.
    #[error("{0}")]
    Administrate(#[from] administrate::Error),
}

impl Error {
    /// The exit code that the contract gives this error.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) => Exit::Usage,
            Error::Prerequisite(_) => Exit::Prerequisite,
            Error::NeedsAttention(_) | Error::Cancelled => Exit::NeedsAttention,
            Error::Failed(_) | Error::Database(_) | Error::Migration(_) | Error::Administrate(_) => Exit::Failed,
        }
    }

    /// Whether the database cannot be reached, or ended the connection: what was under way can go on once it is back.
    pub fn is_lost_database(&self) -> bool {
        match self {
            Error::Database(sqlx::Error::Database(refusal)) => is_shutdown(refusal.as_ref()),
            Error::Database(error) => matches!(
                error,
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed
            ),
            _ => false,
        }
    }

    /// An error that tells what was being done to which file or folder.
    pub fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Error::Failed(format!("{doing} {}: {}", path.display(), io_sentence(error)))
    }
}

/// What the system's refusal means to a person.
pub(crate) fn io_sentence(error: &std::io::Error) -> String {
    use std::io::ErrorKind::*;
    match error.kind() {
        NotFound => "there is no such place; check the path or choose another".into(),
        PermissionDenied => "this user may not; choose another place or change its permissions".into(),
        IsADirectory => "this is a folder; choose another name".into(),
        NotADirectory | AlreadyExists => "a part of this path is a file, not a folder; choose another place".into(),
        StorageFull => "the disk is full".into(),
        _ => error.to_string(),
    }
}

/// What each constraint of ours means to a person.
const CONSTRAINTS: &[(&str, &str)] = &[
    ("tutorial_events_code_key", "an event with this code exists already"),
    ("tutorial_sessions_event_seq_unique", "the event has a session with this sequence already"),
    ("tutorial_sessions_date_valid", "a session cannot end before it starts"),
    ("staff_user_id_fkey", "the user is a member of staff and cannot be deleted"),
    ("tutorial_course_templates_code_key", "a course template with this code exists already"),
];

fn database_sentence(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refusal) => {
            let constraint = refusal.constraint().unwrap_or_default();
            if let Some((_, sentence)) = CONSTRAINTS.iter().find(|(name, _)| *name == constraint) {
                return (*sentence).into();
            }
            match refusal.code().as_deref() {
                Some("28P01" | "28000") => {
                    "the database refused the login: check the user and password in DATABASE_URL".into()
                }
                Some("3D000") => "the database named in DATABASE_URL does not exist: create it first".into(),
                _ if is_shutdown(refusal.as_ref()) => UNREACHABLE.into(),
                _ if is_missing(refusal.as_ref()) => {
                    "the database is not at the schema of this program: run `lectern migrate`".into()
                }
                Some("42501") => "the database user lacks a privilege that this needs".into(),
                Some(code) => format!("the database refused the change (SQLSTATE {code}); --debug logs the details"),
                None => "the database refused the change; --debug logs the details".into(),
            }
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => UNREACHABLE.into(),
        sqlx::Error::Configuration(_) => {
            "DATABASE_URL is no PostgreSQL address; it looks like postgres://user:password@host:5432/name".into()
        }
        _ => "talking to the database failed; --debug logs the details".into(),
    }
}

const UNREACHABLE: &str = "the database cannot be reached: check that PostgreSQL runs and what DATABASE_URL says";

/// The server ends, or somebody has it end the connection.
fn is_shutdown(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(refusal.code().as_deref(), Some("57P01" | "57P02" | "57P03"))
}

/// A table, schema or column that a statement names is not there.
fn is_missing(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(refusal.code().as_deref(), Some("42P01" | "3F000" | "42703"))
}

fn migration_sentence(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError::*;
    match error {
        VersionMismatch(version) | VersionMissing(version) => format!(
            "the database was brought to its schema by another version of this program (step {version} differs): \
             use the newer program"
        ),
        Execute(error) => database_sentence(error),
        ExecuteMigration(sqlx::Error::Database(refusal), version) if is_missing(refusal.as_ref()) => format!(
            "step {version} of the schema does not fit the tables that stand here already, and was not taken: this \
             version cannot adopt them; name an empty database"
        ),
        ExecuteMigration(error, version) => format!("step {version} of the schema: {}", database_sentence(error)),
        _ => "the schema could not be brought up to date; --debug logs the details".into(),
    }
}
