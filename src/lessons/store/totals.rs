//! SQL of alarms and totals of lessons.

use sqlx::{PgConnection, QueryBuilder};

use super::list::{LessonFilter, LessonSearch, ListSource, add_conditions};
use crate::error::Result;
use crate::lessons::rights::LessonScope;

/// A lesson with an alarm.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlarmRow {
    pub session_id: i64,
    pub day: String,
    /// The day of the rule, of a lesson of a series.
    pub occurrence: Option<String>,
    pub start_time: String,
    pub minutes: i64,
}

/// Returns the scheduled lessons of a list.
pub async fn alarms(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<AlarmRow>> {
    let mut query = QueryBuilder::new(
        "SELECT item.id::bigint AS session_id, item.session_date::text AS day,
                COALESCE((SELECT link.day FROM lectern.lesson_occurrences AS link WHERE link.session_id = item.id),
                         CASE WHEN item.is_recurring THEN item.session_date END)::text AS occurrence,
                item.start_time::text, COALESCE(item.alarm_before_minutes, 15)::bigint AS minutes",
    );
    add_conditions(&mut query, scope, filter, ListSource::of(&LessonSearch::default()));
    query.push(" AND COALESCE(item.status, 'scheduled') = 'scheduled'");
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// Lessons of one status.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StatusTotals {
    pub status: String,
    pub lessons: i64,
    pub minutes: i64,
    /// Lessons by the attendance of the student, as far as a user has set it.
    pub present: i64,
    pub late: i64,
    pub absent: i64,
    /// Planned topics, and how many of them lessons have covered.
    pub planned: i64,
    pub covered: i64,
}

/// Returns the totals of the lessons of a list, by status.
pub async fn totals(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<StatusTotals>> {
    let marked = |status: &str| {
        format!(
            "count(*) FILTER (WHERE item.student_attendance_status = '{status}'
                AND lectern.is_attendance_marked(item.id, 'student', item.student_attendance_status)) AS {status}"
        )
    };
    let topics = |column: &str| {
        format!(
            "CASE json_typeof(item.{column}::json) WHEN 'array' THEN json_array_length(item.{column}::json) ELSE 0 END"
        )
    };
    let (planned, covered) = (topics("topics"), topics("topics_covered"));
    let mut query = QueryBuilder::new(format!(
        "SELECT COALESCE(item.status, 'scheduled') AS status, count(*) AS lessons,
                COALESCE(sum(COALESCE(item.duration, EXTRACT(epoch FROM item.end_time - item.start_time) / 60)), 0)::bigint
                    AS minutes, {}, {}, {},
                COALESCE(sum({planned}), 0)::bigint AS planned,
                COALESCE(sum(LEAST({covered}, {planned})), 0)::bigint AS covered",
        marked("present"),
        marked("late"),
        marked("absent"),
    ));
    let search = filter.search(db, scope).await?;
    add_conditions(&mut query, scope, filter, ListSource::of(&search));
    query.push(" GROUP BY 1 ORDER BY 1");
    Ok(query.build_query_as().fetch_all(db).await?)
}
