//! All SQL on `lectern.outbox`.

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::{DeliveryCounts, DeliveryState, Effect, OutboxItem, SubjectStatus};
use crate::error::Result;
use crate::runs;

/// The namespace of our advisory locks: rows of the outbox.
const LOCKS: i32 = 0x4C_4F_42;

/// How many due rows are looked at in one go.
const CANDIDATES: i64 = 64;

const COLUMNS: &str = "id, effect, subject, state, attempts, last_error,
    CASE state WHEN 'pending' THEN to_char(next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')
    END AS next_attempt_at,
    subject_id, look_first, in_doubt, sent, also, asked,
    greatest(extract(epoch FROM late_until - now()), 0)::float8 AS late_seconds";

/// Writes effects in the caller's transaction. A subject that is still open is asked again instead, and starts its tries
/// anew; one that waits for a person goes on waiting. That a further step is asked for leaves what is brought about, and
/// tells nothing new of whether it may be there already.
pub async fn enqueue(db: &mut PgConnection, run: Option<i64>, effects: &[Effect]) -> Result<()> {
    let names: Vec<&str> = effects.iter().map(|effect| effect.name).collect();
    let kinds: Vec<&str> = effects.iter().map(|effect| effect.subject_kind).collect();
    let ids: Vec<i64> = effects.iter().map(|effect| effect.subject_id).collect();
    let look_first: Vec<bool> = effects.iter().map(|effect| effect.look_first).collect();
    let subjects: Vec<&str> = effects.iter().map(|effect| effect.subject.as_str()).collect();
    let also: Vec<String> = effects.iter().map(|effect| effect.also.join(",")).collect();
    sqlx::query(
        "INSERT INTO lectern.outbox AS open (effect, subject_kind, subject_id, subject, look_first, also, run_id)
         SELECT e.effect, e.kind, e.id, e.subject, e.look_first, string_to_array(e.also, ','), $7
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::boolean[], $6::text[])
              AS e (effect, kind, id, subject, look_first, also)
         ON CONFLICT (subject_kind, subject_id) WHERE state <> 'delivered' DO UPDATE
         SET asked = open.asked + 1, attempts = 0, subject = excluded.subject, run_id = excluded.run_id,
             effect = CASE WHEN excluded.also = '{}' THEN excluded.effect ELSE open.effect END,
             look_first = open.look_first OR excluded.look_first AND excluded.also = '{}',
             also = ARRAY(SELECT DISTINCT unnest(open.also || excluded.also)),
             state = CASE open.state WHEN 'unknown' THEN 'unknown' ELSE 'pending' END,
             next_attempt_at = CASE open.state WHEN 'unknown' THEN NULL ELSE now() END",
    )
    .bind(names)
    .bind(kinds)
    .bind(ids)
    .bind(subjects)
    .bind(look_first)
    .bind(also)
    .bind(run)
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the open rows of subjects part of a run, and asks for further steps of them: what waits or failed is due at once,
/// what waits for a person goes on waiting. Those of a run that somebody carries out stay with it.
pub async fn reassign_to_run(
    db: &mut PgConnection,
    run: i64,
    (subject_kind, subject_ids): (&str, &[i64]),
    also: &[&str],
) -> Result<()> {
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE lectern.outbox
         SET run_id = $1, attempts = CASE state WHEN 'unknown' THEN attempts ELSE 0 END,
             next_attempt_at = CASE state WHEN 'unknown' THEN NULL ELSE now() END,
             state = CASE state WHEN 'unknown' THEN state ELSE 'pending' END,
             also = ARRAY(SELECT DISTINCT unnest(also || $4))
         WHERE subject_kind = $2 AND subject_id = ANY ($3) AND state <> 'delivered' AND run_id IS DISTINCT FROM $1
           AND (run_id IS NULL OR run_id::int NOT IN ({}))",
        held(runs::LOCKS)
    )))
    .bind(run)
    .bind(subject_kind)
    .bind(subject_ids)
    .bind(also)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether somebody carries out an earlier run that has still to deliver one of these subjects. Later runs wait for earlier
/// ones and never the other way round.
pub async fn pending_in_earlier_run(pool: &PgPool, run: i64, subject_kind: &str, subject_ids: &[i64]) -> Result<bool> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT FROM lectern.outbox
                        WHERE subject_kind = $2 AND subject_id = ANY ($3) AND state <> 'delivered' AND run_id < $1
                          AND run_id::int IN ({}))",
        held(runs::LOCKS)
    )))
    .bind(run)
    .bind(subject_kind)
    .bind(subject_ids)
    .fetch_one(pool)
    .await?)
}

/// What is held in this namespace of advisory locks, told without taking anything.
fn held(locks: i32) -> String {
    format!(
        "SELECT objid::bigint::int FROM pg_locks
         WHERE locktype = 'advisory' AND classid = {locks}::oid AND objsubid = 2
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}

/// Asks for a further step of what a run has delivered.
pub async fn requeue_with_step(pool: &PgPool, run: i64, subjects: &[&str], also: &str) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET state = 'pending', attempts = 0, next_attempt_at = now(),
             also = array_append(array_remove(also, $3), $3)
         WHERE run_id = $1 AND subject = ANY ($2) AND state = 'delivered'",
    )
    .bind(run)
    .bind(subjects)
    .bind(also)
    .execute(pool)
    .await?;
    Ok(())
}

/// Rows in order of their making: what is not delivered, or everything.
pub async fn list(pool: &PgPool, all: bool) -> Result<Vec<OutboxItem>> {
    let sql = format!("SELECT {COLUMNS} FROM lectern.outbox WHERE $1 OR state <> 'delivered' ORDER BY id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(all).fetch_all(pool).await?)
}

/// What is not delivered of a run, or of all.
pub async fn undelivered(pool: &PgPool, run: Option<i64>) -> Result<Vec<OutboxItem>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM lectern.outbox
         WHERE state <> 'delivered' AND ($1::bigint IS NULL OR run_id = $1) ORDER BY id"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(run).fetch_all(pool).await?)
}

/// Our ids of the subjects of this kind that are not delivered yet, and how far each has come.
pub async fn undelivered_subjects(db: &mut PgConnection, kind: &str) -> Result<Vec<(i64, DeliveryState)>> {
    Ok(sqlx::query_as("SELECT subject_id, state FROM lectern.outbox WHERE subject_kind = $1 AND state <> 'delivered'")
        .bind(kind)
        .fetch_all(db)
        .await?)
}

/// How far what is open about a subject has come; none where nothing is.
pub async fn undelivered_state(db: &mut PgConnection, kind: &str, subject_id: i64) -> Result<Option<DeliveryState>> {
    Ok(sqlx::query_scalar(
        "SELECT state FROM lectern.outbox WHERE subject_kind = $1 AND subject_id = $2 AND state <> 'delivered'",
    )
    .bind(kind)
    .bind(subject_id)
    .fetch_optional(db)
    .await?)
}

/// How many subjects of a run, or of all, are in which state.
pub async fn count_by_state(pool: &PgPool, run: Option<i64>) -> Result<DeliveryCounts> {
    Ok(sqlx::query_as(
        "SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
                count(*) FILTER (WHERE state = 'pending') AS pending,
                count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'unknown') AS unknown
         FROM (SELECT DISTINCT ON (subject_kind, subject_id) state FROM lectern.outbox
               WHERE $1::bigint IS NULL OR run_id = $1 ORDER BY subject_kind, subject_id, id DESC) AS latest",
    )
    .bind(run)
    .fetch_one(pool)
    .await?)
}

/// How many of these rows are in which state.
pub async fn count_of(pool: &PgPool, ids: &[i64]) -> Result<DeliveryCounts> {
    let states: Vec<DeliveryState> =
        sqlx::query_scalar("SELECT state FROM lectern.outbox WHERE id = ANY ($1)").bind(ids).fetch_all(pool).await?;
    let mut counts = DeliveryCounts::default();
    states.into_iter().for_each(|state| counts.count(state));
    Ok(counts)
}

/// How far the last effect of each of these events, and of those that a run went on with, has come.
pub async fn statuses(db: &mut PgConnection, run: i64, subjects: &[String]) -> Result<Vec<SubjectStatus>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT ON (subject) subject, state, last_error FROM lectern.outbox
         WHERE subject = ANY ($1) OR subject IN (SELECT subject FROM lectern.outbox WHERE run_id = $2)
         ORDER BY subject, id DESC",
    )
    .bind(subjects)
    .bind(run)
    .fetch_all(db)
    .await?)
}

/// Whether somebody works on a row at this moment: of a run, or, where none is named, of any, those included that are due
/// and belong to a run that somebody carries out.
pub async fn is_worked_on(pool: &PgPool, run: Option<i64>) -> Result<bool> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT FROM lectern.outbox
                        WHERE state = 'pending' AND ($1::bigint IS NULL OR run_id = $1)
                          AND (id::int IN ({})
                               OR $1::bigint IS NULL AND next_attempt_at <= now() AND run_id::int IN ({})))",
        held(LOCKS),
        held(runs::LOCKS)
    )))
    .bind(run)
    .fetch_one(pool)
    .await?)
}

/// Asks a person about a subject that was delivered and of which more has come to light; what is open about it already is
/// left to its own end.
pub async fn escalate(pool: &PgPool, run: Option<i64>, effect: &Effect, why: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.outbox (effect, subject_kind, subject_id, subject, run_id, state, next_attempt_at, last_error)
         VALUES ($1, $2, $3, $4, $5, 'unknown', NULL, $6)
         ON CONFLICT (subject_kind, subject_id) WHERE state <> 'delivered' DO NOTHING",
    )
    .bind(effect.name)
    .bind(effect.subject_kind)
    .bind(effect.subject_id)
    .bind(&effect.subject)
    .bind(run)
    .bind(why)
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes what waits or failed due at once, its tries counted anew: these rows, or those of a run, or all. Gives how many.
pub async fn retry_now(pool: &PgPool, ids: Option<&[i64]>, run: Option<i64>) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE lectern.outbox SET state = 'pending', attempts = 0, next_attempt_at = now()
         WHERE state IN ('pending', 'failed') AND ($1::bigint[] IS NULL OR id = ANY ($1))
           AND ($2::bigint IS NULL OR run_id = $2)",
    )
    .bind(ids)
    .bind(run)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Sets aside what of a run still waits, until somebody asks for it again. Gives how many rows.
pub async fn park(pool: &PgPool, run: i64, why: &str) -> Result<u64> {
    let sql =
        "UPDATE lectern.outbox SET next_attempt_at = NULL, last_error = $2 WHERE run_id = $1 AND state = 'pending'";
    Ok(sqlx::query(sql).bind(run).bind(why).execute(pool).await?.rows_affected())
}

/// A person has decided about a row that waited for one: it is due, and is looked for first or not.
pub async fn requeue(pool: &PgPool, id: i64, look_first: bool) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox
         SET state = 'pending', attempts = 0, next_attempt_at = now(), look_first = $2, in_doubt = false, sent = '[]',
             late_until = NULL
         WHERE id = $1 AND state = 'unknown'",
    )
    .bind(id)
    .bind(look_first)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn due(db: &mut PgConnection, run: Option<i64>) -> Result<Vec<i64>> {
    // Rows that somebody works on are told by their locks, without taking them. Those of a run that goes on are left to
    // whoever carries it out, who waits for them.
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT id FROM lectern.outbox
         WHERE state = 'pending' AND next_attempt_at <= now()
           AND (run_id = $1 OR $1::bigint IS NULL AND (run_id IS NULL OR run_id::int NOT IN ({})))
           AND id::int NOT IN ({})
         ORDER BY id LIMIT $2",
        held(runs::LOCKS),
        held(LOCKS)
    )))
    .bind(run)
    .bind(CANDIDATES)
    .fetch_all(db)
    .await?)
}

pub(super) async fn try_lock(db: &mut PgConnection, id: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2::bigint::int)")
        .bind(LOCKS)
        .bind(id)
        .fetch_one(db)
        .await?)
}

pub(super) async fn unlock(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query("SELECT pg_advisory_unlock($1, $2::bigint::int)").bind(LOCKS).bind(id).execute(db).await?;
    Ok(())
}

pub(super) async fn holds(db: &mut PgConnection, id: i64) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                        AND classid = $1::int::oid AND objid::bigint::int = $2::bigint::int AND objsubid = 2)",
    )
    .bind(LOCKS)
    .bind(id)
    .fetch_one(db)
    .await?)
}

pub(super) async fn begin_attempt(db: &mut PgConnection, id: i64) -> Result<Option<OutboxItem>> {
    let sql = format!(
        "UPDATE lectern.outbox SET attempts = attempts + 1
         WHERE id = $1 AND state = 'pending' AND next_attempt_at <= now() RETURNING {COLUMNS}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?)
}

pub(super) async fn mark_in_doubt(pool: &PgPool, id: i64, sent: &impl Serialize, seconds: f64) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET look_first = true, in_doubt = true, sent = sent || jsonb_build_array($2),
             late_until = now() + make_interval(secs => $3)
         WHERE id = $1",
    )
    .bind(id)
    .bind(Json(sent))
    .bind(seconds)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn clear_in_flight(pool: &PgPool, id: i64) -> Result<()> {
    sqlx::query("UPDATE lectern.outbox SET late_until = NULL WHERE id = $1").bind(id).execute(pool).await?;
    Ok(())
}

pub(super) async fn extend_in_flight(pool: &PgPool, id: i64, seconds: f64) -> Result<()> {
    let sql = "UPDATE lectern.outbox SET late_until = now() + make_interval(secs => $2) WHERE id = $1";
    sqlx::query(sql).bind(id).bind(seconds).execute(pool).await?;
    Ok(())
}

pub(super) async fn mark_delivered(pool: &PgPool, id: i64, asked: i32) -> Result<DeliveryState> {
    Ok(sqlx::query_scalar(
        "UPDATE lectern.outbox SET last_error = NULL, look_first = false, in_doubt = false, sent = '[]', late_until = NULL,
             state = CASE WHEN asked = $2 THEN 'delivered' ELSE 'pending' END,
             next_attempt_at = CASE WHEN asked = $2 THEN NULL ELSE now() END
         WHERE id = $1 RETURNING state",
    )
    .bind(id)
    .bind(asked)
    .fetch_one(pool)
    .await?)
}

/// A row that failed although it was asked again meanwhile is due: the new wish may have mended it.
pub(super) async fn mark_not_delivered(
    pool: &PgPool,
    (id, asked): (i64, i32),
    state: DeliveryState,
    wait_seconds: Option<f64>,
    why: &str,
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
    .bind(why)
    .bind(wait_seconds)
    .bind(asked)
    .fetch_one(pool)
    .await?)
}

pub(super) async fn postpone(pool: &PgPool, id: i64, wait_seconds: f64, why: Option<&str>) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET attempts = greatest(attempts - 1, 0), last_error = coalesce($3, last_error),
             next_attempt_at = now() + make_interval(secs => $2) WHERE id = $1",
    )
    .bind(id)
    .bind(wait_seconds)
    .bind(why)
    .execute(pool)
    .await?;
    Ok(())
}
