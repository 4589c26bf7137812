//! All SQL on `lectern.requested_runs`, `lectern.idempotency_keys` and `lectern.schedule`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::{JobRun, Queue, StoredJob};
use crate::error::Result;
use crate::runs;

/// The columns of [`JobRun`] in the order of the statement; `document` is what it reads of the run's document.
fn select(document: &str) -> String {
    format!("SELECT r.id, r.kind, r.subject, r.dry_run, r.exit_code, {document} AS document, {STATE}")
}

/// All that a run's document says.
const WHOLE_DOCUMENT: &str = "r.document";

/// What lists show of a document. A document can be large, so that lists never read it.
const COUNTS: &str = "CASE WHEN r.document IS NOT NULL THEN jsonb_build_object('counts', r.counts) END";

const STATE: &str = "to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS started_at,
    to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS finished_at,
    q.run_id IS NOT NULL AS requested, q.cancelled_at IS NOT NULL AS cancelled,
    EXISTS (SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND classid = $1::int::oid AND objsubid = 2 AND objid = r.id::int::oid
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS locked
    FROM lectern.runs AS r LEFT JOIN lectern.requested_runs AS q ON q.run_id = r.id";

/// Stores the payload of a run. `token`: the token of the caller; none for the schedule.
pub(super) async fn insert(db: &mut PgConnection, run: i64, payload: &RawValue, token: Option<i64>) -> Result<()> {
    sqlx::query("INSERT INTO lectern.requested_runs (run_id, request, token_id) VALUES ($1, $2, $3)")
        .bind(run)
        .bind(Json(payload))
        .bind(token)
        .execute(db)
        .await?;
    Ok(())
}

/// Stores an idempotency key for a day; returns the run and fingerprint of a key that already exists.
///
/// Concurrent transactions with the same key wait for each other.
pub(super) async fn save_key(
    db: &mut PgConnection,
    token: i64,
    key: &str,
    fingerprint: &[u8],
    run: i64,
) -> Result<Option<(i64, Vec<u8>)>> {
    sqlx::query("DELETE FROM lectern.idempotency_keys WHERE token_id = $1 AND created_at < now() - interval '1 day'")
        .bind(token)
        .execute(&mut *db)
        .await?;
    let inserted = sqlx::query(
        "INSERT INTO lectern.idempotency_keys (token_id, key, fingerprint, run_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(token)
    .bind(key)
    .bind(fingerprint)
    .bind(run)
    .execute(&mut *db)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(None);
    }
    let known =
        sqlx::query_as("SELECT run_id, fingerprint FROM lectern.idempotency_keys WHERE token_id = $1 AND key = $2")
            .bind(token)
            .bind(key)
            .fetch_one(db)
            .await?;
    Ok(Some(known))
}

/// Deletes at most `limit` idempotency keys older than `days`. Returns their number.
pub async fn purge_keys(pool: &PgPool, days: i32, limit: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM lectern.idempotency_keys WHERE (token_id, key) IN (
             SELECT token_id, key FROM lectern.idempotency_keys
             WHERE created_at < now() - make_interval(days => $1) LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(days)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Returns a run of a queue.
pub async fn find(pool: &PgPool, queue: &Queue, run: i64) -> Result<Option<JobRun>> {
    let sql = format!("{} WHERE r.kind = ANY ($2) AND r.id = $3", select(WHOLE_DOCUMENT));
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(runs::LOCKS).bind(queue.stored_kinds()).bind(run);
    Ok(found.fetch_optional(pool).await?)
}

/// Returns the latest runs of a queue, newest first; with `before` only those with a lower id. Of their documents they
/// contain only the counts.
pub async fn latest(pool: &PgPool, queue: &Queue, before: Option<i64>, limit: i64) -> Result<Vec<JobRun>> {
    let sql = format!(
        "{} WHERE r.kind = $2 AND ($3::bigint IS NULL OR r.id < $3) ORDER BY r.id DESC LIMIT $4",
        select(COUNTS)
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(runs::LOCKS).bind(queue.name).bind(before).bind(limit);
    Ok(found.fetch_all(pool).await?)
}

/// Cancels a requested run; returns whether it had not ended yet.
pub async fn cancel(pool: &PgPool, run: i64) -> Result<bool> {
    let updated = sqlx::query(
        "UPDATE lectern.requested_runs AS q SET cancelled_at = coalesce(q.cancelled_at, now())
         FROM lectern.runs AS r WHERE r.id = q.run_id AND q.run_id = $1 AND r.finished_at IS NULL",
    )
    .bind(run)
    .execute(pool)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// Returns the requested runs of a queue that have not ended, oldest first.
pub(super) async fn open_runs(pool: &PgPool, queue: &Queue) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT q.run_id FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
         WHERE r.kind = ANY ($1) AND r.finished_at IS NULL ORDER BY q.run_id",
    )
    .bind(queue.stored_kinds())
    .fetch_all(pool)
    .await?)
}

/// Returns the stored request of a run, unless the run has ended.
pub(super) async fn open_job(pool: &PgPool, run: i64) -> Result<Option<StoredJob>> {
    let found: Option<(Json<Box<RawValue>>, bool)> = sqlx::query_as(
        "SELECT q.request, q.cancelled_at IS NOT NULL
         FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
         WHERE q.run_id = $1 AND r.finished_at IS NULL",
    )
    .bind(run)
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|(Json(payload), cancelled)| StoredJob { run, payload, cancelled }))
}

/// Returns the stored request of a run that has ended or not.
pub async fn request_of(pool: &PgPool, run: i64) -> Result<Option<StoredJob>> {
    let found: Option<(Json<Box<RawValue>>, bool)> =
        sqlx::query_as("SELECT request, cancelled_at IS NOT NULL FROM lectern.requested_runs WHERE run_id = $1")
            .bind(run)
            .fetch_optional(pool)
            .await?;
    Ok(found.map(|(Json(payload), cancelled)| StoredJob { run, payload, cancelled }))
}

/// Makes a dry run that has ended wait for the worker again; returns whether it had ended and was not cancelled.
pub async fn repeat(db: &mut PgConnection, run: i64) -> Result<bool> {
    let repeated = sqlx::query(
        "UPDATE lectern.requested_runs AS q SET attempts = 0 FROM lectern.runs AS r
         WHERE r.id = q.run_id AND q.run_id = $1 AND q.cancelled_at IS NULL AND r.dry_run AND r.finished_at IS NOT NULL",
    )
    .bind(run)
    .execute(&mut *db)
    .await?;
    if repeated.rows_affected() == 0 {
        return Ok(false);
    }
    runs::begin_again(db, run).await?;
    Ok(true)
}

/// Returns the latest run that applies the plan of another, with its exit code. It locks the plan until the transaction
/// ends, so that two requests cannot both find none.
pub async fn applied_by(db: &mut PgConnection, plan: i64) -> Result<Option<(i64, Option<i32>)>> {
    sqlx::query("SELECT FROM lectern.runs WHERE id = $1 FOR UPDATE").bind(plan).execute(&mut *db).await?;
    Ok(sqlx::query_as(
        "SELECT r.id, r.exit_code FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
         WHERE coalesce(q.request -> 'plan' ->> 'run', q.request ->> 'plan') = $1 ORDER BY r.id DESC LIMIT 1",
    )
    .bind(plan.to_string())
    .fetch_optional(db)
    .await?)
}

/// Counts an attempt to execute a run, and returns how many there were before. It is stored before the run begins, so that
/// an attempt that ends the process counts too.
pub(super) async fn begin_attempt(pool: &PgPool, run: i64) -> Result<i32> {
    Ok(sqlx::query_scalar(
        "UPDATE lectern.requested_runs SET attempts = attempts + 1 WHERE run_id = $1 RETURNING attempts - 1",
    )
    .bind(run)
    .fetch_one(pool)
    .await?)
}

/// Takes an attempt back that ended for a reason outside the run.
pub(super) async fn take_attempt_back(pool: &PgPool, run: i64) -> Result<()> {
    sqlx::query("UPDATE lectern.requested_runs SET attempts = greatest(attempts - 1, 0) WHERE run_id = $1")
        .bind(run)
        .execute(pool)
        .await?;
    Ok(())
}

/// Reports whether a run was cancelled.
pub(super) async fn is_cancelled(pool: &PgPool, run: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT cancelled_at IS NOT NULL FROM lectern.requested_runs WHERE run_id = $1")
        .bind(run)
        .fetch_optional(pool)
        .await?
        .unwrap_or(false))
}

/// Claims a due time of the schedule; returns false if another process has claimed it.
pub(super) async fn claim_time(db: &mut PgConnection, name: &str, due: Timestamp) -> Result<bool> {
    let claimed = sqlx::query(
        "INSERT INTO lectern.schedule AS known (name, asked_for) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET asked_for = excluded.asked_for WHERE known.asked_for < excluded.asked_for",
    )
    .bind(name)
    .bind(due.to_sqlx())
    .execute(db)
    .await?;
    Ok(claimed.rows_affected() > 0)
}

/// Reports whether an equal request has not ended.
pub(super) async fn is_open(db: &mut PgConnection, payload: &RawValue) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
                        WHERE q.request = $1 AND r.finished_at IS NULL)",
    )
    .bind(Json(payload))
    .fetch_one(db)
    .await?)
}
