//! All SQL on `lectern.runs`.

use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::{DatabaseIdentity, LOCKS, Run, RunKind, StoredRun};
use crate::error::{Exit, Result};

/// Returns what distinguishes this database from others.
pub async fn database_identity(db: &mut PgConnection) -> Result<DatabaseIdentity> {
    let (name, installed_on) = sqlx::query_as(
        "SELECT current_database()::text,
             to_char(min(installed_on) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
         FROM lectern.schema_steps",
    )
    .fetch_one(db)
    .await?;
    Ok(DatabaseIdentity { name, installed_on })
}

/// Stores a new run and returns its id. `subject`: the entity or the file's name.
pub async fn begin(db: &mut PgConnection, kind: RunKind, subject: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("INSERT INTO lectern.runs (kind, subject) VALUES ($1, $2) RETURNING id")
        .bind(kind.as_str())
        .bind(subject)
        .fetch_one(db)
        .await?)
}

/// Stores a run that a worker carries out later. A dry run never counts as succeeded.
pub async fn enqueue(db: &mut PgConnection, kind: RunKind, subject: &str, dry_run: bool) -> Result<i64> {
    Ok(sqlx::query_scalar("INSERT INTO lectern.runs (kind, subject, dry_run) VALUES ($1, $2, $3) RETURNING id")
        .bind(kind.as_str())
        .bind(subject)
        .bind(dry_run)
        .fetch_one(db)
        .await?)
}

pub(super) async fn try_lock(db: &mut PgConnection, run: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2::bigint::int)")
        .bind(LOCKS)
        .bind(run)
        .fetch_one(db)
        .await?)
}

/// Reopens a run that ended only because its process was stopped.
pub async fn reopen(db: &mut PgConnection, run: i64) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET finished_at = NULL, exit_code = NULL, document = NULL WHERE id = $1")
        .bind(run)
        .execute(db)
        .await?;
    Ok(())
}

/// Stores the exit code and the document of a run that ends.
pub async fn finish(db: &mut PgConnection, run: i64, exit: Exit, document: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET finished_at = now(), exit_code = $2, document = $3 WHERE id = $1")
        .bind(run)
        .bind(exit as i32)
        .bind(sqlx::types::Json(document))
        .execute(db)
        .await?;
    Ok(())
}

/// Replaces the exit code and the document of a run that has ended, when more was done afterwards.
pub async fn update_result(db: &mut PgConnection, run: i64, exit: Exit, document: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET exit_code = $2, document = $3 WHERE id = $1")
        .bind(run)
        .bind(exit as i32)
        .bind(sqlx::types::Json(document))
        .execute(db)
        .await?;
    Ok(())
}

/// Stores what the run changed, for undo.
pub async fn save_journal(db: &mut PgConnection, run: i64, journal: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET journal = $2 WHERE id = $1")
        .bind(run)
        .bind(sqlx::types::Json(journal))
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the subject of a run and what it changed; none for a run of another kind, or where it changed nothing.
pub async fn journal_of(db: &mut PgConnection, kind: RunKind, run: i64) -> Result<Option<(String, Value)>> {
    Ok(sqlx::query_as("SELECT subject, journal FROM lectern.runs WHERE id = $1 AND kind = $2 AND journal IS NOT NULL")
        .bind(run)
        .bind(kind.as_str())
        .fetch_optional(db)
        .await?)
}

/// Returns whether a run of this kind and subject has succeeded: it ended with exit code 0 or 4 and was no dry run.
pub async fn has_succeeded(db: &mut PgConnection, kind: RunKind, subject: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.runs WHERE kind = $1 AND subject = $2 AND NOT dry_run
                                                           AND exit_code IN (0, 4))",
    )
    .bind(kind.as_str())
    .bind(subject)
    .fetch_one(db)
    .await?)
}

/// The columns of [`Run`].
const COLUMNS: &str =
    "id, subject, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS started_at,
    round(extract(epoch FROM finished_at - started_at) * 1000)::bigint AS duration_ms, exit_code,
    document -> 'counts' AS counts, (document -> 'requests')::bigint AS requests";

/// Returns a run of this kind with its document and journal.
pub async fn find(db: &mut PgConnection, kind: RunKind, run: i64) -> Result<Option<StoredRun>> {
    let sql = format!("SELECT {COLUMNS}, document, journal FROM lectern.runs WHERE id = $1 AND kind = $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(run).bind(kind.as_str()).fetch_optional(db).await?)
}

/// Returns the latest runs of a kind, newest first, without dry runs.
pub async fn latest(db: &mut PgConnection, kind: RunKind, limit: i64) -> Result<Vec<Run>> {
    let sql = format!("SELECT {COLUMNS} FROM lectern.runs WHERE kind = $1 AND NOT dry_run ORDER BY id DESC LIMIT $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(kind.as_str()).bind(limit.max(0)).fetch_all(db).await?)
}
