//! All SQL on `lectern.requested_runs`, `lectern.idempotency_keys` and `lectern.schedule`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::{Kept, Kind, Request};
use crate::error::Result;
use crate::runs;

const KEPT: &str = "SELECT r.id, r.kind, r.subject, r.dry_run, r.exit_code, r.document,
    to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS started_at,
    to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS finished_at,
    q.run_id IS NOT NULL AS requested, q.cancelled_at IS NOT NULL AS cancelled,
    EXISTS (SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND classid = $1::int::oid AND objsubid = 2 AND objid = r.id::int::oid
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held
    FROM lectern.runs AS r LEFT JOIN lectern.requested_runs AS q ON q.run_id = r.id";

/// Keeps what a run is asked to do; `token`: by whom, none for the schedule.
pub(crate) async fn insert(db: &mut PgConnection, run: i64, request: &Request, token: Option<i64>) -> Result<()> {
    sqlx::query("INSERT INTO lectern.requested_runs (run_id, request, token_id) VALUES ($1, $2, $3)")
        .bind(run)
        .bind(Json(request))
        .bind(token)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps a key for a day; where it is kept already, gives its run and fingerprint. Two callers at once wait for each other.
pub(crate) async fn remember(
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
    let done = sqlx::query(
        "INSERT INTO lectern.idempotency_keys (token_id, key, fingerprint, run_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(token)
    .bind(key)
    .bind(fingerprint)
    .bind(run)
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 1 {
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

/// A run of a kind, if there is one.
pub async fn kept(pool: &PgPool, kind: Kind, run: i64) -> Result<Option<Kept>> {
    let sql = format!("{KEPT} WHERE r.kind = ANY ($2) AND r.id = $3");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(runs::LOCKS).bind(kind.names()).bind(run);
    Ok(found.fetch_optional(pool).await?)
}

/// Runs of a kind, the latest first, those before `before` alone if it is named.
pub async fn latest(pool: &PgPool, kind: Kind, before: Option<i64>, limit: i64) -> Result<Vec<Kept>> {
    let sql = format!("{KEPT} WHERE r.kind = $2 AND ($3::bigint IS NULL OR r.id < $3) ORDER BY r.id DESC LIMIT $4");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(runs::LOCKS).bind(kind.name()).bind(before).bind(limit);
    Ok(found.fetch_all(pool).await?)
}

/// Calls a requested run off; gives whether it was still to be ended.
pub async fn cancel(pool: &PgPool, run: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE lectern.requested_runs AS q SET cancelled_at = coalesce(q.cancelled_at, now())
         FROM lectern.runs AS r WHERE r.id = q.run_id AND q.run_id = $1 AND r.finished_at IS NULL",
    )
    .bind(run)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Requested runs of a kind that are not ended, the oldest first.
pub(crate) async fn open(pool: &PgPool, kind: Kind) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT q.run_id FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
         WHERE r.kind = ANY ($1) AND r.finished_at IS NULL ORDER BY q.run_id",
    )
    .bind(kind.names())
    .fetch_all(pool)
    .await?)
}

/// What is asked, unless the run has ended; and whether it was called off.
pub(crate) async fn open_request(pool: &PgPool, run: i64) -> Result<Option<(Request, bool)>> {
    let found: Option<(Json<Request>, bool)> = sqlx::query_as(
        "SELECT q.request, q.cancelled_at IS NOT NULL
         FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
         WHERE q.run_id = $1 AND r.finished_at IS NULL",
    )
    .bind(run)
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|(Json(request), cancelled)| (request, cancelled)))
}

/// Whether a run was called off.
pub(crate) async fn is_cancelled(pool: &PgPool, run: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT cancelled_at IS NOT NULL FROM lectern.requested_runs WHERE run_id = $1")
        .bind(run)
        .fetch_optional(pool)
        .await?
        .unwrap_or(false))
}

/// Takes a time of the schedule; false where another process was earlier.
pub(crate) async fn claim_time(db: &mut PgConnection, name: &str, due: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO lectern.schedule AS known (name, asked_for) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET asked_for = excluded.asked_for WHERE known.asked_for < excluded.asked_for",
    )
    .bind(name)
    .bind(due.to_sqlx())
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether the same was asked for and has not ended.
pub(crate) async fn is_going_on(db: &mut PgConnection, request: &Request) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.requested_runs AS q JOIN lectern.runs AS r ON r.id = q.run_id
                        WHERE q.request = $1 AND r.finished_at IS NULL)",
    )
    .bind(Json(request))
    .fetch_one(db)
    .await?)
}
