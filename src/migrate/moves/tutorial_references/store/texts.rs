//! Texts of events and sessions that become references.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::quote;

/// Texts of a column whose reference is null, with the location that counts, and the rows that have them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TextUse {
    pub text: String,
    pub location: Option<i64>,
    pub ids: Vec<i64>,
}

/// Returns the texts of a column of events or sessions (`t`) whose reference is null. `location` is an expression.
pub async fn texts(
    db: &mut PgConnection,
    from: &str,
    text: &str,
    reference: &str,
    location: &str,
) -> Result<Vec<TextUse>> {
    let sql = format!(
        "SELECT t.{text}::text AS text, ({location})::bigint AS location, array_agg(t.id::bigint ORDER BY t.id) AS ids
         FROM {from} WHERE t.{reference} IS NULL AND t.{text} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        text = quote(text),
        reference = quote(reference)
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Returns the texts of a column whose reference, if the table has the column, is null.
pub async fn unlinked_texts(
    db: &mut PgConnection,
    table: &str,
    text: &str,
    reference: Option<&str>,
) -> Result<Vec<TextUse>> {
    let is_null = reference.map(|reference| format!(" AND t.{} IS NULL", quote(reference))).unwrap_or_default();
    let sql = format!(
        "SELECT t.{text}::text AS text, NULL::bigint AS location, array_agg(t.id::bigint ORDER BY t.id) AS ids
         FROM {table} AS t WHERE t.{text} IS NOT NULL{is_null} GROUP BY 1 ORDER BY 1",
        text = quote(text)
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Returns the names in a table of places.
pub async fn place_names(db: &mut PgConnection, table: &str) -> Result<Vec<String>> {
    let sql = format!("SELECT DISTINCT name::text FROM {table} WHERE name IS NOT NULL");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Returns the short names of the products of events without location. Events for which `has_text` is true are left out.
pub async fn product_names(db: &mut PgConnection, product: &str, has_text: &str) -> Result<Vec<TextUse>> {
    let sql = format!(
        "SELECT c.shortname::text AS text, NULL::bigint AS location, array_agg(t.id::bigint ORDER BY t.id) AS ids
         FROM acted.tutorial_events AS t JOIN acted.products AS p ON p.id = t.{product}
         JOIN acted.catalog_product_product_variations AS v ON v.id = p.product_product_variation_id
         JOIN acted.catalog_products AS c ON c.id = v.product_id
         WHERE t.location_id IS NULL AND NOT ({has_text}) GROUP BY 1 ORDER BY 1",
        product = quote(product)
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Returns the events without a product.
pub async fn rows_without_product(db: &mut PgConnection) -> Result<Vec<i64>> {
    let sql = "SELECT id::bigint FROM acted.tutorial_events WHERE product_id IS NULL ORDER BY id LIMIT 20";
    Ok(sqlx::query_scalar(sql).fetch_all(db).await?)
}
