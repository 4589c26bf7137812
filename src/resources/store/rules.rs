//! What rules of the database say about rows: unknown references, the columns of a constraint, values that are taken.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::resources::body::GivenReference;
use crate::resources::{RowDraft, TableResource};

/// Returns the references to rows that do not exist, in one statement for all tables.
pub(in crate::resources) async fn unknown_references(
    db: &mut PgConnection,
    references: &[GivenReference],
) -> Result<Vec<usize>> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let tables: BTreeSet<&str> = references.iter().map(|(table, ..)| *table).collect();
    let cases: Vec<String> = tables
        .iter()
        .map(|table| format!("WHEN '{table}' THEN EXISTS (SELECT FROM {table} AS known WHERE known.id = given.id)"))
        .collect();
    let rows = references.iter().enumerate().map(|(n, (table, id, _))| json!({ "n": n, "of": table, "id": id }));
    let sql = format!(
        "SELECT n FROM jsonb_to_recordset($1) AS given (n int, \"of\" text, id bigint)
         WHERE NOT CASE \"of\" {} END ORDER BY n",
        cases.join(" ")
    );
    let unknown: Vec<i32> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(Value::Array(rows.collect())).fetch_all(db).await?;
    Ok(unknown.into_iter().filter_map(|n| usize::try_from(n).ok()).collect())
}

/// Returns the columns of a constraint or unique index of a table, in their order.
pub(in crate::resources) async fn columns_of_constraint(
    db: &mut PgConnection,
    table: &str,
    name: &str,
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT attname::text FROM (
             SELECT conrelid AS relation, conkey AS columns FROM pg_constraint
             WHERE conrelid = to_regclass($1) AND conname = $2
             UNION ALL
             SELECT indrelid, string_to_array(indkey::text, ' ')::int2[]
             FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = to_regclass($1) AND relname = $2
               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2)
         ) AS rules CROSS JOIN unnest(columns) WITH ORDINALITY AS key (number, place)
         JOIN pg_attribute ON attrelid = relation AND attnum = number
         ORDER BY place",
    )
    .bind(table)
    .bind(name)
    .fetch_all(db)
    .await?)
}

/// Returns the positions of the rows whose values in these fields another row has already.
pub(in crate::resources) async fn rows_with_equal_values(
    db: &mut PgConnection,
    resource: &TableResource,
    fields: &[&'static str],
    drafts: &[RowDraft],
) -> Result<Vec<usize>> {
    let (mut types, mut joins) = (Vec::new(), Vec::new());
    for field in fields.iter().filter_map(|name| resource.field(name)) {
        let Some(column) = field.written_column() else { continue };
        types.push(format!("{column} {}", field.kind.sql_type()));
        joins.push(format!("item.{column} = given.{column}"));
    }
    if joins.is_empty() {
        return Ok(Vec::new());
    }
    let rows = drafts.iter().enumerate().map(|(n, draft)| {
        let mut row = json!({ "row_place": n, "row_id": draft.id });
        for field in fields.iter().filter_map(|name| resource.field(name)) {
            if let Some(column) = field.written_column() {
                row[column] = draft.values.get(field.name).cloned().unwrap_or_default();
            }
        }
        row
    });
    let sql = format!(
        "SELECT DISTINCT row_place FROM jsonb_to_recordset($1) AS given (row_place int, row_id bigint, {types})
         JOIN {table} AS item ON {joins} WHERE item.id IS DISTINCT FROM row_id ORDER BY row_place",
        types = types.join(", "),
        table = resource.table,
        joins = joins.join(" AND "),
    );
    let places: Vec<i32> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(Value::Array(rows.collect())).fetch_all(db).await?;
    Ok(places.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}
