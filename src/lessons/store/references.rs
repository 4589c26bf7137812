//! SQL on what lessons refer to.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;

/// Returns the tutors of enrolments, by id of the enrolment. Unknown ones are absent.
pub async fn tutors_of(db: &mut PgConnection, enrolments: &[i64]) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as("SELECT id::bigint, tutor_id::bigint FROM public.enrolled_students WHERE id = ANY ($1)")
        .bind(enrolments)
        .fetch_all(db)
        .await?)
}

/// Reports whether a row does not exist. Tables that the database does not have are not checked.
///
/// `table`: one of the tables to which lessons refer, with its schema.
pub async fn is_missing(db: &mut PgConnection, table: &'static str, id: i64) -> Result<bool> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(&mut *db).await?;
    if !exists {
        return Ok(false);
    }
    let sql = format!("SELECT NOT EXISTS (SELECT FROM {table} WHERE id = $1)");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(db).await?)
}
