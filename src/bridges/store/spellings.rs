//! All SQL on `lectern.found_spellings`.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// Returns the stored comparison of an entity; none if its rows have never been compared with Administrate.
pub async fn comparison(db: &mut PgConnection, entity: &str) -> Result<Option<Value>> {
    let sql = "SELECT comparison FROM lectern.found_spellings WHERE entity = $1";
    Ok(sqlx::query_scalar(sql).bind(entity).fetch_optional(db).await?)
}

/// Stores the comparison of an entity.
pub async fn save_comparison(db: &mut PgConnection, entity: &str, comparison: Value) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.found_spellings (entity, comparison) VALUES ($1, $2)
         ON CONFLICT (entity) DO UPDATE SET comparison = excluded.comparison",
    )
    .bind(entity)
    .bind(comparison)
    .execute(db)
    .await?;
    Ok(())
}
