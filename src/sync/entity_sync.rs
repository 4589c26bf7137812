//! The interface between an entity and the sync pipeline, which is the same for all entities.

use std::collections::{BTreeMap, BTreeSet};

use administrate::Client;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::entity::Entity;
use super::matching::RemoteCandidate;
use super::plan::spelling::FirstComparison;
use super::plan::{RowChange, SyncPlan};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{BoundedColumn, CascadedDeletes, LinkRow};
use crate::bridges::store::{overrides, references, spellings};
use crate::config::{Config, ConflictPolicy, Labels};
use crate::error::Result;
use crate::sync::entities::prices::PricePreference;
use crate::tutorials::reference::{Named, References};

/// The sync of one entity: how both sides are read and compared, and how the link rows are written.
pub(super) trait EntitySync {
    const ENTITY: Entity;
    /// The table of the link rows, if deleting them also deletes or changes rows of other tables.
    const TABLE: Option<bridges::Table> = None;
    /// A link row: one record of Administrate with its local id.
    type Row: LinkRow + DeserializeOwned;
    /// All records of Administrate.
    type Remote: Clone + Send;
    /// The local records and everything else that planning needs.
    type Local: Send;

    /// Reads what must be read before the fetch.
    async fn prepare(_db: &mut PgConnection, _context: &mut SyncContext) -> Result<()> {
        Ok(())
    }

    /// Fetches all records of Administrate. A partial result is an error.
    async fn fetch(client: &Client, context: &SyncContext) -> Result<Self::Remote>;

    /// Reads the link rows.
    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>>;

    /// Reads the local records.
    async fn local_records(db: &mut PgConnection, context: &SyncContext) -> Result<Self::Local>;

    /// Compares both sides. Pure.
    fn plan(
        local: &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row>;

    /// Returns the local records to create so that the chosen remote ones (by Administrate's id) find a match.
    ///
    /// Empty for entities that exist in Administrate only.
    async fn local_records_for(
        _db: &mut PgConnection,
        _local: &Self::Local,
        _remote: Self::Remote,
        _chosen: &BTreeSet<String>,
    ) -> Result<References> {
        Ok(References::default())
    }

    /// Adds the local records that a run would create, with ids that no record has, and returns them with their names.
    fn add_planned(_local: &mut Self::Local, _records: &References) -> Vec<Named> {
        Vec::new()
    }

    /// Returns the remote records with their match keys, for entities that can be created locally.
    fn remote_candidates(_local: &Self::Local, _remote: &Self::Remote) -> Vec<RemoteCandidate> {
        Vec::new()
    }

    /// Returns the names of inactive local records. They match nothing, but no second record may get their name.
    async fn inactive_names(_db: &mut PgConnection) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Returns, by Administrate's id, the local columns that each remote record would fill if it is created locally.
    fn bounded_columns(_remote: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        Vec::new()
    }

    /// Stores the planned rows in the context, for later entities of a dry run that refer to them.
    fn stage_rows(_context: &mut SyncContext, _rows: Vec<Self::Row>) {}

    /// Removes what the planned deletions of earlier entities of a dry run would remove from the rows.
    fn apply_cascades(_rows: &mut Vec<Self::Row>, _cascaded: &CascadedDeletes) {}

    /// Inserts or updates link rows.
    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()>;

    /// Stores what rows have that an adopted database cannot have, without writing the link rows.
    async fn complete(_db: &mut PgConnection, _rows: &[&Self::Row]) -> Result<()> {
        Ok(())
    }

    /// Deletes link rows.
    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()>;

    /// Undoes what a run changed outside its link rows, after `inverse` was applied to those.
    async fn undo_side_effects(_db: &mut PgConnection, _inverse: &[RowChange<Self::Row>]) -> Result<()> {
        Ok(())
    }
}

/// The settings and planned rows that the entities of one run share.
#[derive(Debug)]
pub(super) struct SyncContext {
    /// The time zone of times without a zone.
    pub(super) time_zone: TimeZone,
    /// The price to store if a template has several at one level.
    pub(super) preference: PricePreference,
    /// The names of the custom fields of events in Administrate.
    pub(super) labels: Labels,
    /// Letter of a sitting → suffix of a session code.
    pub(super) sittings: BTreeMap<String, String>,
    /// The side that wins a conflict, by field name.
    pub(super) winners: BTreeMap<String, ConflictPolicy>,
    /// The database's time before the fetch of events. A baseline written later is newer than the fetched events.
    pub(super) fetch_started_at: Option<Timestamp>,
    /// Planned rows of locations in a dry run; none otherwise.
    pub(super) locations: Option<Vec<bridges::LocationRow>>,
    /// Planned rows of course templates in a dry run; none otherwise.
    pub(super) course_templates: Option<Vec<bridges::CourseTemplateRow>>,
    /// Planned rows of price levels in a dry run; none otherwise.
    pub(super) price_levels: Option<Vec<bridges::PriceLevelRow>>,
    /// The course templates that a dry run would create, by code; empty otherwise.
    pub(super) planned_templates: Vec<Named>,
    /// What the planned deletions of a dry run would remove from other rows; empty otherwise.
    pub(super) cascaded: CascadedDeletes,
}

impl SyncContext {
    /// Returns the context of a new run.
    pub(super) fn of(config: &Config) -> Self {
        let administrate = &config.administrate;
        SyncContext {
            time_zone: config.zone(),
            preference: PricePreference {
                currency: administrate.currency.clone(),
                region: administrate.region.clone(),
            },
            labels: administrate.labels.clone(),
            sittings: config.sittings.clone(),
            winners: config.sync.conflicts.clone(),
            fetch_started_at: None,
            locations: None,
            course_templates: None,
            price_levels: None,
            planned_templates: Vec::new(),
            cascaded: CascadedDeletes::default(),
        }
    }

    /// Returns the link rows of locations, planned or stored.
    pub(super) async fn locations(&self, db: &mut PgConnection) -> Result<Vec<bridges::LocationRow>> {
        match &self.locations {
            Some(planned) => Ok(planned.clone()),
            None => references::locations(db).await,
        }
    }

    /// Returns the link rows of course templates, planned or stored.
    pub(super) async fn course_templates(&self, db: &mut PgConnection) -> Result<Vec<bridges::CourseTemplateRow>> {
        match &self.course_templates {
            Some(planned) => Ok(planned.clone()),
            None => references::course_templates(db).await,
        }
    }

    /// Returns the rows of price levels, planned or stored.
    pub(super) async fn price_levels(&self, db: &mut PgConnection) -> Result<Vec<bridges::PriceLevelRow>> {
        match &self.price_levels {
            Some(planned) => Ok(planned.clone()),
            None => references::price_levels(db).await,
        }
    }
}

/// What a user and earlier runs decided about the rows of an entity.
#[derive(Debug)]
pub(super) struct Decisions<R> {
    pub(super) overrides: MatchOverrides,
    pub(super) comparison: FirstComparison<R>,
}

impl<R: LinkRow + DeserializeOwned> Decisions<R> {
    /// Loads what is stored about an entity.
    pub(super) async fn load(db: &mut PgConnection, entity: Entity) -> Result<Self> {
        let overrides = overrides::overrides(db, entity.name()).await?;
        let comparison = FirstComparison::of(spellings::comparison(db, entity.name()).await?);
        Ok(Decisions { overrides, comparison })
    }
}

/// Plans an entity. Values that mean the same stay as they are; findings that PostgreSQL cannot store become errors.
pub(super) fn plan_storable<S: EntitySync>(
    local: &S::Local,
    remote: S::Remote,
    rows: &[S::Row],
    decisions: &Decisions<S::Row>,
) -> SyncPlan<S::Row> {
    let mut plan = S::plan(local, remote, rows, &decisions.overrides);
    plan.keep_spellings(rows, &decisions.comparison);
    plan.drop_unstorable();
    plan
}

/// Returns records that a run would create, with negative ids: they have none yet.
pub(super) fn planned<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Named> {
    (1..).zip(names).map(|(number, name): (i64, &str)| Named { id: -number, name: name.to_owned() }).collect()
}

/// Returns Administrate's ids of rows.
pub(super) fn ids<R: LinkRow>(rows: &[R]) -> Vec<String> {
    rows.iter().map(|row| row.external_id().to_owned()).collect()
}
