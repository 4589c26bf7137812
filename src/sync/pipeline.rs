//! The way of one entity: both sides read, planned, shown or applied, and kept.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use sqlx::postgres::PgAdvisoryLock;
use sqlx::{Connection, Either, PgConnection};

use super::apply::apply;
use super::create_local::{self, CreateLocalOptions};
use super::entity_sync::{EntitySync, plan_storable};
use super::options::SyncOptions;
use super::plan::{ChangeAction, SyncPlan};
use super::report::Report;
use super::run::{ProgressEvent, SyncRun};
use super::undo::UndoJournalRef;
use crate::bridges::reference::{CascadedDeletes, LinkRow};
use crate::bridges::store::overrides;
use crate::error::{Error, Result};
use crate::runs;
use crate::sync::report::findings::RecordError;

impl SyncRun {
    /// Goes it; whatever goes wrong is in the report.
    pub(super) async fn run_entity<S: EntitySync>(&mut self) -> Report {
        self.requests_before = self.client.requests();
        let report = match self.options.dry_run {
            true => self.dry_run::<S>().await,
            false => self.execute::<S>().await,
        };
        let report = report.unwrap_or_else(|error| Report::aborted(S::ENTITY, None, self.options.dry_run, &error));
        let report = report.with_request_count(self.requests());
        if !report.failed() && !report.is_stopped() {
            self.completed.insert(S::ENTITY);
        }
        report
    }

    /// Plans, and lays the plan over what later entities see.
    async fn dry_run<S: EntitySync>(&mut self) -> Result<Report> {
        let mut db = self.pool.acquire().await?;
        self.require::<S>(&mut db).await?;
        S::prepare(&mut db, &mut self.ground).await?;
        let stood = self.prunable_rows::<S>(&mut db).await?;
        let theirs = self.fetch::<S>().await?;
        let rows = S::link_rows(&mut db).await?;
        let plan = self.plan::<S>(&mut db, theirs, &rows, stood).await?;
        (self.say)(ProgressEvent::Planned(&plan));
        self.planned.insert(S::ENTITY, plan_value(&plan)?);
        S::stage_rows(&mut self.ground, plan.over(&rows));
        Ok(match self.plan_refusal(&plan, rows.len())? {
            Some(refusal) => Report::rejected(&plan, None, true, refusal),
            None => Report::of(&plan, None, true),
        })
    }

    /// Plans and applies, alone on this entity in this database, and keeps the report.
    async fn execute<S: EntitySync>(&mut self) -> Result<Report> {
        let mut db = self.pool.acquire().await?;
        self.require::<S>(&mut db).await?;
        S::prepare(&mut db, &mut self.ground).await?;
        let lock = PgAdvisoryLock::new(format!("lectern sync {}", S::ENTITY));
        let Either::Left(mut held) = lock.try_acquire(self.pool.acquire().await?).await? else {
            return Err(Error::Failed(format!(
                "another sync of {} is running on this database: wait until it has ended",
                S::ENTITY.plural()
            )));
        };
        let run = match self.run {
            Some(run) => run,
            None => runs::begin(&mut db, "sync", S::ENTITY.name()).await?,
        };
        let done = self.plan_and_apply::<S>(&mut held, run).await;
        // A connection that broke has given the lock back with it.
        let _ = held.release_now().await;
        match done {
            Ok(report) => Ok(report),
            Err(error) => {
                let report = Report::aborted(S::ENTITY, Some(run), false, &error).with_request_count(self.requests());
                runs::finish(&mut db, run, report.stored_exit(), &report).await?;
                Ok(report)
            }
        }
    }

    /// Reads our side, plans and writes in one transaction, in which nobody speaks to Administrate.
    async fn plan_and_apply<S: EntitySync>(&self, db: &mut PgConnection, run: i64) -> Result<Report> {
        let stood = self.prunable_rows::<S>(db).await?;
        let theirs = self.fetch::<S>().await?;
        let mut transaction = db.begin().await?;
        let rows = S::link_rows(&mut transaction).await?;
        let plan = self.plan::<S>(&mut transaction, theirs, &rows, stood).await?;
        let report = match self.plan_refusal(&plan, rows.len())? {
            Some(refusal) => Report::rejected(&plan, Some(run), false, refusal),
            None => {
                apply::<S>(&mut transaction, &plan, Some(run)).await?;
                if !plan.is_empty() {
                    runs::save_journal(&mut transaction, run, &UndoJournalRef::plan(&plan)).await?;
                }
                Report::of(&plan, Some(run), false)
            }
        };
        let report = report.with_request_count(self.requests());
        runs::finish(&mut transaction, run, report.exit(), &report).await?;
        transaction.commit().await?;
        Ok(report)
    }

    /// Brings the rows of these records to what Administrate says of them.
    pub(super) async fn refresh_some<S: EntitySync>(&self, external_ids: &BTreeSet<String>) -> Result<()> {
        let theirs = self.fetch::<S>().await?;
        let mut transaction = self.pool.begin().await?;
        let rows = S::link_rows(&mut transaction).await?;
        let ours = S::local_records(&mut transaction, &self.ground).await?;
        let saved = overrides::overrides(&mut transaction, S::ENTITY.name()).await?;
        let mut plan = plan_storable::<S>(&ours, theirs, &rows, &saved);
        plan.restrict_to(external_ids);
        apply::<S>(&mut transaction, &plan, None).await?;
        Ok(transaction.commit().await?)
    }

    fn requests(&self) -> u64 {
        self.client.requests() - self.requests_before
    }

    async fn fetch<S: EntitySync>(&self) -> Result<S::Remote> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Cancelled),
            theirs = S::fetch(&self.client, &self.ground) => theirs,
        }
    }

    /// The rows that stand before Administrate is asked, where some are to be pruned: one that comes meanwhile, by a
    /// delivery, stands for a record that the fetch may have missed.
    async fn prunable_rows<S: EntitySync>(&self, db: &mut PgConnection) -> Result<Option<HashSet<String>>> {
        if self.options.prune.is_none() {
            return Ok(None);
        }
        Ok(Some(S::link_rows(db).await?.iter().map(LinkRow::identity).collect()))
    }

    async fn plan<S: EntitySync>(
        &self,
        db: &mut PgConnection,
        theirs: S::Remote,
        rows: &[S::Row],
        stood: Option<HashSet<String>>,
    ) -> Result<SyncPlan<S::Row>> {
        let mut plan = self.compare::<S>(db, theirs, rows).await?;
        if let Some(stood) = stood {
            plan.missing_remote.retain(|row| stood.contains(&row.identity()));
            plan.prune();
        }
        if !self.options.only.is_empty() {
            plan.unknown = plan.restrict_to(&self.options.only);
            if !self.all_entities {
                plan.findings.errors.extend(plan.unknown.iter().map(|id| unknown_id_error(id, S::ENTITY.plural())));
            }
        }
        if let Some(table) = S::TABLE {
            let pruned = plan.changes_of(ChangeAction::Prune).filter_map(|change| change.row());
            let pruned: Vec<String> = pruned.map(|row| row.external_id().to_owned()).collect();
            if !pruned.is_empty() {
                plan.cascaded = CascadedDeletes::with(db, table, &pruned).await?;
            }
        }
        Ok(plan)
    }

    /// Compares both sides, after ours has been given what is to be taken over.
    async fn compare<S: EntitySync>(
        &self,
        db: &mut PgConnection,
        theirs: S::Remote,
        rows: &[S::Row],
    ) -> Result<SyncPlan<S::Row>> {
        let saved = overrides::overrides(db, S::ENTITY.name()).await?;
        let SyncOptions { dry_run, only, .. } = &self.options;
        if !self.options.create_local {
            return Ok(plan_storable::<S>(&S::local_records(db, &self.ground).await?, theirs, rows, &saved));
        }
        let wish = CreateLocalOptions { only, dry_run: *dry_run };
        create_local::create_local::<S>(db, &self.ground, (theirs, rows), &saved, wish).await
    }

    /// Why the plan is not to be carried out without a person, if so.
    fn plan_refusal<R: LinkRow>(&self, plan: &SyncPlan<R>, rows: usize) -> Result<Option<String>> {
        if let Some(plans) = &self.options.exactly
            && plans.get(&plan.entity) != Some(&plan_value(plan)?)
        {
            return Ok(Some(format!(
                "the saved plan of {} is stale: Administrate or this database has changed since; make a new one",
                plan.entity.plural()
            )));
        }
        let pruned = plan.changes_of(ChangeAction::Prune).count();
        Ok(self.options.prune.filter(|limit| limit.is_exceeded(pruned, rows)).map(|limit| {
            format!(
                "{pruned} of {rows} {} would be pruned, more than {} %: nothing was written; \
                 if that is meant, say so with --prune-limit",
                plan.entity.plural(),
                limit.0
            )
        }))
    }

    /// Whether everything that the entity builds upon has been synchronised (FR-021).
    async fn require<S: EntitySync>(&self, db: &mut PgConnection) -> Result<()> {
        for earlier in S::ENTITY.prerequisites() {
            if !self.completed.contains(earlier) && !runs::has_succeeded(db, "sync", earlier.name()).await? {
                return Err(Error::Prerequisite(format!(
                    "{} build upon {}, which have not been synchronised: run `lectern sync {earlier}` first",
                    S::ENTITY.plural(),
                    earlier.plural()
                )));
            }
        }
        Ok(())
    }
}

/// That nothing goes by an id which somebody named.
pub(super) fn unknown_id_error(external_id: &str, what: &str) -> RecordError {
    RecordError {
        external_id: Some(external_id.to_owned()),
        message: format!("there are no {what} with the id {external_id}"),
    }
}

/// A plan as it is saved.
fn plan_value<R: LinkRow>(plan: &SyncPlan<R>) -> Result<Value> {
    serde_json::to_value(plan).map_err(|error| Error::Failed(format!("the plan cannot be saved: {error}")))
}
