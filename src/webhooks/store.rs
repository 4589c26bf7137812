//! All SQL on `lectern.webhook_inbox` and `lectern.webhook_registrations`.

use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, PgPool};

use super::Overview;
use super::payload::WebhookDelivery;
use super::{InboxItem, InboxState, MAX_ATTEMPTS, Received};
use crate::error::Result;

/// Namespace of the advisory locks on entities to which a delivery is applied.
const LOCK_NAMESPACE: i32 = 0x4C_57_48;

const ITEM: &str =
    "SELECT i.id, i.webhook_id, r.webhook_type, i.entity_id, i.triggered_at, i.state, i.attempts, i.note,
    to_char(i.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS received_at, i.body
    FROM lectern.webhook_inbox AS i LEFT JOIN lectern.webhook_registrations AS r USING (webhook_id)";

/// Stores a delivery unless it is known.
///
/// It is known if the same delivery is stored, or if the latest one about the same entity has the same content and was
/// triggered within ten seconds: Administrate may deliver one edit twice. Dead letters do not count. A time ahead of now
/// counts as five minutes from now at most: otherwise it would silence every later delivery about the entity.
pub async fn insert(pool: &PgPool, delivery: &WebhookDelivery) -> Result<Received> {
    let mut tx = pool.begin().await?;
    lock_entity(&mut tx, &delivery.entity_id).await?;
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO lectern.webhook_inbox
             (webhook_id, entity_id, triggered_at, triggered, content_hash, body)
         SELECT $1, $2, $3, CASE WHEN $4 IS NOT NULL THEN least($4, now() + interval '5 minutes') END, $5, $6
         WHERE NOT EXISTS (
             SELECT FROM (SELECT content_hash, state, triggered FROM lectern.webhook_inbox
                          WHERE entity_id = $2 AND entity_id <> '' ORDER BY id DESC LIMIT 1) AS latest
             WHERE latest.content_hash = $5 AND latest.state <> 'dead'
               AND ($4 IS NULL OR latest.triggered IS NULL
                    OR least($4, now() + interval '5 minutes') - latest.triggered BETWEEN '-10 seconds' AND '10 seconds'))
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(&delivery.webhook_id)
    .bind(&delivery.entity_id)
    .bind(&delivery.triggered_at)
    .bind(delivery.triggered.map(|at| at.to_sqlx()))
    .bind(delivery.content_hash.as_slice())
    .bind(&delivery.body)
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(id.map_or(Received::Known, Received::New))
}

/// Locks an entity until the end of the transaction, so that no other process applies a delivery to it.
pub(super) async fn lock_entity(db: &mut PgConnection, entity_id: &str) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
        .bind(LOCK_NAMESPACE)
        .bind(entity_id)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns deliveries in order of arrival: those that are not applied, or all.
pub async fn list(pool: &PgPool, all: bool) -> Result<Vec<InboxItem>> {
    let sql = format!("{ITEM} WHERE $1 OR i.state <> 'applied' ORDER BY i.id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(all).fetch_all(pool).await?)
}

/// Returns a part of the deliveries, the latest first, without `skipped` ones: those that are not applied, or all.
pub(super) async fn part(pool: &PgPool, all: bool, (skipped, limit): (i64, i64)) -> Result<Vec<InboxItem>> {
    let sql = format!("{ITEM} WHERE $1 OR i.state <> 'applied' ORDER BY i.id DESC OFFSET $2 LIMIT $3");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(all).bind(skipped).bind(limit);
    Ok(found.fetch_all(pool).await?)
}

/// Returns the number of deliveries: those that are not applied, or all.
pub(super) async fn count(pool: &PgPool, all: bool) -> Result<i64> {
    let sql = "SELECT count(*) FROM lectern.webhook_inbox WHERE $1 OR state <> 'applied'";
    Ok(sqlx::query_scalar(sql).bind(all).fetch_one(pool).await?)
}

pub async fn one(pool: &PgPool, id: i64) -> Result<Option<InboxItem>> {
    let sql = format!("{ITEM} WHERE i.id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(pool).await?)
}

/// Makes these deliveries, or every dead letter, due now with all attempts. Returns their number.
pub async fn retry_now(pool: &PgPool, ids: &[i64]) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE lectern.webhook_inbox SET state = 'received', attempts = 0, next_attempt_at = now()
         WHERE id = ANY ($1) OR cardinality($1) = 0 AND state = 'dead'",
    )
    .bind(ids)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes at most `limit` applied deliveries older than `days`, and dead letters older than `dead_days`. Returns their
/// number.
///
/// The latest delivery about each entity stays, to recognise repetitions.
pub async fn purge(pool: &PgPool, days: i32, dead_days: i32, limit: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM lectern.webhook_inbox WHERE id IN (
             SELECT old.id FROM lectern.webhook_inbox AS old
             WHERE (old.state = 'applied' AND old.received_at < now() - make_interval(days => $1)
                    OR old.state = 'dead' AND old.received_at < now() - make_interval(days => $2))
               AND EXISTS (SELECT FROM lectern.webhook_inbox AS later
                           WHERE later.entity_id = old.entity_id AND later.id > old.id)
             ORDER BY old.id LIMIT $3 FOR UPDATE SKIP LOCKED)",
    )
    .bind(days)
    .bind(dead_days)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Claims the next due deliveries that no other worker has claimed, until the end of the transaction. Their events are
/// locked too, always in the same order, so that two workers never wait for each other.
pub(super) async fn claim_due(db: &mut PgConnection, limit: i64) -> Result<Vec<InboxItem>> {
    let sql = format!(
        "{ITEM} WHERE i.state = 'received' AND i.next_attempt_at <= now()
         ORDER BY coalesce(i.triggered, i.received_at), i.id LIMIT $1 FOR UPDATE OF i SKIP LOCKED"
    );
    let items: Vec<InboxItem> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(&mut *db).await?;
    let entities: Vec<&str> = items.iter().map(|item| item.entity_id.as_str()).collect();
    sqlx::query(
        "SELECT pg_advisory_xact_lock($1, key)
         FROM (SELECT DISTINCT hashtext(entity) AS key FROM unnest($2::text[]) AS e (entity) ORDER BY 1) AS keys",
    )
    .bind(LOCK_NAMESPACE)
    .bind(entities)
    .execute(db)
    .await?;
    Ok(items)
}

/// Bounds each wait for a lock until the end of the transaction, to less than the time after which PostgreSQL looks for
/// deadlocks: of an import and a webhook that wait for each other, the webhook gives way. Statements are not compiled: for the
/// few rows of one event PostgreSQL takes a hundred times longer for that than for the statement.
pub(super) async fn bound_lock_waits(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT set_config('lock_timeout', '500ms', true), set_config('jit', 'off', true)").execute(db).await?;
    Ok(())
}

/// Makes a delivery due later without counting an attempt.
pub(super) async fn postpone(db: &mut PgConnection, id: i64, seconds: f64) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.webhook_inbox SET next_attempt_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
    )
    .bind(id)
    .bind(seconds)
    .execute(db)
    .await?;
    Ok(())
}

/// Reports whether a delivery with a later time was applied to the same entity.
///
/// The time of arrival counts for deliveries without a time.
pub(super) async fn is_superseded(db: &mut PgConnection, item: &InboxItem) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.webhook_inbox AS later, lectern.webhook_inbox AS this
                        WHERE this.id = $1 AND later.entity_id = this.entity_id AND later.state = 'applied'
                          AND coalesce(later.triggered, later.received_at) > coalesce(this.triggered, this.received_at))",
    )
    .bind(item.id)
    .fetch_one(db)
    .await?)
}

pub(super) async fn mark(db: &mut PgConnection, id: i64, state: InboxState, note: &str) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.webhook_inbox
         SET state = $2, note = $3, attempts = attempts + 1, next_attempt_at = NULL WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(note)
    .execute(db)
    .await?;
    Ok(())
}

/// Records a failed attempt: the next is due after `wait_seconds`; after the last the delivery is a dead letter.
pub(super) async fn mark_failed(db: &mut PgConnection, id: i64, error: &str, wait_seconds: f64) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.webhook_inbox
         SET attempts = attempts + 1, note = $2,
             state = CASE WHEN attempts + 1 >= $3 THEN 'dead' ELSE 'received' END,
             next_attempt_at = CASE WHEN attempts + 1 >= $3 THEN NULL ELSE clock_timestamp() + make_interval(secs => $4) END
         WHERE id = $1 AND state = 'received'",
    )
    .bind(id)
    .bind(error)
    .bind(MAX_ATTEMPTS)
    .bind(wait_seconds)
    .execute(db)
    .await?;
    Ok(())
}

/// A registration made by Lectern.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Registered {
    pub webhook_id: String,
    pub webhook_type: String,
    pub url: String,
}

/// Returns every registration, the latest first.
pub(super) async fn registered(pool: &PgPool) -> Result<Vec<Registered>> {
    Ok(sqlx::query_as(
        "SELECT webhook_id, webhook_type, url FROM lectern.webhook_registrations ORDER BY registered_at DESC, webhook_id",
    )
    .fetch_all(pool)
    .await?)
}

/// Returns the registrations and the number of dead letters.
pub async fn overview(pool: &PgPool) -> Result<Overview> {
    let registered = registered(pool).await?.into_iter().map(|known| (known.webhook_type, known.url)).collect();
    let dead = sqlx::query_scalar("SELECT count(*) FROM lectern.webhook_inbox WHERE state = 'dead'");
    Ok(Overview { registered, dead: dead.fetch_one(pool).await? })
}

/// Stores a registration or its new address.
pub(super) async fn register(pool: &PgPool, webhook_id: &str, webhook_type: &str, url: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.webhook_registrations (webhook_id, webhook_type, url) VALUES ($1, $2, $3)
         ON CONFLICT (webhook_id) DO UPDATE SET url = excluded.url, registered_at = now()",
    )
    .bind(webhook_id)
    .bind(webhook_type)
    .bind(url)
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes a registration that Administrate no longer has.
pub(super) async fn unregister(pool: &PgPool, webhook_id: &str) -> Result<()> {
    sqlx::query("DELETE FROM lectern.webhook_registrations WHERE webhook_id = $1")
        .bind(webhook_id)
        .execute(pool)
        .await?;
    Ok(())
}
