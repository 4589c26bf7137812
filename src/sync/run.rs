//! One run, of one entity or of all in their order. The way that each of them goes: [`way`](super::way).

use std::collections::{BTreeMap, BTreeSet};
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
    /// The run that was opened for it; none: each entity opens its own.
    pub(super) run: Option<i64>,
    pub(super) ground: SyncContext,
    /// Requests that were sent before the entity under way.
    pub(super) requests_before: u64,
    /// Whether it is one of all entities, each of which knows some of the records that were named.
    pub(super) all_entities: bool,
    /// What this run has synchronised, or in a dry run planned.
    pub(super) completed: BTreeSet<Entity>,
    /// What a dry run has planned.
    pub(super) planned: BTreeMap<Entity, Value>,
    /// Is told of each entity that starts, and of its plan in a dry run.
    pub(super) say: Box<dyn Fn(ProgressEvent<'_>) + Send + std::marker::Sync>,
}

/// What a run says on its way.
pub enum ProgressEvent<'a> {
    /// This entity starts.
    Starts(Entity),
    /// A dry run would do this.
    Planned(&'a dyn std::fmt::Display),
}

impl SyncRun {
    /// A run that has not begun. `stop` ends it between two steps.
    pub fn new(pool: PgPool, client: Client, config: &Config, options: SyncOptions, stop: CancellationToken) -> Self {
        let ground = SyncContext::of(config);
        SyncRun {
            pool,
            client,
            options,
            stop,
            run: None,
            ground,
            requests_before: 0,
            all_entities: false,
            completed: BTreeSet::new(),
            planned: BTreeMap::new(),
            say: Box::new(|_| ()),
        }
    }

    /// A run with this program's settings; `command` is who calls, for the audit log.
    ///
    /// # Errors
    /// Administrate is not named (prerequisite), or the database cannot be reached.
    pub async fn open(
        pool: &PgPool,
        config: &Config,
        command: &str,
        options: SyncOptions,
        stop: CancellationToken,
    ) -> Result<Self> {
        SyncRun::open_recording(pool, config, command, options, None, stop).await
    }

    /// As [`Sync::open`]; every exchange is kept in the folder `record`, where one is named.
    ///
    /// # Errors
    /// Likewise, and [`Error::Failed`] where the folder cannot be written.
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

    /// Keeps the one entity's report in a run that was opened for it.
    pub fn in_run(mut self, run: i64) -> Self {
        self.run = Some(run);
        self
    }

    /// Tells `say` what happens.
    pub fn on_progress(mut self, say: impl Fn(ProgressEvent<'_>) + Send + std::marker::Sync + 'static) -> Self {
        self.say = Box::new(say);
        self
    }

    /// The client that it speaks through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The plans of a dry run, to be saved.
    pub fn planned(&self) -> &BTreeMap<Entity, Value> {
        &self.planned
    }

    /// Synchronises all entities in order; the first failure stops it, unless errors are to be skipped. The
    /// one that a signal has ended is not run.
    pub async fn all(&mut self) -> Summary {
        let mut reports = Vec::new();
        self.all_entities = true;
        for entity in Entity::ALL {
            if self.stop.is_cancelled() {
                break;
            }
            let report = self.entity(entity).await;
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

    /// Synchronises one entity. Whatever goes wrong is in the report.
    pub async fn entity(&mut self, entity: Entity) -> Report {
        (self.say)(ProgressEvent::Starts(entity));
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

    /// Brings the rows of records that have just been created there to what Administrate says of them, so that the next
    /// plan is empty.
    ///
    /// # Errors
    /// Administrate or the database cannot be asked.
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

/// Tells, with the last of the reports of all entities, which ids that were named no entity knows.
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
