//! Whether stored rows are those of this database.

use sqlx::PgConnection;

use super::changes::Position;
use crate::error::Result;

/// Returns what distinguishes this database, its schema and its triggers from others. None while changes of a table are not
/// logged.
pub async fn database_mark(db: &mut PgConnection) -> Result<Option<String>> {
    let watched = super::changes::unlogged(&mut *db).await?;
    if watched.is_unlogged {
        return Ok(None);
    }
    let mark: String = sqlx::query_scalar(
        "SELECT concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
                          (SELECT timeline_id FROM pg_control_checkpoint()), oid, pg_is_in_recovery(),
                          (SELECT md5(string_agg(version::text, ',' ORDER BY version)) FROM lectern.schema_steps WHERE success),
                          md5($1))
         FROM pg_database WHERE datname = current_database()",
    )
    .bind(watched.triggers)
    .fetch_one(db)
    .await?;
    Ok(Some(mark))
}

/// Reports whether the log contains everything after a position, and the server has not gone back before it.
pub async fn is_resumable(db: &mut PgConnection, position: &Position) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT pg_snapshot_xmax($1::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
                AND deleted_through < pg_snapshot_xmin($1::pg_snapshot)
         FROM lectern.catalogue_version",
    )
    .bind(position.text())
    .fetch_one(db)
    .await?)
}

/// Waits until everything before is on the disk of the server. Numbers of transactions that a crash loses are given again,
/// so that a position from before the crash would hide changes.
pub async fn flush(db: &mut PgConnection) -> Result<()> {
    let is_standby = super::changes::is_standby(&mut *db).await?;
    if is_standby {
        // It only receives what is on the disk of its primary.
        return Ok(());
    }
    sqlx::query("SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'lectern', '')")
        .execute(db)
        .await?;
    Ok(())
}
