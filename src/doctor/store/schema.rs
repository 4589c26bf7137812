//! Tables, sequences, indexes, constraints and privileges.

use sqlx::{AssertSqlSafe, PgPool};

use crate::error::Result;
use crate::migrate::ServicePrivilege;

/// A column that takes its values from a sequence.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SequenceUse {
    /// Quoted as SQL needs it, like the other names.
    pub table_name: String,
    pub column_name: String,
    pub sequence_name: String,
    /// The next value that the sequence gives.
    pub next_value: Option<i64>,
}

/// Returns the columns of these tables that take their values from a sequence, as far as this user may read both.
pub async fn sequence_uses(pool: &PgPool, tables: &[String]) -> Result<Vec<SequenceUse>> {
    Ok(sqlx::query_as(
        "WITH used AS (
             SELECT d.refobjid AS table_id, d.refobjsubid AS number, d.objid AS sequence_id FROM pg_depend AS d
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
               AND d.refobjsubid > 0
             UNION
             SELECT f.adrelid, f.adnum, d.refobjid FROM pg_attrdef AS f
             JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                                AND d.refclassid = 'pg_class'::regclass)
         SELECT format('%I.%I', tn.nspname, t.relname) AS table_name, quote_ident(a.attname) AS column_name,
                format('%I.%I', sn.nspname, s.relname) AS sequence_name,
                coalesce(pg_sequence_last_value(s.oid) + q.seqincrement, q.seqstart) AS next_value
         FROM used AS u
         JOIN pg_class AS t ON t.oid = u.table_id JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
         JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = u.number
         JOIN pg_class AS s ON s.oid = u.sequence_id AND s.relkind = 'S'
         JOIN pg_namespace AS sn ON sn.oid = s.relnamespace JOIN pg_sequence AS q ON q.seqrelid = s.oid
         WHERE tn.nspname || '.' || t.relname = ANY ($1) AND t.relkind IN ('r', 'p') AND q.seqincrement > 0
           AND has_schema_privilege(tn.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT')
           AND has_schema_privilege(sn.oid, 'USAGE')
           AND CASE s.relkind WHEN 'S' THEN has_sequence_privilege(s.oid, 'SELECT, USAGE') END
         ORDER BY 1, 2",
    )
    .bind(tables)
    .fetch_all(pool)
    .await?)
}

/// Returns the highest value of the column.
pub async fn highest_value(pool: &PgPool, column: &SequenceUse) -> Result<Option<i64>> {
    // The server has quoted both names.
    let sql = format!("SELECT max({})::bigint FROM {}", column.column_name, column.table_name);
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await?)
}

/// Returns the indexes of these tables that queries do not use, except those that are being built.
pub async fn invalid_indexes(pool: &PgPool, tables: &[String]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, i.relname)
         FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
         JOIN pg_class AS t ON t.oid = x.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
         WHERE n.nspname || '.' || t.relname = ANY ($1) AND NOT (x.indisvalid AND x.indisready)
           AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.oid)
         ORDER BY 1",
    )
    .bind(tables)
    .fetch_all(pool)
    .await?)
}

/// Returns table and name of the constraints of these tables that old rows may break.
pub async fn unvalidated_constraints(pool: &PgPool, tables: &[String]) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT format('%I.%I', n.nspname, t.relname), quote_ident(k.conname)
         FROM pg_constraint AS k JOIN pg_class AS t ON t.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
         WHERE n.nspname || '.' || t.relname = ANY ($1) AND NOT k.convalidated ORDER BY 1, 2",
    )
    .bind(tables)
    .fetch_all(pool)
    .await?)
}

/// Privileges that this user lacks on a kind of object of a schema.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MissingGrant {
    /// `SCHEMA`, `TABLE`, `SEQUENCE` or `FUNCTION`.
    pub kind: String,
    /// Quoted as SQL needs it.
    pub object: String,
    pub privileges: Vec<String>,
}

/// Returns the privileges that this user lacks of the needed ones, and those on sequences and functions behind them.
pub async fn missing_grants(pool: &PgPool, needed: &[ServicePrivilege]) -> Result<Vec<MissingGrant>> {
    let tables: Vec<&str> = needed.iter().map(|needed| needed.table).collect();
    let privileges: Vec<&str> = needed.iter().map(|needed| needed.privilege).collect();
    let columns: Vec<Option<&str>> = needed.iter().map(|needed| needed.column).collect();
    Ok(sqlx::query_as(
        "WITH needed AS (
             SELECT t.oid, format('%I.%I', n.nspname, t.relname) AS name, n.oid AS schema_id, n.nspname, i.privilege, i.column_name,
                    a.attnum, i.number
             FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS i (table_name, privilege, column_name, number)
             JOIN pg_class AS t ON t.relkind IN ('r', 'p')
             JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname || '.' || t.relname = i.table_name
             LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = i.column_name AND NOT a.attisdropped
             WHERE i.column_name IS NULL OR a.attnum IS NOT NULL),
         missing AS (
             SELECT 1 AS number, 'SCHEMA' AS kind, quote_ident(nspname) AS object, '{USAGE}'::text[] AS privileges
             FROM (SELECT DISTINCT nspname, schema_id FROM needed) AS schemas
             WHERE NOT has_schema_privilege(schema_id, 'USAGE')
             UNION ALL
             SELECT 2, 'TABLE', name, array_agg(privilege || coalesce(' (' || column_name || ')', '') ORDER BY number)
             FROM needed
             WHERE CASE WHEN attnum IS NULL THEN NOT has_table_privilege(oid, privilege)
                        ELSE NOT has_column_privilege(oid, attnum, privilege) END
             GROUP BY name
             UNION ALL
             SELECT DISTINCT 3, 'SEQUENCE', format('%I.%I', sn.nspname, s.relname), '{USAGE}'::text[]
             FROM needed AS t JOIN pg_attrdef AS f ON f.adrelid = t.oid
             JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                                AND d.refclassid = 'pg_class'::regclass
             JOIN pg_class AS s ON s.oid = d.refobjid
             JOIN pg_namespace AS sn ON sn.oid = s.relnamespace
             -- The function refuses other objects, and conditions have no order.
             WHERE t.privilege = 'INSERT' AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') END
             UNION ALL
             SELECT 4, 'FUNCTION', p.oid::regprocedure::text, '{EXECUTE}'
             FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
             WHERE n.nspname = 'lectern' AND NOT has_function_privilege(p.oid, 'EXECUTE'))
         SELECT kind, object, privileges FROM missing ORDER BY number, object",
    )
    .bind(tables)
    .bind(privileges)
    .bind(columns)
    .fetch_all(pool)
    .await?)
}

/// Returns what this user lacks to apply schema steps: objects with their owner, or the database and schemas in which it
/// may create nothing.
pub async fn missing_migration_rights(pool: &PgPool, tables: &[String]) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT 'the database ' || quote_ident(d.datname), pg_get_userbyid(d.datdba)::text FROM pg_database AS d
         WHERE d.datname = current_database() AND NOT has_database_privilege(d.oid, 'CREATE')
           AND (SELECT count(*) FROM pg_namespace WHERE nspname IN ('acted', 'adm', 'lectern')) < 3
         UNION ALL
         SELECT 'the schema ' || quote_ident(n.nspname), pg_get_userbyid(n.nspowner)::text FROM pg_namespace AS n
         WHERE n.nspname IN ('acted', 'adm', 'lectern') AND NOT has_schema_privilege(n.oid, 'CREATE')
         UNION ALL
         SELECT format('the table %I.%I', n.nspname, t.relname), pg_get_userbyid(t.relowner)::text
         FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace
         WHERE n.nspname || '.' || t.relname = ANY ($1) AND t.relkind IN ('r', 'p')
           AND NOT pg_has_role(current_user, t.relowner, 'USAGE')
         ORDER BY 1",
    )
    .bind(tables)
    .fetch_all(pool)
    .await?)
}
