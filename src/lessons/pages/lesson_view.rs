//! Lessons as the pages show them.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use jiff::civil::{Date, Time};
use serde_json::Value;

use crate::web::document::{list, optional, text};
use crate::web::format::day_label;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;

/// The id of a lesson in a path.
pub(super) type LessonNumber = Result<Path<i64>, PathRejection>;

pub(super) fn unknown_lesson() -> PageProblem {
    PageProblem::not_found("there is no such lesson: the list shows those that you may see")
}

/// A lesson of a list.
pub(super) struct LessonRow {
    pub path: String,
    pub day: String,
    pub hours: String,
    pub student: String,
    pub tutor: String,
    pub course: String,
    pub topics: String,
    pub mode: String,
    pub tag: StateTag,
    pub priority: String,
    pub attendance: String,
    /// Where the attendance is marked, if it can be.
    pub mark_path: Option<String>,
    pub is_series: bool,
}

impl LessonRow {
    /// `now`: day and time of the clock on the wall.
    pub(super) fn new(lesson: &Value, is_staff_writer: bool, now: (Date, Time)) -> LessonRow {
        let path = path_of(lesson);
        let is_own = lesson["user_role"] == "tutor";
        let is_marked = lesson["attendance_marked"]["student"] == true;
        let can_mark = (is_staff_writer || is_own) && !is_marked && lesson["occurrence"].is_null();
        LessonRow {
            mark_path: (can_mark && has_begun(lesson, now) && lesson["status"] != "cancelled")
                .then(|| format!("{path}#attendance")),
            path,
            day: day_label(&text(&lesson["session_date"])),
            hours: hours_label(lesson),
            student: text(&lesson["student_name"]),
            tutor: text(&lesson["tutor_name"]),
            course: text(&lesson["course_name"]),
            topics: list(&lesson["topics"]).map(text).collect::<Vec<_>>().join(", "),
            mode: match optional(&lesson["location"]) {
                Some(place) if !place.is_empty() => format!("{}, {place}", text(&lesson["session_mode"])),
                _ => text(&lesson["session_mode"]),
            },
            tag: status_tag(&text(&lesson["status"])),
            priority: text(&lesson["priority_level"]),
            attendance: match is_marked {
                true => text(&lesson["student_attendance_status"]),
                false => String::new(),
            },
            is_series: !lesson["series_id"].is_null(),
        }
    }
}

/// Returns the path of a lesson. A planned one has that of its series, with its day.
pub fn path_of(lesson: &Value) -> String {
    match lesson["occurrence"].as_str() {
        Some(day) => format!("/lessons/{}?occurrence={day}", lesson["id"]),
        None => format!("/lessons/{}", lesson["id"]),
    }
}

/// Reports whether a lesson has begun.
pub(super) fn has_begun(lesson: &Value, now: (Date, Time)) -> bool {
    let day = lesson["session_date"].as_str().and_then(|day| day.parse::<Date>().ok());
    let time = lesson["start_time"].as_str().and_then(|time| time.parse::<Time>().ok());
    day.zip(time).is_some_and(|start| start <= now)
}

pub(super) fn hours_label(lesson: &Value) -> String {
    let time = |name: &str| text(&lesson[name]).chars().take(5).collect::<String>();
    format!("{} to {}", time("start_time"), time("end_time"))
}

pub(super) fn status_tag(status: &str) -> StateTag {
    match status {
        "scheduled" => StateTag::new("", "Scheduled"),
        "in-progress" => StateTag::new("live", "In progress"),
        "completed" => StateTag::new("good", "Completed"),
        "cancelled" => StateTag::new("bad", "Cancelled"),
        "missed" => StateTag::new("warn", "Missed"),
        _ => StateTag::new("", "No status"),
    }
}

/// Returns a share as a percentage; a dash if it is not known.
pub(super) fn percentage(share: &Value) -> String {
    share.as_f64().map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// Returns hours as a page shows them.
pub(super) fn hours(value: &Value) -> String {
    let hours = value.as_f64().unwrap_or_default();
    if hours.fract() == 0.0 { format!("{hours:.0}") } else { format!("{hours:.1}") }
}
