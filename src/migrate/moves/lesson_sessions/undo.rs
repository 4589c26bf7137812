//! Undoes the move: the older table comes back with what was written since.

use sqlx::PgConnection;

use super::indexes::drop_indexes;
use super::options::{ARCHIVE, NAME};
use super::recognition::Recognised;
use super::situation::Situation;
use super::store::{self, CopyPhase, CopyProgress, Journal};
use super::swap;
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{Relation, quote};
use crate::migrate::moves::locks::EXCLUSIVE;
use crate::migrate::moves::store as moves_store;
use crate::migrate::moves::undo::Undone;

/// Undoes the move. Lessons that were written since stay, in the older table.
///
/// # Errors
/// [`Error::NeedsAttention`] when something refers to `public.sessions` that cannot follow. Nothing is changed then.
pub async fn undo(attempts: &Attempts<'_>) -> Result<Undone> {
    let (mut undone, unvalidated) = attempts.transaction(undo_in).await?;
    for (table, constraint) in unvalidated {
        let sql = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote(&constraint));
        if attempts.patiently(async |db| moves_store::execute(db, std::slice::from_ref(&sql)).await).await.is_err() {
            undone.problems.push(format!("rows written since break the foreign key {constraint} of {table}"));
        }
    }
    Ok(undone)
}

type UnvalidatedKeys = Vec<(String, String)>;

async fn undo_in(db: &mut PgConnection) -> Result<(Undone, UnvalidatedKeys)> {
    let Some(progress) = store::progress(db).await? else { return Ok((Undone::default(), Vec::new())) };
    let situation = Situation::read(db).await?;
    let source = progress.source.and_then(|oid| moves_store::table_of(&situation.catalog, oid));
    if progress.phase == CopyPhase::Copying {
        return Ok((stop_copying(db, &situation, source, &progress).await?, Vec::new()));
    }
    if !progress.journal.created_indexes.is_empty() {
        let undone = drop_indexes(db, &progress).await?;
        give_names_back(db, &progress.journal).await?;
        store::end(db).await?;
        moves_store::replace_journal_end(db, NAME, 0, &[]).await?;
        return Ok((undone, Vec::new()));
    }
    let sessions = situation.catalog.table("public", "sessions").ok_or_else(|| {
        Error::NeedsAttention(
            "nothing was changed: public.sessions is gone, so that its lessons would be lost".to_owned(),
        )
    })?;
    refuse_dependents(sessions)?;
    if source.is_none() && progress.source.is_some() {
        return Err(Error::NeedsAttention(format!("nothing was changed: {} is gone: restore it", ARCHIVE)));
    }
    let keys = store::inbound_keys(db, sessions.oid).await?;
    let found = Recognised { source, gives_way: Some(sessions), ..Recognised::default() };
    let has_enrolments = situation.catalog.table("public", "enrolled_students").is_some();
    swap::lock(db, &found, &keys, has_enrolments, EXCLUSIVE).await?;
    store::unwatch_enrolments(db).await?;
    let mut undone = Undone { was_applied: true, ..Undone::default() };
    let unvalidated = match source {
        Some(archive) => give_back(db, &situation, archive, &keys, &progress.journal, &mut undone).await?,
        None => refuse_rows(db, sessions).await?,
    };
    moves_store::execute(db, &["DROP TABLE public.sessions".to_owned()]).await?;
    give_names_back(db, &progress.journal).await?;
    undo_enrolments(db, source, &progress.journal, &mut undone).await?;
    store::end(db).await?;
    moves_store::replace_journal_end(db, NAME, 0, &[]).await?;
    undone.changes += progress.journal.changes.len();
    Ok((undone, unvalidated))
}

/// Removes an unfinished copy; the older table is still in its place.
async fn stop_copying(
    db: &mut PgConnection,
    situation: &Situation,
    source: Option<&Relation>,
    progress: &CopyProgress,
) -> Result<Undone> {
    swap::lock(db, &Recognised { source, ..Recognised::default() }, &[], true, EXCLUSIVE).await?;
    let has_enrolments = situation.catalog.table("public", "enrolled_students").is_some();
    let name = source.filter(|_| has_enrolments).map(Relation::sql_name);
    store::discard(db, name.as_deref()).await?;
    let mut undone = Undone { was_applied: true, changes: 1, ..Undone::default() };
    undo_enrolments(db, source, &progress.journal, &mut undone).await?;
    store::end(db).await?;
    // Recorded, so that the next migration is seen as pending.
    moves_store::record(db, NAME, &[]).await?;
    moves_store::replace_journal_end(db, NAME, 0, &[]).await?;
    Ok(undone)
}

fn refuse_dependents(sessions: &Relation) -> Result<()> {
    let views: Vec<String> = sessions.dependents.iter().map(|view| format!("{}.{}", view.schema, view.name)).collect();
    if views.is_empty() {
        return Ok(());
    }
    Err(Error::NeedsAttention(format!(
        "nothing was changed: views read public.sessions, which the undo removes: {}: drop them first",
        views.join(", ")
    )))
}

async fn refuse_rows(db: &mut PgConnection, sessions: &Relation) -> Result<UnvalidatedKeys> {
    let (rows, _) = store::archive_totals(db, &sessions.sql_name()).await?;
    if rows > 0 {
        return Err(Error::NeedsAttention(format!(
            "nothing was changed: public.sessions has {rows} rows, and there is no older table to take them"
        )));
    }
    Ok(Vec::new())
}

/// Brings the rows, the older table, its foreign keys and its sequence back.
async fn give_back(
    db: &mut PgConnection,
    situation: &Situation,
    archive: &Relation,
    keys: &[store::InboundForeignKey],
    journal: &Journal,
    undone: &mut Undone,
) -> Result<UnvalidatedKeys> {
    if store::is_taken(db, "public", &journal.name).await? {
        return Err(Error::NeedsAttention(format!(
            "nothing was changed: public.{} exists again: rename or drop it",
            journal.name
        )));
    }
    store::create_functions(db).await?;
    let mapping = situation.mapping(archive);
    // A number of another table's rows would break that foreign key.
    let is_elsewhere = archive.constraints.iter().any(|key| {
        key.columns == ["enrollment_id"]
            && key.target.as_ref().is_some_and(|target| target.table != "enrolled_students")
    });
    store::forget(db, &mapping, &format!("public.{}", journal.name)).await?;
    let restored =
        store::restore_rows(db, &mapping, !is_elsewhere).await.map_err(|error| refusal(error, &journal.name))?;
    let unvalidated = store::point_to(db, keys, &archive.sql_name()).await?;
    for sequence in archive.sequences.iter().filter(|sequence| sequence.column == "id") {
        let name = format!("{}.{}", quote(&sequence.schema), quote(&sequence.name));
        if restored.added > 0 {
            store::set_sequence(db, &name, &archive.sql_name(), &["public.sessions_id_seq".to_owned()]).await?;
        }
    }
    store::move_table(db, (&archive.schema, &archive.name), "public", &journal.name).await?;
    let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    undone.changes = count(restored.changed) + count(restored.added) + count(restored.deleted);
    Ok(unvalidated)
}

/// Says which rule of the older table refuses a lesson that was written since.
fn refusal(error: Error, table: &str) -> Error {
    let Error::Database(sqlx::Error::Database(refused)) = &error else { return error };
    let is_rule = refused.code().is_some_and(|code| code.starts_with("23"));
    let details = refused.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
    let rule = details.and_then(|details| match (details.constraint(), details.column()) {
        (Some(constraint), _) => Some(format!("the rule {constraint}")),
        (None, Some(column)) => Some(format!("the rule that {column} is not null")),
        (None, None) => None,
    });
    let Some(rule) = rule.filter(|_| is_rule) else { return error };
    Error::NeedsAttention(format!(
        "nothing was changed: a lesson that was written since breaks {rule} of public.{table}: change the lesson, or the rule \
         of {ARCHIVE}, then undo again"
    ))
}

/// Gives an empty `sessions` its place back, and indexes and sequences their names.
async fn give_names_back(db: &mut PgConnection, journal: &Journal) -> Result<()> {
    if let Some(oid) = journal.gives_way
        && let Some((schema, name)) = moves_store::relation(db, oid).await?
    {
        store::move_table(db, (&schema, &name), "public", "sessions").await?;
    }
    for object in journal.renamed.iter().rev() {
        let Some((schema, name)) = moves_store::relation(db, object.oid).await? else { continue };
        if !store::is_taken(db, &schema, &object.name).await? {
            store::rename_object(db, object.is_index, &schema, &name, &object.name).await?;
        }
    }
    Ok(())
}

/// Removes the enrolments that the move made, as far as nothing uses them.
async fn undo_enrolments(
    db: &mut PgConnection,
    source: Option<&Relation>,
    journal: &Journal,
    undone: &mut Undone,
) -> Result<()> {
    if journal.enrolments.is_empty() && !journal.needs_package {
        return Ok(());
    }
    let name =
        if journal.name.is_empty() { source.map(|table| table.name.clone()) } else { Some(journal.name.clone()) };
    let old = format!("public.{}", quote(&name.unwrap_or_default()));
    let has_number = source.is_some_and(|source| source.column("enrollment_id").is_some());
    let removed = store::remove_enrolments(db, &journal.enrolments, &old, has_number).await?;
    let left: Vec<String> = journal.enrolments.iter().filter(|id| !removed.contains(id)).map(i64::to_string).collect();
    if !left.is_empty() {
        undone.problems.push(format!(
            "public.enrolled_students: the enrolments {} stay, because something refers to them",
            left.join(", ")
        ));
    }
    if journal.needs_package && left.is_empty() {
        let sql = "ALTER TABLE public.enrolled_students ALTER COLUMN package_id SET NOT NULL".to_owned();
        moves_store::execute(db, &[sql]).await?;
    }
    Ok(())
}
