//! Indexes that `public.sessions` has beside its five, for the list of lessons. They are created while others write.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::attempts::Attempts;

/// Creates the indexes that `public.sessions` lacks. Returns a sentence for each that could not be created: the list is slower
/// without it, and otherwise the same.
pub async fn create_further_indexes(attempts: &Attempts<'_>) -> Result<Vec<String>> {
    let missing = attempts.transaction(async |db| missing(db).await).await?;
    let mut problems = Vec::new();
    for (name, statement) in missing {
        let create = async |db: &mut PgConnection| {
            // What an interrupted run has left is of no use.
            sqlx::raw_sql(AssertSqlSafe(format!("DROP INDEX CONCURRENTLY IF EXISTS public.{name}")))
                .execute(&mut *db)
                .await?;
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(db).await?;
            Ok(())
        };
        if let Err(error) = attempts.patiently(create).await {
            problems.push(format!(
                "public.sessions: the index {name} was not created, so that lists of lessons are slower: {error}"
            ));
        }
    }
    Ok(problems)
}

/// Returns names and statements of the indexes that are missing or not valid; none if another role owns the table.
async fn missing(db: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let is_known: bool = sqlx::query_scalar(
        "SELECT to_regprocedure('lectern.further_lesson_indexes()') IS NOT NULL
            AND EXISTS (SELECT FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
                        WHERE c.oid = to_regclass('public.sessions') AND c.relkind = 'r'
                          AND pg_has_role(c.relowner, 'USAGE') AND a.attname = 'course_enrollment_id'
                          AND NOT a.attisdropped)",
    )
    .fetch_one(&mut *db)
    .await?;
    if !is_known {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(
        "SELECT name, format('CREATE INDEX CONCURRENTLY %I ON public.sessions %s', name, definition)
         FROM lectern.further_lesson_indexes()
         WHERE NOT EXISTS (SELECT FROM pg_index WHERE indisvalid AND indexrelid = to_regclass(format('public.%I', name)))",
    )
    .fetch_all(db)
    .await?)
}
