//! Creates indexes that an existing `public.sessions` lacks: another table had taken their names when it was made.

use std::time::Instant;

use sqlx::PgConnection;

use super::options::NAME;
use super::recognition::{LessonState, Recognised, holders};
use super::situation::Situation;
use super::store::{self, CopyPhase, CopyProgress, Journal, RenamedObject};
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation};
use crate::migrate::moves::receipt::new_key;
use crate::migrate::moves::store as moves_store;
use crate::migrate::moves::survey::refuse;
use crate::migrate::moves::undo::Undone;

/// The indexes of `public.sessions` with their columns.
const INDEXES: [(&str, &str); 5] = [
    ("idx_sessions_enrollment", "course_enrollment_id"),
    ("idx_sessions_date", "session_date"),
    ("idx_sessions_status", "status"),
    ("idx_sessions_featured", "is_featured"),
    ("idx_sessions_recurring", "is_recurring"),
];

/// Returns the indexes that an existing table lacks: name and column.
pub fn missing(sessions: &Relation) -> Vec<(&'static str, &'static str)> {
    let lacks = |name: &str| sessions.indexes.iter().all(|index| index.name != name);
    INDEXES.into_iter().filter(|(name, _)| lacks(name)).collect()
}

/// Returns the table, if the move has nothing to do but to create its missing indexes.
pub fn incomplete<'a>(catalog: &'a Catalog, found: &Recognised<'_>) -> Option<&'a Relation> {
    let sessions = catalog.table("public", "sessions")?;
    let is_used = found.state == LessonState::Present && found.conflicts.is_empty();
    (is_used && sessions.is_owned && !missing(sessions).is_empty()).then_some(sessions)
}

/// Creates the missing indexes. Reports whether there were any.
pub async fn create_indexes(db: &mut PgConnection) -> Result<bool> {
    let situation = Situation::read(db).await?;
    let found = situation.recognised();
    let Some(sessions) = incomplete(&situation.catalog, &found) else { return Ok(false) };
    refuse(&situation.foreign_owners())?;
    moves_store::prepare_records(db, &new_key()?).await?;
    let missing = missing(sessions);
    let mut journal = Journal::default();
    for holder in holders(&situation.catalog, Some(sessions.oid)) {
        if missing.iter().all(|(name, _)| *name != holder.name) {
            continue;
        }
        let mut name = holder.new_name();
        if store::is_taken(db, "public", &name).await? {
            name = format!("{}_{}", name.chars().take(50).collect::<String>(), holder.oid);
        }
        store::rename_object(db, holder.is_index, "public", &holder.name, &name).await?;
        journal.changes.push(format!("rename {} of {} to {name}", holder.name, holder.table));
        journal.renamed.push(RenamedObject { oid: holder.oid, is_index: holder.is_index, name: holder.name });
    }
    let since = Instant::now();
    for (name, column) in missing {
        moves_store::execute(db, &[format!("CREATE INDEX {name} ON public.sessions ({column})")]).await?;
        journal.changes.push(format!("create the index {name} of public.sessions"));
        journal.created_indexes.push(name.to_owned());
    }
    journal.locked_seconds = since.elapsed().as_secs_f64();
    store::begin(db, None, &journal).await?;
    store::save(db, CopyPhase::Done, &journal).await?;
    moves_store::record(db, NAME, &[]).await?;
    Ok(true)
}

/// Removes indexes that the move has created.
pub async fn drop_indexes(db: &mut PgConnection, progress: &CopyProgress) -> Result<Undone> {
    for name in &progress.journal.created_indexes {
        moves_store::execute(db, &[format!("DROP INDEX IF EXISTS public.{name}")]).await?;
    }
    let changes = progress.journal.changes.len();
    Ok(Undone { was_applied: true, changes, ..Undone::default() })
}
