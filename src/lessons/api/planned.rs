//! Lessons of series that are no lessons of their own yet.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::members::id_of;
use super::occurrences::MAX_OCCURRENCES;
use super::series;
use crate::http::problem::{FieldError, HttpProblem};
use crate::lessons::recurrence::{HolidayRule, LessonOccurrence};
use crate::lessons::store::occurrences;

/// A lesson of a series that is no lesson of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLesson {
    /// The first lesson of the series, as far as a rule is read from it.
    pub head: Value,
    pub occurrence: LessonOccurrence,
}

/// Returns the lessons of series in a range of days that are no lessons of their own.
///
/// # Errors
/// 422 when there are more than a response may have.
pub async fn planned(
    db: &mut PgConnection,
    series_ids: &[i64],
    (from, to): (Date, Date),
) -> Result<Vec<PlannedLesson>, HttpProblem> {
    let heads = occurrences::heads(db, series_ids).await?;
    let Some(first) = heads.iter().filter_map(|(head, _)| series::stored(head)).map(|series| series.first).min() else {
        return Ok(Vec::new());
    };
    let end = to.checked_add(366.days()).unwrap_or(Date::MAX);
    let holidays = occurrences::all_holidays(db, first, end).await?;
    let mut found = Vec::new();
    for (head, made) in heads {
        let Some(series) = series::stored(&head) else { continue };
        let tutor = head["tutor_id"].as_i64();
        let is_holiday = |(of, day): &(Option<i64>, Date)| (of.is_none() || *of == tutor).then_some(*day);
        let own: BTreeSet<Date> = match series.holidays {
            HolidayRule::Ignore => BTreeSet::new(),
            HolidayRule::Skip | HolidayRule::Shift => holidays.iter().filter_map(is_holiday).collect(),
        };
        let made: BTreeSet<Date> = made.into_iter().collect();
        let days = series.occurrences(from, to, &own, MAX_OCCURRENCES).map_err(|_| too_many())?;
        let is_planned = |one: &LessonOccurrence| one.rule_day() > series.first && !made.contains(&one.rule_day());
        let planned = days.into_iter().filter(is_planned);
        found.extend(planned.map(|occurrence| PlannedLesson { head: head.clone(), occurrence }));
        if found.len() > MAX_OCCURRENCES {
            return Err(too_many());
        }
    }
    Ok(found)
}

fn too_many() -> HttpProblem {
    let message = format!("the series have more than {MAX_OCCURRENCES} lessons in these days: ask for fewer days");
    HttpProblem::fields(FieldError::new("/date_to", "too_large", message)).as_status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// Returns the document of a planned lesson: as if it had been made, under the id of its series.
pub fn document(head: &Value, day: &str, of_rule: &str) -> Value {
    let mut lesson = head.clone();
    let status = if head["status"] == "cancelled" { "cancelled" } else { "scheduled" };
    let own = json!({
        "session_date": day, "status": status, "is_recurring": false, "session_frequency": "one-time",
        "recurring_pattern": null, "recurrence": null, "topics_covered": [], "whiteboard_id": null,
        "student_review_id": null, "tutor_review_id": null, "parent_review_id": null, "tutor_attendance_status": null,
        "student_attendance_status": null, "attendance_marked": { "tutor": false, "student": false },
        "series_id": id_of(head), "occurrence": of_rule,
    });
    if let (Some(lesson), Value::Object(own)) = (lesson.as_object_mut(), own) {
        lesson.extend(own);
    }
    lesson
}
