//! All SQL on `lectern.outbox`.

mod claims;
mod parts;

use sqlx::{PgConnection, PgPool};

use super::{Backlog, DeliveryCounts, DeliveryState, DeliveryStep, Effect, OpenItem, OutboxItem, SubjectStatus};
use crate::error::Result;
use crate::runs;
use crate::text::without_nul;

pub(super) use claims::{
    begin_attempt, clear_in_flight, due, extend_in_flight, holds_lock, mark_delivered, mark_in_doubt,
    mark_not_delivered, postpone, try_lock, unlock,
};

use parts::COLUMNS;
pub use parts::{count, one, open_part, part, unknown_ids};

/// Namespace of the advisory locks on rows of the outbox.
const LOCKS: i32 = 0x4C_4F_42;

/// Writes effects in the caller's transaction.
///
/// A subject with an undelivered row keeps that row: its generation grows and its attempts start again at 0, but a row
/// that waits for a user's decision stays `unknown`. An effect with additional steps adds only these to such a row: the
/// row's effect and whether to look in Administrate first stay.
pub async fn enqueue(db: &mut PgConnection, run: Option<i64>, effects: &[Effect]) -> Result<()> {
    let names: Vec<&str> = effects.iter().map(|effect| effect.name).collect();
    let kinds: Vec<&str> = effects.iter().map(|effect| effect.subject_kind).collect();
    let ids: Vec<i64> = effects.iter().map(|effect| effect.subject_id).collect();
    let check_remote_first: Vec<bool> = effects.iter().map(|effect| effect.check_remote_first).collect();
    let subjects: Vec<&str> = effects.iter().map(|effect| effect.subject.as_str()).collect();
    let steps: Vec<String> = effects.iter().map(|effect| stored_words(effect.steps).join(",")).collect();
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
    .bind(check_remote_first)
    .bind(steps)
    .bind(run)
    .execute(db)
    .await?;
    Ok(())
}

/// Reassigns the undelivered rows of subjects to a run and adds steps to them.
///
/// Pending and failed rows become due at once, `unknown` rows wait on. The rows of a run that a process is carrying out
/// stay with that run.
pub async fn reassign_to_run(
    db: &mut PgConnection,
    run: i64,
    subject_kind: &str,
    subject_ids: &[i64],
    steps: &[DeliveryStep],
) -> Result<()> {
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE lectern.outbox
         SET run_id = $1, attempts = CASE state WHEN 'unknown' THEN attempts ELSE 0 END,
             next_attempt_at = CASE state WHEN 'unknown' THEN NULL ELSE now() END,
             state = CASE state WHEN 'unknown' THEN state ELSE 'pending' END,
             also = ARRAY(SELECT DISTINCT unnest(also || $4))
         WHERE subject_kind = $2 AND subject_id = ANY ($3) AND state <> 'delivered' AND run_id IS DISTINCT FROM $1
           AND (run_id IS NULL OR run_id::int NOT IN ({}))",
        locked_keys(runs::LOCKS)
    )))
    .bind(run)
    .bind(subject_kind)
    .bind(subject_ids)
    .bind(stored_words(steps))
    .execute(db)
    .await?;
    Ok(())
}

/// Returns whether an earlier run that a process is carrying out has an undelivered row of one of these subjects.
///
/// Only later runs wait for earlier ones, so that no two runs wait for each other.
pub async fn pending_in_earlier_run(pool: &PgPool, run: i64, subject_kind: &str, subject_ids: &[i64]) -> Result<bool> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT FROM lectern.outbox
                        WHERE subject_kind = $2 AND subject_id = ANY ($3) AND state <> 'delivered' AND run_id < $1
                          AND run_id::int IN ({}))",
        locked_keys(runs::LOCKS)
    )))
    .bind(run)
    .bind(subject_kind)
    .bind(subject_ids)
    .fetch_one(pool)
    .await?)
}

/// Returns SQL that lists the keys locked in a namespace of advisory locks, without locking anything.
fn locked_keys(locks: i32) -> String {
    format!(
        "SELECT objid::bigint::int FROM pg_locks
         WHERE locktype = 'advisory' AND classid = {locks}::oid AND objsubid = 2
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}

fn stored_words(steps: &[DeliveryStep]) -> Vec<&'static str> {
    steps.iter().map(|step| step.as_str()).collect()
}

/// Requests a step for subjects that a run has delivered.
pub async fn requeue_with_step(pool: &PgPool, run: i64, subjects: &[&str], step: DeliveryStep) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET state = 'pending', attempts = 0, next_attempt_at = now(),
             also = array_append(array_remove(also, $3), $3)
         WHERE run_id = $1 AND subject = ANY ($2) AND state = 'delivered'",
    )
    .bind(run)
    .bind(subjects)
    .bind(step.as_str())
    .execute(pool)
    .await?;
    Ok(())
}

/// Returns undelivered rows, or all of them, oldest first.
pub async fn list(pool: &PgPool, all: bool) -> Result<Vec<OutboxItem>> {
    let sql = format!("SELECT {COLUMNS} FROM lectern.outbox WHERE $1 OR state <> 'delivered' ORDER BY id");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(all).fetch_all(pool).await?)
}

/// Returns the undelivered rows of a run, or of all runs, oldest first.
pub async fn undelivered(pool: &PgPool, run: Option<i64>) -> Result<Vec<OutboxItem>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM lectern.outbox
         WHERE state <> 'delivered' AND ($1::bigint IS NULL OR run_id = $1) ORDER BY id"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(run).fetch_all(pool).await?)
}

/// Returns the local ids and states of the undelivered subjects of a kind: of these ids, or of all.
pub async fn undelivered_subjects(
    db: &mut PgConnection,
    kind: &str,
    ids: Option<&[i64]>,
) -> Result<Vec<(i64, DeliveryState)>> {
    let only = if ids.is_some() { "AND subject_id = ANY ($2)" } else { "AND $2::bigint[] IS NULL" };
    let sql =
        format!("SELECT subject_id, state FROM lectern.outbox WHERE subject_kind = $1 AND state <> 'delivered' {only}");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(kind).bind(ids).fetch_all(db).await?)
}

/// Returns the state of a subject's undelivered row; none where it has none.
pub async fn undelivered_state(db: &mut PgConnection, kind: &str, subject_id: i64) -> Result<Option<DeliveryState>> {
    Ok(sqlx::query_scalar(
        "SELECT state FROM lectern.outbox WHERE subject_kind = $1 AND subject_id = $2 AND state <> 'delivered'",
    )
    .bind(kind)
    .bind(subject_id)
    .fetch_optional(db)
    .await?)
}

/// Returns the undelivered effect of a subject, and claims it until the end of the transaction.
///
/// The second value is false when a worker is carrying it out.
pub async fn open_item(db: &mut PgConnection, kind: &str, subject_id: i64) -> Result<Option<(OpenItem, bool)>> {
    let item: Option<OpenItem> = sqlx::query_as(
        "SELECT id, effect, state, in_doubt FROM lectern.outbox
         WHERE subject_kind = $1 AND subject_id = $2 AND state <> 'delivered'",
    )
    .bind(kind)
    .bind(subject_id)
    .fetch_optional(&mut *db)
    .await?;
    let Some(item) = item else { return Ok(None) };
    let is_claimed: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, $2::bigint::int)")
        .bind(LOCKS)
        .bind(item.id)
        .fetch_one(db)
        .await?;
    Ok(Some((item, is_claimed)))
}

/// Returns the names of subjects whose undelivered effect is one of these.
pub async fn subjects_with_effect(
    db: &mut PgConnection,
    kind: &str,
    ids: &[i64],
    effects: &[&str],
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT subject FROM lectern.outbox
         WHERE subject_kind = $1 AND subject_id = ANY ($2) AND effect = ANY ($3) AND state <> 'delivered' ORDER BY id",
    )
    .bind(kind)
    .bind(ids)
    .bind(effects)
    .fetch_all(db)
    .await?)
}

/// Closes the undelivered effect of a subject that no longer exists locally.
pub async fn close(db: &mut PgConnection, kind: &str, subject_id: i64) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox SET state = 'delivered', next_attempt_at = NULL
         WHERE subject_kind = $1 AND subject_id = $2 AND state <> 'delivered'",
    )
    .bind(kind)
    .bind(subject_id)
    .execute(db)
    .await?;
    Ok(())
}

/// Reports whether anything was ever to be delivered.
pub async fn is_used(pool: &PgPool) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM lectern.outbox)").fetch_one(pool).await?)
}

/// Counts the subjects of a run, or of all runs, by the state of their latest row.
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

/// Counts what is not delivered.
pub async fn backlog(pool: &PgPool) -> Result<Backlog> {
    Ok(sqlx::query_as(
        "SELECT count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'unknown') AS unknown,
                to_char(min(created_at) FILTER (WHERE state = 'pending') AT TIME ZONE 'UTC',
                        'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS oldest_pending,
                extract(epoch FROM now() - min(next_attempt_at) FILTER (WHERE state = 'pending'))::float8 AS longest_due
         FROM lectern.outbox WHERE state <> 'delivered'",
    )
    .fetch_one(pool)
    .await?)
}

/// Counts rows by state.
pub async fn count_of(pool: &PgPool, ids: &[i64]) -> Result<DeliveryCounts> {
    let states: Vec<DeliveryState> =
        sqlx::query_scalar("SELECT state FROM lectern.outbox WHERE id = ANY ($1)").bind(ids).fetch_all(pool).await?;
    let mut counts = DeliveryCounts::default();
    states.into_iter().for_each(|state| counts.count(state));
    Ok(counts)
}

/// Returns the state of the latest row of each of these subjects and of the subjects that belong to a run.
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

/// Returns whether a worker has claimed a pending row of a run, or of any run where none is given.
///
/// Without a run, due rows of a run that a process is carrying out count too.
pub async fn is_worked_on(pool: &PgPool, run: Option<i64>) -> Result<bool> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT FROM lectern.outbox
                        WHERE state = 'pending' AND ($1::bigint IS NULL OR run_id = $1)
                          AND (id::int IN ({})
                               OR $1::bigint IS NULL AND next_attempt_at <= now() AND run_id::int IN ({})))",
        locked_keys(LOCKS),
        locked_keys(runs::LOCKS)
    )))
    .bind(run)
    .fetch_one(pool)
    .await?)
}

/// Adds an `unknown` row, which waits for a user's decision, for a subject that was delivered. A subject that has an
/// undelivered row keeps it.
pub async fn escalate(pool: &PgPool, run: Option<i64>, effect: &Effect, reason: &str) -> Result<()> {
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
    .bind(reason)
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes pending and failed rows due at once and starts their attempts again at 0; returns how many.
///
/// `ids`, `run`: only these rows, only those of a run.
pub async fn retry_now(pool: &PgPool, ids: Option<&[i64]>, run: Option<i64>) -> Result<u64> {
    let updated = sqlx::query(
        "UPDATE lectern.outbox SET state = 'pending', attempts = 0, next_attempt_at = now()
         WHERE state IN ('pending', 'failed') AND ($1::bigint[] IS NULL OR id = ANY ($1))
           AND ($2::bigint IS NULL OR run_id = $2)",
    )
    .bind(ids)
    .bind(run)
    .execute(pool)
    .await?;
    Ok(updated.rows_affected())
}

/// Stops the pending rows of a run until they are requested again; returns how many.
pub async fn park(pool: &PgPool, run: i64, reason: &str) -> Result<u64> {
    let sql =
        "UPDATE lectern.outbox SET next_attempt_at = NULL, last_error = $2 WHERE run_id = $1 AND state = 'pending'";
    Ok(sqlx::query(sql).bind(run).bind(without_nul(reason)).execute(pool).await?.rows_affected())
}

/// Makes an `unknown` row due after a user's decision.
pub async fn requeue(pool: &PgPool, id: i64, check_remote_first: bool) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.outbox
         SET state = 'pending', attempts = 0, next_attempt_at = now(), look_first = $2, in_doubt = false, sent = '[]',
             late_until = NULL
         WHERE id = $1 AND state = 'unknown'",
    )
    .bind(id)
    .bind(check_remote_first)
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes at most `limit` delivered rows older than `days` whose run is not stored any more. Returns their number.
pub async fn purge_delivered(pool: &PgPool, days: i32, limit: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM lectern.outbox WHERE id IN (
             SELECT id FROM lectern.outbox
             WHERE state = 'delivered' AND run_id IS NULL AND created_at < now() - make_interval(days => $1)
             ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(days)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
