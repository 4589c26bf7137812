//! Statements on the applied steps, and on who holds the locks that a step waits for.

use sqlx::{PgConnection, PgPool};

use crate::error::Result;

/// The table of applied steps.
pub(super) const STEPS: &str = "lectern.schema_steps";

/// Returns the versions of the applied steps.
pub(super) async fn applied_versions(db: &mut PgConnection) -> Result<Vec<i64>> {
    let is_migrated: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(&mut *db).await?;
    Ok(match is_migrated {
        true => sqlx::query_scalar("SELECT version FROM lectern.schema_steps WHERE success").fetch_all(db).await?,
        false => Vec::new(),
    })
}

/// A step in the database that this program does not contain: a newer program applied it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NewerStep {
    pub version: i64,
    pub name: String,
    /// What its header says about older programs; none if the program that applied it stored nothing.
    pub older_binaries: Option<String>,
}

/// Returns the applied steps that are not among the known ones, oldest first.
pub(super) async fn newer_steps(db: &mut PgConnection, known: &[i64]) -> Result<Vec<NewerStep>> {
    let (is_migrated, has_headers): (bool, bool) = sqlx::query_as(
        "SELECT to_regclass('lectern.schema_steps') IS NOT NULL, to_regclass('lectern.schema_compatibility') IS NOT NULL",
    )
    .fetch_one(&mut *db)
    .await?;
    if !is_migrated {
        return Ok(Vec::new());
    }
    let headers = if has_headers {
        "lectern.schema_compatibility"
    } else {
        "(SELECT 0::bigint AS version, '' AS older_binaries)"
    };
    let sql = format!(
        "SELECT s.version, replace(s.description, ' ', '-') AS name, c.older_binaries
         FROM lectern.schema_steps AS s LEFT JOIN {headers} AS c USING (version)
         WHERE s.success AND s.version <> ALL ($1) ORDER BY s.version"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(known).fetch_all(db).await?)
}

/// Stores what the headers of steps say about older programs.
pub(super) async fn store_headers(db: &mut PgConnection, headers: &[(i64, &str)]) -> Result<()> {
    sqlx::raw_sql(
        "DO $$ BEGIN
             IF to_regclass('lectern.schema_compatibility') IS NULL THEN
                 CREATE TABLE lectern.schema_compatibility (version bigint PRIMARY KEY, older_binaries text NOT NULL);
                 COMMENT ON TABLE lectern.schema_compatibility IS
                     'Which older programs may run beside a step of the schema. A program reads it at its start.';
                 COMMENT ON COLUMN lectern.schema_compatibility.version IS 'the step, as in lectern.schema_steps';
                 COMMENT ON COLUMN lectern.schema_compatibility.older_binaries IS
                     'yes: every older program; from X.Y: programs of at least this version';
             END IF;
         END $$",
    )
    .execute(&mut *db)
    .await?;
    let (versions, texts): (Vec<i64>, Vec<&str>) = headers.iter().copied().unzip();
    sqlx::query(
        "INSERT INTO lectern.schema_compatibility (version, older_binaries)
         SELECT * FROM unnest($1::bigint[], $2::text[])
         ON CONFLICT (version) DO UPDATE SET older_binaries = excluded.older_binaries",
    )
    .bind(versions)
    .bind(texts)
    .execute(db)
    .await?;
    Ok(())
}

/// Prepares the connection of a migration, and returns the id of its server process. Compiling a query of the system catalogue
/// to machine code (JIT) takes longer than the query.
pub(super) async fn prepare(db: &mut PgConnection, program: &str, lock_timeout_ms: u64) -> Result<i32> {
    Ok(sqlx::query_scalar(
        "SELECT pg_backend_pid() FROM (SELECT set_config('application_name', $1, false),
                                              set_config('lock_timeout', $2, false),
                                              set_config('statement_timeout', '0', false),
                                              set_config('jit', 'off', false),
                                              set_config('idle_in_transaction_session_timeout', '0', false)) AS settings",
    )
    .bind(program)
    .bind(lock_timeout_ms.to_string())
    .fetch_one(db)
    .await?)
}

/// Checks deferred constraints now, so that the next step may change their tables.
pub(super) async fn check_constraints(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut *db).await?;
    sqlx::query("SET CONSTRAINTS ALL DEFERRED").execute(db).await?;
    Ok(())
}

/// Cancels the statement of one of this program's server processes.
pub(super) async fn cancel_statement(pool: &PgPool, process: i32) -> Result<()> {
    sqlx::query("SELECT pg_cancel_backend($1)").bind(process).execute(pool).await?;
    Ok(())
}

/// The connection that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct LockHolder {
    /// Id of its server process; 0 for a prepared transaction.
    pub process: i32,
    pub user_name: Option<String>,
    pub program: Option<String>,
    pub host: Option<String>,
    /// RFC 3339 in UTC.
    pub since: Option<String>,
    /// The locked table, if it is one.
    pub table_name: Option<String>,
}

impl LockHolder {
    /// Reports whether it is a process of the server itself. Of these, only autovacuum workers lock tables.
    pub fn is_autovacuum(&self) -> bool {
        self.process != 0 && self.user_name.is_none()
    }
}

/// Returns the connection for which a server process waits.
pub(super) async fn lock_holder(pool: &PgPool, waiting: i32) -> Result<Option<LockHolder>> {
    Ok(sqlx::query_as(
        "SELECT b.pid AS process, a.usename::text AS user_name, nullif(a.application_name, '') AS program,
                CASE WHEN a.pid IS NULL THEN NULL ELSE coalesce(host(a.client_addr), 'the host of the database') END AS host,
                to_char(coalesce(a.xact_start, a.query_start, a.backend_start) AT TIME ZONE 'UTC',
                        'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS since,
                (SELECT format('%I.%I', n.nspname, c.relname)
                 FROM pg_locks AS w JOIN pg_class AS c ON c.oid = w.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE w.pid = $1 AND NOT w.granted AND w.locktype = 'relation' LIMIT 1) AS table_name
         FROM unnest(pg_blocking_pids($1)) AS b (pid) LEFT JOIN pg_stat_activity AS a ON a.pid = b.pid
         ORDER BY a.wait_event_type IS NOT DISTINCT FROM 'Lock', a.xact_start LIMIT 1",
    )
    .bind(waiting)
    .fetch_optional(pool)
    .await?)
}
