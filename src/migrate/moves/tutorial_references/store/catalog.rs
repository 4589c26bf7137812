//! What the system catalogue says of columns that go.

use sqlx::PgConnection;

use crate::error::Result;
use crate::migrate::moves::tutorial_references::journal::ColumnDetails;

/// An object outside a table that needs one of its columns.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct ColumnUser {
    pub table_oid: i64,
    pub column: String,
    /// For people, such as `view public.places`.
    pub object: String,
    /// Schema and name, if it is a view.
    pub view_schema: Option<String>,
    pub view_name: Option<String>,
    pub view_oid: Option<i64>,
}

/// Returns the objects that keep these columns from being dropped.
pub async fn objects_on_columns(db: &mut PgConnection, columns: &[(i64, String)]) -> Result<Vec<ColumnUser>> {
    let (oids, names): (Vec<i64>, Vec<String>) = columns.iter().cloned().unzip();
    Ok(sqlx::query_as(
        "SELECT DISTINCT u.oid AS table_oid, u.name AS column,
                CASE WHEN v.oid IS NULL THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                     ELSE CASE v.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END
                          || format('%I.%I', n.nspname, v.relname) END AS object,
                n.nspname::text AS view_schema, v.relname::text AS view_name, v.oid::bigint AS view_oid
         FROM unnest($1::bigint[], $2::text[]) AS u (oid, name)
         JOIN pg_attribute AS a ON a.attrelid = u.oid::oid AND a.attname = u.name AND NOT a.attisdropped
         JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
         LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
         LEFT JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
         LEFT JOIN pg_namespace AS n ON n.oid = v.relnamespace
         LEFT JOIN pg_attrdef AS f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
         LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
         WHERE d.deptype = 'n' AND k.conrelid IS DISTINCT FROM a.attrelid OR f.adrelid = a.attrelid AND f.adnum <> a.attnum
         ORDER BY 1, 2, 3",
    )
    .bind(oids)
    .bind(names)
    .fetch_all(db)
    .await?)
}

/// Returns what depends on a view, for people.
pub async fn objects_on_view(db: &mut PgConnection, view: i64) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT CASE WHEN v.oid IS NULL THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                              ELSE 'view ' || format('%I.%I', n.nspname, v.relname) END
         FROM pg_depend AS d
         LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
         LEFT JOIN pg_class AS v ON v.oid = r.ev_class LEFT JOIN pg_namespace AS n ON n.oid = v.relnamespace
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::bigint::oid AND d.deptype = 'n'
           AND v.oid IS DISTINCT FROM d.refobjid
         ORDER BY 1",
    )
    .bind(view)
    .fetch_all(db)
    .await?)
}

/// Returns collation and comment of columns, in their order.
pub async fn column_details(db: &mut PgConnection, table: i64, names: &[String]) -> Result<Vec<ColumnDetails>> {
    let rows: Vec<(Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
                col_description(a.attrelid, a.attnum)
         FROM unnest($2::text[]) WITH ORDINALITY AS u (name, position)
         JOIN pg_attribute AS a ON a.attrelid = $1::bigint::oid AND a.attname = u.name
         JOIN pg_type AS t ON t.oid = a.atttypid ORDER BY u.position",
    )
    .bind(table)
    .bind(names)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(collation, comment)| ColumnDetails { collation, comment }).collect())
}

/// A trigger that fires for this connection.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct EnabledTrigger {
    pub table_oid: i64,
    pub name: String,
    /// Whether it fires for replicas too.
    pub is_always: bool,
}

pub async fn enabled_triggers(db: &mut PgConnection, tables: &[i64]) -> Result<Vec<EnabledTrigger>> {
    Ok(sqlx::query_as(
        "SELECT tgrelid::bigint AS table_oid, tgname::text AS name, tgenabled = 'A' AS is_always FROM pg_trigger
         WHERE tgrelid::bigint = ANY ($1) AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY 1, 2",
    )
    .bind(tables)
    .fetch_all(db)
    .await?)
}
