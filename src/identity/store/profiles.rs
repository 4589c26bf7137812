//! SQL on the profiles that tokens and logins name.

use sqlx::PgPool;

use crate::error::Result;

/// Reports whether a profile does not exist. Returns false while there is no profile at all, or no such table: a provider
/// may create tokens before people.
pub async fn is_missing(pool: &PgPool, profiles: &'static str, id: i64) -> Result<bool> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('public.' || $1) IS NOT NULL").bind(profiles).fetch_one(pool).await?;
    if !exists {
        return Ok(false);
    }
    let sql = format!(
        "SELECT NOT EXISTS (SELECT FROM public.{profiles} WHERE id = $1) AND EXISTS (SELECT FROM public.{profiles})"
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id).fetch_one(pool).await?)
}
