//! Rows of tables: whether there are any, their number and hash, and how far the sequences are.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::{Relation, quote};
use crate::migrate::moves::recognition::Rows;

/// Returns which of these relations contain a row, as far as they may be read.
pub(in crate::migrate::moves) async fn rows_exist(db: &mut PgConnection, tables: &[&Relation]) -> Result<Rows> {
    let mut rows = HashMap::new();
    // A table that may not be read is refused by name later.
    for table in tables.iter().filter(|table| table.is_table() && table.is_readable) {
        let sql = format!("SELECT EXISTS (SELECT FROM {})", table.sql_name());
        rows.insert(table.oid, sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *db).await?);
    }
    Ok(rows)
}

pub(in crate::migrate::moves) async fn count(db: &mut PgConnection, table: &Relation) -> Result<i64> {
    let sql = format!("SELECT count(*) FROM {}", table.sql_name());
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// The number of rows and an order-independent hash of their content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Content {
    pub rows: i64,
    /// Sum of the 64-bit hashes of all rows, in decimal.
    pub hash: String,
}

/// Hashes these columns of a table. Call it in a transaction of one snapshot with [`hash_settings`].
pub(in crate::migrate::moves) async fn content(
    db: &mut PgConnection,
    table: &str,
    columns: &[String],
) -> Result<Content> {
    let columns: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM {table}",
        columns.join(", ")
    );
    let (rows, hash) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(db).await?;
    Ok(Content { rows, hash })
}

/// Makes values be written in one way, and reads all tables as of one moment.
pub(in crate::migrate::moves) async fn hash_settings(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *db).await?;
    content_settings(db).await
}

/// Makes values be written in one way in this transaction.
pub(in crate::migrate::moves) async fn content_settings(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "SET LOCAL DateStyle = 'ISO'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1;
         SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Hashes the first rows of a table. Returns how many they were, and their bytes.
pub(in crate::migrate::moves) async fn sample(
    db: &mut PgConnection,
    table: &Relation,
    rows: i64,
) -> Result<(i64, i64)> {
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

/// Returns a column's greatest value and the next value of its sequence; none where there is no row.
pub(in crate::migrate::moves) async fn sequence_position(
    db: &mut PgConnection,
    table: &Relation,
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
