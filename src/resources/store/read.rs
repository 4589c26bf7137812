//! Documents of rows. PostgreSQL builds them, in one statement for any number of rows.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::error::Result;
use crate::resources::query::ListRequest;
use crate::resources::{
    Audience, FieldSource, Include, IncludedContent, PartTable, ResourceField, TableResource, ValueKind,
};

/// Returns the table of a resource as `item`, with what is joined to it.
pub(super) fn from_clause(resource: &TableResource) -> String {
    let details = resource.details.as_ref().map_or_else(String::new, |details| {
        format!("LEFT JOIN {} AS details ON details.{} = item.id", details.table, details.own)
    });
    format!("{} AS item {details} {}", resource.table, resource.joins)
}

/// Returns the condition for the rows that a reader sees.
fn visible_rows(resource: &TableResource, audience: Audience) -> &'static str {
    if audience == Audience::Public { resource.public_rows } else { "true" }
}

/// Returns the SQL expression of a field in a document.
fn document_expression(field: &ResourceField, row: &str, audience: Audience) -> String {
    match &field.source {
        FieldSource::Links(links) => format!(
            "COALESCE((SELECT json_agg(link.{other} ORDER BY link.{other}) FROM {table} AS link
                       WHERE link.{own} = {row}.id), '[]')",
            other = links.other,
            table = links.table,
            own = links.own,
        ),
        FieldSource::Parts(parts) => parts_expression(parts, field, row, audience),
        FieldSource::Column { .. } | FieldSource::Detail { .. } | FieldSource::Expression(_) => match field.kind {
            ValueKind::Amount => format!("round({}, 2)::text", field.expression(row)),
            _ => field.expression(row),
        },
    }
}

fn parts_expression(parts: &PartTable, field: &ResourceField, row: &str, audience: Audience) -> String {
    let ValueKind::Items(fields) = &field.kind else { return "NULL".into() };
    let condition = if audience == Audience::Public { parts.public_rows } else { "true" };
    format!(
        "COALESCE((SELECT json_agg(to_json(item_part)) FROM (
             SELECT {columns} FROM {table} AS part WHERE part.{own} = {row}.id AND {condition} ORDER BY {order}
         ) AS item_part), '[]')",
        columns = select_list(*fields, "part", audience),
        table = parts.table,
        own = parts.own,
        order = parts.order,
    )
}

pub(super) fn select_list<'a>(
    fields: impl IntoIterator<Item = &'a ResourceField>,
    row: &str,
    audience: Audience,
) -> String {
    let shown = fields.into_iter().filter(|field| field.audience <= audience);
    let columns = shown.map(|field| format!("{} AS {}", document_expression(field, row, audience), field.name));
    columns.collect::<Vec<_>>().join(", ")
}

fn columns(resource: &TableResource, includes: &[&Include], audience: Audience) -> String {
    let mut columns = select_list(resource.fields, "item", audience);
    for include in includes {
        let expression = match include.content {
            IncludedContent::Expression(expression) => expression.to_owned(),
            IncludedContent::Rows { resource, own } => rows_expression(resource, own, audience),
        };
        columns.push_str(&format!(", {expression} AS {}", include.name));
    }
    columns
}

/// Returns the documents of another resource that belong to a row. Inside, `item` is a row of that resource.
fn rows_expression(resource: &TableResource, own: &str, audience: Audience) -> String {
    let own = resource.field(own).map_or_else(String::new, |field| field.expression("item"));
    let order = resource.order.iter().filter_map(|name| resource.field(name));
    let order: String = order.map(|field| format!("{}, ", field.expression("item"))).collect();
    format!(
        "COALESCE((SELECT json_agg(to_json(included)) FROM (
             SELECT {columns} FROM {from} WHERE {own} = owner.id AND {condition} ORDER BY {order}item.id
         ) AS included), '[]')",
        columns = select_list(resource.fields, "item", audience),
        from = from_clause(resource),
        condition = visible_rows(resource, audience),
    )
}

/// Returns the joined tables of a statement that returns documents. Included rows refer to their row as `owner`.
fn document_from_clause(resource: &TableResource, includes: &[&Include]) -> String {
    let has_rows = includes.iter().any(|include| matches!(include.content, IncludedContent::Rows { .. }));
    let owner = if has_rows { "CROSS JOIN LATERAL (SELECT item.id AS id) AS owner" } else { "" };
    format!("{} {owner}", from_clause(resource))
}

/// Returns the number of matching rows and the documents of one page of them.
pub(in crate::resources) async fn list(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &ListRequest,
) -> Result<(i64, Vec<Value>)> {
    let mut condition = visible_rows(resource, request.audience).to_owned();
    for (name, values) in &request.filters {
        if let Some(filter) = resource.filters.iter().find(|filter| filter.name == name.as_str()) {
            condition.push_str(&format!(" AND {}", filter.condition(values)));
            continue;
        }
        let Some(field) = resource.shown_field(name) else { continue };
        let (expression, name) = (field.expression("item"), field.name);
        condition.push_str(&format!(
            " AND ({expression} = ANY (ARRAY(SELECT accepted::{kind} FROM jsonb_array_elements_text($1->'{name}') AS accepted
                                             WHERE accepted IS NOT NULL))
                   OR ({expression} IS NULL AND $1->'{name}' @> 'null'))",
            kind = field.kind.sql_type(),
        ));
    }
    if !request.search.is_empty() {
        condition.push_str(&format!(" AND {}", search_condition(resource, request.audience, "$4")));
    }
    let mut order = String::new();
    for (field, is_descending) in &request.ordering {
        order.push_str(&format!("{}{}, ", field.expression("item"), if *is_descending { " DESC" } else { "" }));
    }
    let sql = format!(
        "SELECT (SELECT count(*) FROM {counted} WHERE {condition}) AS count,
                COALESCE((SELECT json_agg(to_json(document)) FROM (
                    SELECT {columns} FROM {from} WHERE {condition}
                    ORDER BY {order}item.id LIMIT $2 OFFSET $3
                ) AS document), '[]') AS results",
        counted = from_clause(resource),
        from = document_from_clause(resource, &request.includes),
        columns = match request.is_for_page {
            true => select_list(resource.fields.iter().chain(resource.page_fields), "item", request.audience),
            false => columns(resource, &request.includes, request.audience),
        },
    );
    let listed = sqlx::query(AssertSqlSafe(sql))
        .bind(Value::Object(request.filters.clone()))
        .bind(request.page_size)
        .bind((request.page - 1) * request.page_size);
    let listed = if request.search.is_empty() { listed } else { listed.bind(&request.search) };
    let row = listed.fetch_one(db).await?;
    Ok((row.try_get("count")?, documents(row.try_get("results")?)))
}

/// Returns the condition for rows that contain all words of a parameter in their name or in one of their texts.
fn search_condition(resource: &TableResource, audience: Audience, words: &str) -> String {
    let is_text = |field: &&ResourceField| {
        matches!(
            field.kind,
            ValueKind::Line { .. } | ValueKind::Note | ValueKind::Choice(_) | ValueKind::Email | ValueKind::Url { .. }
        )
    };
    let shown = resource.fields.iter().chain(resource.page_fields).filter(|field| field.audience <= audience);
    let texts: Vec<String> =
        shown.filter(is_text).map(|field| format!("({})::text", field.expression("item"))).collect();
    let texts = [resource.label.to_owned()].into_iter().chain(texts).collect::<Vec<_>>().join(", ");
    format!(
        "NOT EXISTS (SELECT FROM unnest({words}::text[]) AS searched
                     WHERE strpos(lower(concat_ws(' ', {texts})), lower(searched)) = 0)"
    )
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
    audience: Audience,
) -> Result<Vec<Value>> {
    let sql = format!(
        "SELECT COALESCE((SELECT json_agg(to_json(document) ORDER BY array_position($1, document.id::bigint)) FROM (
             SELECT {columns} FROM {from} WHERE item.id = ANY ($1) AND {condition}
         ) AS document), '[]')",
        columns = columns(resource, includes, audience),
        from = document_from_clause(resource, includes),
        condition = visible_rows(resource, audience),
    );
    Ok(documents(sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_one(db).await?))
}

fn documents(list: Value) -> Vec<Value> {
    match list {
        Value::Array(documents) => documents,
        other => vec![json!(other)],
    }
}
