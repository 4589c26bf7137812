//! All SQL on the schema: its steps, the tables that exist, and who holds the locks that a step waits for.

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::shape::{ColumnShape, FoundColumn, FoundTable, TableShape};
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

/// Returns the relations that exist under the names of these tables.
pub(super) async fn found_tables(db: &mut PgConnection, tables: &[TableShape]) -> Result<Vec<FoundTable>> {
    type Columns = Json<Vec<(String, String, bool)>>;
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let found: Vec<(String, String, Columns)> = sqlx::query_as(
        "SELECT n.nspname || '.' || c.relname, c.relkind::text,
                coalesce((SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod),
                              NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '') ORDER BY a.attnum)
                          FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]')
         FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname || '.' || c.relname = ANY ($1)",
    )
    .bind(names)
    .fetch_all(db)
    .await?;
    let column = |(name, data_type, is_optional)| FoundColumn { column: ColumnShape { name, data_type }, is_optional };
    let table = |(name, kind, Json(columns)): (String, String, Columns)| FoundTable {
        name,
        other_kind: other_kind(&kind),
        columns: columns.into_iter().map(column).collect(),
    };
    Ok(found.into_iter().map(table).collect())
}

/// Returns what a relation is if it is no table.
fn other_kind(kind: &str) -> Option<&'static str> {
    match kind {
        "r" | "p" => None,
        "v" => Some("a view"),
        "m" => Some("a materialized view"),
        "f" => Some("a foreign table"),
        "S" => Some("a sequence"),
        "i" | "I" => Some("an index"),
        _ => Some("a type"),
    }
}

/// Prepares the connection of a migration, and returns the id of its server process.
pub(super) async fn prepare(db: &mut PgConnection, program: &str, lock_timeout_ms: u64) -> Result<i32> {
    Ok(sqlx::query_scalar(
        "SELECT pg_backend_pid() FROM (SELECT set_config('application_name', $1, false),
                                              set_config('lock_timeout', $2, false)) AS settings",
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

/// Returns the connection for which a server process waits.
pub(super) async fn lock_holder(pool: &PgPool, waiting: i32) -> Result<Option<LockHolder>> {
    Ok(sqlx::query_as(
        "SELECT b.pid AS process, a.usename::text AS user_name, nullif(a.application_name, '') AS program,
                CASE WHEN a.pid IS NULL THEN NULL ELSE coalesce(host(a.client_addr), 'the host of the database') END AS host,
                to_char(coalesce(a.xact_start, a.query_start, a.backend_start) AT TIME ZONE 'UTC',
                        'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS since,
                (SELECT w.relation::regclass::text FROM pg_locks AS w
                 WHERE w.pid = $1 AND NOT w.granted AND w.locktype = 'relation' LIMIT 1) AS table_name
         FROM unnest(pg_blocking_pids($1)) AS b (pid) LEFT JOIN pg_stat_activity AS a ON a.pid = b.pid
         ORDER BY a.wait_event_type IS NOT DISTINCT FROM 'Lock', a.xact_start LIMIT 1",
    )
    .bind(waiting)
    .fetch_optional(pool)
    .await?)
}
