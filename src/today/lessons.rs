//! The lessons that come next.

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::api::upcoming;
use crate::resources::api::ResourceState;
use crate::web::document::{list, text};
use crate::web::format::{Clock, ShownTime};

/// Lessons that the page shows.
const MOST: i64 = 10;

/// The days ahead of which lessons are shown.
const DAYS: i64 = 7;

/// A lesson that comes next.
pub(super) struct LessonLine {
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
    let found = upcoming(state, caller, (today, today.saturating_add(DAYS.days())), MOST).await?;
    Ok(found.iter().map(|lesson| LessonLine::new(lesson, clock, zone)).collect())
}

impl LessonLine {
    fn new(lesson: &Value, clock: &Clock, zone: &TimeZone) -> LessonLine {
        let topics: Vec<String> = list(&lesson["topics"]).map(text).collect();
        let course = text(&lesson["course_name"]);
        let mode = text(&lesson["session_mode"]);
        let place = text(&lesson["location"]);
        LessonLine {
            start: start(lesson, zone).and_then(|start| clock.time(&start)),
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

/// Returns when a lesson begins, as RFC 3339. Its day and time are those of a clock on the wall.
fn start(lesson: &Value, zone: &TimeZone) -> Option<String> {
    let day: Date = lesson["session_date"].as_str()?.parse().ok()?;
    let time: Time = lesson["start_time"].as_str()?.parse().ok()?;
    Some(day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lesson_begins_by_the_clock_on_the_wall() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let at = |day: &str| start(&json!({ "session_date": day, "start_time": "09:00:00" }), &zone);
        assert_eq!(at("2026-03-28").as_deref(), Some("2026-03-28T09:00:00Z"));
        assert_eq!(at("2026-03-30").as_deref(), Some("2026-03-30T08:00:00Z"));
        assert_eq!(start(&json!({ "session_date": null, "start_time": "09:00" }), &zone), None);
    }
}
