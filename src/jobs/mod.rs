//! Runs that are asked for over HTTP: an import or a sync that is carried out in the background.
//!
//! Promises: what was answered 202 is carried out, also when the process ends meanwhile (the next one takes it up, and it
//! goes on from what is done already), unless it is called off; asked twice under one idempotency key it runs once; the run
//! is kept with its document, also a dry one.
//!
//! Does not: know how an import or a sync works; they are the verbs that the commands call.

pub mod api;
pub mod progress;
pub(crate) mod store;
pub mod throughput;
pub mod worker;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::error::Result;
use crate::identity::Caller;
use crate::runs;
use crate::sync::Entity;
use crate::timetable_import::run::Deliver;

pub use store::{cancel, kept, latest};

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Request {
    /// A timetable whose file is kept in the data folder.
    Import {
        /// The file's name.
        file: String,
        /// Only plan.
        dry_run: bool,
        /// When the remote half happens.
        deliver: Deliver,
        /// What is wished beyond that.
        #[serde(flatten)]
        further: Further,
    },
    /// An import that is taken back.
    Undo {
        /// Which.
        import: i64,
        /// Only plan.
        dry_run: bool,
    },
    /// A sync.
    Sync {
        /// Of what; none: of everything.
        entity: Option<Entity>,
        /// Only plan.
        dry_run: bool,
        /// Only these records, by Administrate's id; empty: all.
        only: BTreeSet<String>,
        /// All entities: go on after one that failed.
        skip_errors: bool,
    },
}

/// What an import does only where it is asked to, as the command's options of the same names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "as in `importing::Asked`")]
pub struct Further {
    pub publish: bool,
    pub delete_drafts: bool,
    pub ours: bool,
    pub approve_instructors: bool,
    pub create_instructors: bool,
}

/// As `lectern.runs` calls a run that takes back an import.
pub const UNDO: &str = "import-undo";

/// The two kinds of run; each is carried out one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of a timetable, or of taking one back.
    Import,
    /// Of reference data.
    Sync,
}

impl Kind {
    /// As `lectern.runs` has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Import => "import",
            Kind::Sync => "sync",
        }
    }

    /// All that `lectern.runs` calls such a run.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Kind::Import => &["import", UNDO],
            Kind::Sync => &["sync"],
        }
    }

    /// Under which path its runs are.
    pub fn path(self) -> &'static str {
        match self {
            Kind::Import => "/api/imports",
            Kind::Sync => "/api/syncs",
        }
    }
}

impl Request {
    /// Which kind of run it makes.
    pub fn kind(&self) -> Kind {
        match self {
            Request::Import { .. } | Request::Undo { .. } => Kind::Import,
            Request::Sync { .. } => Kind::Sync,
        }
    }

    /// What `lectern.runs` calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Request::Undo { .. } => UNDO,
            other => other.kind().name(),
        }
    }

    /// Whether it only plans.
    pub fn is_dry(&self) -> bool {
        match self {
            Request::Import { dry_run, .. } | Request::Undo { dry_run, .. } | Request::Sync { dry_run, .. } => *dry_run,
        }
    }

    /// What `lectern.runs` calls its subject: the file, the import that is taken back, or the entity.
    pub(crate) fn subject(&self) -> Cow<'_, str> {
        match self {
            Request::Import { file, .. } => file.into(),
            Request::Undo { import, .. } => import.to_string().into(),
            Request::Sync { entity, .. } => entity.map_or("all", Entity::name).into(),
        }
    }

    /// Equal for equal requests. `content`: what a file holds.
    fn fingerprint(&self, content: &[u8]) -> [u8; 32] {
        let said = serde_json::to_vec(self).unwrap_or_default();
        Sha256::new().chain_update(said).chain_update([0]).chain_update(content).finalize().into()
    }
}

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// A new run.
    New(i64),
    /// It was asked before, under the same key: this run.
    Known(i64),
    /// The key was used for something else.
    OtherUnderThisKey,
}

/// Asks for a run in the caller's transaction; only [`Asking::New`] is to be committed. `key`: the idempotency key;
/// `content`: the digest of a file that belongs to the request.
///
/// # Errors
/// From the database.
pub async fn ask(
    db: &mut PgConnection,
    caller: &Caller,
    request: &Request,
    key: Option<&str>,
    content: &[u8],
) -> Result<Asking> {
    let run = runs::begin_later(db, request.name(), &request.subject(), request.is_dry()).await?;
    store::insert(db, run, request, Some(caller.token_id)).await?;
    let Some(key) = key else { return Ok(Asking::New(run)) };
    let fingerprint = request.fingerprint(content);
    Ok(match store::remember(db, caller.token_id, key, &fingerprint, run).await? {
        None => Asking::New(run),
        Some((known, before)) if before == fingerprint => Asking::Known(known),
        Some(_) => Asking::OtherUnderThisKey,
    })
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has begun.
    Queued,
    /// Somebody carries it out.
    Running,
    /// Called off; it ends at its next step.
    Cancelling,
    /// Called off, and ended.
    Cancelled,
    /// Carried out; the exit code says how well.
    Done,
    /// A command's process ended before it was carried out.
    Interrupted,
}

/// A run as it is kept; times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Kept {
    pub id: i64,
    pub kind: String,
    pub subject: String,
    pub dry_run: bool,
    pub started_at: String,
    pub finished_at: Option<String>,
    pub exit_code: Option<i32>,
    pub document: Option<Value>,
    /// Whether it was asked for over HTTP; none for a command's.
    pub requested: bool,
    pub cancelled: bool,
    /// Whether somebody carries it out at this moment.
    pub held: bool,
}

impl Kept {
    /// How far it has come.
    pub fn state(&self) -> State {
        match (self.finished_at.is_some(), self.cancelled) {
            (true, true) => State::Cancelled,
            (true, false) => State::Done,
            (false, true) => State::Cancelling,
            (false, false) if self.held => State::Running,
            (false, false) if self.requested => State::Queued,
            (false, false) => State::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_have_equal_fingerprints() {
        let further = Further::default();
        let import = |dry_run| Request::Import { file: "t.xlsx".into(), dry_run, deliver: Deliver::Wait, further };
        assert_eq!(import(true).fingerprint(b"x"), import(true).fingerprint(b"x"));
        assert_ne!(import(true).fingerprint(b"x"), import(false).fingerprint(b"x"));
        assert_ne!(import(true).fingerprint(b"x"), import(true).fingerprint(b"y"));
    }

    #[test]
    fn what_was_asked_before_there_were_further_wishes_is_read() {
        let kept = r#"{"kind": "import", "file": "t.xlsx", "dry_run": false, "deliver": "queue"}"#;
        let (file, further) = ("t.xlsx".into(), Further::default());
        let import = Request::Import { file, dry_run: false, deliver: Deliver::Queue, further };
        assert_eq!(serde_json::from_str::<Request>(kept).expect("it reads"), import);
    }
}
