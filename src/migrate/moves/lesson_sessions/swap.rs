//! The older table and the copy change places, under a lock.

use std::time::Instant;

use sqlx::PgConnection;

use super::options::{ARCHIVE, ARCHIVE_TABLE, NAME};
use super::recognition::{Recognised, holders};
use super::situation::Situation;
use super::store::{self, InboundForeignKey, Journal, RenamedObject};
use crate::error::Result;
use crate::migrate::catalog::Relation;
use crate::migrate::moves::store as moves_store;

/// Takes the locks with one bounded wait, so that others wait behind them no longer.
pub async fn lock(
    db: &mut PgConnection,
    found: &Recognised<'_>,
    keys: &[InboundForeignKey],
    with_enrolments: bool,
    mode: &str,
) -> Result<()> {
    let mut tables: Vec<String> = found.source.iter().chain(&found.gives_way).map(|table| table.sql_name()).collect();
    tables.extend(keys.iter().map(|key| key.table_name.clone()));
    if with_enrolments {
        tables.push("public.enrolled_students".to_owned());
    }
    tables.dedup();
    if tables.is_empty() {
        return Ok(());
    }
    let statements = [
        "SELECT set_config('statement_timeout', current_setting('lock_timeout'), true)".to_owned(),
        format!("LOCK TABLE {} IN {mode} MODE", tables.join(", ")),
        "SET LOCAL statement_timeout = 0".to_owned(),
    ];
    moves_store::execute(db, &statements).await
}

/// Puts the copy in its place, and the older table into the archive.
pub async fn swap(
    db: &mut PgConnection,
    situation: &Situation,
    found: &Recognised<'_>,
    keys: &[InboundForeignKey],
    journal: &mut Journal,
    since: Instant,
) -> Result<()> {
    free_names(db, situation, found, journal).await?;
    if let Some(gives_way) = found.gives_way {
        store::move_table(db, (&gives_way.schema, &gives_way.name), "lectern", "replaced_sessions").await?;
        journal.gives_way = Some(gives_way.oid);
        journal.changes.push("move the empty public.sessions to lectern.replaced_sessions".to_owned());
    }
    if let Some(source) = found.source {
        store::move_table(db, (&source.schema, &source.name), "lectern", ARCHIVE_TABLE).await?;
        journal.name.clone_from(&source.name);
        journal.changes.push(format!("move {} to {ARCHIVE}", source.full_name()));
    }
    store::place_sessions(db, found.source).await?;
    if let Some(source) = found.source
        && store::has_row_security(db, source.oid).await?
    {
        store::enable_row_security(db).await?;
    }
    journal.changes.push("create public.sessions".to_owned());
    if let Some(source) = found.source {
        let others = archived_sequences(source);
        store::set_sequence(db, "public.sessions_id_seq", "public.sessions", &others).await?;
        let keys: Vec<InboundForeignKey> = keys.iter().filter(|key| key.is_to_id).cloned().collect();
        journal.unvalidated = store::point_to(db, &keys, "public.sessions").await?;
        let change =
            |key: &InboundForeignKey| format!("let {} of {} refer to public.sessions", key.name, key.table_name);
        journal.changes.extend(keys.iter().map(change));
    }
    journal.locked_seconds = since.elapsed().as_secs_f64();
    moves_store::record(db, NAME, &[]).await
}

/// The sequences of the id, where they stand after the table has moved.
pub fn archived_sequences(source: &Relation) -> Vec<String> {
    let of_id = source.sequences.iter().filter(|sequence| sequence.column == "id");
    of_id
        .map(|sequence| {
            let schema = if sequence.is_owned { "lectern" } else { &sequence.schema };
            format!("{}.{}", crate::migrate::catalog::quote(schema), crate::migrate::catalog::quote(&sequence.name))
        })
        .collect()
}

/// Gives indexes and sequences of other tables that have a name of `sessions` another one, after their own table.
async fn free_names(
    db: &mut PgConnection,
    situation: &Situation,
    found: &Recognised<'_>,
    journal: &mut Journal,
) -> Result<()> {
    for holder in holders(&situation.catalog, None) {
        let is_replaced = found.gives_way.is_some_and(|table| table.oid == holder.table_oid);
        let mut name = if is_replaced { format!("replaced_{}", holder.name) } else { holder.new_name() };
        if store::is_taken(db, "public", &name).await? {
            name = format!("{}_{}", name.chars().take(50).collect::<String>(), holder.oid);
        }
        store::rename_object(db, holder.is_index, "public", &holder.name, &name).await?;
        journal.changes.push(format!("rename {} of {} to {name}", holder.name, holder.table));
        journal.renamed.push(RenamedObject { oid: holder.oid, is_index: holder.is_index, name: holder.name });
    }
    Ok(())
}
