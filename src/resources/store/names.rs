//! Names of rows for people, and what pages show beside documents.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection};

use super::read::{from_clause, select_list};
use crate::error::Result;
use crate::resources::{Audience, TableResource};

/// Returns the rows of a resource with their names, as SQL.
fn named_rows(resource: &TableResource) -> String {
    format!(
        "SELECT item.id::bigint AS id, COALESCE(NULLIF(btrim(({label})::text), ''), '#' || item.id) AS name FROM {from}",
        label = resource.label,
        from = from_clause(resource)
    )
}

/// Returns the names of rows.
pub(in crate::resources) async fn names(
    db: &mut PgConnection,
    resource: &TableResource,
    ids: &[i64],
) -> Result<Vec<(i64, String)>> {
    let sql = format!("{} WHERE item.id = ANY ($1)", named_rows(resource));
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?)
}

/// Returns the rows whose name contains all words, by name.
pub(in crate::resources) async fn choices(
    db: &mut PgConnection,
    resource: &TableResource,
    words: &[String],
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    let sql = format!(
        "SELECT id, name FROM ({}) AS known
         WHERE NOT EXISTS (SELECT FROM unnest($1::text[]) AS searched WHERE strpos(lower(name), lower(searched)) = 0)
         ORDER BY name, id LIMIT $2",
        named_rows(resource)
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(words).bind(limit).fetch_all(db).await?)
}

/// Returns the rows with a name, whatever its letter case; at most 3.
pub(in crate::resources) async fn exact(
    db: &mut PgConnection,
    resource: &TableResource,
    name: &str,
) -> Result<Vec<(i64, String)>> {
    let sql = format!(
        "SELECT id, name FROM ({}) AS known WHERE lower(name) = lower($1) ORDER BY id LIMIT 3",
        named_rows(resource)
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(name).fetch_all(db).await?)
}

/// Returns the number of rows of each resource.
pub(in crate::resources) async fn counts(db: &mut PgConnection, resources: &[&TableResource]) -> Result<Vec<i64>> {
    let counts: Vec<String> =
        resources.iter().map(|resource| format!("(SELECT count(*) FROM {})", resource.table)).collect();
    let sql = format!("SELECT ARRAY[{}]::bigint[]", counts.join(", "));
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// Returns the values of a row that only pages show.
pub(in crate::resources) async fn page_fields(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    audience: Audience,
) -> Result<Map<String, Value>> {
    let columns = select_list(resource.page_fields, "item", audience);
    if columns.is_empty() {
        return Ok(Map::new());
    }
    let sql = format!(
        "SELECT to_json(shown) FROM (SELECT {columns} FROM {} WHERE item.id = $1) AS shown",
        from_clause(resource)
    );
    let found: Option<Value> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?;
    Ok(found.and_then(|value| value.as_object().cloned()).unwrap_or_default())
}
