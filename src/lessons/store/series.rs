//! SQL on series of lessons.

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::error::Result;

/// What is stored of a series beyond the columns of its first lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSeries {
    pub session_id: i64,
    pub until: Option<Date>,
    pub count: Option<i64>,
    pub exceptions: Vec<Date>,
    pub holidays: &'static str,
}

/// Writes a series. Equal values write nothing.
pub async fn set(db: &mut PgConnection, series: &StoredSeries) -> Result<()> {
    let exceptions: Vec<String> = series.exceptions.iter().map(Date::to_string).collect();
    sqlx::query(
        "INSERT INTO lectern.lesson_series AS known (session_id, until, occurrences, exceptions, holidays)
         VALUES ($1, $2::text::date, $3, $4::text[]::date[], $5)
         ON CONFLICT (session_id) DO UPDATE
         SET until = excluded.until, occurrences = excluded.occurrences, exceptions = excluded.exceptions,
             holidays = excluded.holidays
         WHERE (known.until, known.occurrences, known.exceptions, known.holidays) IS DISTINCT FROM
               (excluded.until, excluded.occurrences, excluded.exceptions, excluded.holidays)",
    )
    .bind(series.session_id)
    .bind(series.until.map(|day| day.to_string()))
    .bind(series.count)
    .bind(exceptions)
    .bind(series.holidays)
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the end, the exceptions and the holidays of a lesson that is no longer recurring.
pub async fn delete_rule(db: &mut PgConnection, session_id: i64) -> Result<()> {
    sqlx::query("DELETE FROM lectern.lesson_series WHERE session_id = $1").bind(session_id).execute(db).await?;
    Ok(())
}

/// Deletes what is stored of a series. Lessons that were made from it stay.
pub async fn delete(db: &mut PgConnection, session_id: i64) -> Result<()> {
    sqlx::query("DELETE FROM lectern.lesson_series WHERE session_id = $1").bind(session_id).execute(&mut *db).await?;
    sqlx::query("DELETE FROM lectern.lesson_occurrences WHERE session_id = $1 OR series_id = $1")
        .bind(session_id)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the holidays of a tutor, and those of everyone, in a range of days.
pub async fn holidays(db: &mut PgConnection, tutor: Option<i64>, from: Date, to: Date) -> Result<Vec<Date>> {
    let days: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT date::text FROM lectern.holidays
         WHERE (tutor_id IS NULL OR tutor_id = $1) AND date BETWEEN $2::text::date AND $3::text::date",
    )
    .bind(tutor)
    .bind(from.to_string())
    .bind(to.to_string())
    .fetch_all(db)
    .await?;
    Ok(days.iter().filter_map(|day| day.parse().ok()).collect())
}
