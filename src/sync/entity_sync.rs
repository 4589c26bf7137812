//! What each entity is to the one way that all of them go.

use std::collections::{BTreeMap, BTreeSet};

use administrate::Client;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::entity::Entity;
use super::matching::RemoteCandidate;
use super::plan::{RowChange, SyncPlan};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::bridges::store::references;
use crate::config::{Config, ConflictPolicy, Labels};
use crate::error::Result;
use crate::sync::entities::prices::Preference;
use crate::tutorials::reference::References;

/// An entity: where both sides are read, how they are compared, where the rows are written.
pub(super) trait EntitySync {
    /// Which entity.
    const ENTITY: Entity;
    /// The table of its rows, where something goes with those that are deleted.
    const TABLE: Option<bridges::Table> = None;
    /// A row of its bridge table.
    type Row: LinkRow + DeserializeOwned;
    /// Everything that Administrate says.
    type Remote: Clone + Send;
    /// What is known here beside the rows.
    type Local: Send;

    /// Notes what has to be known before Administrate is asked.
    async fn prepare(_db: &mut PgConnection, _ground: &mut SyncContext) -> Result<()> {
        Ok(())
    }

    /// Fetches their side, whole or not at all.
    async fn fetch(client: &Client, ground: &SyncContext) -> Result<Self::Remote>;

    /// Reads the bridge rows.
    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>>;

    /// Reads our side.
    async fn local_records(db: &mut PgConnection, ground: &SyncContext) -> Result<Self::Local>;

    /// Compares; pure.
    fn plan(
        ours: &Self::Local,
        theirs: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row>;

    /// What is to be added to ours so that the chosen ones of theirs (by id) find their match; nothing for entities that
    /// are Administrate's own.
    async fn local_records_for(
        _db: &mut PgConnection,
        _ours: &Self::Local,
        _theirs: Self::Remote,
        _chosen: &BTreeSet<String>,
    ) -> Result<References> {
        Ok(References::default())
    }

    /// Each of theirs with the key by which it is matched, for entities that can be taken over.
    fn counterparts(_ours: &Self::Local, _theirs: &Self::Remote) -> Vec<RemoteCandidate> {
        Vec::new()
    }

    /// What inactive ones of ours go by; they are no candidates, and yet nobody else is to be made of their name.
    async fn inactive_names(_db: &mut PgConnection) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// The columns of ours that each of theirs would fill where it is taken over, by its id.
    fn bounded_columns(_theirs: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        Vec::new()
    }

    /// Keeps the rows as the plan would leave them, for entities that build upon them.
    fn stage_rows(_ground: &mut SyncContext, _rows: Vec<Self::Row>) {}

    /// Writes rows.
    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()>;

    /// Deletes rows.
    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()>;

    /// Restores what the changes of a run did beside its rows, after `inverse` has taken those back.
    async fn undo_side_effects(_db: &mut PgConnection, _inverse: &[RowChange<Self::Row>]) -> Result<()> {
        Ok(())
    }
}

/// What the entities of one run share.
#[derive(Debug)]
pub(super) struct SyncContext {
    /// In which times are told that name no zone.
    pub(super) time_zone: TimeZone,
    /// Which of several prices is kept.
    pub(super) preference: Preference,
    /// What this tenant calls the custom fields of events.
    pub(super) labels: Labels,
    /// Whose value of an event's field holds that both sides have changed.
    pub(super) winners: BTreeMap<String, ConflictPolicy>,
    /// When Administrate was asked for events, by the database's clock: what was agreed on later is newer than its answer.
    pub(super) asked_at: Option<Timestamp>,
    /// Rows as earlier plans of the same dry run would leave them.
    pub(super) locations: Option<Vec<bridges::LocationRow>>,
    /// Likewise.
    pub(super) course_templates: Option<Vec<bridges::CourseTemplateRow>>,
    /// Likewise.
    pub(super) price_levels: Option<Vec<bridges::PriceLevelRow>>,
}

impl SyncContext {
    /// Nothing planned yet.
    pub(super) fn of(config: &Config) -> Self {
        let ours = &config.administrate;
        SyncContext {
            time_zone: config.zone(),
            preference: Preference { currency: ours.currency.clone(), region: ours.region.clone() },
            labels: ours.labels.clone(),
            winners: config.sync.conflicts.clone(),
            asked_at: None,
            locations: None,
            course_templates: None,
            price_levels: None,
        }
    }

    /// The bridge rows of locations.
    pub(super) async fn locations(&self, db: &mut PgConnection) -> Result<Vec<bridges::LocationRow>> {
        match &self.locations {
            Some(planned) => Ok(planned.clone()),
            None => references::locations(db).await,
        }
    }

    /// The bridge rows of course templates.
    pub(super) async fn course_templates(&self, db: &mut PgConnection) -> Result<Vec<bridges::CourseTemplateRow>> {
        match &self.course_templates {
            Some(planned) => Ok(planned.clone()),
            None => references::course_templates(db).await,
        }
    }

    /// The bridge rows of price levels.
    pub(super) async fn price_levels(&self, db: &mut PgConnection) -> Result<Vec<bridges::PriceLevelRow>> {
        match &self.price_levels {
            Some(planned) => Ok(planned.clone()),
            None => references::price_levels(db).await,
        }
    }
}

/// What has to be done, such that it can be kept.
pub(super) fn plan_storable<S: EntitySync>(
    ours: &S::Local,
    theirs: S::Remote,
    rows: &[S::Row],
    overrides: &MatchOverrides,
) -> SyncPlan<S::Row> {
    let mut plan = S::plan(ours, theirs, rows, overrides);
    plan.drop_unstorable();
    plan
}

/// Administrate's ids of rows, for the stores that delete by them.
pub(super) fn ids<R: LinkRow>(rows: &[R]) -> Vec<String> {
    rows.iter().map(|row| row.external_id().to_owned()).collect()
}
