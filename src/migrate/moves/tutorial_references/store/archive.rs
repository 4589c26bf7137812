//! The archive: values of columns that go, and what the move did to rows.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::quote;
use crate::migrate::moves::tutorial_references::journal::Archived;
use crate::migrate::moves::tutorial_references::reasons::{FOUND, NAME, REMOVED, SET};

/// Sets a reference of rows by their id, and remembers it.
pub async fn link(db: &mut PgConnection, source: &str, column: &str, links: &[(i64, i64)]) -> Result<()> {
    let (ids, values): (Vec<i64>, Vec<i64>) = links.iter().copied().unzip();
    let sql = format!(
        "WITH changed AS (UPDATE {source} AS t SET {column} = m.value FROM unnest($1::bigint[], $2::bigint[]) AS m (id, value)
                          WHERE t.id = m.id AND t.{column} IS NULL RETURNING t.id, m.value)
         INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $3, $4, id, $5, to_jsonb(value), $6 FROM changed",
        column = quote(column)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(values);
    query.bind(NAME).bind(source).bind(column).bind(SET).execute(db).await?;
    Ok(())
}

/// Remembers the references that rows had already: they show a later change.
pub async fn archive_references(db: &mut PgConnection, source: &str, reference: &str) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $1, $2, t.id, $3, to_jsonb(t.{reference}), $4 FROM {source} AS t
         WHERE t.{reference} IS NOT NULL
           AND NOT EXISTS (SELECT FROM lectern.archive AS a WHERE a.step = $1 AND a.source = $2 AND a.field = $3
                             AND a.source_id = t.id)",
        reference = quote(reference)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(source).bind(reference).bind(FOUND);
    query.execute(db).await?;
    Ok(())
}

/// Archives a text of these rows that was not resolved, with the reason.
pub async fn keep_unresolved(
    db: &mut PgConnection,
    source: &str,
    field: &str,
    text: &str,
    ids: &[i64],
    reason: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $1, $2, id, $3, to_jsonb($4::text), $5 FROM unnest($6::bigint[]) AS id",
    )
    .bind(NAME)
    .bind(source)
    .bind(field)
    .bind(text)
    .bind(reason)
    .bind(ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Archives the values of a column that goes, apart from those that are there already.
pub async fn archive_column(db: &mut PgConnection, source: &str, column: &str) -> Result<Archived> {
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $1, $2, t.id, $3, to_jsonb(t.{column}), $4 FROM {source} AS t
         WHERE t.{column} IS NOT NULL
           AND NOT EXISTS (SELECT FROM lectern.archive AS a WHERE a.step = $1 AND a.source = $2 AND a.field = $3
                             AND a.source_id = t.id)",
        column = quote(column)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(source).bind(column).bind(REMOVED);
    query.execute(&mut *db).await?;
    let rows = archived_values(db, source, column).await?;
    Ok(Archived { source: source.to_owned(), field: column.to_owned(), rows })
}

/// Returns how many values of a column the archive has.
pub async fn archived_values(db: &mut PgConnection, source: &str, column: &str) -> Result<i64> {
    let sql = "SELECT count(*) FROM lectern.archive WHERE step = $1 AND source = $2 AND field = $3";
    Ok(sqlx::query_scalar(sql).bind(NAME).bind(source).bind(column).fetch_one(db).await?)
}

/// Counts the rows of the archive for PostgreSQL's planner, which does not know what this transaction has written.
pub async fn analyze(db: &mut PgConnection) -> Result<()> {
    sqlx::query("ANALYZE lectern.archive").execute(db).await?;
    Ok(())
}

/// Returns the greatest id of a table.
pub async fn last_id(db: &mut PgConnection, source: &str) -> Result<i64> {
    let sql = format!("SELECT coalesce(max(id), 0)::bigint FROM {source}");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// A text that still stands in the archive instead of a reference, with its rows.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Unsettled {
    pub source: String,
    pub field: String,
    pub text: String,
    pub reason: String,
    pub ids: Vec<i64>,
}

/// Returns the texts without a reference, of events and sessions that still exist.
pub async fn unsettled(db: &mut PgConnection) -> Result<Vec<Unsettled>> {
    Ok(sqlx::query_as(
        "SELECT a.source, a.field, a.value #>> '{}' AS text, a.reason, array_agg(a.source_id ORDER BY a.source_id) AS ids
         FROM lectern.archive AS a
         LEFT JOIN acted.tutorial_events AS e ON a.source = 'acted.tutorial_events' AND e.id = a.source_id
         LEFT JOIN acted.tutorial_sessions AS s ON a.source = 'acted.tutorial_sessions' AND s.id = a.source_id
         WHERE a.step = $1 AND a.field IN ('venue', 'location') AND a.reason <> $2
           AND (e.id IS NOT NULL OR s.id IS NOT NULL)
           AND CASE a.field WHEN 'venue' THEN coalesce(e.venue_id, s.venue_id) ELSE coalesce(e.location_id, s.location_id) END
               IS NULL
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    )
    .bind(NAME)
    .bind(REMOVED)
    .fetch_all(db)
    .await?)
}
