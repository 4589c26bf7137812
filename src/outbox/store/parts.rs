//! Single rows of the outbox, and parts of its list.

use sqlx::PgPool;

use crate::error::Result;
use crate::outbox::item::OutboxItem;

/// The columns of [`OutboxItem`].
pub(super) const COLUMNS: &str = "id, effect, subject, state, attempts, last_error,
    CASE state WHEN 'pending' THEN to_char(next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')
    END AS next_attempt_at,
    subject_id, look_first, in_doubt, sent, also, asked,
    greatest(extract(epoch FROM late_until - now()), 0)::float8 AS in_flight_seconds";

/// Returns a row.
pub async fn one(pool: &PgPool, id: i64) -> Result<Option<OutboxItem>> {
    let sql = format!("SELECT {COLUMNS} FROM lectern.outbox WHERE id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(pool).await?)
}

/// Returns a part of the undelivered rows, oldest first, without `skipped` ones; `state`: only those in this state.
pub async fn open_part(pool: &PgPool, state: Option<&str>, (skipped, limit): (i64, i64)) -> Result<Vec<OutboxItem>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM lectern.outbox WHERE state <> 'delivered' AND ($1::text IS NULL OR state = $1)
         ORDER BY id OFFSET $2 LIMIT $3"
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(state).bind(skipped).bind(limit);
    Ok(found.fetch_all(pool).await?)
}

/// Returns a part of all rows, newest first, without `skipped` ones.
pub async fn part(pool: &PgPool, (skipped, limit): (i64, i64)) -> Result<Vec<OutboxItem>> {
    let sql = format!("SELECT {COLUMNS} FROM lectern.outbox ORDER BY id DESC OFFSET $1 LIMIT $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(skipped).bind(limit).fetch_all(pool).await?)
}

/// Returns the number of rows.
pub async fn count(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM lectern.outbox").fetch_one(pool).await?)
}

/// Returns those of these ids that no row has, in their order.
pub async fn unknown_ids(pool: &PgPool, ids: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT given.id FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, place)
         WHERE NOT EXISTS (SELECT FROM lectern.outbox AS known WHERE known.id = given.id) ORDER BY given.place",
    )
    .bind(ids)
    .fetch_all(pool)
    .await?)
}
