//! Undoes what runs wrote, from their journals: all of it, or nothing.
//!
//! A run is not undone alone if rows have changed since, or if rows of other entities depend on what it would delete or
//! restore. Later runs that wrote these rows can be undone with it, the latest first. An undo is a run with a journal of
//! its own. Local records that the run created and that are in use by now stay, together with their links.

mod history;
pub(super) mod journal;
mod obstacles;
pub mod report;
mod source;

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use sqlx::postgres::{PgAdvisoryLock, PgAdvisoryLockKey};
use sqlx::{Acquire, PgConnection, PgPool};

use self::history::UndoHistory;
use self::journal::{UndoJournalRef, UndoRunJournalRef, parse};
use self::obstacles::{LaterRuns, Obstacle};
use self::report::UndoReport;
use self::source::Source;
use super::apply::apply;
use super::entity::Entity;
use super::entity_sync::EntitySync;
use super::matching::LocalRecord;
use super::plan::SyncPlan;
use super::report::Report;
use crate::bridges::reference::LinkRow;
use crate::bridges::store::overrides;
use crate::error::{Error, Result};
use crate::history::{Interface, sign, sign_run};
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

/// Evaluates an expression with the [`EntitySync`] of an entity.
macro_rules! with_entity {
    ($entity:expr, $sync:ident => $body:expr) => {{
        macro_rules! with {
            ($one:ty) => {{
                type $sync = $one;
                $body
            }};
        }
        match $entity {
            Entity::CustomFields => with!(CustomFields),
            Entity::PriceLevels => with!(PriceLevels),
            Entity::Locations => with!(Locations),
            Entity::Venues => with!(Venues),
            Entity::Instructors => with!(Instructors),
            Entity::CourseTemplates => with!(CourseTemplates),
            Entity::CourseTemplatePriceLevels => with!(Prices),
            Entity::Events => with!(Events),
        }
    }};
}

/// Formats the changes of a run as a plan.
///
/// # Errors
/// [`Error::Failed`] for the journal of an incompatible version of this program.
pub fn describe(entity: Entity, journal: Value) -> Result<String> {
    with_entity!(entity, One => Ok(parse::<One>(journal)?.plan(entity).to_string()))
}

/// How an undo is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoMode {
    /// Show what would be undone and write nothing.
    DryRun,
    Write,
}

/// What is undone, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncUndo<'a> {
    pub run: i64,
    /// Whether later runs whose rows depend on it are undone too, the latest first. Without it they are reported.
    pub cascade: bool,
    pub mode: UndoMode,
    /// The stored run that receives the undo of `run`; none: the undo begins its own.
    pub in_run: Option<i64>,
    /// Who is named in the history; none: the user of the command.
    pub actor: Option<&'a str>,
}

/// Undoes what a run wrote, completely or not at all.
///
/// # Errors
/// [`Error::Usage`] where there is no such run; [`Error::NeedsAttention`] where something other than a later run
/// prevents the undo.
pub async fn undo(pool: &PgPool, request: SyncUndo<'_>) -> Result<UndoReport> {
    let SyncUndo { run, cascade, mode, in_run, actor } = request;
    let mut db = pool.acquire().await?;
    let mut later = LaterRuns::new();
    loop {
        let mut transaction = db.begin().await?;
        sign_run(&mut transaction, Some(run), Interface::Sync).await?;
        if let Some(actor) = actor {
            sign(&mut transaction, actor, Interface::Sync).await?;
        }
        let set: BTreeSet<i64> = later.keys().copied().chain([run]).collect();
        // Later runs are found by trying. Nothing is written before all are known and allowed.
        let may_write = mode == UndoMode::Write && (cascade || later.is_empty());
        match undo_all(&mut transaction, (&set, in_run.map(|undo_run| (run, undo_run))), may_write).await? {
            Attempt::NeedsMore(more) => {
                transaction.rollback().await?;
                for (run, (entity, rows)) in more {
                    later.entry(run).or_insert_with(|| (entity, BTreeSet::new())).1.extend(rows);
                }
            }
            Attempt::Nothing(entity, reason) => {
                return Ok(UndoReport::nothing(run, entity, mode == UndoMode::DryRun, reason));
            }
            Attempt::Undone(runs) if cascade || later.is_empty() => {
                let report = UndoReport::of(run, runs);
                if !may_write {
                    transaction.rollback().await?;
                    return Ok(report);
                }
                if let Some(undo_run) = in_run {
                    runs::finish(&mut transaction, undo_run, report.exit(), &report).await?;
                }
                transaction.commit().await?;
                return Ok(report);
            }
            Attempt::Undone(runs) => {
                transaction.rollback().await?;
                let entity = runs.last().map_or(Entity::Events, |(_, report)| report.entity);
                return Ok(UndoReport::blocked(run, entity, mode == UndoMode::DryRun, later));
            }
        }
    }
}

/// The result of trying to undo some runs in one transaction.
enum Attempt {
    /// All are undone, the latest first.
    Undone(Vec<(i64, Report)>),
    /// These later runs have to be undone before.
    NeedsMore(LaterRuns),
    /// The run changed nothing, for this reason.
    Nothing(Option<Entity>, String),
}

/// `in_run`: a run of the set, and the stored run that receives its undo.
async fn undo_all(
    db: &mut PgConnection,
    (set, in_run): (&BTreeSet<i64>, Option<(i64, i64)>),
    may_write: bool,
) -> Result<Attempt> {
    let history = UndoHistory::load(db).await?;
    let mut done: HashSet<i64> = HashSet::new();
    let mut reports = Vec::new();
    for run in set.iter().rev().copied() {
        if let Some(by) = history.undone_by(run) {
            return Err(Error::NeedsAttention(format!(
                "run {run} is undone already, by run {by}: `lectern sync undo {by}` restores what it wrote"
            )));
        }
        let (entity, journal) = match source::journal_of(db, run).await? {
            Source::Journal(entity, journal) => (entity, journal),
            Source::Nothing(entity, reason) => return Ok(Attempt::Nothing(entity, reason)),
        };
        lock(db, entity).await?;
        let undo_run = in_run.filter(|(undone, _)| *undone == run).map(|(_, undo_run)| undo_run);
        let step = with_entity!(entity, One => undo_one::<One>(db, (run, undo_run), journal, may_write).await?);
        match step {
            Ok(report) => reports.push((run, report)),
            Err(obstacles) => {
                let can_make_way = |later| !done.contains(&later) && history.can_make_way(later, run);
                let later = obstacles::later_runs(db, (run, entity), &obstacles, can_make_way).await?;
                return Ok(Attempt::NeedsMore(later));
            }
        }
        done.insert(run);
    }
    Ok(Attempt::Undone(reports))
}

/// Excludes syncs of this entity until the transaction ends.
async fn lock(db: &mut PgConnection, entity: Entity) -> Result<()> {
    let lock = PgAdvisoryLock::new(format!("lectern sync {entity}"));
    let PgAdvisoryLockKey::BigInt(key) = lock.key() else { return Ok(()) };
    if runs::try_lock_in_transaction(db, *key).await? {
        return Ok(());
    }
    Err(Error::Failed(format!("a sync of {} is running on this database: wait until it has ended", entity.plural())))
}

/// Undoes one run in the caller's transaction, or returns what prevents it.
async fn undo_one<E: EntitySync>(
    db: &mut PgConnection,
    (run, in_run): (i64, Option<i64>),
    journal: Value,
    may_write: bool,
) -> Result<Result<Report, Vec<Obstacle>>> {
    let mut journal = parse::<E>(journal)?;
    if !journal.removed_local.is_empty() {
        return Err(Error::NeedsAttention(format!(
            "run {run} deleted {} locally, which cannot be restored: create them again with \
             `lectern sync {} --create-local`",
            E::ENTITY.counted(journal.removed_local.len()),
            E::ENTITY
        )));
    }
    let created = std::mem::take(&mut journal.created_local_rows);
    let cascaded = std::mem::take(&mut journal.cascaded);
    let restored = std::mem::take(&mut journal.restored);
    let mut plan = journal.inverse(E::ENTITY);
    let rows = E::link_rows(db).await?;
    let mut obstacles: Vec<Obstacle> = obstacles::changed_since(db, &plan, &rows).await?.into_iter().collect();
    obstacles.extend(obstacles::missing_targets(db, &plan).await?);
    let in_use = exclude_used::<E>(db, &mut plan, &created, &rows).await?;
    obstacles.extend(obstacles::dependents::<E>(db, &mut plan, &restored).await?);
    if !obstacles.is_empty() {
        return Ok(Err(obstacles));
    }
    let undo_run = match (may_write, in_run) {
        (true, None) => Some(runs::begin(db, runs::RunKind::SyncUndo, E::ENTITY.name()).await?),
        (true, known) => known,
        (false, _) => None,
    };
    apply::<E>(db, &plan, undo_run).await.map_err(|error| missing_local_record(run, error))?;
    E::undo_side_effects(db, &plan.changes).await?;
    cascaded.restore(db).await?;
    reference::delete_unused(db, &created, &in_use).await?;
    let report = Report::of(&plan, undo_run, !may_write);
    if let Some(undo_run) = undo_run {
        let removed_local = &plan.findings.removed_local;
        let journal = UndoJournalRef::of(&plan);
        let journal = UndoRunJournalRef { journal, undoes: run, restored: &cascaded, removed_local };
        runs::save_journal(db, undo_run, &journal).await?;
        // A run of the caller receives the report of all undone runs.
        if in_run.is_none() {
            runs::finish(db, undo_run, report.exit(), &report).await?;
        }
    }
    Ok(Ok(report))
}

/// Explains a link to a local record that was deleted since.
fn missing_local_record(run: i64, error: Error) -> Error {
    match &error {
        Error::Database(sqlx::Error::Database(reason)) if reason.is_foreign_key_violation() => {
            Error::NeedsAttention(format!(
                "run {run} cannot be undone, and nothing was changed: a record that it would link was deleted locally"
            ))
        }
        _ => error,
    }
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
