//! Documents of rows. PostgreSQL builds them, in one statement for any number of rows.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::error::Result;
use crate::resources::query::ListRequest;
use crate::resources::{FieldSource, Include, PartTable, ResourceField, TableResource, ValueKind};

/// Returns the SQL expression of a field in a document.
fn document_expression(field: &ResourceField, row: &str, is_public: bool) -> String {
    match &field.source {
        FieldSource::Links(links) => format!(
            "COALESCE((SELECT json_agg(link.{other} ORDER BY link.{other}) FROM {table} AS link
                       WHERE link.{own} = {row}.id), '[]')",
            other = links.other,
            table = links.table,
            own = links.own,
        ),
        FieldSource::Parts(parts) => parts_expression(parts, field, row, is_public),
        FieldSource::Column { .. } | FieldSource::Expression(_) => match field.kind {
            ValueKind::Amount => format!("round({}, 2)::text", field.expression(row)),
            _ => field.expression(row),
        },
    }
}

fn parts_expression(parts: &PartTable, field: &ResourceField, row: &str, is_public: bool) -> String {
    let ValueKind::Items(fields) = &field.kind else { return "NULL".into() };
    let condition = if is_public { parts.public_rows } else { "true" };
    format!(
        "COALESCE((SELECT json_agg(to_json(item_part)) FROM (
             SELECT {columns} FROM {table} AS part WHERE part.{own} = {row}.id AND {condition} ORDER BY {order}
         ) AS item_part), '[]')",
        columns = select_list(fields, "part", is_public),
        table = parts.table,
        own = parts.own,
        order = parts.order,
    )
}

fn select_list(fields: &[ResourceField], row: &str, is_public: bool) -> String {
    let columns =
        fields.iter().map(|field| format!("{} AS {}", document_expression(field, row, is_public), field.name));
    columns.collect::<Vec<_>>().join(", ")
}

fn columns(resource: &TableResource, includes: &[&Include], is_public: bool) -> String {
    let mut columns = select_list(resource.fields, "item", is_public);
    for include in includes {
        columns.push_str(&format!(", {} AS {}", include.expression, include.name));
    }
    columns
}

/// Returns the number of matching rows and the documents of one page of them.
pub(in crate::resources) async fn list(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &ListRequest,
    is_public: bool,
) -> Result<(i64, Vec<Value>)> {
    let mut condition = if is_public { resource.public_rows } else { "true" }.to_owned();
    for field in request.filtered(resource) {
        let (expression, name) = (field.expression("item"), field.name);
        condition.push_str(&format!(
            " AND ({expression} = ANY (ARRAY(SELECT accepted::{kind} FROM jsonb_array_elements_text($1->'{name}') AS accepted
                                             WHERE accepted IS NOT NULL))
                   OR ({expression} IS NULL AND $1->'{name}' @> 'null'))",
            kind = field.kind.sql_type(),
        ));
    }
    let mut order = String::new();
    for (field, is_descending) in &request.ordering {
        order.push_str(&format!("{}{}, ", field.expression("item"), if *is_descending { " DESC" } else { "" }));
    }
    let sql = format!(
        "SELECT (SELECT count(*) FROM {table} AS item WHERE {condition}) AS count,
                COALESCE((SELECT json_agg(to_json(document)) FROM (
                    SELECT {columns} FROM {table} AS item WHERE {condition}
                    ORDER BY {order}item.id LIMIT $2 OFFSET $3
                ) AS document), '[]') AS results",
        table = resource.table,
        columns = columns(resource, &request.includes, is_public),
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(Value::Object(request.filters.clone()))
        .bind(request.page_size)
        .bind((request.page - 1) * request.page_size)
        .fetch_one(db)
        .await?;
    Ok((row.try_get("count")?, documents(row.try_get("results")?)))
}

/// Returns the ids of all rows.
pub(in crate::resources) async fn ids(db: &mut PgConnection, resource: &TableResource) -> Result<Vec<i64>> {
    let sql = format!("SELECT id::bigint FROM {} ORDER BY id", resource.table);
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Returns the documents of rows, in the order of their ids in the list.
pub(in crate::resources) async fn read(
    db: &mut PgConnection,
    resource: &TableResource,
    ids: &[i64],
    includes: &[&Include],
    is_public: bool,
) -> Result<Vec<Value>> {
    let sql = format!(
        "SELECT COALESCE((SELECT json_agg(to_json(document) ORDER BY array_position($1, document.id::bigint)) FROM (
             SELECT {columns} FROM {table} AS item WHERE item.id = ANY ($1) AND {condition}
         ) AS document), '[]')",
        columns = columns(resource, includes, is_public),
        table = resource.table,
        condition = if is_public { resource.public_rows } else { "true" },
    );
    Ok(documents(sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_one(db).await?))
}

fn documents(list: Value) -> Vec<Value> {
    match list {
        Value::Array(documents) => documents,
        other => vec![json!(other)],
    }
}
