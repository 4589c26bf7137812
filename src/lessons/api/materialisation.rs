//! Makes the lessons of a series until a day.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::members::{self, holidays_of, id_of};
use super::occurrences::MAX_OCCURRENCES;
use super::resources::LESSONS;
use super::series;
use super::visible::{LessonId, VisibleLesson, visible};
use crate::http::json::JsonBody;
use crate::http::problem::{FieldError, HttpProblem};
use crate::identity::Caller;
use crate::lessons::store::occurrences;
use crate::resources::api::{self, ResourceState};
use crate::resources::problems::Problems;

pub(super) const MATERIALISATION: &str = "/api/sessions/{id}/materialise";

/// Make the lessons of a series.
///
/// Makes a lesson of its own for each day of a series until a day, once. Lessons that a user has edited stay as they are; the
/// others get what the series says now, and those of days that the series has no longer are deleted.
#[utoipa::path(
    post, path = "/api/sessions/{id}/materialise", operation_id = "materialiseLessons", tag = "lessons",
    request_body = ref("#/components/schemas/MaterialisationInput"),
    responses(
        (status = 200, description = "The lessons.", body = ref("#/components/schemas/Materialisation")),
        (status = 404, description = ""),
        (status = 422, description = "")
    )
)]
pub(super) async fn materialise(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, HttpProblem> {
    let VisibleLesson { mut db, scope, mut lesson } = VisibleLesson::find(&state, &caller, id).await?;
    if let Some(of) = lesson["series_id"].as_i64().filter(|of| *of != id_of(&lesson)) {
        lesson = visible(&mut db, &state, &caller, &scope, Ok(Path(of))).await?;
    }
    drop(db);
    scope.check_change(&lesson, ["recurrence"].into_iter())?;
    let until = read(&body)?;
    let mut transaction = state.begin(&caller).await?;
    occurrences::lock(&mut transaction, id_of(&lesson)).await?;
    let found = api::documents(&mut transaction, &state, &LESSONS, &caller, &[id_of(&lesson)]).await?;
    let Some((lesson, series)) = found.first().and_then(|lesson| Some((lesson, series::stored(lesson)?))) else {
        return Err(refused(
            "",
            "conflicting_value",
            "the lesson is not recurring: give it a pattern first".to_owned(),
        ));
    };
    if until < series.first {
        let message = format!("is before {}, the first lesson", series.first);
        return Err(refused("/until", "end_before_start", message));
    }
    let (id, tutor) = (id_of(lesson), lesson["tutor_id"].as_i64());
    let changes = members::update(&mut transaction, id, &series, tutor).await?;
    let holidays = holidays_of(&mut transaction, &series, tutor, until).await?;
    let mut days = series.occurrences(series.first, until, &holidays, MAX_OCCURRENCES).map_err(|_| {
        let message = format!("the series has more than {MAX_OCCURRENCES} lessons until then: make fewer at once");
        refused("/until", "too_large", message)
    })?;
    // The first lesson exists.
    days.retain(|one| one.rule_day() > series.first);
    let created = occurrences::make(&mut transaction, id, &days).await?.len();
    let made = occurrences::made(&mut transaction, id).await?;
    state.commit(transaction).await?;
    let shown = made.iter().map(|one| {
        json!({
            "session_id": one.id, "session_date": one.takes_place.to_string(), "occurrence": one.day.to_string(),
            "status": one.status, "is_edited": one.is_edited,
        })
    });
    Ok(Json(json!({
        "series_id": id, "created": created, "updated": changes.updated, "deleted": changes.removed.len(),
        "kept": changes.edited, "results": shown.collect::<Vec<_>>(),
    })))
}

fn refused(at: &str, code: &'static str, message: String) -> HttpProblem {
    HttpProblem::fields(FieldError::new(at, code, message)).as_status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// Returns the last day of a body.
fn read(body: &Value) -> Result<Date, HttpProblem> {
    let (mut problems, mut until) = (Problems::default(), None);
    match body.as_object() {
        None => problems.malformed("", "invalid_type", "must be an object"),
        Some(given) => {
            for name in given.keys().filter(|name| *name != "until") {
                let at = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                problems.malformed(at, "unknown_field", "unknown field: use until");
            }
            match given.get("until") {
                None | Some(Value::Null) => {
                    problems.malformed("/until", "missing_value", "the field is missing: give the last day");
                }
                Some(Value::String(text)) => {
                    until = text.trim().parse::<Date>().ok().filter(|day| text.trim().len() == 10 && day.year() > 0);
                    if until.is_none() {
                        problems.malformed("/until", "invalid_date", "must be a day like 2026-07-31");
                    }
                }
                Some(_) => problems.malformed("/until", "invalid_type", "must be a day like \"2026-07-31\""),
            }
        }
    }
    problems.check()?;
    Ok(until.unwrap_or(Date::ZERO))
}
