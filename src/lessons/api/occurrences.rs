//! The days of a series of lessons.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::members::{holidays_of, id_of};
use super::series;
use super::visible::{LessonId, VisibleLesson};
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::identity::Caller;
use crate::lessons::recurrence::LessonOccurrence;
use crate::lessons::store;
use crate::lessons::store::occurrences::MadeLesson;
use crate::resources::api::ResourceState;
use crate::resources::problems::Problems;

pub(super) const OCCURRENCES: &str = "/api/sessions/{id}/occurrences";

/// The most occurrences of a response.
pub(super) const MAX_OCCURRENCES: usize = 10_000;

/// List the occurrences of a lesson.
///
/// Returns the days of a series from one day to another; of a single lesson its own day.
#[utoipa::path(
    get, path = "/api/sessions/{id}/occurrences", operation_id = "listOccurrences", tag = "lessons",
    params(
        ("from" = Option<String>, Query, description = "The first day. None: the day of the lesson."),
        ("to" = Option<String>, Query, description = "The last day. None: a year after the first one."),
    ),
    responses(
        (status = 200, description = "The occurrences.", body = ref("#/components/schemas/OccurrenceList")),
        (status = 404, description = ""),
        (status = 422, description = "")
    )
)]
pub(super) async fn show_occurrences(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let (mut problems, mut from, mut to) = (Problems::default(), None, None);
    for (name, value) in pairs(address)? {
        let day = value.trim().parse::<Date>().ok().filter(|day| value.trim().len() == 10 && day.year() > 0);
        if day.is_none() {
            problems.malformed(format!("/{name}"), "invalid_value", "must be a day like 2026-04-01");
        }
        match name.as_str() {
            "from" => from = day,
            _ => to = day,
        }
    }
    problems.check()?;
    let VisibleLesson { mut db, lesson, .. } = VisibleLesson::find(&state, &caller, id).await?;
    let first: Date = lesson["session_date"].as_str().and_then(|day| day.parse().ok()).unwrap_or(Date::ZERO);
    let from = from.unwrap_or(first);
    let year = jiff::ToSpan::days(366);
    let to = to.unwrap_or_else(|| from.checked_add(year).unwrap_or(Date::MAX));
    if to < from {
        let error = FieldError::new("/to", "end_before_start", "is before from");
        return Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let results = occurrences(&mut db, &lesson, (first, from, to)).await?;
    Ok(Json(json!({ "results": results })))
}

async fn occurrences(
    db: &mut PgConnection,
    lesson: &Value,
    (first, from, to): (Date, Date, Date),
) -> Result<Vec<Value>, HttpProblem> {
    let of_lesson = |day: Date| {
        json!({
            "session_date": day.to_string(), "start_time": lesson["start_time"], "end_time": lesson["end_time"],
            "exception": null, "moved_from": null, "session_id": lesson["id"], "status": lesson["status"],
        })
    };
    let Some(series) = series::stored(lesson) else {
        return Ok((from..=to).contains(&first).then(|| of_lesson(first)).into_iter().collect());
    };
    let holidays = holidays_of(db, &series, lesson["tutor_id"].as_i64(), to).await?;
    let found = series.occurrences(from, to, &holidays, MAX_OCCURRENCES).map_err(|_| {
        let message = format!("the series has more than {MAX_OCCURRENCES} lessons until then: ask for less");
        HttpProblem::fields(FieldError::new("/to", "too_large", message)).as_status(StatusCode::UNPROCESSABLE_ENTITY)
    })?;
    let made = store::occurrences::made(db, id_of(lesson)).await?;
    let made: BTreeMap<Date, MadeLesson> = made.into_iter().map(|one| (one.day, one)).collect();
    let shown = |one: LessonOccurrence| match made.get(&one.rule_day()) {
        Some(made) => of_made(made, one),
        None if one.rule_day() == first => of_lesson(one.day),
        None => {
            let mut occurrence = of_lesson(one.day);
            occurrence["session_id"] = Value::Null;
            occurrence["status"] = if lesson["status"] == "cancelled" { "cancelled" } else { "scheduled" }.into();
            mark(&mut occurrence, one);
            occurrence
        }
    };
    Ok(found.into_iter().map(shown).collect())
}

/// Describes an occurrence that is a lesson of its own.
fn of_made(made: &MadeLesson, one: LessonOccurrence) -> Value {
    let (start, end) = &made.times;
    let mut occurrence = json!({
        "session_date": made.takes_place.to_string(), "start_time": start, "end_time": end, "exception": null,
        "moved_from": null, "session_id": made.id, "status": made.status,
    });
    mark(&mut occurrence, one);
    if made.is_edited {
        occurrence["exception"] = "edited".into();
        if made.takes_place != made.day {
            occurrence["moved_from"] = made.day.to_string().into();
        }
    }
    occurrence
}

/// Says from which day a holiday has moved a lesson.
fn mark(occurrence: &mut Value, one: LessonOccurrence) {
    if let Some(day) = one.moved_from {
        occurrence["exception"] = "shifted".into();
        occurrence["moved_from"] = day.to_string().into();
    }
}
