//! Takes back what a run wrote, from its journal: all of it, or nothing where a row has changed since.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Acquire, PgConnection, PgPool};

use super::apply::apply;
use super::course_templates::CourseTemplates;
use super::custom_fields::CustomFields;
use super::disputes::{Settlement, settling};
use super::entity::Entity;
use super::events::Events;
use super::instructors::Instructors;
use super::locations::Locations;
use super::matching::Pairing;
use super::plan::{Change, Difference, Plan};
use super::price_levels::PriceLevels;
use super::prices::Prices;
use super::report::Report;
use super::synced::Synced;
use super::venues::Venues;
use crate::bridges::reference::{Administrator, Approval, Bridge};
use crate::error::{Error, Result};
use crate::runs;

/// What a run changed.
#[derive(Debug, Deserialize)]
struct Journal<R> {
    changes: Vec<Change<R>>,
    approvals: Difference<Approval>,
    administrators: Difference<Administrator>,
    #[serde(default)]
    settlements: Vec<Settlement>,
}

/// The same of a plan that is carried out; what is kept can be large, and is not copied for it.
#[derive(Debug, Serialize)]
pub(super) struct JournalOf<'a, R> {
    changes: &'a [Change<R>],
    approvals: &'a Difference<Approval>,
    administrators: &'a Difference<Administrator>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    settlements: &'a [Settlement],
}

impl<'a, R: Bridge> JournalOf<'a, R> {
    pub(super) fn plan(plan: &'a Plan<R>) -> Self {
        JournalOf {
            changes: &plan.changes,
            approvals: &plan.approvals,
            administrators: &plan.administrators,
            settlements: &plan.settlements,
        }
    }
}

impl<R: Bridge> Journal<R> {
    /// The plan that was carried out.
    fn plan(self, entity: Entity) -> Plan<R> {
        let mut plan = Plan::between(entity, Vec::new(), &[], Pairing::default());
        plan.changes = self.changes;
        plan.approvals = self.approvals;
        plan.administrators = self.administrators;
        plan.settlements = self.settlements;
        plan
    }

    /// The plan that takes it back.
    fn inverse(self, entity: Entity) -> Plan<R> {
        let mut plan = Plan::between(entity, Vec::new(), &[], Pairing::default());
        let inverse = |change: Change<R>| Change { name: change.name, before: change.after, after: change.before };
        plan.changes = self.changes.into_iter().map(inverse).collect();
        plan.approvals = Difference { added: self.approvals.removed, removed: self.approvals.added };
        plan.administrators = Difference { added: self.administrators.removed, removed: self.administrators.added };
        for inverse in self.settlements.into_iter().map(Settlement::inverse) {
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

fn told<S: Synced>(journal: Value) -> Result<String> {
    Ok(read::<S>(journal)?.plan(S::ENTITY).to_string())
}

fn read<S: Synced>(journal: Value) -> Result<Journal<S::Row>> {
    serde_json::from_value(journal)
        .map_err(|error| Error::Failed(format!("the run was kept by another version of this program: {error}")))
}

/// Takes back what the run wrote; a dry run only tells.
///
/// # Errors
/// [`Error::Usage`] where there is no such run or it wrote nothing, [`Error::NeedsPerson`] where rows have changed since.
pub async fn undo(pool: &PgPool, run: i64, dry_run: bool) -> Result<Report> {
    let mut db = pool.acquire().await?;
    let Some((subject, journal)) = runs::journal_of(&mut db, "sync", run).await? else {
        return Err(Error::Usage(format!("run {run} is no sync that wrote anything; `lectern sync runs` lists them")));
    };
    let entity: Entity = subject.parse().map_err(Error::Failed)?;
    match entity {
        Entity::CustomFields => take_back::<CustomFields>(&mut db, journal, dry_run).await,
        Entity::PriceLevels => take_back::<PriceLevels>(&mut db, journal, dry_run).await,
        Entity::Locations => take_back::<Locations>(&mut db, journal, dry_run).await,
        Entity::Venues => take_back::<Venues>(&mut db, journal, dry_run).await,
        Entity::Instructors => take_back::<Instructors>(&mut db, journal, dry_run).await,
        Entity::CourseTemplates => take_back::<CourseTemplates>(&mut db, journal, dry_run).await,
        Entity::CourseTemplatePriceLevels => take_back::<Prices>(&mut db, journal, dry_run).await,
        Entity::Events => take_back::<Events>(&mut db, journal, dry_run).await,
    }
}

async fn take_back<S: Synced>(db: &mut PgConnection, journal: Value, dry_run: bool) -> Result<Report> {
    let plan = read::<S>(journal)?.inverse(S::ENTITY);
    let mut transaction = db.begin().await?;
    let rows = S::rows(&mut transaction).await?;
    let changed = changed_since(&plan, &rows) + settling::changed_since(&mut transaction, &plan.settlements).await?;
    if changed > 0 {
        return Err(Error::NeedsPerson(format!(
            "{changed} {} have changed since that run: nothing was taken back; undo the later runs first",
            S::ENTITY.plural()
        )));
    }
    if dry_run {
        return Ok(Report::of(&plan, None, true));
    }
    let undone = runs::begin(&mut transaction, "sync undo", S::ENTITY.name()).await?;
    apply::<S>(&mut transaction, &plan, Some(undone)).await?;
    let report = Report::of(&plan, Some(undone), false);
    runs::finish(&mut transaction, undone, report.exit(), &report).await?;
    transaction.commit().await?;
    Ok(report)
}

/// How many rows are no longer as the run left them.
fn changed_since<R: Bridge>(inverse: &Plan<R>, rows: &[R]) -> usize {
    let standing: HashMap<String, &R> = rows.iter().map(|row| (row.identity(), row)).collect();
    let is_left = |change: &&Change<R>| match (&change.before, &change.after) {
        (Some(left), _) => standing.get(&left.identity()) == Some(&left),
        (None, Some(pruned)) => !standing.contains_key(&pruned.identity()),
        (None, None) => true,
    };
    inverse.changes.iter().filter(|change| !is_left(change)).count()
}
