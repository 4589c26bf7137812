//! Syncs as background jobs: requested over HTTP or by the schedule.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::plan::plan_file::{PlanFile, PlanSource};
use super::{Entity, Report, Summary, SyncOptions, SyncRun, create_remote, stored_plans};
use crate::app::Context;
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Exit, Result};
use crate::jobs::{Job, JobHandler, JobResult, Queue, StoredJob};
use crate::runs::{self, RunKind};

/// The queue of syncs.
pub static SYNCS: Queue =
    Queue { name: "sync", run_kinds: &[RunKind::Sync], path: "/api/syncs", subject_key: "entity" };

/// The stored request of a sync that runs later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "sync")]
pub struct SyncRequest {
    /// None: all entities except events.
    pub entity: Option<Entity>,
    pub dry_run: bool,
    /// Apply only changes of the records with these ids in Administrate; empty: all changes.
    pub only: BTreeSet<String>,
    /// Continue after an entity that failed; only for all entities.
    pub skip_errors: bool,
    /// Create local records for unmatched ones in Administrate, all or those of `only`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_local: bool,
    /// Create these local records in Administrate, and do nothing else; empty: none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub create_remote: BTreeSet<i64>,
    /// Apply exactly the plan of this dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<i64>,
    /// Of this plan, apply only changes of the records with these ids in Administrate; empty: all changes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub chosen: BTreeSet<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
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

impl SyncJobs {
    /// Returns the options of a request, with the plan that it applies.
    async fn options(&self, request: &SyncRequest) -> Result<SyncOptions> {
        let SyncRequest { entity, dry_run, only, skip_errors, create_local, chosen, plan, .. } = request.clone();
        let options = SyncOptions { dry_run, only, skip_errors, create_local, chosen, ..SyncOptions::default() };
        let Some(run) = plan else { return Ok(options) };
        let file = stored_plans::plan_to_apply(&self.pool, run).await?;
        if !file.is_made_of(&self.plan_source(entity).await?) {
            let reason = format!("the plan of run {run} is for another database or Administrate: plan again");
            return Err(Error::Failed(reason));
        }
        Ok(SyncOptions { exactly: Some(file.plans), ..options })
    }

    /// Returns what a plan is made of now.
    async fn plan_source(&self, entity: Option<Entity>) -> Result<PlanSource> {
        let administrate = self.config.administrate.api_url.trim_end_matches('/').to_owned();
        let database = runs::database_identity(&mut *self.pool.acquire().await?).await?;
        Ok(PlanSource { entity, administrate, database })
    }

    /// Creates local records in Administrate. What is unmatched is found by a dry run first.
    async fn create_remote(
        &self,
        run: i64,
        (entity, command): (Entity, &str),
        chosen: &BTreeSet<i64>,
        cancel: CancellationToken,
    ) -> Result<JobResult> {
        let options = SyncOptions { dry_run: true, ..SyncOptions::default() };
        let mut planning = SyncRun::open(&self.pool, &self.config, command, options, cancel.clone()).await?;
        let mut report = planning.sync_entity(entity).await;
        if !report.failed() {
            report.run_id = Some(run);
            report.dry_run = false;
            report.plan = None;
            let creating =
                SyncRun::open(&self.pool, &self.config, command, SyncOptions::default(), cancel.clone()).await?;
            let console = Console::new(true, true, cancel.clone());
            let context = Context { config: (*self.config).clone(), console, stop: cancel };
            create_remote::create_chosen(&context, &self.pool, &creating, chosen, &mut report).await?;
        }
        JobResult::new(&report, report.stored_exit())
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
        let request: SyncRequest = job.request()?;
        let command = format!("sync {}", request.entity.map_or("all", Entity::name));
        if let Some(entity) = request.entity.filter(|_| !request.create_remote.is_empty()) {
            return self.create_remote(job.run, (entity, &command), &request.create_remote, cancel).await;
        }
        let options = self.options(&request).await?;
        let sync = SyncRun::open(&self.pool, &self.config, &command, options, cancel).await?;
        // Each entity of a sync of all has a run of its own.
        let mut sync = if request.entity.is_some() { sync.in_run(job.run) } else { sync };
        let (result, is_complete) = match request.entity {
            Some(entity) => {
                let report = sync.sync_entity(entity).await;
                (JobResult::new(&report, report.stored_exit())?, !report.failed() && !report.is_stopped())
            }
            None => {
                let summary = sync.sync_all().await;
                (JobResult::new(&summary, summary.exit())?, summary.exit() != Exit::Failed)
            }
        };
        if request.dry_run && is_complete {
            let source = self.plan_source(request.entity).await?;
            let plan = PlanFile::new(source, request.only, None, sync.planned().clone());
            stored_plans::save(&self.pool, job.run, &plan).await?;
        }
        Ok(result)
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
