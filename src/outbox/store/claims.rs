//! The SQL of claims: choosing and locking due rows, and storing the results of attempts.

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::parts::COLUMNS;
use super::{LOCKS, locked_keys};
use crate::error::Result;
use crate::outbox::{DeliveryState, OutboxItem};
use crate::runs;
use crate::text::without_nul;

/// Number of due rows read at once.
const MAX_CANDIDATES: i64 = 64;

pub(in crate::outbox) async fn due(db: &mut PgConnection, run: Option<i64>) -> Result<Vec<i64>> {
    // Claimed rows are recognised by their locks. The rows of a run that a process is carrying out are left to that
    // process, which waits for them.
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT id FROM lectern.outbox
         WHERE state = 'pending' AND next_attempt_at <= now()
           AND (run_id = $1 OR $1::bigint IS NULL AND (run_id IS NULL OR run_id::int NOT IN ({})))
           AND id::int NOT IN ({})
         ORDER BY id LIMIT $2",
        locked_keys(runs::LOCKS),
        locked_keys(LOCKS)
    )))
    .bind(run)
    .bind(MAX_CANDIDATES)
    .fetch_all(db)
    .await?)
}

pub(in crate::outbox) async fn try_lock(db: &mut PgConnection, id: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2::bigint::int)")
        .bind(LOCKS)
        .bind(id)
        .fetch_one(db)
        .await?)
}

pub(in crate::outbox) async fn unlock(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query("SELECT pg_advisory_unlock($1, $2::bigint::int)").bind(LOCKS).bind(id).execute(db).await?;
    Ok(())
}

pub(in crate::outbox) async fn holds_lock(db: &mut PgConnection, id: i64) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                        AND classid = $1::int::oid AND objid::bigint::int = $2::bigint::int AND objsubid = 2)",
    )
    .bind(LOCKS)
    .bind(id)
    .fetch_one(db)
    .await?)
}

pub(in crate::outbox) async fn begin_attempt(db: &mut PgConnection, id: i64) -> Result<Option<OutboxItem>> {
    let sql = format!(
        "UPDATE lectern.outbox SET attempts = attempts + 1
         WHERE id = $1 AND state = 'pending' AND next_attempt_at <= now() RETURNING {COLUMNS}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?)
}

pub(in crate::outbox) async fn mark_in_doubt(
    pool: &PgPool,
    id: i64,
    creation_key: &impl Serialize,
    seconds: f64,
) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET look_first = true, in_doubt = true, sent = sent || jsonb_build_array($2),
             late_until = now() + make_interval(secs => $3)
         WHERE id = $1",
    )
    .bind(id)
    .bind(Json(creation_key))
    .bind(seconds)
    .execute(pool)
    .await?;
    Ok(())
}

pub(in crate::outbox) async fn clear_in_flight(pool: &PgPool, id: i64) -> Result<()> {
    sqlx::query("UPDATE lectern.outbox SET late_until = NULL WHERE id = $1").bind(id).execute(pool).await?;
    Ok(())
}

pub(in crate::outbox) async fn extend_in_flight(pool: &PgPool, id: i64, seconds: f64) -> Result<()> {
    let sql = "UPDATE lectern.outbox SET late_until = now() + make_interval(secs => $2) WHERE id = $1";
    sqlx::query(sql).bind(id).bind(seconds).execute(pool).await?;
    Ok(())
}

pub(in crate::outbox) async fn mark_delivered(pool: &PgPool, id: i64, generation: i32) -> Result<DeliveryState> {
    Ok(sqlx::query_scalar(
        "UPDATE lectern.outbox SET last_error = NULL, look_first = false, in_doubt = false, sent = '[]', late_until = NULL,
             state = CASE WHEN asked = $2 THEN 'delivered' ELSE 'pending' END,
             next_attempt_at = CASE WHEN asked = $2 THEN NULL ELSE now() END
         WHERE id = $1 RETURNING state",
    )
    .bind(id)
    .bind(generation)
    .fetch_one(pool)
    .await?)
}

/// Stores why an attempt failed. A failed row that was requested again meanwhile is due: the new request may have fixed it.
pub(in crate::outbox) async fn mark_not_delivered(
    pool: &PgPool,
    id: i64,
    generation: i32,
    state: DeliveryState,
    delay_seconds: Option<f64>,
    reason: &str,
) -> Result<DeliveryState> {
    Ok(sqlx::query_scalar(
        "UPDATE lectern.outbox
         SET last_error = $3,
             state = CASE WHEN $2 = 'failed' AND asked <> $5 THEN 'pending' ELSE $2 END,
             next_attempt_at = CASE WHEN asked <> $5 AND $2 <> 'unknown' THEN now()
                                    ELSE now() + make_interval(secs => $4) END
         WHERE id = $1 RETURNING state",
    )
    .bind(id)
    .bind(state)
    .bind(without_nul(reason))
    .bind(delay_seconds)
    .bind(generation)
    .fetch_one(pool)
    .await?)
}

pub(in crate::outbox) async fn postpone(
    pool: &PgPool,
    id: i64,
    delay_seconds: f64,
    reason: Option<&str>,
) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET attempts = greatest(attempts - 1, 0), last_error = coalesce($3, last_error),
             next_attempt_at = now() + make_interval(secs => $2) WHERE id = $1",
    )
    .bind(id)
    .bind(delay_seconds)
    .bind(reason.map(without_nul))
    .execute(pool)
    .await?;
    Ok(())
}
