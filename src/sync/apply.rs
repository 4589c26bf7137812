//! Applies a plan in the caller's transaction, with a constant number of statements. An empty plan writes at most what Lectern alone
//! stores.

use sqlx::PgConnection;

use super::entity_sync::EntitySync;
use super::plan::{RowChange, SyncPlan};
use crate::bridges::reference::LinkRow;
use crate::bridges::store::{references, spellings};
use crate::error::Result;
use crate::sync::conflicts::apply::apply_resolutions;

/// Writes the changes of a plan. Deliveries that it requests belong to `run`.
pub(super) async fn apply<E: EntitySync>(
    db: &mut PgConnection,
    plan: &SyncPlan<E::Row>,
    run: Option<i64>,
) -> Result<()> {
    let removed: Vec<E::Row> = plan.changes.iter().filter_map(removed_row).cloned().collect();
    if !removed.is_empty() {
        E::delete(db, &removed).await?;
    }
    let written: Vec<&E::Row> = plan.changes.iter().filter_map(|change| change.after.as_ref()).collect();
    if !written.is_empty() {
        E::upsert(db, &written).await?;
    }
    if !plan.completed.is_empty() {
        E::complete(db, &plan.completed.iter().collect::<Vec<_>>()).await?;
    }
    if let Some(comparison) = &plan.comparison {
        spellings::save_comparison(db, E::ENTITY.name(), comparison.stored()?).await?;
    }
    if !plan.approvals.is_empty() {
        references::change_approvals(db, &plan.approvals.removed, &plan.approvals.added).await?;
    }
    if !plan.administrators.is_empty() {
        references::change_administrators(db, &plan.administrators.removed, &plan.administrators.added).await?;
    }
    if !plan.resolutions.is_empty() {
        apply_resolutions(db, run, &plan.resolutions).await?;
    }
    Ok(())
}

/// Returns the row to delete before others are written: a pruned row, or one whose identity changes.
fn removed_row<R: LinkRow>(change: &RowChange<R>) -> Option<&R> {
    let before = change.before.as_ref()?;
    let is_same_row = change.after.as_ref().is_some_and(|after| after.identity() == before.identity());
    (!is_same_row).then_some(before)
}
