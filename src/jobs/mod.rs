//! Background jobs: runs requested over HTTP or by the schedule, executed by the worker of `lectern serve`.
//!
//! A job that was accepted with 202 is executed even if the process ends (the next process resumes it), unless it is
//! cancelled. A job that is enqueued twice with one idempotency key runs once. Every run is stored with its document,
//! including dry runs.
//!
//! The queue knows no module: a module describes its [`Queue`], enqueues [`Job`]s and implements [`JobHandler`].

pub mod api;
pub mod description;
mod store;
mod worker;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Exit, Result};
use crate::identity::Caller;
use crate::runs::{self, RunKind};

pub use store::{applied_by, cancel, find, latest, purge_keys, repeat, request_of};
pub use worker::run_queue;

/// A queue of runs that are executed one at a time.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    /// What one of its runs is called in messages; also the run kind that lists show.
    pub name: &'static str,
    /// All kinds of `lectern.runs` that belong to it.
    pub run_kinds: &'static [RunKind],
    /// The path of its runs in the HTTP API.
    pub path: &'static str,
    /// The JSON key of a run's subject.
    pub subject_key: &'static str,
}

impl Queue {
    fn stored_kinds(&self) -> Vec<&'static str> {
        self.run_kinds.iter().map(|kind| kind.as_str()).collect()
    }
}

/// A run to be executed later.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its kind in `lectern.runs`.
    pub run_kind: RunKind,
    /// Its subject in `lectern.runs`.
    pub subject: String,
    /// Whether it only plans.
    pub dry_run: bool,
    /// What its handler reads, as JSON.
    pub payload: Box<RawValue>,
    /// What makes two requests equal, as JSON.
    identity: Box<RawValue>,
}

impl Job {
    /// Describes a run; `request` becomes the payload.
    ///
    /// # Errors
    /// When `request` cannot be serialised.
    pub fn new(run_kind: RunKind, subject: String, dry_run: bool, request: &impl Serialize) -> Result<Job> {
        let payload = serde_json::value::to_raw_value(request)
            .map_err(|error| Error::Failed(format!("the request cannot be stored: {error}")))?;
        Ok(Job { run_kind, subject, dry_run, identity: payload.clone(), payload })
    }

    /// Stores `request` as payload, which contains more than what makes two requests equal.
    ///
    /// # Errors
    /// When `request` cannot be serialised.
    pub fn stored_as(self, request: &impl Serialize) -> Result<Job> {
        let stored = Job::new(self.run_kind, String::new(), self.dry_run, request)?;
        Ok(Job { payload: stored.payload, ..self })
    }

    /// Returns the same digest for equal requests. `content`: the digest of a file that belongs to the request.
    fn fingerprint(&self, content: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.identity.get()).chain_update([0]).chain_update(content).finalize().into()
    }
}

/// The stored request of a run that has not ended.
#[derive(Debug)]
pub struct StoredJob {
    /// The run.
    pub run: i64,
    /// What its handler reads.
    pub payload: Box<RawValue>,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl StoredJob {
    /// Reads the payload.
    ///
    /// # Errors
    /// When the stored JSON does not fit `T`.
    pub fn request<T: for<'a> Deserialize<'a>>(&self) -> Result<T> {
        serde_json::from_str(self.payload.get())
            .map_err(|error| Error::Failed(format!("the stored request of run {} cannot be read: {error}", self.run)))
    }
}

/// A run's document and exit code.
#[derive(Debug)]
pub struct JobResult {
    /// What the command would print with `--json`.
    pub document: Value,
    /// The exit code of the command.
    pub exit: Exit,
}

impl JobResult {
    /// Puts a document and an exit code together.
    ///
    /// # Errors
    /// When the document cannot be serialised.
    pub fn new(document: &impl Serialize, exit: Exit) -> Result<JobResult> {
        let document = serde_json::to_value(document)
            .map_err(|error| Error::Failed(format!("the document cannot be serialised: {error}")))?;
        Ok(JobResult { document, exit })
    }
}

/// Executes the jobs of one queue.
pub trait JobHandler: Send + Sync + 'static {
    /// The queue whose jobs it executes.
    const QUEUE: &'static Queue;

    /// Executes a job until it is done or cancelled.
    fn run(&self, job: &StoredJob, cancel: CancellationToken) -> impl Future<Output = Result<JobResult>> + Send;

    /// Returns the document of a job that did nothing because of `reason`.
    fn empty_document(&self, job: &StoredJob, reason: &Error) -> Value;

    /// Parks the unfinished work of a cancelled run.
    fn on_cancelled(&self, _run: i64) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// Releases the resources of a finished run.
    fn on_finished(&self, _job: &StoredJob) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// The plan that a run applies: what a dry run has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPlan {
    /// The dry run.
    pub run: i64,
    /// Identifies what it has shown. A plan that differs is not applied.
    pub digest: String,
}

/// The outcome of [`enqueue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new run.
    New(i64),
    /// The same request was enqueued before under the same key: its run.
    Known(i64),
    /// The key was used for another request.
    KeyConflict,
}

/// Enqueues a job in the caller's transaction, which is committed only for [`Enqueued::New`]. `key`: the idempotency
/// key; `content`: the digest of a file that belongs to the request.
///
/// # Errors
/// Database errors.
pub async fn enqueue(
    db: &mut PgConnection,
    caller: &Caller,
    job: &Job,
    key: Option<&str>,
    content: &[u8],
) -> Result<Enqueued> {
    let run = runs::enqueue(db, job.run_kind, &job.subject, job.dry_run).await?;
    store::insert(db, run, &job.payload, Some(caller.token_id)).await?;
    let Some(key) = key else { return Ok(Enqueued::New(run)) };
    let fingerprint = job.fingerprint(content);
    Ok(match store::save_key(db, caller.token_id, key, &fingerprint, run).await? {
        None => Enqueued::New(run),
        Some((known, before)) if before == fingerprint => Enqueued::Known(known),
        Some(_) => Enqueued::KeyConflict,
    })
}

/// Enqueues a scheduled job; returns none if another process has enqueued it or an equal job has not ended.
///
/// # Errors
/// Database errors.
pub async fn enqueue_due(pool: &PgPool, job: &Job, due: Timestamp) -> Result<Option<i64>> {
    let mut transaction = pool.begin().await?;
    let is_first = store::claim_time(&mut transaction, &job.subject, due).await?;
    let run = match is_first && !store::is_open(&mut transaction, &job.payload).await? {
        true => {
            let run = runs::enqueue(&mut transaction, job.run_kind, &job.subject, job.dry_run).await?;
            store::insert(&mut transaction, run, &job.payload, None).await?;
            Some(run)
        }
        false => None,
    };
    // A claimed time stays claimed even if nothing is enqueued.
    transaction.commit().await?;
    Ok(run)
}

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// No worker has claimed it.
    Queued,
    /// A process executes it.
    Running,
    /// Cancelled; it ends before its next step.
    Cancelling,
    /// Cancelled, and ended.
    Cancelled,
    /// Executed. The exit code shows the success.
    Done,
    /// The process of a command ended before the run was executed.
    Interrupted,
}

/// A stored run; times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct JobRun {
    pub id: i64,
    /// Its kind in `lectern.runs`.
    pub kind: String,
    /// The file, the import that is undone, or the entity.
    pub subject: String,
    /// Whether it only plans.
    pub dry_run: bool,
    pub started_at: String,
    pub finished_at: Option<String>,
    pub exit_code: Option<i32>,
    /// What it reported.
    pub document: Option<Value>,
    /// Whether the run was enqueued. A run of a command was not.
    pub requested: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Whether a process executes it at this moment.
    pub locked: bool,
}

impl JobRun {
    /// Derives the progress from the stored times and the lock.
    pub fn state(&self) -> JobState {
        match (self.finished_at.is_some(), self.cancelled) {
            (true, true) => JobState::Cancelled,
            (true, false) => JobState::Done,
            (false, true) => JobState::Cancelling,
            (false, false) if self.locked => JobState::Running,
            (false, false) if self.requested => JobState::Queued,
            (false, false) => JobState::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fingerprints_of_equal_requests_are_equal() {
        let job = |dry_run| {
            Job::new(RunKind::Import, "t.xlsx".into(), dry_run, &json!({ "file": "t.xlsx", "dry_run": dry_run }))
                .expect("JSON")
        };
        assert_eq!(job(true).fingerprint(b"x"), job(true).fingerprint(b"x"));
        assert_ne!(job(true).fingerprint(b"x"), job(false).fingerprint(b"x"));
        assert_ne!(job(true).fingerprint(b"x"), job(true).fingerprint(b"y"));
    }
}
