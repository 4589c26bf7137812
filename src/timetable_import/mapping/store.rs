//! All SQL on `lectern.product_mappings`.

use sqlx::PgConnection;

use super::ProductMapping;
use crate::error::Result;

/// Returns all mappings in the order of their names.
pub async fn all(db: &mut PgConnection) -> Result<Vec<ProductMapping>> {
    Ok(sqlx::query_as(
        "SELECT m.id, m.template, m.location, m.sitting, m.store_product_id, p.product_code AS store_product
         FROM lectern.product_mappings AS m JOIN acted.products AS p ON p.id = m.store_product_id
         ORDER BY m.template, m.location, m.sitting, m.id",
    )
    .fetch_all(db)
    .await?)
}

/// Creates a mapping, or changes the store product of the one with the same names. Returns its id.
pub(super) async fn set(db: &mut PgConnection, names: [&str; 3], store_product: i64) -> Result<i64> {
    let [template, location, sitting] = names;
    Ok(sqlx::query_scalar(
        "INSERT INTO lectern.product_mappings (template, location, sitting, store_product_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (template, location, sitting) DO UPDATE SET store_product_id = excluded.store_product_id
         RETURNING id",
    )
    .bind(template)
    .bind(location)
    .bind(sitting)
    .bind(store_product)
    .fetch_one(db)
    .await?)
}

/// Deletes a mapping. Returns whether it existed.
pub(super) async fn remove(db: &mut PgConnection, id: i64) -> Result<bool> {
    let deleted = sqlx::query("DELETE FROM lectern.product_mappings WHERE id = $1").bind(id).execute(db).await?;
    Ok(deleted.rows_affected() > 0)
}

/// Returns id and code of the store products.
pub(super) async fn store_products(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT id::bigint, product_code FROM acted.products ORDER BY is_active DESC, product_code, id";
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}

/// Returns the codes of course templates, the names of locations and the codes of exam sessions.
pub(super) async fn known_names(db: &mut PgConnection) -> Result<[Vec<String>; 3]> {
    let templates = sqlx::query_scalar("SELECT code FROM acted.tutorial_course_templates ORDER BY id");
    let templates = templates.fetch_all(&mut *db).await?;
    let locations = sqlx::query_scalar("SELECT name FROM acted.tutorial_locations ORDER BY id");
    let locations = locations.fetch_all(&mut *db).await?;
    let sessions = sqlx::query_scalar("SELECT session_code FROM acted.catalog_exam_sessions ORDER BY id");
    Ok([templates, locations, sessions.fetch_all(db).await?])
}
