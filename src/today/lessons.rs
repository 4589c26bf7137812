//! The lessons that come next.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::api::upcoming;
use crate::lessons::pages::lesson_path;
use crate::resources::api::ResourceState;
use crate::web::document::{list, text};
use crate::web::format::{Clock, ShownTime};

/// Lessons that the page shows.
const MOST: usize = 10;

/// Lessons that are read: those of today may have ended.
const READ: i64 = 100;

/// The days ahead of which lessons are shown.
const DAYS: i64 = 7;

/// A lesson that comes next.
pub(super) struct LessonLine {
    pub path: String,
    pub start: Option<ShownTime>,
    pub topic: String,
    pub tutor: String,
    pub student: String,
    pub place: String,
}

/// Returns the next lessons of a few days.
pub(super) async fn next(
    state: &ResourceState,
    caller: &Caller,
    clock: &Clock,
    zone: &TimeZone,
) -> Result<Vec<LessonLine>, HttpProblem> {
    let today = clock.today();
    let found = upcoming(state, caller, (today, today.saturating_add(DAYS.days())), READ).await?;
    let is_ahead = |lesson: &&Value| moment(lesson, "end_time", zone).is_none_or(|end| end > Timestamp::now());
    Ok(found.iter().filter(is_ahead).take(MOST).map(|lesson| LessonLine::new(lesson, clock, zone)).collect())
}

impl LessonLine {
    fn new(lesson: &Value, clock: &Clock, zone: &TimeZone) -> LessonLine {
        let topics: Vec<String> = list(&lesson["topics"]).map(text).collect();
        let course = text(&lesson["course_name"]);
        let mode = text(&lesson["session_mode"]);
        let place = text(&lesson["location"]);
        LessonLine {
            path: lesson_path(lesson),
            start: moment(lesson, "start_time", zone).and_then(|start| clock.time(&start.to_string())),
            topic: [course, topics.join(", ")]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(": "),
            tutor: text(&lesson["tutor_name"]),
            student: text(&lesson["student_name"]),
            place: if place.is_empty() { mode } else { place },
        }
    }
}

/// Returns when a lesson begins or ends. Its day and times are those of a clock on the wall.
fn moment(lesson: &Value, field: &str, zone: &TimeZone) -> Option<Timestamp> {
    let day: Date = lesson["session_date"].as_str()?.parse().ok()?;
    let time: Time = lesson[field].as_str()?.parse().ok()?;
    Some(day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lesson_begins_by_the_clock_on_the_wall() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let at = |day: &str| moment(&json!({ "session_date": day, "start_time": "09:00:00" }), "start_time", &zone);
        assert_eq!(at("2026-03-28"), "2026-03-28T09:00:00Z".parse().ok());
        assert_eq!(at("2026-03-30"), "2026-03-30T08:00:00Z".parse().ok());
        assert_eq!(moment(&json!({ "session_date": null, "start_time": "09:00" }), "start_time", &zone), None);
    }
}
