//! Runs: every sync and import that wrote something is kept with the document that it printed, and so is whatever was
//! asked for over HTTP.
//!
//! Who carries out a run of some length holds it: an advisory lock that ends with its process, however sudden.

use serde::Serialize;
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};

use crate::error::{Exit, Result};

/// Opens a run and gives its id. `kind`: `sync` or `import`; `subject`: the entity or the file's name.
pub async fn begin(db: &mut PgConnection, kind: &str, subject: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("INSERT INTO lectern.runs (kind, subject) VALUES ($1, $2) RETURNING id")
        .bind(kind)
        .bind(subject)
        .fetch_one(db)
        .await?)
}

/// Opens a run that is carried out later; a dry one never counts as done.
pub async fn enqueue(db: &mut PgConnection, kind: &str, subject: &str, dry_run: bool) -> Result<i64> {
    Ok(sqlx::query_scalar("INSERT INTO lectern.runs (kind, subject, dry_run) VALUES ($1, $2, $3) RETURNING id")
        .bind(kind)
        .bind(subject)
        .bind(dry_run)
        .fetch_one(db)
        .await?)
}

/// The namespace of our advisory locks: runs that somebody carries out.
pub const LOCKS: i32 = 0x4C_52_4E;

/// A run that this process carries out.
#[derive(Debug)]
pub struct RunLock(PgConnection);

/// Takes a run; none where another process has it.
pub async fn lock(pool: &PgPool, run: i64) -> Result<Option<RunLock>> {
    let mut connection = pool.acquire().await?.detach();
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2::bigint::int)")
        .bind(LOCKS)
        .bind(run)
        .fetch_one(&mut connection)
        .await?;
    Ok(taken.then_some(RunLock(connection)))
}

impl RunLock {
    /// Gives the run back.
    pub async fn release(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}

/// Opens a run again that ended only because its process had to.
pub async fn reopen(db: &mut PgConnection, run: i64) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET finished_at = NULL, exit_code = NULL, document = NULL WHERE id = $1")
        .bind(run)
        .execute(db)
        .await?;
    Ok(())
}

/// Closes a run with how it ended and what it reported.
pub async fn finish(db: &mut PgConnection, run: i64, exit: Exit, document: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET finished_at = now(), exit_code = $2, document = $3 WHERE id = $1")
        .bind(run)
        .bind(exit as i32)
        .bind(sqlx::types::Json(document))
        .execute(db)
        .await?;
    Ok(())
}

/// Replaces how a closed run ended and what it reported, by what was done after it.
pub async fn update_result(db: &mut PgConnection, run: i64, exit: Exit, document: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET exit_code = $2, document = $3 WHERE id = $1")
        .bind(run)
        .bind(exit as i32)
        .bind(sqlx::types::Json(document))
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps what the run changed.
pub async fn save_journal(db: &mut PgConnection, run: i64, journal: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET journal = $2 WHERE id = $1")
        .bind(run)
        .bind(sqlx::types::Json(journal))
        .execute(db)
        .await?;
    Ok(())
}

/// The subject of a run and what it changed; none for another kind, or where it changed nothing.
pub async fn journal_of(db: &mut PgConnection, kind: &str, run: i64) -> Result<Option<(String, Value)>> {
    Ok(sqlx::query_as("SELECT subject, journal FROM lectern.runs WHERE id = $1 AND kind = $2 AND journal IS NOT NULL")
        .bind(run)
        .bind(kind)
        .fetch_optional(db)
        .await?)
}

/// Whether a run of this kind and subject ever ended 0 or 4, which is what counts as done (rules, Sync).
pub async fn has_succeeded(db: &mut PgConnection, kind: &str, subject: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.runs WHERE kind = $1 AND subject = $2 AND NOT dry_run
                                                           AND exit_code IN (0, 4))",
    )
    .bind(kind)
    .bind(subject)
    .fetch_one(db)
    .await?)
}

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct Run {
    /// Its id.
    pub id: i64,
    /// The entity or the file's name.
    pub subject: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// How long it took, in milliseconds; none while it runs, or where it was killed.
    pub duration_ms: Option<i64>,
    /// How it ended.
    pub exit_code: Option<i32>,
    /// The counts of its document.
    pub counts: Option<Value>,
    /// Requests to Administrate.
    pub requests: Option<i64>,
}

/// A run with all that is kept of it.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct StoredRun {
    /// What lists show.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub run: Run,
    /// What it reported.
    pub document: Option<Value>,
    /// What it changed; none where it changed nothing.
    pub journal: Option<Value>,
}

/// What lists show of a run.
const LISTED: &str =
    "id, subject, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS started_at,
    round(extract(epoch FROM finished_at - started_at) * 1000)::bigint AS duration_ms, exit_code,
    document -> 'counts' AS counts, (document -> 'requests')::bigint AS requests";

/// All that is kept of a run; none where there is no such run of this kind.
pub async fn find(db: &mut PgConnection, kind: &str, run: i64) -> Result<Option<StoredRun>> {
    let sql = format!("SELECT {LISTED}, document, journal FROM lectern.runs WHERE id = $1 AND kind = $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(run).bind(kind).fetch_optional(db).await?)
}

/// The latest runs of a kind, newest first.
pub async fn latest(db: &mut PgConnection, kind: &str, limit: i64) -> Result<Vec<Run>> {
    let sql = format!("SELECT {LISTED} FROM lectern.runs WHERE kind = $1 AND NOT dry_run ORDER BY id DESC LIMIT $2");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(kind).bind(limit.max(0)).fetch_all(db).await?)
}
