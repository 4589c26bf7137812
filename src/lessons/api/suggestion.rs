//! Suggests the attendance from the times of a whiteboard.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::members::id_of;
use super::visible::{LessonId, VisibleLesson};
use crate::config::Config;
use crate::error::Result;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::store::whiteboards::{self, Connection};
use crate::resources::api::ResourceState;

pub(super) const SUGGESTION: &str = "/api/sessions/{id}/attendance-suggestion";

/// The seconds of a lesson whose times do not say them.
const HOUR: i64 = 3600;

/// What is suggested for one person.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedStatus {
    pub status: &'static str,
    confidence: &'static str,
    reason: String,
    is_connected: bool,
    lateness: i64,
    engagement: i64,
    active_minutes: i64,
    left_early: bool,
}

/// What is suggested for a lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedAttendance {
    pub has_whiteboard: bool,
    pub tutor: SuggestedStatus,
    pub student: SuggestedStatus,
}

/// Suggest the attendance of a lesson.
///
/// Judges by the times at which tutor and student were connected to the whiteboard of the lesson. Nothing is stored.
#[utoipa::path(
    get, path = "/api/sessions/{id}/attendance-suggestion", operation_id = "suggestAttendance", tag = "lessons",
    responses(
        (status = 200, description = "The suggestion.", body = ref("#/components/schemas/AttendanceSuggestion")),
        (status = 404, description = "")
    )
)]
pub(super) async fn show_suggestion(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
) -> std::result::Result<Json<Value>, HttpProblem> {
    Ok(Json(suggestion(&state, &caller, id).await?))
}

/// Returns what is suggested for the lesson of a path, as a document.
pub(super) async fn suggestion(
    state: &ResourceState,
    caller: &Caller,
    id: LessonId,
) -> std::result::Result<Value, HttpProblem> {
    let VisibleLesson { mut db, lesson, .. } = VisibleLesson::find(state, caller, id).await?;
    let suggested = suggest(&mut db, &lesson, &state.server.config).await?;
    let overall = match (suggested.has_whiteboard, &suggested.tutor, &suggested.student) {
        (false, ..) => "No whiteboard was used: mark the attendance manually".to_owned(),
        (true, tutor, student) => format!("Tutor {}, student {}", tutor.status, student.status),
    };
    Ok(json!({
        "session_id": id_of(&lesson), "has_whiteboard": suggested.has_whiteboard, "overall_recommendation": overall,
        "tutor_status_suggestion": suggested.tutor.status, "tutor_confidence": suggested.tutor.confidence,
        "tutor_metrics": suggested.tutor.metrics(), "student_status_suggestion": suggested.student.status,
        "student_confidence": suggested.student.confidence, "student_metrics": suggested.student.metrics(),
    }))
}

/// Returns what is suggested for a lesson.
pub async fn suggest(db: &mut PgConnection, lesson: &Value, config: &Config) -> Result<SuggestedAttendance> {
    let found = match lesson["whiteboard_id"].as_i64() {
        Some(id) => whiteboards::connections(db, id).await?,
        None => None,
    };
    let Some([tutor, student]) = found else {
        let unknown = || SuggestedStatus {
            status: "present",
            confidence: "low",
            reason: "there are no times of a whiteboard: mark manually".to_owned(),
            is_connected: false,
            lateness: 0,
            engagement: 0,
            active_minutes: 0,
            left_early: false,
        };
        return Ok(SuggestedAttendance { has_whiteboard: false, tutor: unknown(), student: unknown() });
    };
    let window = window(lesson, config);
    Ok(SuggestedAttendance { has_whiteboard: true, tutor: judge(&tutor, window), student: judge(&student, window) })
}

/// Start and end of a lesson in seconds since 1970. Its times are wall-clock times.
fn window(lesson: &Value, config: &Config) -> (i64, i64) {
    let at = |field: &str| {
        let day = lesson["session_date"].as_str()?.parse::<Date>().ok()?;
        let time = lesson[field].as_str()?.parse::<Time>().ok()?;
        Some(day.to_datetime(time).to_zoned(config.zone()).ok()?.timestamp().as_second())
    };
    let start = at("start_time").unwrap_or_else(|| Timestamp::now().as_second());
    let length = lesson["duration"].as_i64().map(|minutes| minutes * 60).filter(|seconds| *seconds > 0);
    let end = at("end_time").filter(|end| *end > start);
    (start, end.unwrap_or(start + length.unwrap_or(HOUR)))
}

fn judge(connection: &Connection, (start, end): (i64, i64)) -> SuggestedStatus {
    let active = connection.active_seconds.max(0);
    let engagement = (active * 100 / (end - start).max(1)).min(100);
    let lateness = connection.connected_at.map_or(0, |at| ((at - start) / 60).max(0));
    let left_early = connection.disconnected_at.is_some_and(|at| at < end - 5 * 60);
    let (status, confidence, reason) = match connection.connected_at {
        None => ("absent", "high", "never connected".to_owned()),
        Some(_) if lateness > 15 || engagement < 30 => {
            let confidence = if engagement < 20 { "high" } else { "medium" };
            ("absent", confidence, format!("{lateness} minutes late, {engagement} % engaged"))
        }
        Some(_) if lateness >= 5 => ("late", "high", format!("{lateness} minutes late")),
        Some(_) if engagement >= 70 => ("present", "high", format!("{engagement} % engaged")),
        Some(_) if engagement >= 40 => ("present", "medium", format!("{engagement} % engaged")),
        Some(_) => ("present", "low", format!("{engagement} % engaged")),
    };
    let is_connected = connection.connected_at.is_some();
    let active_minutes = active / 60;
    SuggestedStatus { status, confidence, reason, is_connected, lateness, engagement, active_minutes, left_early }
}

impl SuggestedStatus {
    fn metrics(&self) -> Value {
        json!({
            "connected": self.is_connected, "lateness_minutes": self.lateness, "engagement_percentage": self.engagement,
            "active_minutes": self.active_minutes, "left_early": self.left_early, "reason": self.reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_follows_from_lateness_and_engagement() {
        const MINUTE: i64 = 60;
        for (connected, active, expected) in [
            (None, 0, "absent high"),
            (Some(16), 60, "absent medium"),
            (Some(16), 5, "absent high"),
            (Some(0), 17, "absent medium"),
            (Some(0), 11, "absent high"),
            (Some(15), 40, "late high"),
            (Some(5), 18, "late high"),
            (Some(4), 42, "present high"),
            (Some(-10), 70, "present high"),
            (Some(4), 24, "present medium"),
            (Some(0), 20, "present low"),
        ] {
            let connection = Connection {
                connected_at: connected.map(|minutes: i64| 1000 * MINUTE + minutes * MINUTE),
                disconnected_at: Some(1054 * MINUTE),
                active_seconds: active * MINUTE,
            };
            let found = judge(&connection, (1000 * MINUTE, 1060 * MINUTE));
            assert_eq!(format!("{} {}", found.status, found.confidence), expected, "{connected:?} {active}");
            assert!(found.left_early && found.engagement <= 100, "{found:?}");
        }
    }
}
