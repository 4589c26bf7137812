//! A plan carried out, in the caller's transaction: O(1) statements however long it is, none where it is empty.

use sqlx::PgConnection;

use super::entity_sync::EntitySync;
use super::plan::{RowChange, SyncPlan};
use crate::bridges::reference::LinkRow;
use crate::bridges::store::references;
use crate::error::Result;
use crate::sync::conflicts::apply::apply_resolutions;

/// Writes what the plan says and nothing else, as a part of `run`.
pub(super) async fn apply<S: EntitySync>(
    db: &mut PgConnection,
    plan: &SyncPlan<S::Row>,
    run: Option<i64>,
) -> Result<()> {
    let leaving: Vec<S::Row> = plan.changes.iter().filter_map(leaves).cloned().collect();
    if !leaving.is_empty() {
        S::delete(db, &leaving).await?;
    }
    let coming: Vec<&S::Row> = plan.changes.iter().filter_map(|change| change.after.as_ref()).collect();
    if !coming.is_empty() {
        S::upsert(db, &coming).await?;
    }
    if !plan.approvals.is_empty() {
        references::change_approvals(db, &plan.approvals.removed, &plan.approvals.added).await?;
    }
    if !plan.administrators.is_empty() {
        references::change_administrators(db, &plan.administrators.removed, &plan.administrators.added).await?;
    }
    if !plan.settlements.is_empty() {
        apply_resolutions(db, run, &plan.settlements).await?;
    }
    Ok(())
}

/// The row that has to go before others come: one that is pruned, or whose record now stands under another id.
fn leaves<R: LinkRow>(change: &RowChange<R>) -> Option<&R> {
    let before = change.before.as_ref()?;
    let stays = change.after.as_ref().is_some_and(|after| after.identity() == before.identity());
    (!stays).then_some(before)
}
