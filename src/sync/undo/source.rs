//! Reads the run to undo.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::{Error, Result};
use crate::runs;
use crate::runs::RunKind;
use crate::sync::entity::Entity;

/// What a stored run left to undo.
pub(super) enum Source {
    Journal(Entity, Value),
    /// Nothing, for this reason.
    Nothing(Option<Entity>, String),
}

/// Returns the entity and journal of a sync or of its undo.
///
/// # Errors
/// [`Error::Usage`] where there is no such run or it is no sync; [`Error::NeedsAttention`] where the run wrote something
/// that has no journal.
pub(super) async fn journal_of(db: &mut PgConnection, run: i64) -> Result<Source> {
    let Some(source) = runs::undo_source(db, run).await? else {
        return Err(Error::Usage(format!("there is no run {run}: `lectern sync runs` lists the runs")));
    };
    if source.kind == RunKind::Import.as_str() {
        return Err(Error::Usage(format!("run {run} is an import: undo it with `lectern import undo {run}`")));
    }
    let is_undo = source.kind == RunKind::SyncUndo.as_str();
    if !is_undo && source.kind != RunKind::Sync.as_str() {
        return Err(Error::Usage(format!("run {run} is not a sync: `lectern sync runs` lists the syncs")));
    }
    // A sync of all entities that was requested over HTTP is one run.
    let entity: Option<Entity> = source.subject.parse().ok();
    match (source.journal, entity) {
        (Some(journal), Some(entity)) => Ok(Source::Journal(entity, journal)),
        (Some(_), None) => Err(Error::Failed(format!("run {run} concerns {}, which is unknown", source.subject))),
        (None, entity) if source.dry_run => {
            Ok(Source::Nothing(entity, format!("run {run} was a dry run, so there is nothing to undo")))
        }
        (None, _) if is_undo => Err(Error::NeedsAttention(format!(
            "run {run} is an undo that an earlier version stored, and cannot be undone itself: run `lectern sync {}`",
            source.subject
        ))),
        (None, _) if !source.created_remote.is_empty() => Err(Error::NeedsAttention(format!(
            "run {run} only created records in Administrate, where they have to be deleted: {}",
            source.created_remote.join(", ")
        ))),
        (None, entity) => {
            let reason = if source.is_finished { "changed nothing" } else { "has not ended" };
            Ok(Source::Nothing(entity, format!("run {run} {reason}, so there is nothing to undo")))
        }
    }
}
