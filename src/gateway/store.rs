//! All SQL on `lectern.request_allowance` and `adm.api_audit_log`.
//!
//! Every request writes both. The statements do not wait for the disk, because the last rows may be lost in a power failure.

use jiff_sqlx::ToSqlx;
use sqlx::PgPool;
use sqlx::types::Json;

use super::audit::Entry;
use crate::error::Result;

/// What all processes may still send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    pub permits: f64,
    /// Seconds for which no request may be sent, if there is a pause.
    pub pause: Option<f64>,
}

/// Creates a full bucket if there is none.
pub(crate) async fn fill_bucket(pool: &PgPool, permits: f64) -> Result<()> {
    sqlx::query("INSERT INTO lectern.request_allowance (tokens) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(permits)
        .execute(pool)
        .await?;
    Ok(())
}

/// Takes a permit from a bucket of `capacity` that refills by `rate` per second.
///
/// Returns `None`, or the seconds to wait before the next attempt if there is no permit. Times in the future are left by a
/// clock that was set back: they are corrected, so that no wait is longer than `max_pause` seconds.
pub(crate) async fn take_token(pool: &PgPool, capacity: f64, rate: f64, max_pause: f64) -> Result<Option<f64>> {
    let wait: Option<f64> = sqlx::query_scalar(
        // Keys and limits tell the planner that there is one row: compiling a plan for many would take half a second.
        "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
              current AS (
                  SELECT one,
                         least($1, tokens + $2 * greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)::float8))
                             AS tokens,
                         least($3, coalesce(extract(epoch FROM paused_until - clock_timestamp())::float8, 0)) AS pause,
                         refilled_at > clock_timestamp()
                             OR coalesce(paused_until > clock_timestamp() + make_interval(secs => $3), false) AS is_ahead
                  FROM lectern.request_allowance, quick WHERE one LIMIT 1 FOR UPDATE OF request_allowance),
              decided AS (SELECT *, tokens >= 1 AND pause <= 0 AS is_granted FROM current LIMIT 1),
              changed AS (
                  UPDATE lectern.request_allowance AS bucket
                  SET tokens = decided.tokens - is_granted::int, refilled_at = clock_timestamp(),
                      -- least() alone would set a pause where there is none: it ignores null.
                      paused_until = CASE WHEN paused_until IS NOT NULL
                          THEN least(paused_until, clock_timestamp() + make_interval(secs => $3)) END
                  FROM decided WHERE bucket.one = decided.one AND (is_granted OR is_ahead))
         SELECT CASE WHEN is_granted THEN NULL ELSE greatest(pause, (1 - tokens) / $2, 0.001) END FROM decided",
    )
    .bind(capacity)
    .bind(rate)
    .bind(max_pause)
    .fetch_one(pool)
    .await?;
    Ok(wait)
}

/// Returns the permits of a bucket of `capacity` that refills by `rate` per second, and its pause.
pub(crate) async fn allowance(pool: &PgPool, capacity: f64, rate: f64) -> Result<Option<Allowance>> {
    let found: Option<(f64, Option<f64>)> = sqlx::query_as(
        "SELECT least($1, tokens + $2 * greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)::float8)),
                extract(epoch FROM paused_until - clock_timestamp())::float8
         FROM lectern.request_allowance",
    )
    .bind(capacity)
    .bind(rate)
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|(permits, pause)| Allowance { permits, pause: pause.filter(|seconds| *seconds > 0.0) }))
}

/// Grants no permit for `seconds`.
pub(crate) async fn pause_rate_limiter(pool: &PgPool, seconds: f64) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.request_allowance
         SET paused_until = greatest(paused_until, clock_timestamp() + make_interval(secs => $1))",
    )
    .bind(seconds)
    .execute(pool)
    .await?;
    Ok(())
}

pub(crate) async fn write_call(pool: &PgPool, command: &str, entry: &Entry) -> Result<()> {
    sqlx::query(
        "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true))
         INSERT INTO adm.api_audit_log (command, operation, graphql_query, variables, response_body, status_code,
             success, error_message, started_at, completed_at, duration_ms, entity_type, entity_id, records_processed)
         SELECT left($1, 100), left($2, 50), $3, $4, $5, $6, $7, $8, $9, $10, $11, left($12, 50), left($13, 255), $14
         FROM quick",
    )
    .bind(command)
    .bind(entry.operation)
    .bind(&entry.document)
    .bind(Json(&entry.variables))
    .bind(entry.response.as_ref().map(Json))
    .bind(entry.status)
    .bind(entry.succeeded)
    .bind(&entry.error)
    .bind(entry.started.to_sqlx())
    .bind(entry.completed.to_sqlx())
    .bind(entry.duration_ms)
    .bind(entry.entity_type)
    .bind(&entry.entity_id)
    .bind(entry.records)
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes at most `limit` calls older than `days`. Returns their number.
///
/// Calls that were logged before Lectern came to the database stay.
pub async fn purge_audit_log(pool: &PgPool, days: i32, limit: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM adm.api_audit_log WHERE id IN (
             SELECT id FROM adm.api_audit_log
             WHERE started_at < now() - make_interval(days => $1)
               AND id > coalesce((SELECT last_audit_id FROM lectern.adoption), 0)
             ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(days)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
