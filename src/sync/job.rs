//! Syncs as background jobs: requested over HTTP or by the schedule.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Entity, Report, Summary, SyncOptions, SyncRun};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::jobs::{Job, JobHandler, JobResult, Queue, StoredJob};
use crate::runs::RunKind;

/// The queue of syncs.
pub static SYNCS: Queue =
    Queue { name: "sync", run_kinds: &[RunKind::Sync], path: "/api/syncs", subject_key: "entity" };

/// The stored request of a sync that runs later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "sync")]
pub struct SyncRequest {
    /// None: all entities except events.
    pub entity: Option<Entity>,
    pub dry_run: bool,
    /// Apply only changes of the records with these ids in Administrate; empty: all changes.
    pub only: BTreeSet<String>,
    /// Continue after an entity that failed; only for all entities.
    pub skip_errors: bool,
}

impl SyncRequest {
    /// Describes the sync for the queue.
    ///
    /// # Errors
    /// Where the request cannot be serialised.
    pub fn job(&self) -> Result<Job> {
        Job::new(RunKind::Sync, self.entity.map_or("all", Entity::name).to_owned(), self.dry_run, self)
    }
}

/// Runs requested syncs.
#[derive(Debug)]
pub struct SyncJobs {
    pub pool: PgPool,
    pub config: Arc<Config>,
}

impl JobHandler for SyncJobs {
    const QUEUE: &'static Queue = &SYNCS;

    async fn run(&self, job: &StoredJob, cancel: CancellationToken) -> Result<JobResult> {
        let SyncRequest { entity, dry_run, only, skip_errors } = job.request()?;
        let options = SyncOptions { dry_run, only, skip_errors, ..SyncOptions::default() };
        let command = format!("sync {}", entity.map_or("all", Entity::name));
        let mut sync = SyncRun::open(&self.pool, &self.config, &command, options, cancel).await?;
        match entity {
            Some(entity) => {
                let report = sync.in_run(job.run).sync_entity(entity).await;
                JobResult::new(&report, report.stored_exit())
            }
            None => {
                let summary = sync.sync_all().await;
                JobResult::new(&summary, summary.exit())
            }
        }
    }

    fn empty_document(&self, job: &StoredJob, reason: &Error) -> Value {
        let document = match job.request() {
            Ok(SyncRequest { entity: Some(entity), dry_run, .. }) => {
                serde_json::to_value(Report::aborted(entity, None, dry_run, reason))
            }
            _ => serde_json::to_value(Summary::of(Vec::new())),
        };
        document.unwrap_or_else(|_| json!({}))
    }
}
