//! The attendance of a lesson: set for both parties, with a history of who set it, when and why.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::{Map, Value, json};

use super::hooks::{NOTES, SOURCE};
use super::resources::LESSONS;
use super::suggestion::suggest;
use super::visible::{LessonId, VisibleLesson};
use crate::config::Config;
use crate::error::Error;
use crate::http::json::JsonBody;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::store;
use crate::resources::api::{CallerWrite, ResourceState};
use crate::resources::problems::Problems;

pub(super) const ATTENDANCE: &str = "/api/sessions/{id}/attendance";

const STATUSES: [&str; 2] = ["tutor_attendance_status", "student_attendance_status"];

/// Whether statuses that the body leaves out are those of the suggestion.
const USE_SUGGESTION: &str = "use_suggestion";

/// The longest notes, in characters.
const MAX_NOTES: usize = 2000;

/// Set the attendance of a lesson.
///
/// Sets the attendance of the tutor, of the student, or of both, from the start of the lesson. Null clears it.
#[utoipa::path(
    post, path = "/api/sessions/{id}/attendance", operation_id = "setAttendance", tag = "lessons",
    request_body = ref("#/components/schemas/AttendanceInput"),
    responses(
        (status = 200, description = "The attendance.", body = ref("#/components/schemas/Attendance")),
        (status = 404, description = ""),
        (status = 409, description = "")
    )
)]
pub(super) async fn set_attendance(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Value>, HttpProblem> {
    Ok(Json(mark(&state, &caller, id, &body).await?))
}

/// Sets the attendance of a lesson. Returns it.
pub(super) async fn mark(
    state: &ResourceState,
    caller: &Caller,
    id: LessonId,
    body: &Value,
) -> Result<Value, HttpProblem> {
    let VisibleLesson { scope, lesson, .. } = VisibleLesson::find(state, caller, id).await?;
    scope.check_change(&lesson, STATUSES.into_iter())?;
    let GivenAttendance { mut statuses, notes, uses_suggestion } = read(body)?;
    if !has_started(&lesson, &state.server.config, Timestamp::now()) {
        let detail = "the lesson has not started: attendance is set from its start";
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let mut parameters: Vec<(String, String)> = notes.into_iter().map(|notes| (NOTES.to_owned(), notes)).collect();
    if uses_suggestion {
        let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
        let suggested = suggest(&mut db, &lesson, &state.server.config).await?;
        for (field, person) in STATUSES.iter().zip([&suggested.tutor, &suggested.student]) {
            statuses.entry(*field).or_insert(person.status.into());
        }
        if suggested.has_whiteboard {
            parameters.push((SOURCE.to_owned(), "whiteboard_auto".to_owned()));
        }
    }
    let write = CallerWrite { state, resource: &LESSONS, caller, parameters: &parameters };
    let id = lesson["id"].as_i64().unwrap_or_default();
    let lesson = write.change(id, &HeaderMap::new(), false, &Value::Object(statuses)).await?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let last = store::attendance::history(&mut db, id).await?.pop().unwrap_or_default();
    Ok(json!({
        "success": true, "session_id": id,
        "tutor_attendance_status": lesson["tutor_attendance_status"],
        "student_attendance_status": lesson["student_attendance_status"],
        "attendance_marked": lesson["attendance_marked"],
        "attendance_notes": last["notes"],
        "attendance_source": last["source"],
        "attendance_marked_at": last["marked_at"],
        "attendance_marked_by": last["marked_by"], "marked_by_user_id": null,
    }))
}

/// Show the history of the attendance of a lesson.
///
/// Returns who set the attendance, when, how and why, the oldest entry first.
#[utoipa::path(
    get, path = "/api/sessions/{id}/attendance", operation_id = "listAttendance", tag = "lessons",
    responses(
        (status = 200, description = "The history.", body = ref("#/components/schemas/AttendanceHistory")),
        (status = 404, description = "")
    )
)]
pub(super) async fn show_attendance(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
) -> Result<Json<Value>, HttpProblem> {
    let VisibleLesson { mut db, lesson, .. } = VisibleLesson::find(&state, &caller, id).await?;
    let history = store::attendance::history(&mut db, lesson["id"].as_i64().unwrap_or_default()).await?;
    Ok(Json(json!({ "results": history })))
}

/// What a body says.
struct GivenAttendance {
    statuses: Map<String, Value>,
    notes: Option<String>,
    uses_suggestion: bool,
}

/// Returns the statuses of a body, and its notes.
fn read(body: &Value) -> Result<GivenAttendance, HttpProblem> {
    let (mut problems, mut statuses, mut notes) = (Problems::default(), Map::new(), None);
    let mut uses_suggestion = false;
    match body.as_object() {
        None => problems.malformed("", "invalid_type", "must be an object"),
        Some(given) => {
            for (name, value) in given {
                let at = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                match (name.as_str(), value) {
                    (name, value) if STATUSES.contains(&name) => drop(statuses.insert(name.to_owned(), value.clone())),
                    (USE_SUGGESTION, Value::Bool(flag)) => uses_suggestion = *flag,
                    (USE_SUGGESTION, Value::Null) => {}
                    (USE_SUGGESTION, _) => problems.malformed(at, "invalid_type", "must be true or false"),
                    (NOTES, Value::Null) => {}
                    (NOTES, Value::String(text)) if text.contains('\0') || text.chars().count() > MAX_NOTES => {
                        problems.violated(at, "invalid_value", format!("must have at most {MAX_NOTES} characters"));
                    }
                    (NOTES, Value::String(text)) => {
                        notes = Some(text.trim().to_owned()).filter(|text| !text.is_empty())
                    }
                    (NOTES, _) => problems.malformed(at, "invalid_type", "must be a text"),
                    _ => {
                        let message = format!("unknown field: use {}, {NOTES}, {USE_SUGGESTION}", STATUSES.join(", "));
                        problems.malformed(at, "unknown_field", message);
                    }
                }
            }
            if statuses.is_empty() && !uses_suggestion && problems.is_empty() {
                let message = format!("must contain {}", STATUSES.join(" or "));
                problems.malformed("", "missing_value", message);
            }
        }
    }
    problems.check()?;
    Ok(GivenAttendance { statuses, notes, uses_suggestion })
}

/// Reports whether a lesson has started. Its times are wall-clock times.
fn has_started(lesson: &Value, config: &Config, now: Timestamp) -> bool {
    let day = lesson["session_date"].as_str().and_then(|text| text.parse::<Date>().ok());
    let time = lesson["start_time"].as_str().and_then(|text| text.parse::<Time>().ok());
    let start = day.zip(time).and_then(|(day, time)| day.to_datetime(time).to_zoned(config.zone()).ok());
    start.is_none_or(|start| start.timestamp() <= now)
}
