//! SQL on the lessons that were made from series.

use jiff::civil::Date;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::lessons::recurrence::LessonOccurrence;

/// What the lessons of a series have in common. The rest is of one lesson.
pub const SHARED: [&str; 12] = [
    "course_enrollment_id",
    "topics",
    "start_time",
    "end_time",
    "duration",
    "session_mode",
    "location",
    "priority_level",
    "notification_enabled",
    "alarm_enabled",
    "alarm_before_minutes",
    "is_featured",
];

/// The content of a lesson as a hash. A lesson with another hash than it was made with has been edited.
const CONTENT: &str = "md5((lectern.document_of(row_to_json(made)) - ARRAY['id', 'created_at', 'updated_at'])::text)";

/// The status of a lesson that was made: a series is cancelled as a whole.
const STATUS: &str = "CASE WHEN head.status = 'cancelled' THEN 'cancelled' ELSE 'scheduled' END";

/// A lesson that was made from a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeLesson {
    pub id: i64,
    /// The day of the rule.
    pub day: Date,
    /// The day on which the lesson takes place.
    pub takes_place: Date,
    pub is_edited: bool,
    pub status: String,
    /// Start and end.
    pub times: (String, String),
}

/// Locks the first lesson of a series, so that one request at a time changes what is made from it.
pub async fn lock(db: &mut PgConnection, series: i64) -> Result<()> {
    sqlx::query("SELECT FROM public.sessions WHERE id = $1 FOR NO KEY UPDATE").bind(series).execute(db).await?;
    Ok(())
}

/// Returns the lessons that were made from a series, by day.
pub async fn made(db: &mut PgConnection, series: i64) -> Result<Vec<MadeLesson>> {
    let sql = format!(
        "SELECT made.id::bigint, link.day::text, made.session_date::text, link.written IS DISTINCT FROM {CONTENT},
                COALESCE(made.status, 'scheduled'), made.start_time::text, made.end_time::text
         FROM lectern.lesson_occurrences AS link JOIN public.sessions AS made ON made.id = link.session_id
         WHERE link.series_id = $1 ORDER BY link.day"
    );
    let rows: Vec<(i64, String, String, bool, String, String, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(series).fetch_all(db).await?;
    let lesson = |(id, day, takes_place, is_edited, status, start, end): (i64, String, String, bool, String, _, _)| {
        let (day, takes_place) = (day.parse().ok()?, takes_place.parse().ok()?);
        Some(MadeLesson { id, day, takes_place, is_edited, status, times: (start, end) })
    };
    Ok(rows.into_iter().filter_map(lesson).collect())
}

/// Makes lessons of a series. Days that have one already are left out. Returns their ids and days.
pub async fn make(db: &mut PgConnection, series: i64, days: &[LessonOccurrence]) -> Result<Vec<(i64, Date)>> {
    let shared = SHARED.join(", ");
    let of_head = SHARED.map(|column| format!("head.{column}")).join(", ");
    let sql = format!(
        "WITH given AS (
             SELECT day::date, of_rule::date FROM unnest($2::text[], $3::text[]) AS given (day, of_rule)
             WHERE NOT EXISTS (SELECT FROM lectern.lesson_occurrences AS known
                               WHERE known.series_id = $1 AND known.day = of_rule::date)),
         made AS (
             INSERT INTO public.sessions ({shared}, session_date, status, tutor_attendance_status,
                                          student_attendance_status, is_recurring, session_frequency)
             SELECT {of_head}, given.day, {STATUS}, NULL, NULL, false, 'one-time'
             FROM given JOIN public.sessions AS head ON head.id = $1 ORDER BY given.day
             RETURNING *)
         INSERT INTO lectern.lesson_occurrences (session_id, series_id, day, written)
         SELECT made.id, $1, given.of_rule, {CONTENT} FROM made JOIN given ON given.day = made.session_date
         RETURNING session_id::bigint, day::text"
    );
    let (shown, of_rule): (Vec<String>, Vec<String>) =
        days.iter().map(|one| (one.day.to_string(), one.rule_day().to_string())).unzip();
    let rows: Vec<(i64, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(series).bind(shown).bind(of_rule).fetch_all(db).await?;
    Ok(rows.into_iter().filter_map(|(id, day)| Some((id, day.parse().ok()?))).collect())
}

/// Brings lessons that no user has edited up to date with their series. Returns how many changed.
pub async fn renew(db: &mut PgConnection, series: i64, days: &[LessonOccurrence]) -> Result<u64> {
    let set = SHARED.map(|column| format!("{column} = head.{column}")).join(", ");
    let row = |alias: &str| {
        SHARED
            .map(
                |column| if column == "topics" { format!("{alias}.topics::text") } else { format!("{alias}.{column}") },
            )
            .join(", ")
    };
    let (made, head) = (row("made"), row("head"));
    let sql = format!(
        "WITH renewed AS (
             UPDATE public.sessions AS made SET {set}, session_date = given.day, status = {STATUS}
             FROM (SELECT day::date, of_rule::date FROM unnest($2::text[], $3::text[]) AS given (day, of_rule)) AS given,
                  public.sessions AS head, lectern.lesson_occurrences AS link
             WHERE head.id = $1 AND link.series_id = $1 AND link.day = given.of_rule AND link.session_id = made.id
               AND link.written = {CONTENT}
               AND ({made}, made.session_date, made.status) IS DISTINCT FROM ({head}, given.day, {STATUS})
             RETURNING made.*)
         UPDATE lectern.lesson_occurrences AS link SET written = {CONTENT}
         FROM renewed AS made WHERE link.session_id = made.id"
    );
    let (shown, of_rule): (Vec<String>, Vec<String>) =
        days.iter().map(|one| (one.day.to_string(), one.rule_day().to_string())).unzip();
    let done = sqlx::query(AssertSqlSafe(sql)).bind(series).bind(shown).bind(of_rule).execute(db).await?;
    Ok(done.rows_affected())
}

/// Deletes lessons that were made from a series.
pub async fn delete(db: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query("DELETE FROM lectern.lesson_occurrences WHERE session_id = ANY ($1)")
        .bind(ids)
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM public.sessions WHERE id = ANY ($1)").bind(ids).execute(db).await?;
    Ok(())
}

/// Lets lessons of a series from a day on belong to another series.
pub async fn hand_over(db: &mut PgConnection, series: i64, to: i64, from: Date) -> Result<()> {
    sqlx::query("DELETE FROM lectern.lesson_occurrences WHERE session_id = $1").bind(to).execute(&mut *db).await?;
    sqlx::query("UPDATE lectern.lesson_occurrences SET series_id = $2 WHERE series_id = $1 AND day >= $3::text::date")
        .bind(series)
        .bind(to)
        .bind(from.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Makes a lesson one of a series, as if it had been edited.
pub async fn attach(db: &mut PgConnection, id: i64, series: i64, day: Date) -> Result<()> {
    sqlx::query("INSERT INTO lectern.lesson_occurrences (session_id, series_id, day) VALUES ($1, $2, $3::text::date)")
        .bind(id)
        .bind(series)
        .bind(day.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Lets the lessons of a series be lessons of their own.
pub async fn release(db: &mut PgConnection, series: i64) -> Result<()> {
    sqlx::query("DELETE FROM lectern.lesson_occurrences WHERE series_id = $1").bind(series).execute(db).await?;
    Ok(())
}

/// Writes the rule of a lesson; none: the lesson is not recurring.
pub async fn set_rule(db: &mut PgConnection, id: i64, rule: Option<(&str, &Value)>) -> Result<()> {
    sqlx::query(
        "UPDATE public.sessions SET is_recurring = $2, session_frequency = $3, recurring_pattern = $4::json
         WHERE id = $1",
    )
    .bind(id)
    .bind(rule.is_some())
    .bind(rule.map_or("one-time", |(frequency, _)| frequency))
    .bind(rule.map(|(_, pattern)| pattern.to_string()))
    .execute(db)
    .await?;
    Ok(())
}

/// Returns series as documents with what a rule is read from, and the days of which lessons were made.
pub async fn heads(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<(Value, Vec<Date>)>> {
    let rows: Vec<(Value, Vec<String>)> = sqlx::query_as(
        "SELECT json_build_object(
                    'id', item.id, 'session_date', item.session_date, 'is_recurring', item.is_recurring,
                    'session_frequency', item.session_frequency, 'recurring_pattern', item.recurring_pattern,
                    'tutor_id', enrolment.tutor_id, 'start_time', item.start_time, 'status', item.status,
                    'alarm_before_minutes', item.alarm_before_minutes,
                    'recurrence', json_build_object('until', series.until, 'count', series.occurrences,
                        'exceptions', COALESCE(series.exceptions, '{}'), 'holidays', COALESCE(series.holidays, 'ignore'))),
                ARRAY(SELECT day::text FROM lectern.lesson_occurrences WHERE series_id = item.id)
         FROM public.sessions AS item
         LEFT JOIN public.enrolled_students AS enrolment ON enrolment.id = item.course_enrollment_id
         LEFT JOIN lectern.lesson_series AS series ON series.session_id = item.id
         WHERE item.id = ANY ($1) ORDER BY item.id",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    let parsed = |(head, days): (Value, Vec<String>)| (head, days.iter().filter_map(|day| day.parse().ok()).collect());
    Ok(rows.into_iter().map(parsed).collect())
}

/// Returns all holidays in a range of days: the tutor, or none for everyone.
pub async fn all_holidays(db: &mut PgConnection, from: Date, to: Date) -> Result<Vec<(Option<i64>, Date)>> {
    let rows: Vec<(Option<i64>, String)> = sqlx::query_as(
        "SELECT tutor_id::bigint, date::text FROM lectern.holidays
         WHERE date BETWEEN $1::text::date AND $2::text::date",
    )
    .bind(from.to_string())
    .bind(to.to_string())
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(|(tutor, day)| Some((tutor, day.parse().ok()?))).collect())
}
