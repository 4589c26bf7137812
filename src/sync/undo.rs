//! Undoes what a run wrote, from its journal: all of it, or nothing if a row has changed since.
//!
//! Local records that the run created and that are in use by now stay, together with their links.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Acquire, PgConnection, PgPool};

use super::apply::apply;
use super::conflicts::{Resolution, apply};
use super::entity::Entity;
use super::entity_sync::EntitySync;
use super::matching::{LocalRecord, MatchResult};
use super::plan::{RowChange, SetDiff, SyncPlan};
use super::report::Report;
use crate::bridges::reference::{AdministratorRow, ApprovalRow, CascadedDeletes, LinkRow};
use crate::bridges::store::overrides;
use crate::error::{Error, Result};
use crate::runs;
use crate::sync::entities::course_templates::CourseTemplates;
use crate::sync::entities::custom_fields::CustomFields;
use crate::sync::entities::events::Events;
use crate::sync::entities::instructors::Instructors;
use crate::sync::entities::locations::Locations;
use crate::sync::entities::price_levels::PriceLevels;
use crate::sync::entities::prices::Prices;
use crate::sync::entities::venues::Venues;
use crate::sync::report::findings::RetainedRecord;
use crate::tutorials::reference::{self, CreatedRow, InUseReasons};

/// The stored changes of a run.
#[derive(Debug, Deserialize)]
struct UndoJournal<R> {
    changes: Vec<RowChange<R>>,
    approvals: SetDiff<ApprovalRow>,
    administrators: SetDiff<AdministratorRow>,
    #[serde(default, rename = "made")]
    created_local_rows: Vec<CreatedRow>,
    #[serde(default, rename = "fallen")]
    cascaded: CascadedDeletes,
    #[serde(default, rename = "settlements")]
    resolutions: Vec<Resolution>,
}

/// The journal of a plan, borrowed for storing: a plan can be too large to copy.
#[derive(Debug, Serialize)]
pub(super) struct UndoJournalRef<'a, R> {
    changes: &'a [RowChange<R>],
    approvals: &'a SetDiff<ApprovalRow>,
    administrators: &'a SetDiff<AdministratorRow>,
    #[serde(rename = "made", skip_serializing_if = "<[_]>::is_empty")]
    created_local_rows: &'a [CreatedRow],
    #[serde(rename = "fallen")]
    cascaded: &'a CascadedDeletes,
    #[serde(rename = "settlements", skip_serializing_if = "<[_]>::is_empty")]
    resolutions: &'a [Resolution],
}

impl<'a, R: LinkRow> UndoJournalRef<'a, R> {
    pub(super) fn of(plan: &'a SyncPlan<R>) -> Self {
        UndoJournalRef {
            changes: &plan.changes,
            approvals: &plan.approvals,
            administrators: &plan.administrators,
            created_local_rows: &plan.created_local_rows,
            cascaded: &plan.cascaded,
            resolutions: &plan.resolutions,
        }
    }
}

impl<R: LinkRow> UndoJournal<R> {
    /// Restores the plan that was applied.
    fn plan(self, entity: Entity) -> SyncPlan<R> {
        let mut plan = SyncPlan::between(entity, Vec::new(), &[], MatchResult::default());
        plan.changes = self.changes;
        plan.approvals = self.approvals;
        plan.administrators = self.administrators;
        plan.created_local_rows = self.created_local_rows;
        plan.resolutions = self.resolutions;
        plan
    }

    /// Returns the plan that undoes the run. Resolutions that cannot be undone are among its skipped findings.
    fn inverse(self, entity: Entity) -> SyncPlan<R> {
        let mut plan = SyncPlan::between(entity, Vec::new(), &[], MatchResult::default());
        let inverse =
            |change: RowChange<R>| RowChange { name: change.name, before: change.after, after: change.before };
        plan.changes = self.changes.into_iter().map(inverse).collect();
        plan.approvals = SetDiff { added: self.approvals.removed, removed: self.approvals.added };
        plan.administrators = SetDiff { added: self.administrators.removed, removed: self.administrators.added };
        for inverse in self.resolutions.into_iter().map(Resolution::inverse) {
            match inverse {
                Ok(resolution) => plan.resolutions.push(resolution),
                Err(skipped) => plan.findings.skipped.push(skipped),
            }
        }
        plan
    }
}

/// Formats the changes of a run as a plan.
///
/// # Errors
/// [`Error::Failed`] for the journal of an incompatible version of this program.
pub fn describe(entity: Entity, journal: Value) -> Result<String> {
    match entity {
        Entity::CustomFields => describe_changes::<CustomFields>(journal),
        Entity::PriceLevels => describe_changes::<PriceLevels>(journal),
        Entity::Locations => describe_changes::<Locations>(journal),
        Entity::Venues => describe_changes::<Venues>(journal),
        Entity::Instructors => describe_changes::<Instructors>(journal),
        Entity::CourseTemplates => describe_changes::<CourseTemplates>(journal),
        Entity::CourseTemplatePriceLevels => describe_changes::<Prices>(journal),
        Entity::Events => describe_changes::<Events>(journal),
    }
}

fn describe_changes<E: EntitySync>(journal: Value) -> Result<String> {
    Ok(parse::<E>(journal)?.plan(E::ENTITY).to_string())
}

fn parse<E: EntitySync>(journal: Value) -> Result<UndoJournal<E::Row>> {
    serde_json::from_value(journal).map_err(|error| {
        Error::Failed(format!("the run was stored by an incompatible version of this program: {error}"))
    })
}

/// Undoes what a run wrote; a dry run only reports what would be undone.
///
/// # Errors
/// [`Error::Usage`] where there is no such run or it wrote nothing; [`Error::NeedsAttention`] where rows have changed
/// since.
pub async fn undo(pool: &PgPool, run: i64, dry_run: bool) -> Result<Report> {
    let mut db = pool.acquire().await?;
    let Some((subject, journal)) = runs::journal_of(&mut db, runs::RunKind::Sync, run).await? else {
        return Err(Error::Usage(format!(
            "run {run} is not a sync that changed anything: `lectern sync runs` lists the runs"
        )));
    };
    let entity: Entity = subject.parse().map_err(Error::Failed)?;
    match entity {
        Entity::CustomFields => undo_changes::<CustomFields>(&mut db, journal, dry_run).await,
        Entity::PriceLevels => undo_changes::<PriceLevels>(&mut db, journal, dry_run).await,
        Entity::Locations => undo_changes::<Locations>(&mut db, journal, dry_run).await,
        Entity::Venues => undo_changes::<Venues>(&mut db, journal, dry_run).await,
        Entity::Instructors => undo_changes::<Instructors>(&mut db, journal, dry_run).await,
        Entity::CourseTemplates => undo_changes::<CourseTemplates>(&mut db, journal, dry_run).await,
        Entity::CourseTemplatePriceLevels => undo_changes::<Prices>(&mut db, journal, dry_run).await,
        Entity::Events => undo_changes::<Events>(&mut db, journal, dry_run).await,
    }
}

async fn undo_changes<E: EntitySync>(db: &mut PgConnection, journal: Value, dry_run: bool) -> Result<Report> {
    let mut journal = parse::<E>(journal)?;
    let created = std::mem::take(&mut journal.created_local_rows);
    let cascaded = std::mem::take(&mut journal.cascaded);
    let mut plan = journal.inverse(E::ENTITY);
    let mut transaction = db.begin().await?;
    let rows = E::link_rows(&mut transaction).await?;
    let changed = changed_since(&plan, &rows) + apply::count_changed_since(&mut transaction, &plan.resolutions).await?;
    if changed > 0 {
        return Err(Error::NeedsAttention(format!(
            "{} {} changed since that run, so nothing was undone: undo the later runs first",
            E::ENTITY.counted(changed),
            if changed == 1 { "has" } else { "have" },
        )));
    }
    let in_use = exclude_used::<E>(&mut transaction, &mut plan, &created, &rows).await?;
    if dry_run {
        return Ok(Report::of(&plan, None, true));
    }
    let undo_run = runs::begin(&mut transaction, runs::RunKind::SyncUndo, E::ENTITY.name()).await?;
    apply::<E>(&mut transaction, &plan, Some(undo_run)).await?;
    E::undo_side_effects(&mut transaction, &plan.changes).await?;
    cascaded.restore(&mut transaction).await?;
    reference::delete_unused(&mut transaction, &created, &in_use).await?;
    let report = Report::of(&plan, Some(undo_run), false);
    runs::finish(&mut transaction, undo_run, report.exit(), &report).await?;
    transaction.commit().await?;
    Ok(report)
}

/// Removes from an undo plan the local records that are in use by now, and their links. Returns the reasons.
async fn exclude_used<E: EntitySync>(
    db: &mut PgConnection,
    plan: &mut SyncPlan<E::Row>,
    created: &[CreatedRow],
    rows: &[E::Row],
) -> Result<InUseReasons> {
    let linked: HashSet<i64> = plan.applied_to(rows).iter().filter_map(LinkRow::link).collect();
    let saved = overrides::overrides(db, E::ENTITY.name()).await?;
    let (records, accounts): (Vec<&CreatedRow>, Vec<&CreatedRow>) =
        created.iter().partition(|row| row.table.is_of_records());
    let known_reasons = records.iter().filter_map(|row| match row.id {
        id if linked.contains(&id) => Some(((row.table, id), "another record in Administrate is linked to it".into())),
        id if saved.has_local(id) => {
            Some(((row.table, id), "`lectern sync link`, `unlink` or `ignore` names it".into()))
        }
        _ => None,
    });
    let in_use = reference::in_use(db, created, known_reasons.collect()).await?;
    let reason = |row: &CreatedRow| in_use.get(&(row.table, row.id)).cloned();
    let findings = &mut plan.findings;
    for row in records {
        match reason(row) {
            Some(reason) => findings.retained_local.push(RetainedRecord { id: row.id, name: row.name.clone(), reason }),
            None => findings.removed_local.push(LocalRecord::new(row.id, &row.name)),
        }
    }
    let retained: HashSet<i64> = findings.retained_local.iter().map(|record| record.id).collect();
    let is_retained = |row: &E::Row| row.link().is_some_and(|id| retained.contains(&id));
    plan.changes.retain(|change| !change.before.as_ref().is_some_and(is_retained));
    for row in accounts {
        let is_orphan = findings.removed_local.iter().any(|removed| removed.name == row.name);
        if let Some(reason) = reason(row).filter(|_| is_orphan) {
            findings.retained_local.push(RetainedRecord {
                id: row.id,
                name: format!("the account of {}", row.name),
                reason,
            });
        }
    }
    Ok(in_use)
}

/// Counts the rows that have changed since the run.
fn changed_since<R: LinkRow>(inverse: &SyncPlan<R>, rows: &[R]) -> usize {
    let current: HashMap<String, &R> = rows.iter().map(|row| (row.identity(), row)).collect();
    let is_unchanged = |change: &&RowChange<R>| match (&change.before, &change.after) {
        (Some(written), _) => current.get(&written.identity()) == Some(&written),
        (None, Some(pruned)) => !current.contains_key(&pruned.identity()),
        (None, None) => true,
    };
    inverse.changes.iter().filter(|change| !is_unchanged(change)).count()
}
