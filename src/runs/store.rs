//! All SQL on `lectern.runs`.

use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use super::{DatabaseIdentity, LOCKS, LastSync, OpenMatches, Run, RunKind, StoredRun, UndoSource};
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

/// Begins a run again that has ended: it is executed from now on.
pub async fn begin_again(db: &mut PgConnection, run: i64) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET started_at = now() WHERE id = $1").bind(run).execute(&mut *db).await?;
    reopen(db, run).await
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

/// Returns the last syncs of each entity, without dry runs.
pub async fn last_syncs(pool: &PgPool) -> Result<Vec<LastSync>> {
    Ok(sqlx::query_as(
        "SELECT subject AS entity, (array_agg(exit_code ORDER BY id DESC))[1] AS last_exit,
                to_char(max(finished_at) FILTER (WHERE exit_code IN (0, 4)) AT TIME ZONE 'UTC',
                        'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS succeeded_at
         FROM lectern.runs WHERE kind = $1 AND NOT dry_run AND finished_at IS NOT NULL GROUP BY subject",
    )
    .bind(RunKind::Sync.as_str())
    .fetch_all(pool)
    .await?)
}

/// Returns what the latest sync of each entity left for a person to decide. Entities without such things are left out.
pub async fn open_matches(pool: &PgPool) -> Result<Vec<OpenMatches>> {
    Ok(sqlx::query_as(
        "WITH latest AS (
             SELECT DISTINCT ON (subject) id, subject, exit_code, document FROM lectern.runs
             WHERE kind = $1 AND NOT dry_run AND finished_at IS NOT NULL AND subject <> 'all'
             ORDER BY subject, id DESC),
         counted AS (
             SELECT id AS run, subject AS entity, exit_code,
                    coalesce(jsonb_array_length(document->'ambiguous'), 0) AS ambiguous,
                    coalesce(jsonb_array_length(document->'unmatched_local'), 0)
                        + coalesce(jsonb_array_length(document->'unmatched_remote'), 0) AS unmatched,
                    coalesce(jsonb_array_length(document->'conflicts'), 0) AS conflicts,
                    coalesce(jsonb_array_length(document->'errors'), 0) AS errors
             FROM latest)
         SELECT * FROM counted
         WHERE ambiguous + unmatched + conflicts + errors > 0 OR exit_code NOT IN (0, 4) ORDER BY entity",
    )
    .bind(RunKind::Sync.as_str())
    .fetch_all(pool)
    .await?)
}

/// The columns of [`Run`].
const COLUMNS: &str =
    "id, kind, subject, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS started_at,
    round(extract(epoch FROM finished_at - started_at) * 1000)::bigint AS duration_ms, exit_code,
    counts, requests::bigint AS requests";

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

/// Returns the latest run of a kind on a subject, without dry runs.
pub async fn latest_on(db: &mut PgConnection, kind: RunKind, subject: &str) -> Result<Option<i64>> {
    let sql = "SELECT max(id) FROM lectern.runs WHERE kind = $1 AND subject = $2 AND NOT dry_run";
    Ok(sqlx::query_scalar(sql).bind(kind.as_str()).bind(subject).fetch_one(db).await?)
}

/// Deletes at most `limit` old runs with all that is stored about them: those older than `days`; dry runs, and syncs that
/// changed nothing, after `short_days`. Returns their number.
///
/// These stay: runs that have not ended, runs with undelivered effects, the last successful sync of each entity, on which
/// other syncs rest, and the undo of an import that is still stored.
pub async fn purge(pool: &PgPool, days: i32, short_days: i32, limit: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM lectern.runs WHERE id IN (
             SELECT r.id FROM lectern.runs AS r
             WHERE r.started_at < now() - make_interval(
                       days => CASE WHEN r.dry_run OR r.kind = 'sync' AND r.journal IS NULL THEN $2 ELSE $1 END)
               AND (r.finished_at IS NOT NULL
                    OR NOT EXISTS (SELECT FROM lectern.requested_runs AS q WHERE q.run_id = r.id))
               AND NOT EXISTS (SELECT FROM lectern.outbox AS o WHERE o.run_id = r.id AND o.state <> 'delivered')
               AND (r.kind <> 'sync' OR r.dry_run OR coalesce(r.exit_code, 1) NOT IN (0, 4) OR EXISTS (
                       SELECT FROM lectern.runs AS later
                       WHERE later.kind = r.kind AND later.subject = r.subject AND later.id > r.id
                         AND NOT later.dry_run AND later.exit_code IN (0, 4)))
               AND NOT (r.kind = 'import-undo'
                        AND EXISTS (SELECT FROM lectern.runs AS undone WHERE undone.id::text = r.subject))
             ORDER BY r.id LIMIT $3 FOR UPDATE SKIP LOCKED)",
    )
    .bind(days)
    .bind(short_days)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Returns which of these runs ended more than `days` ago; of dry runs those that ended more than a day ago.
pub async fn ended_before(pool: &PgPool, runs: &[i64], days: i32) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM lectern.runs
         WHERE id = ANY ($1)
           AND finished_at < now() - make_interval(days => CASE WHEN dry_run THEN least($2, 1) ELSE $2 END)",
    )
    .bind(runs)
    .bind(days)
    .fetch_all(pool)
    .await?)
}

/// Returns a run of any kind, as an undo needs it.
pub async fn undo_source(db: &mut PgConnection, run: i64) -> Result<Option<UndoSource>> {
    Ok(sqlx::query_as(
        "SELECT kind, subject, dry_run, journal, finished_at IS NOT NULL AS is_finished,
                coalesce(ARRAY(SELECT created->>'name'
                               FROM jsonb_array_elements(CASE jsonb_typeof(document->'created_in_administrate')
                                   WHEN 'array' THEN document->'created_in_administrate' ELSE '[]' END) AS created),
                         '{}') AS created_remote
         FROM lectern.runs WHERE id = $1",
    )
    .bind(run)
    .fetch_optional(db)
    .await?)
}

/// Returns each undo of a sync with the run that it undid, the latest first.
pub async fn undo_pairs(db: &mut PgConnection) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as(
        "SELECT id, (journal->>'undoes')::bigint FROM lectern.runs
         WHERE kind = $1 AND journal ? 'undoes' ORDER BY id DESC",
    )
    .bind(RunKind::SyncUndo.as_str())
    .fetch_all(db)
    .await?)
}

/// Returns the later syncs and undos of `subject` that wrote one of these records, given by external id, with the id.
pub async fn later_writers(
    db: &mut PgConnection,
    run: i64,
    subject: &str,
    external_ids: &[&str],
) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT r.id, w.external_id
         FROM lectern.runs AS r
         CROSS JOIN LATERAL (
             SELECT coalesce(c->'after'->>'external_id', c->'before'->>'external_id')
             FROM jsonb_array_elements(r.journal->'changes') AS c
             UNION ALL SELECT s->>'external_id'
             FROM jsonb_array_elements(coalesce(r.journal->'settlements', '[]')) AS s) AS w (external_id)
         WHERE r.id > $1 AND r.kind IN ($2, $3) AND r.subject = $4 AND r.journal IS NOT NULL
           AND w.external_id = ANY ($5)
         ORDER BY 1, 2",
    )
    .bind(run)
    .bind(RunKind::Sync.as_str())
    .bind(RunKind::SyncUndo.as_str())
    .bind(subject)
    .bind(external_ids)
    .fetch_all(db)
    .await?)
}

/// Takes an advisory lock until the transaction ends; returns whether it was free.
pub async fn try_lock_in_transaction(db: &mut PgConnection, key: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(key).fetch_one(db).await?)
}
