//! The rows that refer to a row, by the foreign keys of the database: also those of tables that Lectern does not know.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::error::Result;
use crate::resources::{CascadeGuard, TableResource};

/// The most rows that are listed of one foreign key.
const MAX_ROWS: usize = 100;

/// How many foreign keys one behind the other are followed.
const MAX_DEPTH: usize = 8;

/// Columns that name a row, the best one first.
const NAMES: [&str; 12] = [
    "name",
    "title",
    "code",
    "product_code",
    "session_code",
    "fullname",
    "bundle_name",
    "override_name",
    "username",
    "label",
    "price_type",
    "external_id",
];

/// The rows that refer to a row and are no parts of it.
#[derive(Debug, Default)]
pub(in crate::resources) struct Dependents {
    /// Rows that forbid the deletion.
    pub blockers: Vec<Value>,
    /// Rows that would be deleted with it.
    pub cascades: Vec<Value>,
}

/// A foreign key. Names are quoted.
struct ReferringKey {
    child: i64,
    parent: i64,
    table: String,
    quoted_table: String,
    columns: Vec<String>,
    parent_columns: Vec<String>,
    /// Whether it deletes the referring rows. Otherwise it forbids the deletion.
    is_cascade: bool,
    /// Whether it forbids the deletion even if the referring rows are deleted by the same statement.
    is_restrict: bool,
}

/// Rows of a table: its oid and the statement that selects them.
struct RowSet {
    table: i64,
    sql: String,
    depth: usize,
    /// Whether they are the row itself or parts of it.
    is_part: bool,
}

/// Rows by table and id.
type FoundRows = BTreeMap<(String, String), Value>;

/// Returns the rows that refer to a row, directly or through rows that would be deleted.
pub(in crate::resources) async fn dependents(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    guards: &[CascadeGuard],
) -> Result<Dependents> {
    let (root, keys) = foreign_keys(db, resource.table).await?;
    let (mut blockers, mut cascades, mut weak) = (FoundRows::new(), FoundRows::new(), FoundRows::new());
    let sql = format!("SELECT * FROM {} WHERE id = $1", resource.table);
    let mut sets = vec![RowSet { table: root, sql, depth: 0, is_part: true }];
    while let Some(set) = sets.pop() {
        for key in keys.iter().filter(|key| key.parent == set.table) {
            let sql = format!(
                "SELECT child.* FROM {} AS child WHERE ({}) IN (SELECT {} FROM ({}) AS parent)",
                key.quoted_table,
                qualified("child", &key.columns),
                qualified("parent", &key.parent_columns),
                set.sql
            );
            let rows = rows(db, &key.table, &sql, id).await?;
            if rows.is_empty() {
                continue;
            }
            match (key.is_cascade, key.is_restrict) {
                (true, _) => {
                    for guard in guards.iter().filter(|guard| guard.table == key.table) {
                        let guarded = format!("SELECT * FROM ({sql}) AS child WHERE {}", guard.condition);
                        blockers.extend(self::rows(db, &key.table, &guarded, id).await?);
                    }
                    let is_part = set.is_part && resource.has_part(&key.table);
                    if !is_part {
                        cascades.extend(rows);
                    }
                    if set.depth < MAX_DEPTH {
                        sets.push(RowSet { table: key.child, sql, depth: set.depth + 1, is_part });
                    }
                }
                (false, true) => blockers.extend(rows),
                (false, false) => weak.extend(rows),
            }
        }
    }
    blockers.extend(weak.into_iter().filter(|(row, _)| !cascades.contains_key(row)));
    cascades.remove(&(resource.table.to_owned(), id.to_string()));
    Ok(Dependents { blockers: blockers.into_values().collect(), cascades: cascades.into_values().collect() })
}

/// Returns the rows whose reference to a row is set to null or to a default by its deletion, without those of schema `adm`.
pub(in crate::resources) async fn clearing(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
) -> Result<Vec<Value>> {
    let keys: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT nspname || '.' || relname, format('%I.%I', nspname, relname), quote_ident(attname)
         FROM pg_constraint
         JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
         JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
         WHERE contype = 'f' AND confrelid = to_regclass($1) AND confdeltype IN ('n', 'd') AND conparentid = 0
           AND cardinality(conkey) = 1 AND nspname <> 'adm'
           AND has_schema_privilege(nspname, 'USAGE') AND has_table_privilege(conrelid, 'SELECT')
         ORDER BY 1, 3",
    )
    .bind(resource.table)
    .fetch_all(&mut *db)
    .await?;
    let mut found = FoundRows::new();
    for (table, quoted, column) in keys {
        let sql = format!("SELECT * FROM {quoted} WHERE {column} = $1");
        found.extend(rows(db, &table, &sql, id).await?);
    }
    Ok(found.into_values().collect())
}

/// Rows of one table that refer to a row directly.
#[derive(Debug)]
pub(in crate::resources) struct Referrers {
    pub table: String,
    /// How many there are.
    pub count: i64,
    /// The first ones, as `{"table", "id", "name"}`.
    pub rows: Vec<Value>,
}

/// Returns the rows that refer to a row directly and are no parts of it, at most `limit` of each table, without those of
/// schema `adm`.
pub(in crate::resources) async fn referrers(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    limit: usize,
) -> Result<Vec<Referrers>> {
    let keys: Vec<(String, String, Vec<String>)> = sqlx::query_as(
        "SELECT nspname || '.' || relname, format('%I.%I', nspname, relname), array_agg(quote_ident(attname) ORDER BY attnum)
         FROM pg_constraint
         JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
         JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
         WHERE contype = 'f' AND confrelid = to_regclass($1) AND conparentid = 0 AND cardinality(conkey) = 1
           AND nspname <> 'adm' AND has_schema_privilege(nspname, 'USAGE') AND has_table_privilege(conrelid, 'SELECT')
         GROUP BY 1, 2 ORDER BY 1",
    )
    .bind(resource.table)
    .fetch_all(&mut *db)
    .await?;
    let mut found = Vec::new();
    for (table, quoted, columns) in keys {
        if resource.has_part(&table) {
            continue;
        }
        let columns: Vec<String> = columns.iter().map(|column| format!("child.{column} = $1")).collect();
        let condition = columns.join(" OR ");
        let sql = format!("SELECT count(*) FROM {quoted} AS child WHERE {condition}");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(&mut *db).await?;
        if count == 0 {
            continue;
        }
        let sql = format!("SELECT * FROM {quoted} AS child WHERE {condition} LIMIT {limit}");
        let rows = rows(db, &table, &sql, id).await?.into_values().collect();
        found.push(Referrers { table, count, rows });
    }
    Ok(found)
}

fn qualified(alias: &str, columns: &[String]) -> String {
    columns.iter().map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
}

/// Returns the rows of a statement as `{"table", "id", "name"}`.
async fn rows(db: &mut PgConnection, table: &str, sql: &str, id: i64) -> Result<FoundRows> {
    let names: Vec<String> = NAMES.iter().map(|name| format!("NULLIF(content->>'{name}', '')")).collect();
    let sql = format!(
        "SELECT content->'id' AS id, COALESCE({}) AS name
         FROM (SELECT to_jsonb(child) AS content FROM ({sql}) AS child LIMIT {MAX_ROWS}) AS found",
        names.join(", ")
    );
    let found = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_all(db).await?;
    let mut rows = FoundRows::new();
    for row in found {
        let id: Option<Value> = row.try_get("id")?;
        let name: Option<String> = row.try_get("name")?;
        let id = id.unwrap_or_default();
        let name = name.unwrap_or_else(|| format!("{table} {id}"));
        let shown = serde_json::json!({ "table": table, "id": id, "name": name });
        rows.insert((table.to_owned(), id.to_string()), shown);
    }
    Ok(rows)
}

/// Returns the oid of a table, and the foreign keys that lead to it, also through cascades.
async fn foreign_keys(db: &mut PgConnection, table: &str) -> Result<(i64, Vec<ReferringKey>)> {
    let found = sqlx::query(
        "WITH RECURSIVE reached (table_oid) AS (
             SELECT to_regclass($1)::oid
             UNION
             SELECT conrelid FROM pg_constraint JOIN reached ON confrelid = table_oid
             WHERE contype = 'f' AND confdeltype = 'c')
         SELECT to_regclass($1)::oid::bigint AS root, conrelid::bigint AS child, confrelid::bigint AS parent,
                nspname || '.' || relname AS name, format('%I.%I', nspname, relname) AS quoted,
                ARRAY(SELECT quote_ident(attname) FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
                      JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place) AS columns,
                ARRAY(SELECT quote_ident(attname) FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
                      JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place) AS parent_columns,
                confdeltype = 'c' AS is_cascade, confdeltype = 'r' AS is_restrict
         FROM pg_constraint
         JOIN reached ON confrelid = table_oid
         JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE contype = 'f' AND confdeltype IN ('a', 'r', 'c') AND conparentid = 0
           AND has_schema_privilege(nspname, 'USAGE') AND has_table_privilege(conrelid, 'SELECT')",
    )
    .bind(table)
    .fetch_all(db)
    .await?;
    let mut keys = Vec::new();
    let mut root = 0;
    for row in found {
        root = row.try_get("root")?;
        keys.push(ReferringKey {
            child: row.try_get("child")?,
            parent: row.try_get("parent")?,
            table: row.try_get("name")?,
            quoted_table: row.try_get("quoted")?,
            columns: row.try_get("columns")?,
            parent_columns: row.try_get("parent_columns")?,
            is_cascade: row.try_get("is_cascade")?,
            is_restrict: row.try_get("is_restrict")?,
        });
    }
    Ok((root, keys))
}
