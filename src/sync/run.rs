//! A run of one entity or of all entities in order. [`pipeline`](super::pipeline) contains the steps of one entity.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use administrate::Client;
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::entity::Entity;
use super::entity_sync::SyncContext;
use super::options::SyncOptions;
use super::pipeline::unknown_id_error;
use super::report::{Report, Summary};
use crate::config::Config;
use crate::error::Result;
use crate::gateway;
use crate::gateway::{AuditMode, ClientOptions};
use crate::sync::entities::course_templates::CourseTemplates;
use crate::sync::entities::custom_fields::CustomFields;
use crate::sync::entities::events::Events;
use crate::sync::entities::instructors::Instructors;
use crate::sync::entities::locations::Locations;
use crate::sync::entities::price_levels::PriceLevels;
use crate::sync::entities::prices::Prices;
use crate::sync::entities::venues::Venues;

/// A run of one entity or of all.
pub struct SyncRun {
    pub(super) pool: PgPool,
    pub(super) client: Client,
    pub(super) options: SyncOptions,
    pub(super) stop: CancellationToken,
    /// The stored run that receives the report; none: each entity begins its own.
    pub(super) run: Option<i64>,
    pub(super) context: SyncContext,
    /// Requests sent before the current entity started.
    pub(super) requests_before: u64,
    /// Whether all entities are synchronised: an id of `only` then needs to be known to one of them only.
    pub(super) all_entities: bool,
    /// Entities that this run has synchronised or, in a dry run, planned.
    pub(super) completed: BTreeSet<Entity>,
    /// The plans of a dry run.
    pub(super) planned: BTreeMap<Entity, Value>,
    /// Administrate's id of each local record that is linked after a dry run's plan.
    pub(super) planned_links: BTreeMap<Entity, HashMap<i64, String>>,
    pub(super) observer: Box<dyn Fn(ProgressEvent<'_>) + Send + Sync>,
}

/// A step of a run, for an observer.
pub enum ProgressEvent<'a> {
    /// The sync of this entity starts.
    Starts(Entity),
    /// A dry run has made this plan.
    Planned(&'a dyn std::fmt::Display),
}

impl SyncRun {
    /// Creates a run. Cancelling `stop` ends it between two steps.
    pub fn new(pool: PgPool, client: Client, config: &Config, options: SyncOptions, stop: CancellationToken) -> Self {
        SyncRun {
            pool,
            client,
            options,
            stop,
            run: None,
            context: SyncContext::of(config),
            requests_before: 0,
            all_entities: false,
            completed: BTreeSet::new(),
            planned: BTreeMap::new(),
            planned_links: BTreeMap::new(),
            observer: Box::new(|_| ()),
        }
    }

    /// Connects to Administrate and creates a run; `command` names the caller in the audit log.
    ///
    /// # Errors
    /// [`Error::Prerequisite`](crate::error::Error::Prerequisite) where the settings name no Administrate, else the
    /// database's.
    pub async fn open(
        pool: &PgPool,
        config: &Config,
        command: &str,
        options: SyncOptions,
        stop: CancellationToken,
    ) -> Result<Self> {
        SyncRun::open_recording(pool, config, command, options, None, stop).await
    }

    /// Opens a run as [`SyncRun::open`] does and records every exchange in the folder `record`, if there is one.
    ///
    /// # Errors
    /// Those of [`SyncRun::open`], and [`Error::Failed`](crate::error::Error::Failed) where the folder is not writable.
    pub async fn open_recording(
        pool: &PgPool,
        config: &Config,
        command: &str,
        options: SyncOptions,
        record: Option<PathBuf>,
        stop: CancellationToken,
    ) -> Result<Self> {
        let audit = if options.dry_run { AuditMode::Off } else { AuditMode::On };
        if audit == AuditMode::On {
            gateway::purge_audit_log(pool, config.sync.audit_days.into()).await?;
        }
        let budget = Some(config.sync.request_budget).filter(|budget| *budget > 0);
        let client = gateway::connect_with(config, pool, command, ClientOptions { audit, budget, record }).await?;
        Ok(SyncRun::new(pool.clone(), client, config, options, stop))
    }

    /// Stores the report of the one entity in a run that the caller has begun.
    pub fn in_run(mut self, run: i64) -> Self {
        self.run = Some(run);
        self
    }

    /// Reports each step to `observer`.
    pub fn on_progress(mut self, observer: impl Fn(ProgressEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the plans of a dry run, as they are saved.
    pub fn planned(&self) -> &BTreeMap<Entity, Value> {
        &self.planned
    }

    /// Synchronises all entities in order.
    ///
    /// Stops at the first failure unless errors are skipped. An entity that a signal interrupted counts as not run.
    pub async fn sync_all(&mut self) -> Summary {
        let mut reports = Vec::new();
        self.all_entities = true;
        for entity in Entity::ALL {
            if self.stop.is_cancelled() {
                break;
            }
            let report = self.sync_entity(entity).await;
            if report.is_stopped() {
                break;
            }
            let failed = report.failed();
            reports.push(report);
            if failed && !self.options.skip_errors {
                break;
            }
        }
        report_unknown_ids(&mut reports);
        Summary::of(reports)
    }

    /// Synchronises one entity. Failures are recorded in the report.
    pub async fn sync_entity(&mut self, entity: Entity) -> Report {
        (self.observer)(ProgressEvent::Starts(entity));
        match entity {
            Entity::CustomFields => self.run_entity::<CustomFields>().await,
            Entity::PriceLevels => self.run_entity::<PriceLevels>().await,
            Entity::Locations => self.run_entity::<Locations>().await,
            Entity::Venues => self.run_entity::<Venues>().await,
            Entity::Instructors => self.run_entity::<Instructors>().await,
            Entity::CourseTemplates => self.run_entity::<CourseTemplates>().await,
            Entity::CourseTemplatePriceLevels => self.run_entity::<Prices>().await,
            Entity::Events => self.run_entity::<Events>().await,
        }
    }

    /// Fetches records that were just created in Administrate and updates their bridge rows.
    ///
    /// The next plan is therefore empty.
    ///
    /// # Errors
    /// Those of Administrate and of the database.
    pub async fn refresh(&self, entity: Entity, external_ids: &BTreeSet<String>) -> Result<()> {
        match entity {
            Entity::Locations => self.refresh_some::<Locations>(external_ids).await,
            Entity::Venues => self.refresh_some::<Venues>(external_ids).await,
            Entity::Instructors => self.refresh_some::<Instructors>(external_ids).await,
            Entity::CourseTemplates => self.refresh_some::<CourseTemplates>(external_ids).await,
            Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels | Entity::Events => Ok(()),
        }
    }
}

/// Adds an error to the last report for each requested id that no entity knows.
fn report_unknown_ids(reports: &mut [Report]) {
    if reports.len() < Entity::ALL.len() || reports.iter().any(Report::failed) {
        return;
    }
    let unknown = reports.iter().map(|report| report.unknown.clone());
    let unknown = unknown.reduce(|all, some| all.intersection(&some).cloned().collect()).unwrap_or_default();
    if let Some(last) = reports.last_mut() {
        unknown.iter().for_each(|id| last.add_error(unknown_id_error(id, "records")));
    }
}
