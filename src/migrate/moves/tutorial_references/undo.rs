//! Takes back what the move did to rows. The columns exist again when it runs.

use sqlx::{AssertSqlSafe, PgConnection};

use super::NAME;
use super::store::{CREATED, REMOVED, SET};
use crate::error::Result;
use crate::migrate::catalog::{Relation, quote};

/// Tables in which the move created rows, those that refer to others first.
const CREATED_IN: &[&str] = &[
    "acted.tutorial_session_instructors",
    "acted.tutorial_instructors",
    "acted.staff",
    "public.auth_user",
    "acted.tutorial_venues",
    "acted.tutorial_locations",
    "acted.tutorial_course_templates",
];

/// Sets references to null again, deletes created rows that nothing else refers to, and empties the archive of the move.
/// Returns what could not be taken back.
pub async fn undo_rows(db: &mut PgConnection) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let set: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT source, field FROM lectern.archive WHERE step = $1 AND reason = $2 ORDER BY 1, 2",
    )
    .bind(NAME)
    .bind(SET)
    .fetch_all(&mut *db)
    .await?;
    for (source, field) in set {
        let sql = format!(
            "UPDATE {source} AS t SET {column} = NULL FROM lectern.archive AS a
             WHERE a.step = $1 AND a.reason = $2 AND a.source = $3 AND a.field = $4 AND a.source_id = t.id",
            column = quote(&field)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(SET).bind(&source).bind(&field).execute(&mut *db).await?;
    }
    for table in CREATED_IN {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT source_id FROM lectern.archive WHERE step = $1 AND reason = $2 AND source = $3 ORDER BY 1",
        )
        .bind(NAME)
        .bind(CREATED)
        .bind(table)
        .fetch_all(&mut *db)
        .await?;
        let sql = format!("DELETE FROM {table} WHERE id = ANY (ARRAY[{}]::bigint[])", list(&ids));
        if !ids.is_empty() && !super::records::execute_unless_violated(db, &sql).await? {
            problems.push(format!("{table}: rows that the move created stay, because other rows refer to them"));
        }
    }
    sqlx::query("DELETE FROM lectern.archive WHERE step = $1").bind(NAME).execute(db).await?;
    Ok(problems)
}

fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// Gives a column that came back the values that the archive has; the former product is the present one.
pub async fn restore_column(db: &mut PgConnection, table: &Relation, column: &str, data_type: &str) -> Result<()> {
    let (place, source) = (table.sql_name(), format!("{}.{}", table.schema, table.name));
    if column == "exam_session_subject_product_variation_id" {
        let sql = format!("UPDATE {place} SET {} = product_id", quote(column));
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *db).await?;
        return Ok(());
    }
    let sql = format!(
        "UPDATE {place} AS t SET {name} = (a.value #>> '{{}}')::{data_type} FROM lectern.archive AS a
         WHERE a.step = $1 AND a.reason = $2 AND a.source = $3 AND a.field = $4 AND a.source_id = t.id",
        name = quote(column)
    );
    sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(REMOVED).bind(source).bind(column).execute(db).await?;
    Ok(())
}
