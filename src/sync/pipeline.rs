//! The sync of one entity: read both sides, plan, then report the plan or apply it, and store the report.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use sqlx::postgres::PgAdvisoryLock;
use sqlx::{Connection, Either, PgConnection};

use super::apply::apply;
use super::create_local::{self, CreateLocalOptions};
use super::entity::Entity;
use super::entity_sync::{Decisions, EntitySync, plan_storable};
use super::options::SyncOptions;
use super::plan::plan_file::is_same_plan;
use super::plan::staleness::differences;
use super::plan::{ChangeAction, SyncPlan};
use super::report::Report;
use super::run::{ProgressEvent, SyncRun};
use super::undo::journal::UndoJournalRef;
use crate::bridges::reference::{CascadedDeletes, LinkRow};
use crate::error::{Error, Result};
use crate::history::{self, Interface};
use crate::runs;
use crate::sync::report::findings::RecordError;

impl SyncRun {
    /// Runs the sync of one entity. Failures are recorded in the report.
    pub(super) async fn run_entity<E: EntitySync>(&mut self) -> Report {
        self.requests_before = self.client.requests();
        let result = if self.options.dry_run { self.dry_run::<E>().await } else { self.execute::<E>().await };
        let report = result.unwrap_or_else(|error| Report::aborted(E::ENTITY, None, self.options.dry_run, &error));
        let report = report.with_request_count(self.requests());
        if !report.failed() && !report.is_stopped() {
            self.completed.insert(E::ENTITY);
        }
        report
    }

    /// Plans without writing. The planned rows are visible to the later entities of the same dry run.
    async fn dry_run<E: EntitySync>(&mut self) -> Result<Report> {
        let mut db = self.pool.acquire().await?;
        self.check_prerequisites::<E>(&mut db).await?;
        E::prepare(&mut db, &mut self.context).await?;
        let prunable = self.prunable_rows::<E>(&mut db).await?;
        let remote = self.fetch::<E>().await?;
        let mut rows = E::link_rows(&mut db).await?;
        E::apply_cascades(&mut rows, &self.context.cascaded);
        let plan = self.plan::<E>(&mut db, remote, &rows, prunable).await?;
        (self.observer)(ProgressEvent::Planned(&plan));
        self.planned.insert(E::ENTITY, plan_value(&plan)?);
        Ok(match self.plan_refusal(&plan, rows.len())? {
            Some(Refusal(reason, details)) => Report::rejected(&plan, None, true, reason).with_errors(details),
            None => {
                let report = Report::of(&plan, None, true);
                self.stage::<E>(plan, &rows);
                report
            }
        })
    }

    /// Keeps what a plan would write, so that later entities of the same dry run plan as if it were written.
    fn stage<E: EntitySync>(&mut self, plan: SyncPlan<E::Row>, rows: &[E::Row]) {
        let rows = plan.applied_to(rows);
        let links = rows.iter().rev().filter_map(|row| Some((row.link()?, row.external_id().to_owned())));
        self.planned_links.insert(E::ENTITY, links.collect());
        E::stage_rows(&mut self.context, rows);
        self.context.cascaded.extend(plan.cascaded);
        if E::ENTITY == Entity::CourseTemplates {
            self.context.planned_templates = plan.planned_local;
        }
    }

    /// Plans, applies and stores the report. An advisory lock excludes other syncs of this entity in this database.
    async fn execute<E: EntitySync>(&mut self) -> Result<Report> {
        let mut db = self.pool.acquire().await?;
        self.check_prerequisites::<E>(&mut db).await?;
        E::prepare(&mut db, &mut self.context).await?;
        let lock = PgAdvisoryLock::new(format!("lectern sync {}", E::ENTITY));
        let Either::Left(mut guard) = lock.try_acquire(self.pool.acquire().await?).await? else {
            return Err(Error::Failed(format!(
                "another sync of {} is running on this database: wait until it has ended",
                E::ENTITY.plural()
            )));
        };
        let run = match self.run {
            Some(run) => run,
            None => runs::begin(&mut db, runs::RunKind::Sync, E::ENTITY.name()).await?,
        };
        let result = self.plan_and_apply::<E>(&mut guard, run).await;
        // PostgreSQL releases the lock itself when the connection is broken.
        let _ = guard.release_now().await;
        match result {
            Ok(report) => Ok(report),
            Err(error) => {
                let report = Report::aborted(E::ENTITY, Some(run), false, &error).with_request_count(self.requests());
                runs::finish(&mut db, run, report.stored_exit(), &report).await?;
                Ok(report)
            }
        }
    }

    /// Fetches from Administrate, then reads local records, plans and writes in one transaction without network calls.
    async fn plan_and_apply<E: EntitySync>(&self, db: &mut PgConnection, run: i64) -> Result<Report> {
        let prunable = self.prunable_rows::<E>(db).await?;
        let remote = self.fetch::<E>().await?;
        let mut transaction = db.begin().await?;
        history::sign_run(&mut transaction, Some(run), Interface::Sync).await?;
        let rows = E::link_rows(&mut transaction).await?;
        let mut plan = self.plan::<E>(&mut transaction, remote, &rows, prunable).await?;
        let report = match self.plan_refusal(&plan, rows.len())? {
            Some(Refusal(reason, details)) => Report::rejected(&plan, Some(run), false, reason).with_errors(details),
            None => {
                if !self.options.chosen.is_empty() {
                    let unknown = plan.restrict_to(&self.options.chosen);
                    let errors = unknown.iter().filter(|_| !self.all_entities);
                    plan.findings.errors.extend(errors.map(|id| unknown_id_error(id, E::ENTITY.plural())));
                }
                apply::<E>(&mut transaction, &plan, Some(run)).await?;
                if !plan.is_empty() {
                    runs::save_journal(&mut transaction, run, &UndoJournalRef::of(&plan)).await?;
                }
                Report::of(&plan, Some(run), false)
            }
        };
        let report = report.with_request_count(self.requests());
        runs::finish(&mut transaction, run, report.exit(), &report).await?;
        transaction.commit().await?;
        Ok(report)
    }

    /// Updates the bridge rows of these records from Administrate.
    pub(super) async fn refresh_some<E: EntitySync>(&self, external_ids: &BTreeSet<String>) -> Result<()> {
        let remote = self.fetch::<E>().await?;
        let mut transaction = self.pool.begin().await?;
        history::sign_run(&mut transaction, None, Interface::Sync).await?;
        let rows = E::link_rows(&mut transaction).await?;
        let local = E::local_records(&mut transaction, &self.context).await?;
        let decisions = Decisions::load(&mut transaction, E::ENTITY).await?;
        let mut plan = plan_storable::<E>(&local, remote, &rows, &decisions);
        plan.restrict_to(external_ids);
        apply::<E>(&mut transaction, &plan, None).await?;
        Ok(transaction.commit().await?)
    }

    /// Returns the number of requests sent for the current entity.
    fn requests(&self) -> u64 {
        self.client.requests() - self.requests_before
    }

    async fn fetch<E: EntitySync>(&self) -> Result<E::Remote> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Cancelled),
            remote = E::fetch(&self.client, &self.context) => remote,
        }
    }

    /// Returns the identities of the rows that exist before the fetch; none unless rows are pruned.
    ///
    /// A delivery may add a row during the fetch. Its record is missing in the fetch and must not be pruned.
    async fn prunable_rows<E: EntitySync>(&self, db: &mut PgConnection) -> Result<Option<HashSet<String>>> {
        if self.options.prune.is_none() {
            return Ok(None);
        }
        Ok(Some(E::link_rows(db).await?.iter().map(LinkRow::identity).collect()))
    }

    /// Makes the plan that the options allow. `prunable`: the identities of the rows that may be pruned, if any may.
    async fn plan<E: EntitySync>(
        &self,
        db: &mut PgConnection,
        remote: E::Remote,
        rows: &[E::Row],
        prunable: Option<HashSet<String>>,
    ) -> Result<SyncPlan<E::Row>> {
        let mut plan = self.compare::<E>(db, remote, rows).await?;
        if let Some(prunable) = prunable {
            plan.missing_remote.retain(|row| prunable.contains(&row.identity()));
            plan.prune();
        }
        if !self.options.only.is_empty() {
            plan.unknown = plan.restrict_to(&self.options.only);
            if !self.all_entities {
                plan.findings.errors.extend(plan.unknown.iter().map(|id| unknown_id_error(id, E::ENTITY.plural())));
            }
        }
        if let Some(table) = E::TABLE {
            let pruned = plan.changes_of(ChangeAction::Prune).filter_map(|change| change.row());
            let pruned: Vec<String> = pruned.map(|row| row.external_id().to_owned()).collect();
            if !pruned.is_empty() {
                plan.cascaded = CascadedDeletes::with(db, table, &pruned).await?.without(&self.context.cascaded);
            }
        }
        Ok(plan)
    }

    /// Compares both sides, after creating local records if the options request it.
    async fn compare<E: EntitySync>(
        &self,
        db: &mut PgConnection,
        remote: E::Remote,
        rows: &[E::Row],
    ) -> Result<SyncPlan<E::Row>> {
        let decisions = Decisions::load(db, E::ENTITY).await?;
        let SyncOptions { dry_run, only, .. } = &self.options;
        if !self.options.create_local {
            return Ok(plan_storable::<E>(&E::local_records(db, &self.context).await?, remote, rows, &decisions));
        }
        let options = CreateLocalOptions { only, dry_run: *dry_run };
        create_local::create_local::<E>(db, &self.context, remote, rows, &decisions, options).await
    }

    /// Returns why the plan must not be applied: it differs from the saved plan, or it prunes too much.
    fn plan_refusal<R: LinkRow>(&self, plan: &SyncPlan<R>, rows: usize) -> Result<Option<Refusal>> {
        let records = plan.entity.plural();
        if let Some(plans) = &self.options.exactly {
            let Some(saved) = plans.get(&plan.entity) else {
                let reason =
                    format!("the plan file contains no plan of {records}: its run ended before; save a new plan");
                return Ok(Some(Refusal(reason, Vec::new())));
            };
            let current = plan_value(plan)?;
            if !is_same_plan(saved, &current) {
                let reason = format!(
                    "the saved plan of {records} is stale and was not applied, because Administrate or this database has \
                     changed: save a new plan. What changed:"
                );
                return Ok(Some(Refusal(reason, differences(saved, &current))));
            }
        }
        let pruned = plan.changes_of(ChangeAction::Prune).count();
        Ok(self.options.prune.filter(|limit| limit.is_exceeded(pruned, rows)).map(|limit| {
            let reason = format!(
                "nothing was written, because {pruned} of {rows} {records} would be pruned, more than {} %: \
                 raise --prune-limit to allow it",
                limit.0
            );
            Refusal(reason, Vec::new())
        }))
    }

    /// Checks that all entities that this one depends on have been synchronised.
    async fn check_prerequisites<E: EntitySync>(&self, db: &mut PgConnection) -> Result<()> {
        for earlier in E::ENTITY.prerequisites() {
            if !self.completed.contains(earlier)
                && !runs::has_succeeded(db, runs::RunKind::Sync, earlier.name()).await?
            {
                return Err(Error::Prerequisite(format!(
                    "{} depend on {}, which have not been synchronised: run `lectern sync {earlier}` first",
                    E::ENTITY.plural(),
                    earlier.plural()
                )));
            }
        }
        Ok(())
    }
}

/// Why a plan was not applied: the reason and what it is about.
struct Refusal(String, Vec<RecordError>);

/// Returns the error for a requested id that no record has. `records` names their kind in the plural.
pub(super) fn unknown_id_error(external_id: &str, records: &str) -> RecordError {
    RecordError {
        external_id: Some(external_id.to_owned()),
        message: format!("there are no {records} with the id {external_id}"),
    }
}

/// Serialises a plan as it is saved.
fn plan_value<R: LinkRow>(plan: &SyncPlan<R>) -> Result<Value> {
    serde_json::to_value(plan).map_err(|error| Error::Failed(format!("the plan cannot be saved: {error}")))
}
