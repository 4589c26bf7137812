//! All statements of the moves: their records, content hashes, rows that break a rule, and the inverse of each change.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};

use super::change::{Inverse, Rule};
use super::recognition::Rows;
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Table, quote};

/// The tables in which moves are recorded. They exist before the versioned SQL.
const RECORDS: &str = "
CREATE SCHEMA IF NOT EXISTS lectern;
CREATE TABLE IF NOT EXISTS lectern.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    undone_at timestamptz,
    journal jsonb NOT NULL DEFAULT '[]'
);
CREATE UNIQUE INDEX IF NOT EXISTS moves_applied_unique ON lectern.moves (name) WHERE undone_at IS NULL;
CREATE TABLE IF NOT EXISTS lectern.receipts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    receipt jsonb NOT NULL
);
CREATE TABLE IF NOT EXISTS lectern.found_before (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    relations bigint[] NOT NULL,
    schemas text[] NOT NULL,
    receipt_key bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS lectern.archive (
    step text NOT NULL,
    source text NOT NULL,
    source_id bigint NOT NULL,
    field text NOT NULL,
    value jsonb,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS archive_source_idx ON lectern.archive (source, source_id);
COMMENT ON TABLE lectern.moves IS 'Moves of an adopted database. One row for each time that a move was applied.';
COMMENT ON COLUMN lectern.moves.id IS 'Number of the row.';
COMMENT ON COLUMN lectern.moves.name IS 'Name of the move, such as adm-schema.';
COMMENT ON COLUMN lectern.moves.applied_at IS 'When the move was first applied.';
COMMENT ON COLUMN lectern.moves.undone_at IS 'When the move was undone. Null while it is in force.';
COMMENT ON COLUMN lectern.moves.journal IS 'The inverse of each change, in the order of the changes.';
COMMENT ON TABLE lectern.receipts IS 'Signed receipts of lectern migrate.';
COMMENT ON COLUMN lectern.receipts.id IS 'Number of the receipt.';
COMMENT ON COLUMN lectern.receipts.made_at IS 'When the receipt was made.';
COMMENT ON COLUMN lectern.receipts.receipt IS 'The receipt as it was printed.';
COMMENT ON TABLE lectern.found_before IS 'What the database contained before the adoption (one row).';
COMMENT ON COLUMN lectern.found_before.one IS 'Always true.';
COMMENT ON COLUMN lectern.found_before.relations IS 'OIDs of tables, indexes, sequences and views that existed.';
COMMENT ON COLUMN lectern.found_before.schemas IS 'Schemas that existed, of public, acted, adm and lectern.';
COMMENT ON COLUMN lectern.found_before.receipt_key IS 'Key with which the receipts of this installation are signed.';
COMMENT ON TABLE lectern.archive IS 'Values that a move did not carry over, and values of columns that an undo dropped.';
COMMENT ON COLUMN lectern.archive.step IS 'The step that put the value here.';
COMMENT ON COLUMN lectern.archive.source IS 'The table of the value, with its schema.';
COMMENT ON COLUMN lectern.archive.source_id IS 'Id of the row.';
COMMENT ON COLUMN lectern.archive.field IS 'The column.';
COMMENT ON COLUMN lectern.archive.value IS 'The value.';
COMMENT ON COLUMN lectern.archive.reason IS 'Why the value is here.';
COMMENT ON COLUMN lectern.archive.at IS 'When the value was put here.';";

/// Objects of [`RECORDS`], as the plan lists them.
pub(super) const RECORD_TABLES: &[&str] = &["moves", "receipts", "found_before", "archive"];

/// Creates the tables of records, and remembers what the database contains if nothing is remembered yet.
pub(super) async fn prepare_records(db: &mut PgConnection, key: &[u8]) -> Result<()> {
    let (relations, schemas): (Vec<i64>, Vec<String>) = sqlx::query_as(
        "SELECT array(SELECT c.oid::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                      WHERE n.nspname IN ('public', 'acted', 'adm', 'lectern') AND c.relkind <> 't'),
                array(SELECT nspname::text FROM pg_namespace WHERE nspname IN ('public', 'acted', 'adm', 'lectern'))",
    )
    .fetch_one(&mut *db)
    .await?;
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.archive') IS NOT NULL").fetch_one(&mut *db).await?;
    if !exists {
        sqlx::raw_sql(RECORDS).execute(&mut *db).await?;
    }
    sqlx::query(
        "INSERT INTO lectern.found_before (relations, schemas, receipt_key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(relations)
    .bind(schemas)
    .bind(key)
    .execute(db)
    .await?;
    Ok(())
}

/// Adds changes to the record of a move that is in force; begins one if there is none.
pub(super) async fn record(db: &mut PgConnection, name: &str, inverses: &[Inverse]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.moves AS m (name, journal) VALUES ($1, $2)
         ON CONFLICT (name) WHERE undone_at IS NULL DO UPDATE SET journal = m.journal || EXCLUDED.journal",
    )
    .bind(name)
    .bind(Json(inverses))
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the journal of a move that is in force.
pub(super) async fn journal(db: &mut PgConnection, name: &str) -> Result<Option<Vec<Inverse>>> {
    if !has_records(db).await? {
        return Ok(None);
    }
    let journal: Option<Json<Vec<Inverse>>> =
        sqlx::query_scalar("SELECT journal FROM lectern.moves WHERE name = $1 AND undone_at IS NULL")
            .bind(name)
            .fetch_optional(db)
            .await?;
    Ok(journal.map(|Json(journal)| journal))
}

pub(super) async fn mark_undone(db: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query("UPDATE lectern.moves SET undone_at = clock_timestamp() WHERE name = $1 AND undone_at IS NULL")
        .bind(name)
        .execute(db)
        .await?;
    Ok(())
}

/// Reports whether moves are recorded in the database.
pub(super) async fn has_records(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT to_regclass('lectern.moves') IS NOT NULL").fetch_one(db).await?)
}

/// The moves that are in force, and those that were undone.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Records {
    pub applied: Vec<String>,
    pub undone: Vec<String>,
    /// Whether versioned SQL was applied.
    pub has_schema_steps: bool,
}

pub(super) async fn records(db: &mut PgConnection) -> Result<Records> {
    let has_schema_steps: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(&mut *db).await?;
    if !has_records(db).await? {
        return Ok(Records { has_schema_steps, ..Records::default() });
    }
    let rows: Vec<(String, bool)> =
        sqlx::query_as("SELECT name, undone_at IS NULL FROM lectern.moves ORDER BY id").fetch_all(db).await?;
    let applied: Vec<String> =
        rows.iter().filter(|(_, is_applied)| *is_applied).map(|(name, _)| name.clone()).collect();
    let undone = rows.into_iter().map(|(name, _)| name).filter(|name| !applied.contains(name)).collect();
    Ok(Records { applied, undone, has_schema_steps })
}

/// Returns which of these relations contain a row.
pub(super) async fn rows_exist(db: &mut PgConnection, tables: &[&Table]) -> Result<Rows> {
    let mut rows = HashMap::new();
    for table in tables.iter().filter(|table| table.is_table()) {
        let sql = format!("SELECT EXISTS (SELECT FROM {})", table.sql_name());
        rows.insert(table.oid, sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *db).await?);
    }
    Ok(rows)
}

/// The number of rows and an order-independent hash of their content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Content {
    pub rows: i64,
    /// Sum of the 64-bit hashes of all rows, in decimal.
    pub hash: String,
}

/// Hashes these columns of a table. Call it in a transaction of one snapshot with [`hash_settings`].
pub(super) async fn content(db: &mut PgConnection, table: &str, columns: &[String]) -> Result<Content> {
    let columns: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM {table}",
        columns.join(", ")
    );
    let (rows, hash) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(db).await?;
    Ok(Content { rows, hash })
}

/// Makes values be written in one way, and reads all tables as of one moment.
pub(super) async fn hash_settings(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
         SET LOCAL DateStyle = 'ISO'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1;
         SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Rows that break a rule: a value, and the ids of the rows that have it.
pub(super) struct Violation {
    pub value: String,
    pub ids: Vec<String>,
}

/// Returns the rows that break a rule: at most 100 values with at most 20 ids each.
pub(super) async fn violations(db: &mut PgConnection, table: &Table, rule: &Rule) -> Result<Vec<Violation>> {
    let name = table.sql_name();
    let lacks = |columns: &[String]| columns.iter().any(|column| table.column(column).is_none());
    let id = if table.column("id").is_some() { "t.id::text" } else { "t.ctid::text" };
    let sql = match rule {
        Rule::Unique { columns, .. } | Rule::ForeignKey { columns, .. } if lacks(columns) => return Ok(Vec::new()),
        Rule::Unique { columns, .. } => {
            let columns: Vec<String> = columns.iter().map(|column| format!("t.{}", quote(column))).collect();
            let not_null: Vec<String> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
            format!(
                "SELECT concat_ws(', ', {list}), (array_agg({id} ORDER BY t.ctid))[:20] FROM {name} AS t
                 WHERE {} GROUP BY {list} HAVING count(*) > 1 ORDER BY 1 LIMIT 100",
                not_null.join(" AND "),
                list = columns.join(", ")
            )
        }
        Rule::Check { condition, .. } => {
            format!(
                "SELECT '', (array_agg({id} ORDER BY t.ctid))[:20] FROM {name} AS t WHERE NOT ({condition}) HAVING count(*) > 0"
            )
        }
        Rule::ForeignKey { columns, target_oid, target_columns, .. } => {
            let target: Option<String> = sqlx::query_scalar(
                "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1::bigint::oid",
            )
            .bind(target_oid)
            .fetch_optional(&mut *db)
            .await?;
            let Some(target) = target else { return Ok(Vec::new()) };
            let both = |format: &dyn Fn(&String, &String) -> String| {
                columns.iter().zip(target_columns).map(|(a, b)| format(a, b)).collect::<Vec<_>>().join(" AND ")
            };
            let equal = both(&|a, b| format!("o.{} = t.{}", quote(b), quote(a)));
            let not_null = both(&|a, _| format!("t.{} IS NOT NULL", quote(a)));
            let list: Vec<String> = columns.iter().map(|column| format!("t.{}", quote(column))).collect();
            format!(
                "SELECT concat_ws(', ', {list}), (array_agg({id} ORDER BY t.ctid))[:20] FROM {name} AS t
                 WHERE {not_null} AND NOT EXISTS (SELECT FROM {target} AS o WHERE {equal})
                 GROUP BY {list} ORDER BY 1 LIMIT 100",
                list = list.join(", ")
            )
        }
    };
    let found: Vec<(String, Vec<String>)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?;
    Ok(found.into_iter().map(|(value, ids)| Violation { value, ids }).collect())
}

/// Executes statements in one request.
pub(super) async fn execute(db: &mut PgConnection, statements: &[String]) -> Result<()> {
    if !statements.is_empty() {
        sqlx::raw_sql(AssertSqlSafe(statements.join(";\n"))).execute(db).await?;
    }
    Ok(())
}

/// Returns the roles, by name, that have USAGE on a schema by a grant; the empty name stands for everybody.
pub(super) async fn schema_users(db: &mut PgConnection, schema: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT coalesce(r.rolname::text, '') FROM pg_namespace AS n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS x
         LEFT JOIN pg_roles AS r ON r.oid = x.grantee
         WHERE n.nspname = $1 AND x.privilege_type = 'USAGE'",
    )
    .bind(schema)
    .fetch_all(db)
    .await?)
}

/// Stores a receipt.
pub(super) async fn store_receipt(db: &mut PgConnection, receipt: &Value) -> Result<()> {
    sqlx::query("INSERT INTO lectern.receipts (receipt) VALUES ($1)").bind(receipt).execute(db).await?;
    Ok(())
}

/// Returns the newest receipt.
pub(in crate::migrate) async fn last_receipt(db: &mut PgConnection) -> Result<Option<Value>> {
    if !has_records(db).await? {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT receipt FROM lectern.receipts ORDER BY id DESC LIMIT 1").fetch_optional(db).await?)
}

/// Returns the key that signs receipts.
pub(super) async fn receipt_key(db: &mut PgConnection) -> Result<Option<Vec<u8>>> {
    if !has_records(db).await? {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT receipt_key FROM lectern.found_before").fetch_optional(db).await?)
}

/// Returns a column's greatest value and the next value of its sequence; none where there is no row.
pub(super) async fn sequence_position(
    db: &mut PgConnection,
    table: &Table,
    sequence: &crate::migrate::catalog::Sequence,
) -> Result<Option<(i64, i64)>> {
    let sql = format!(
        "SELECT (SELECT max({column})::bigint FROM {table}),
                (SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM {schema}.{name})",
        column = quote(&sequence.column),
        table = table.sql_name(),
        schema = quote(&sequence.schema),
        name = quote(&sequence.name)
    );
    let (greatest, next): (Option<i64>, i64) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(db).await?;
    Ok(greatest.map(|greatest| (greatest, next)))
}

/// Puts the values of a column into the archive. Rows without an id have none.
pub(super) async fn archive_column(db: &mut PgConnection, table: &Table, column: &str) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT 'adopt', $1, id, $2, to_jsonb({column}), 'the column was dropped when the adoption was undone'
         FROM {table} WHERE {column} IS NOT NULL",
        column = quote(column),
        table = table.sql_name()
    );
    let source = format!("{}.{}", table.schema, table.name);
    sqlx::query(AssertSqlSafe(sql)).bind(source).bind(column).execute(db).await?;
    Ok(())
}

/// Returns a statement that gives an added column the values that an earlier undo put into the archive.
pub(super) fn restore_column(table: &str, source: &str, column: &str, data_type: &str) -> Vec<String> {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    vec![
        format!(
            "UPDATE {table} AS t SET {column} = (a.value #>> '{{}}')::{data_type} FROM lectern.archive AS a
             WHERE a.step = 'adopt' AND a.source = {source} AND a.field = {field} AND a.source_id = t.id",
            column = quote(column),
            source = literal(source),
            field = literal(column)
        ),
        format!(
            "DELETE FROM lectern.archive WHERE step = 'adopt' AND source = {} AND field = {}",
            literal(source),
            literal(column)
        ),
    ]
}

/// Finds what an inverse names in the catalogue as it is now.
pub(super) fn table_of(catalog: &Catalog, oid: i64) -> Option<&Table> {
    catalog.tables.iter().find(|table| table.oid == oid)
}

/// Returns the schema and name of a relation.
pub(super) async fn relation(db: &mut PgConnection, oid: i64) -> Result<Option<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.oid = $1::bigint::oid",
    )
    .bind(oid)
    .fetch_optional(db)
    .await?)
}

/// Returns the kind and OID of the relation that has a name.
pub(super) async fn holder(db: &mut PgConnection, schema: &str, name: &str) -> Result<Option<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT c.relkind::text, c.oid::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2",
    )
    .bind(schema)
    .bind(name)
    .fetch_optional(db)
    .await?)
}

/// Returns the name of a constraint.
pub(super) async fn constraint_name(db: &mut PgConnection, oid: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT conname::text FROM pg_constraint WHERE oid = $1::bigint::oid")
        .bind(oid)
        .fetch_optional(db)
        .await?)
}

/// Reports whether a column contains null.
pub(super) async fn rows_with_null(db: &mut PgConnection, table: &Table, column: &str) -> Result<Vec<String>> {
    let id = if table.column("id").is_some() { "id::text" } else { "ctid::text" };
    let sql = format!("SELECT {id} FROM {} WHERE {} IS NULL LIMIT 20", table.sql_name(), quote(column));
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Reports whether a schema contains nothing.
pub(super) async fn is_schema_empty(db: &mut PgConnection, schema: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass
                              AND refobjid = to_regnamespace(quote_ident($1))::oid AND deptype = 'n')",
    )
    .bind(schema)
    .fetch_one(db)
    .await?)
}

/// Hashes the first rows of a table. Returns how many they were, and their bytes.
pub(super) async fn sample(db: &mut PgConnection, table: &Table, rows: i64) -> Result<(i64, i64)> {
    let columns: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
    let sql = format!(
        "SELECT count(*), coalesce(sum(octet_length(text)), 0)::bigint
         FROM (SELECT ROW({})::text AS text FROM {} LIMIT $1) AS rows
         WHERE hashtextextended(text, 0) IS NOT NULL",
        columns.join(", "),
        table.sql_name()
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(rows).fetch_one(db).await?)
}

/// Returns database, version of the server, user and time.
pub(super) async fn origin(db: &mut PgConnection) -> Result<(String, String, String, String)> {
    Ok(sqlx::query_as(
        "SELECT current_database()::text, current_setting('server_version'), current_user::text,
                to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    )
    .fetch_one(db)
    .await?)
}

/// Returns the functions of schema `lectern`.
pub(super) async fn functions(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
         WHERE n.nspname = 'lectern' ORDER BY 1",
    )
    .fetch_all(db)
    .await?)
}
