//! What happens on the server: idle transactions, replication slots, statements on compatibility views.

use sqlx::{AssertSqlSafe, PgPool};

use crate::error::Result;

/// A transaction that does nothing and has locked tables.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IdleTransaction {
    /// Id of its server process; none for a prepared transaction.
    pub process: Option<i32>,
    /// Name of a prepared transaction, as a literal of SQL.
    pub prepared: Option<String>,
    pub user_name: String,
    pub program: String,
    pub host: String,
    /// RFC 3339 in UTC.
    pub since: String,
    pub tables: Vec<String>,
}

/// Returns the transactions of this database that have locked tables and were idle for this long, the oldest first.
pub async fn idle_transactions(pool: &PgPool, seconds: u32) -> Result<Vec<IdleTransaction>> {
    Ok(sqlx::query_as(
        "WITH locked AS (
             SELECT l.pid, l.virtualtransaction, array_agg(DISTINCT l.relation::regclass::text) AS tables
             FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p') AND c.oid >= 16384
             WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             GROUP BY 1, 2),
         idle AS (
             SELECT a.pid AS process, NULL AS prepared, a.usename::text AS user_name, a.application_name AS program,
                    coalesce(host(a.client_addr), 'the host of the database') AS host, a.state_change AS at, l.tables
             FROM pg_stat_activity AS a JOIN locked AS l ON l.pid = a.pid
             WHERE a.state LIKE 'idle in transaction%' AND a.datname = current_database()
             UNION ALL
             SELECT NULL, quote_literal(p.gid), p.owner::text, '', 'the host of the database', p.prepared, l.tables
             FROM pg_prepared_xacts AS p JOIN locked AS l ON l.virtualtransaction = '-1/' || p.transaction
             WHERE p.database = current_database())
         SELECT process, prepared, user_name, program, host, tables,
                to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS since
         FROM idle WHERE at <= now() - make_interval(secs => $1) ORDER BY at",
    )
    .bind(f64::from(seconds))
    .fetch_all(pool)
    .await?)
}

/// A replication slot.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReplicationSlot {
    pub name: String,
    pub is_active: bool,
    /// `lost` and `unreserved` where the server removes what the slot needs.
    pub wal_status: Option<String>,
    /// Bytes of write-ahead log that the server retains for it.
    pub retained: i64,
}

/// Returns the replication slots of the server.
pub async fn replication_slots(pool: &PgPool) -> Result<Vec<ReplicationSlot>> {
    Ok(sqlx::query_as(
        "SELECT slot_name::text AS name, active AS is_active, wal_status,
                greatest(0, coalesce(pg_wal_lsn_diff(
                    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                    restart_lsn), 0))::bigint AS retained
         FROM pg_replication_slots ORDER BY slot_name",
    )
    .fetch_all(pool)
    .await?)
}

/// Returns the views in `public` under these names.
pub async fn compat_views(pool: &PgPool, names: &[String]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class AS c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND c.relname = ANY ($1) ORDER BY 1",
    )
    .bind(names)
    .fetch_all(pool)
    .await?)
}

/// Returns the schema of the extension pg_stat_statements, quoted; none if it is not installed in this database.
pub async fn statement_statistics(pool: &PgPool) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements'",
    )
    .fetch_optional(pool)
    .await?)
}

/// How often statements named a view.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StatementCount {
    pub view: String,
    pub calls: i64,
}

/// Counts the statements on each of these views in `public`. `schema` is that of the extension, quoted.
///
/// A name of which `adm.` is a part needs no schema. The other ones are counted only with their schema: without it they
/// may mean the table in `adm`.
pub async fn statements_on_views(pool: &PgPool, schema: &str, views: &[String]) -> Result<Vec<StatementCount>> {
    // The server has quoted the schema. The statements of migrations name the views too, but do not read them.
    let sql = format!(
        "SELECT v.name AS view, coalesce(sum(s.calls), 0)::bigint AS calls
         FROM unnest($1::text[]) AS v (name) LEFT JOIN {schema}.pg_stat_statements AS s
           ON s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND s.query ~* CASE WHEN v.name LIKE 'adm.%' THEN '\"' || replace(v.name, '.', '\\.') || '\"'
                              ELSE '\\mpublic\"?\\s*\\.\\s*\"?' || v.name || '\\M' END
          AND s.query ~* '^\\s*(/\\*.*?\\*/\\s*)*(select|insert|update|delete|merge|with|copy|table|declare)\\M'
         GROUP BY v.name ORDER BY v.name"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(views).fetch_all(pool).await?)
}
