//! Syncs as background jobs: requested over HTTP or by the schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::plan::plan_file::{PlanFile, PlanSource};
use super::undo::{SyncUndo, UndoMode, undo};
use super::{Entity, Report, Summary, SyncOptions, SyncRun, create_remote, stored_plans};
use crate::app::Context;
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Exit, Result};
use crate::jobs::{self, Job, JobHandler, JobResult, Queue, StoredJob};
use crate::runs::{self, RunKind};

/// The queue of syncs.
pub static SYNCS: Queue =
    Queue { name: "sync", run_kinds: &[RunKind::Sync, RunKind::SyncUndo], path: "/api/syncs", subject_key: "entity" };

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
    /// Undo this run, and do nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<i64>,
    /// Undo later runs that depend on it too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cascade: bool,
    /// Who is named in the history for an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
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
        let kind = if self.undo.is_some() { RunKind::SyncUndo } else { RunKind::Sync };
        Job::new(kind, self.entity.map_or("all", Entity::name).to_owned(), self.dry_run, self)
    }
}

impl SyncJobs {
    /// Returns the options of a request, with the plan that it applies.
    async fn options(&self, request: &SyncRequest) -> Result<SyncOptions> {
        let SyncRequest { entity, dry_run, only, skip_errors, create_local, chosen, plan, .. } = request.clone();
        let options = SyncOptions { dry_run, only, skip_errors, create_local, chosen, ..SyncOptions::default() };
        let Some(run) = plan else { return Ok(options) };
        Ok(SyncOptions { exactly: Some(self.stored_plan(run, entity).await?.plans), ..options })
    }

    /// Returns a stored plan, which has to be of this database and Administrate.
    async fn stored_plan(&self, run: i64, entity: Option<Entity>) -> Result<PlanFile> {
        let file = stored_plans::plan_to_apply(&self.pool, run).await?;
        if !file.is_made_of(&self.plan_source(entity).await?) {
            let reason = format!("the plan of run {run} is for another database or Administrate: plan again");
            return Err(Error::Failed(reason));
        }
        Ok(file)
    }

    /// Stores a plan that consists of what its document shows.
    async fn store_shown_plan(&self, run: i64, entity: Entity) -> Result<()> {
        let source = self.plan_source(Some(entity)).await?;
        let plan = PlanFile::new(source, BTreeSet::new(), None, BTreeMap::new());
        stored_plans::save(&self.pool, run, &plan).await
    }

    /// Compares parts of what a plan has shown with what it would be now.
    ///
    /// # Errors
    /// [`Error::NeedsAttention`] if they differ.
    async fn check_shown(&self, run: i64, entity: Entity, parts: &[&str], now: &Value) -> Result<()> {
        self.stored_plan(run, Some(entity)).await?;
        let shown = jobs::find(&self.pool, &SYNCS, run).await?.and_then(|run| run.document).unwrap_or_default();
        match parts.iter().all(|part| shown[*part] == now[*part]) {
            true => Ok(()),
            false => Err(Error::NeedsAttention(format!(
                "the plan of run {run} is stale and was not applied, because Administrate or this database has changed: \
                 plan again"
            ))),
        }
    }

    /// Returns what a plan is made of now.
    async fn plan_source(&self, entity: Option<Entity>) -> Result<PlanSource> {
        let administrate = self.config.administrate.api_url.trim_end_matches('/').to_owned();
        let database = runs::database_identity(&mut *self.pool.acquire().await?).await?;
        Ok(PlanSource { entity, administrate, database })
    }

    /// Creates local records in Administrate, or plans it. What is unmatched is found by a dry run first.
    async fn create_remote(
        &self,
        run: i64,
        (entity, request): (Entity, &SyncRequest),
        cancel: CancellationToken,
    ) -> Result<JobResult> {
        let (command, chosen) = (format!("sync {entity}"), &request.create_remote);
        let options = SyncOptions { dry_run: true, ..SyncOptions::default() };
        let mut planning = SyncRun::open(&self.pool, &self.config, &command, options, cancel.clone()).await?;
        let mut report = planning.sync_entity(entity).await;
        if report.failed() || report.is_stopped() {
            return JobResult::new(&report, report.stored_exit());
        }
        report = report.without_changes();
        let console = Console::new(true, true, cancel.clone());
        let context = Context { config: (*self.config).clone(), settings: Vec::new(), console, stop: cancel.clone() };
        if request.dry_run || request.plan.is_some() {
            let mut planned = report.clone();
            create_remote::plan_chosen(&context, &self.pool, &planning, chosen, &mut planned).await?;
            if let Some(plan) = request.plan {
                let now = JobResult::new(&planned, planned.stored_exit())?.document;
                self.check_shown(plan, entity, &["created_in_administrate"], &now).await?;
            } else {
                if !planned.created_in_administrate.is_empty() {
                    self.store_shown_plan(run, entity).await?;
                }
                return JobResult::new(&planned, planned.stored_exit());
            }
        }
        report.run_id = Some(run);
        report.dry_run = false;
        report.plan = None;
        let creating = SyncRun::open(&self.pool, &self.config, &command, SyncOptions::default(), cancel).await?;
        create_remote::create_chosen(&context, &self.pool, &creating, chosen, &mut report).await?;
        JobResult::new(&report, report.stored_exit())
    }

    /// Undoes a run, or plans it.
    async fn undo(&self, run: i64, (undone, request): (i64, &SyncRequest)) -> Result<JobResult> {
        let of = |mode| SyncUndo {
            run: undone,
            cascade: request.cascade,
            mode,
            in_run: Some(run),
            actor: request.actor.as_deref(),
        };
        let entity = request.entity.ok_or_else(|| Error::Failed(format!("run {undone} is of no entity")))?;
        let planned = undo(&self.pool, of(UndoMode::DryRun)).await?;
        if request.dry_run || !planned.is_possible() {
            if request.dry_run && planned.is_possible() {
                self.store_shown_plan(run, entity).await?;
            }
            return JobResult::new(&planned, planned.exit());
        }
        if let Some(plan) = request.plan {
            let now = JobResult::new(&planned, planned.exit())?.document;
            self.check_shown(plan, entity, &["undone", "plan", "removed_local"], &now).await?;
        }
        let done = undo(&self.pool, of(UndoMode::Write)).await?;
        JobResult::new(&done, done.exit())
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
        if let Some(undone) = request.undo {
            return self.undo(job.run, (undone, &request)).await;
        }
        if let Some(entity) = request.entity.filter(|_| !request.create_remote.is_empty()) {
            return self.create_remote(job.run, (entity, &request), cancel).await;
        }
        let command = format!("sync {}", request.entity.map_or("all", Entity::name));
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
