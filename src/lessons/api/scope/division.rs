//! Begins a series at one of the lessons of another one.

use axum::http::StatusCode;
use sqlx::PgConnection;

use super::target::SeriesPlace;
use crate::http::problem::{FieldError, HttpProblem};
use crate::lessons::api::members::holidays_of;
use crate::lessons::api::series::to_store;
use crate::lessons::recurrence::LessonSeries;
use crate::lessons::store::occurrences::{self, MadeLesson};
use crate::lessons::store::series as series_store;

/// Begins a series at a lesson of another one, whose lessons from there on belong to the new one. Returns the first lesson of
/// the new series, and what is left of the older one.
pub(super) async fn begin(
    db: &mut PgConnection,
    place: &SeriesPlace,
    made: &[MadeLesson],
) -> Result<(i64, LessonSeries), HttpProblem> {
    let (head, at) = (place.head_id(), place.occurrence);
    let Ok((before, after)) = place.series.split(at) else {
        let message = format!(
            "no series can begin on {}, because its rule would have other days: change one lesson, or take a lesson of the rule",
            at.day
        );
        let error = FieldError::new("/occurrence", "invalid_value", message);
        return Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let known = made.iter().find(|lesson| lesson.day == at.rule_day());
    if let Some(moved) = known.filter(|lesson| lesson.takes_place != at.day) {
        let detail = format!(
            "the lesson of {} takes place on {}: change it alone, or begin with the next one",
            at.rule_day(),
            moved.takes_place
        );
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let id = match known {
        Some(lesson) => lesson.id,
        None => occurrences::make(db, head, &[at]).await?.first().map(|(id, _)| *id).unwrap_or_default(),
    };
    occurrences::set_rule(db, id, Some((after.frequency.word(), &after.pattern.json()))).await?;
    series_store::set(db, &to_store(id, &after)).await?;
    occurrences::hand_over(db, head, id, at.rule_day()).await?;
    Ok((id, before))
}

/// Ends a series before a lesson.
pub(super) async fn end(db: &mut PgConnection, head: i64, before: &LessonSeries) -> Result<(), HttpProblem> {
    occurrences::set_rule(db, head, Some((before.frequency.word(), &before.pattern.json()))).await?;
    Ok(series_store::set(db, &to_store(head, before)).await?)
}

/// Makes the first lesson of a series a lesson of its own. The series begins with the next lesson, if it has any.
pub(super) async fn separate_first(db: &mut PgConnection, place: &SeriesPlace) -> Result<(), HttpProblem> {
    let head = place.head_id();
    let made = occurrences::made(db, head).await?;
    let tutor = place.head["tutor_id"].as_i64();
    let end = place.series.first.checked_add(jiff::ToSpan::days(366 * 10)).unwrap_or(jiff::civil::Date::MAX);
    let holidays = holidays_of(db, &place.series, tutor, end).await?;
    // A lesson that was moved cannot be the first one of a rule.
    let is_moved = |day| made.iter().any(|lesson| lesson.day == day && lesson.takes_place != day);
    let later = place.series.later_occurrences(&holidays);
    let Some(next) = later.into_iter().find(|one| one.moved_from.is_none() && !is_moved(one.day)) else {
        return Ok(());
    };
    let place = SeriesPlace { occurrence: next, ..place.clone() };
    let (id, _) = begin(db, &place, &made).await?;
    let first = place.series.first;
    // Lessons between the two belong to the new series.
    occurrences::hand_over(db, head, id, first).await?;
    occurrences::set_rule(db, head, None).await?;
    series_store::delete_rule(db, head).await?;
    Ok(occurrences::attach(db, head, id, first).await?)
}
