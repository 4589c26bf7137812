//! What prevents the undo of a run: rows that have changed since, and rows that depend on what it would write.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use crate::bridges::reference::{CascadedDeletes, LinkRow};
use crate::bridges::store::references;
use crate::error::{Error, Result};
use crate::runs;
use crate::sync::conflicts::apply;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::EntitySync;
use crate::sync::plan::{RowChange, SyncPlan};

/// Records that prevent the undo of a run.
#[derive(Debug)]
pub(super) struct Obstacle {
    /// The kind of the records.
    pub(super) entity: Entity,
    /// Their external ids with their names.
    pub(super) records: BTreeMap<String, String>,
    pub(super) cause: ObstacleCause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObstacleCause {
    /// The run wrote them, and they have changed since.
    Changed,
    /// They refer to a row that would be deleted.
    RefersToDeleted,
    /// A row that would be restored refers to them, and they do not exist.
    Missing,
}

/// The columns of link rows that contain the external id of another row.
const REFERENCE_COLUMNS: [(Entity, &str, Entity); 7] = [
    (Entity::Venues, "location_id", Entity::Locations),
    (Entity::CourseTemplatePriceLevels, "course_template", Entity::CourseTemplates),
    (Entity::CourseTemplatePriceLevels, "price_level", Entity::PriceLevels),
    (Entity::Events, "course_template", Entity::CourseTemplates),
    (Entity::Events, "location", Entity::Locations),
    (Entity::Events, "venue", Entity::Venues),
    (Entity::Events, "primary_instructor", Entity::Instructors),
];

/// Returns the rows that have changed since the run whose undo this plan is.
pub(super) async fn changed_since<R: LinkRow>(
    db: &mut PgConnection,
    inverse: &SyncPlan<R>,
    rows: &[R],
) -> Result<Option<Obstacle>> {
    let current: HashMap<String, &R> = rows.iter().map(|row| (row.identity(), row)).collect();
    let is_changed = |change: &&RowChange<R>| match (&change.before, &change.after) {
        (Some(written), _) => current.get(&written.identity()) != Some(&written),
        (None, Some(pruned)) => current.contains_key(&pruned.identity()),
        (None, None) => false,
    };
    let changed = inverse.changes.iter().filter(is_changed);
    let changed = changed.filter_map(|change| Some((change.row()?.external_id().to_owned(), change.name.clone())));
    let mut records: BTreeMap<String, String> = changed.collect();
    let resolutions = apply::changed_since(db, &inverse.resolutions).await?;
    records.extend(resolutions.map(|event| (event.external_id.clone(), event.before.code.clone())));
    Ok(Obstacle::of(inverse.entity, records, ObstacleCause::Changed))
}

impl Obstacle {
    fn of(entity: Entity, records: BTreeMap<String, String>, cause: ObstacleCause) -> Option<Obstacle> {
        (!records.is_empty()).then_some(Obstacle { entity, records, cause })
    }

    /// Returns why the run cannot be undone although no later run could be undone first. `open`: the records in question.
    pub(super) fn sentence(&self, run: i64, subject: Entity, open: &BTreeSet<&str>) -> String {
        let names: Vec<&str> =
            self.records.iter().filter(|(id, _)| open.contains(id.as_str())).map(|(_, name)| name.as_str()).collect();
        let counted = self.entity.counted(names.len());
        let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > 3 { ", …" } else { "" };
        let reason = match self.cause {
            ObstacleCause::Changed => format!(
                "{counted} ({shown}{more}) changed since, and not in a sync that can be undone: {}",
                outside_writers(self.entity)
            ),
            ObstacleCause::RefersToDeleted => format!(
                "{counted} ({shown}{more}) refer to the {} that it would delete, and no sync that can be undone wrote them",
                subject.plural()
            ),
            ObstacleCause::Missing => format!(
                "it would restore {} that refer to {counted} ({shown}{more}) which no longer exist: \
                 run `lectern sync {}` first",
                subject.plural(),
                self.entity
            ),
        };
        format!("run {run} cannot be undone, and nothing was changed: {reason}")
    }
}

/// Returns what else than a sync changes rows of this entity.
fn outside_writers(entity: Entity) -> &'static str {
    match entity {
        Entity::Events => {
            "places were sold, a delivery or a webhook wrote them, or `lectern sync link` or `unlink` changed their links"
        }
        _ => "`lectern sync link` or `unlink` changed their links, or a delivery or a webhook wrote them",
    }
}

/// Returns the rows that refer to rows which the plan would delete, except the ones that an undo `restored` with them.
///
/// `plan.cascaded` receives what is deleted along, and the plan's removed approvals the ones of later runs.
pub(super) async fn dependents<E: EntitySync>(
    db: &mut PgConnection,
    plan: &mut SyncPlan<E::Row>,
    restored: &CascadedDeletes,
) -> Result<Vec<Obstacle>> {
    let Some(table) = E::TABLE else { return Ok(Vec::new()) };
    let deleted: Vec<String> = plan
        .changes
        .iter()
        .filter(|change| change.after.is_none())
        .filter_map(|change| change.before.as_ref())
        .map(|row| row.external_id().to_owned())
        .collect();
    if deleted.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = CascadedDeletes::with(db, table, &deleted).await?;
    // Approvals belong to the templates; those of later runs are journaled with the ones of this run.
    let known: HashSet<_> = plan.approvals.removed.iter().cloned().collect();
    plan.approvals.removed.extend(found.approvals.drain(..).filter(|approval| !known.contains(approval)));
    let mut obstacles: BTreeMap<Entity, BTreeMap<String, String>> = BTreeMap::new();
    let prices = found.prices.iter().filter(|price| !restored.prices.contains(price));
    for price in prices {
        let prices = obstacles.entry(Entity::CourseTemplatePriceLevels).or_default();
        prices.insert(price.external_id.clone(), price.external_id.clone());
    }
    for reference in found.references.iter().filter(|reference| !restored.references.contains(reference)) {
        let entity = if reference.column.starts_with("venues.") { Entity::Venues } else { Entity::Events };
        let id = reference.external_id.clone();
        obstacles.entry(entity).or_default().insert(id.clone(), id);
    }
    plan.cascaded = found;
    let obstacle = |(entity, records)| Obstacle::of(entity, records, ObstacleCause::RefersToDeleted);
    Ok(obstacles.into_iter().filter_map(obstacle).collect())
}

/// Returns the records that rows to restore refer to and that do not exist.
pub(super) async fn missing_targets<R: LinkRow>(db: &mut PgConnection, plan: &SyncPlan<R>) -> Result<Vec<Obstacle>> {
    let mut needed: BTreeMap<Entity, BTreeMap<String, String>> = BTreeMap::new();
    let columns = REFERENCE_COLUMNS.iter().filter(|(entity, ..)| *entity == plan.entity);
    for (_, column, target) in columns {
        for row in plan.changes.iter().filter_map(|change| change.after.as_ref()) {
            let row = serde_json::to_value(row).unwrap_or_default();
            if let Some(id) = row[column].as_str() {
                needed.entry(*target).or_default().insert(id.to_owned(), id.to_owned());
            }
        }
    }
    let mut obstacles = Vec::new();
    for (target, mut records) in needed {
        for id in existing(db, target).await? {
            records.remove(&id);
        }
        obstacles.extend(Obstacle::of(target, records, ObstacleCause::Missing));
    }
    Ok(obstacles)
}

/// Returns the external ids of all rows of an entity that others refer to.
async fn existing(db: &mut PgConnection, entity: Entity) -> Result<Vec<String>> {
    fn ids<R: LinkRow>(rows: &[R]) -> Vec<String> {
        rows.iter().map(|row| row.external_id().to_owned()).collect()
    }
    Ok(match entity {
        Entity::Locations => ids(&references::locations(db).await?),
        Entity::Venues => ids(&references::venues(db).await?),
        Entity::Instructors => ids(&references::instructors(db).await?),
        Entity::CourseTemplates => ids(&references::course_templates(db).await?),
        Entity::PriceLevels => ids(&references::price_levels(db).await?),
        Entity::CustomFields | Entity::CourseTemplatePriceLevels | Entity::Events => Vec::new(),
    })
}

/// The later runs to undo first: by run its entity and the external ids of the rows in question.
pub(super) type LaterRuns = BTreeMap<i64, (Entity, BTreeSet<String>)>;

/// Returns the later runs that wrote the records of these obstacles, as far as they can make way for the undo.
///
/// # Errors
/// [`Error::NeedsAttention`] where no such run wrote one of the records.
pub(super) async fn later_runs(
    db: &mut PgConnection,
    (run, subject): (i64, Entity),
    obstacles: &[Obstacle],
    can_make_way: impl Fn(i64) -> bool,
) -> Result<LaterRuns> {
    let mut later = LaterRuns::new();
    for obstacle in obstacles {
        let ids: Vec<&str> = obstacle.records.keys().map(String::as_str).collect();
        let mut open: BTreeSet<&str> = ids.iter().copied().collect();
        for (writer, external_id) in runs::later_writers(db, run, obstacle.entity.name(), &ids).await? {
            if can_make_way(writer) {
                open.remove(external_id.as_str());
                let (_, rows) = later.entry(writer).or_insert_with(|| (obstacle.entity, BTreeSet::new()));
                rows.insert(external_id);
            }
        }
        if !open.is_empty() {
            return Err(Error::NeedsAttention(obstacle.sentence(run, subject, &open)));
        }
    }
    Ok(later)
}
