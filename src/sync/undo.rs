//! Takes back what a run wrote, from its journal: all of it, or nothing where a row has changed since. Of the records of
//! ours that it made, those that are in use by now stay, each with its link.

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

/// What a run changed.
#[derive(Debug, Deserialize)]
struct UndoJournal<R> {
    changes: Vec<RowChange<R>>,
    approvals: SetDiff<ApprovalRow>,
    administrators: SetDiff<AdministratorRow>,
    #[serde(default)]
    made: Vec<CreatedRow>,
    #[serde(default)]
    fallen: CascadedDeletes,
    #[serde(default)]
    settlements: Vec<Resolution>,
}

/// The same of a plan that is carried out; what is kept can be large, and is not copied for it.
#[derive(Debug, Serialize)]
pub(super) struct UndoJournalRef<'a, R> {
    changes: &'a [RowChange<R>],
    approvals: &'a SetDiff<ApprovalRow>,
    administrators: &'a SetDiff<AdministratorRow>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    made: &'a [CreatedRow],
    fallen: &'a CascadedDeletes,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    settlements: &'a [Resolution],
}

impl<'a, R: LinkRow> UndoJournalRef<'a, R> {
    pub(super) fn plan(plan: &'a SyncPlan<R>) -> Self {
        UndoJournalRef {
            changes: &plan.changes,
            approvals: &plan.approvals,
            administrators: &plan.administrators,
            made: &plan.created_local_rows,
            fallen: &plan.cascaded,
            settlements: &plan.settlements,
        }
    }
}

impl<R: LinkRow> UndoJournal<R> {
    /// The plan that was carried out.
    fn plan(self, entity: Entity) -> SyncPlan<R> {
        let mut plan = SyncPlan::between(entity, Vec::new(), &[], MatchResult::default());
        plan.changes = self.changes;
        plan.approvals = self.approvals;
        plan.administrators = self.administrators;
        plan.created_local_rows = self.made;
        plan.settlements = self.settlements;
        plan
    }

    /// The plan that takes it back.
    fn inverse(self, entity: Entity) -> SyncPlan<R> {
        let mut plan = SyncPlan::between(entity, Vec::new(), &[], MatchResult::default());
        let inverse =
            |change: RowChange<R>| RowChange { name: change.name, before: change.after, after: change.before };
        plan.changes = self.changes.into_iter().map(inverse).collect();
        plan.approvals = SetDiff { added: self.approvals.removed, removed: self.approvals.added };
        plan.administrators = SetDiff { added: self.administrators.removed, removed: self.administrators.added };
        for inverse in self.settlements.into_iter().map(Resolution::inverse) {
            match inverse {
                Ok(settlement) => plan.settlements.push(settlement),
                Err(skipped) => plan.findings.skipped.push(skipped),
            }
        }
        plan
    }
}

/// What a run changed, to be read.
///
/// # Errors
/// [`Error::Failed`] for the journal of another version of this program.
pub fn describe(entity: Entity, journal: Value) -> Result<String> {
    match entity {
        Entity::CustomFields => told::<CustomFields>(journal),
        Entity::PriceLevels => told::<PriceLevels>(journal),
        Entity::Locations => told::<Locations>(journal),
        Entity::Venues => told::<Venues>(journal),
        Entity::Instructors => told::<Instructors>(journal),
        Entity::CourseTemplates => told::<CourseTemplates>(journal),
        Entity::CourseTemplatePriceLevels => told::<Prices>(journal),
        Entity::Events => told::<Events>(journal),
    }
}

fn told<S: EntitySync>(journal: Value) -> Result<String> {
    Ok(read::<S>(journal)?.plan(S::ENTITY).to_string())
}

fn read<S: EntitySync>(journal: Value) -> Result<UndoJournal<S::Row>> {
    serde_json::from_value(journal)
        .map_err(|error| Error::Failed(format!("the run was kept by another version of this program: {error}")))
}

/// Takes back what the run wrote; a dry run only tells.
///
/// # Errors
/// [`Error::Usage`] where there is no such run or it wrote nothing, [`Error::NeedsPerson`] where rows have changed since.
pub async fn undo(pool: &PgPool, run: i64, dry_run: bool) -> Result<Report> {
    let mut db = pool.acquire().await?;
    let Some((subject, journal)) = runs::journal_of(&mut db, runs::RunKind::Sync, run).await? else {
        return Err(Error::Usage(format!("run {run} is no sync that wrote anything; `lectern sync runs` lists them")));
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

async fn undo_changes<S: EntitySync>(db: &mut PgConnection, journal: Value, dry_run: bool) -> Result<Report> {
    let mut journal = read::<S>(journal)?;
    let (made, fallen) = (std::mem::take(&mut journal.made), std::mem::take(&mut journal.fallen));
    let mut plan = journal.inverse(S::ENTITY);
    let mut transaction = db.begin().await?;
    let rows = S::link_rows(&mut transaction).await?;
    let changed = changed_since(&plan, &rows) + apply::count_changed_since(&mut transaction, &plan.settlements).await?;
    if changed > 0 {
        return Err(Error::NeedsAttention(format!(
            "{} {} changed since that run: nothing was taken back; undo the later runs first",
            S::ENTITY.counted(changed),
            if changed == 1 { "has" } else { "have" },
        )));
    }
    let staying = leave_used::<S>(&mut transaction, &mut plan, &made, &rows).await?;
    if dry_run {
        return Ok(Report::of(&plan, None, true));
    }
    let undone = runs::begin(&mut transaction, runs::RunKind::SyncUndo, S::ENTITY.name()).await?;
    apply::<S>(&mut transaction, &plan, Some(undone)).await?;
    S::undo_side_effects(&mut transaction, &plan.changes).await?;
    fallen.restore(&mut transaction).await?;
    reference::delete_unused(&mut transaction, &made, &staying).await?;
    let report = Report::of(&plan, Some(undone), false);
    runs::finish(&mut transaction, undone, report.exit(), &report).await?;
    transaction.commit().await?;
    Ok(report)
}

/// What the run made of ours goes with it. A record that is in use by now stays, and so does its link; gives why.
async fn leave_used<S: EntitySync>(
    db: &mut PgConnection,
    plan: &mut SyncPlan<S::Row>,
    made: &[CreatedRow],
    rows: &[S::Row],
) -> Result<InUseReasons> {
    let linked: HashSet<i64> = plan.over(rows).iter().filter_map(LinkRow::link).collect();
    let saved = overrides::overrides(db, S::ENTITY.name()).await?;
    let (records, companions): (Vec<&CreatedRow>, Vec<&CreatedRow>) =
        made.iter().partition(|row| row.table.is_of_records());
    let known = records.iter().filter_map(|row| match row.id {
        id if linked.contains(&id) => Some(((row.table, id), "another of Administrate's is linked with it".into())),
        id if saved.has_local(id) => Some(((row.table, id), "a decision about links names it".into())),
        _ => None,
    });
    let staying = reference::in_use(db, made, known.collect()).await?;
    let reason = |row: &CreatedRow| staying.get(&(row.table, row.id)).cloned();
    let findings = &mut plan.findings;
    for row in records {
        match reason(row) {
            Some(reason) => findings.kept_local.push(RetainedRecord { id: row.id, name: row.name.clone(), reason }),
            None => findings.removed_local.push(LocalRecord::new(row.id, &row.name)),
        }
    }
    let kept: HashSet<i64> = findings.kept_local.iter().map(|kept| kept.id).collect();
    plan.changes.retain(|change| !change.before.as_ref().and_then(LinkRow::link).is_some_and(|id| kept.contains(&id)));
    for row in companions {
        let is_alone = findings.removed_local.iter().any(|removed| removed.name == row.name);
        if let Some(reason) = reason(row).filter(|_| is_alone) {
            findings.kept_local.push(RetainedRecord {
                id: row.id,
                name: format!("the account of {}", row.name),
                reason,
            });
        }
    }
    Ok(staying)
}

/// How many rows are no longer as the run left them.
fn changed_since<R: LinkRow>(inverse: &SyncPlan<R>, rows: &[R]) -> usize {
    let standing: HashMap<String, &R> = rows.iter().map(|row| (row.identity(), row)).collect();
    let is_left = |change: &&RowChange<R>| match (&change.before, &change.after) {
        (Some(left), _) => standing.get(&left.identity()) == Some(&left),
        (None, Some(pruned)) => !standing.contains_key(&pruned.identity()),
        (None, None) => true,
    };
    inverse.changes.iter().filter(|change| !is_left(change)).count()
}
