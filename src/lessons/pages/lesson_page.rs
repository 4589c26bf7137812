//! The page of a lesson: what it is, its attendance with the suggestion, switches, references, and its series.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use serde_json::Value;

use super::lesson_view::{LessonNumber, has_begun, hours_label, status_tag, unknown_lesson};
use crate::http::query::Pairs;
use crate::lessons::api::operations::{attendance_history, find_lesson, preview_days, suggest_attendance};
use crate::resources::api::ResourceState;
use crate::web::document::{list, number, optional, text};
use crate::web::flash::Flash;
use crate::web::format::{ShownTime, day_label, plural};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{Visitor, redirect};

/// Days of a series that the page shows.
const DAYS: usize = 12;

#[derive(Template)]
#[template(path = "lessons/lesson.html")]
struct OneLessonPage {
    frame: Frame,
    path: String,
    /// The day of a planned lesson of a series; empty for a lesson of its own.
    occurrence: String,
    heading: String,
    day: String,
    hours: String,
    tag: StateTag,
    facts: Vec<(&'static str, String)>,
    topics: Vec<String>,
    covered: Vec<String>,
    can_change: bool,
    has_begun: bool,
    /// Statuses to which it can change, with the label of the button.
    statuses: Vec<(&'static str, &'static str)>,
    switches: Vec<SwitchView>,
    attendance: Vec<PersonAttendance>,
    suggestion: Option<SuggestionView>,
    marks: Vec<MarkView>,
    refused: RefusedLessonForm,
    is_of_series: bool,
    series: Option<String>,
    rule: String,
    days: Vec<String>,
    review: Option<OwnReview>,
}

/// Something that is on or off.
struct SwitchView {
    field: &'static str,
    label: &'static str,
    is_on: bool,
}

/// The attendance of the tutor or the student.
struct PersonAttendance {
    field: &'static str,
    label: String,
    status: String,
    is_marked: bool,
    /// What the form contains.
    chosen: String,
    is_chosen: bool,
}

struct SuggestionView {
    tutor: String,
    student: String,
    /// Why, in words.
    reasons: Vec<String>,
    has_whiteboard: bool,
}

/// An entry of the history of the attendance.
struct MarkView {
    at: Option<ShownTime>,
    who: String,
    what: String,
    notes: String,
}

/// What was typed into a form of the page that was refused.
#[derive(Default)]
pub(super) struct RefusedLessonForm {
    /// Why, in words; empty: none was refused.
    pub error: String,
    /// Whether it was the form of the attendance, else that of the review.
    pub is_attendance: bool,
    /// The attendance of tutor and student.
    pub words: [String; 2],
    pub notes: String,
    pub review: String,
}

impl RefusedLessonForm {
    fn is_of_attendance(&self) -> bool {
        self.is_attendance && !self.error.is_empty()
    }

    fn is_of_review(&self) -> bool {
        !self.is_attendance && !self.error.is_empty()
    }
}

/// The reference to the review that the visitor writes.
struct OwnReview {
    field: &'static str,
    value: String,
}

pub(super) async fn show(
    visitor: Visitor,
    State(state): State<ResourceState>,
    id: LessonNumber,
    query: Pairs,
) -> Response {
    match render(&visitor, &state, id, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

/// Shows the page of a lesson again, with what was typed into a form and why it was refused.
pub(super) async fn show_refused(
    visitor: &Visitor,
    state: &ResourceState,
    id: i64,
    (refused, status): (RefusedLessonForm, StatusCode),
) -> Response {
    let mut page = match render(visitor, state, Ok(Path(id)), Ok(Query(Vec::new()))).await {
        Ok(page) => page,
        Err(problem) => return visitor.problem(problem),
    };
    page.frame.title = format!("Error: {}", page.frame.title);
    if refused.is_of_attendance() {
        for (person, word) in page.attendance.iter_mut().zip(&refused.words) {
            (person.chosen, person.is_chosen) = (word.clone(), !word.is_empty());
        }
    }
    if refused.is_of_review() {
        let Some(review) = &mut page.review else { return redirect(&page.path, &Flash::problem(refused.error)) };
        review.value.clone_from(&refused.review);
    }
    page.refused = refused;
    visitor.page_with(status, &page)
}

async fn render(
    visitor: &Visitor,
    state: &ResourceState,
    id: LessonNumber,
    query: Pairs,
) -> Result<OneLessonPage, PageProblem> {
    let Path(id) = id.map_err(|_| unknown_lesson())?;
    let address = Address::of(query)?;
    let (mut lesson, rights) = find_lesson(state, &visitor.caller, id).await?;
    let occurrence = address.get("occurrence").to_owned();
    let is_planned =
        !occurrence.is_empty() && occurrence.parse::<Date>().is_ok() && occurrence != text(&lesson["session_date"]);
    let series_days = match lesson["is_recurring"] == true {
        true => preview_days(state, &lesson, if is_planned { 1000 } else { DAYS }).await?,
        false => Vec::new(),
    };
    let rule = if lesson["is_recurring"] == true { rule_label(&lesson) } else { String::new() };
    if is_planned {
        let is_day = |(day, from): &&(Date, Option<Date>)| from.unwrap_or(*day).to_string() == occurrence;
        let Some((day, _)) = series_days.iter().find(is_day) else { return Err(unknown_lesson()) };
        as_planned(&mut lesson, *day);
    }
    let now = jiff::Timestamp::now().to_zoned(state.server.config.zone());
    let has_begun = !is_planned && has_begun(&lesson, (now.date(), now.time()));
    let suggestion = match has_begun && rights.can_change {
        true => Some(suggestion_view(&suggest_attendance(state, &visitor.caller, id).await?)),
        false => None,
    };
    let marks = attendance_history(state, &visitor.caller, id).await?;
    let (student, tutor) = (text(&lesson["student_name"]), text(&lesson["tutor_name"]));
    let series = lesson["series_id"].as_i64().filter(|series| *series != id || is_planned);
    Ok(OneLessonPage {
        heading: if student.is_empty() { format!("Lesson {id}") } else { format!("{student} with {tutor}") },
        frame: visitor
            .frame(format!("Lesson of {student}, {}", day_label(&text(&lesson["session_date"]))), NavPlace::Lessons),
        path: format!("/lessons/{id}"),
        occurrence: if is_planned { occurrence } else { String::new() },
        day: day_label(&text(&lesson["session_date"])),
        hours: hours_label(&lesson),
        tag: status_tag(&text(&lesson["status"])),
        facts: facts(&lesson, &state.server.config.time_zone),
        topics: list(&lesson["topics"]).map(text).collect(),
        covered: list(&lesson["topics_covered"]).map(text).collect(),
        can_change: rights.can_change,
        statuses: if rights.can_change { next_statuses(&text(&lesson["status"]), has_begun) } else { Vec::new() },
        switches: switches(&lesson),
        attendance: attendance(&lesson, &tutor, &student),
        suggestion: suggestion.filter(|_| !is_planned),
        marks: if is_planned { Vec::new() } else { marks.iter().rev().map(|mark| mark_view(mark, visitor)).collect() },
        is_of_series: !lesson["series_id"].is_null(),
        series: series.map(|series| format!("/lessons/{series}")),
        rule,
        days: series_days.iter().take(if is_planned { 0 } else { DAYS }).map(day_of_series).collect(),
        review: rights.review.map(|field| OwnReview { field, value: number_text(&lesson[field]) }),
        has_begun,
        refused: RefusedLessonForm::default(),
    })
}

/// Shows the first lesson of a series as one of its further ones, which is no lesson of its own yet.
fn as_planned(lesson: &mut Value, day: Date) {
    lesson["session_date"] = day.to_string().into();
    lesson["is_recurring"] = false.into();
    lesson["topics_covered"] = Value::Array(Vec::new());
    if lesson["status"] != "cancelled" {
        lesson["status"] = "scheduled".into();
    }
    for name in ["tutor_attendance_status", "student_attendance_status", "attendance_marked", "whiteboard_id"] {
        lesson[name] = Value::Null;
    }
}

fn number_text(value: &Value) -> String {
    value.as_i64().map(|number| number.to_string()).unwrap_or_default()
}

fn facts(lesson: &Value, zone: &str) -> Vec<(&'static str, String)> {
    let reference = |name: &str| lesson[name].as_i64().map(|id| id.to_string());
    let facts = [
        ("Course", optional(&lesson["course_name"])),
        ("Minutes", lesson["duration"].as_i64().map(|minutes| minutes.to_string())),
        ("Mode", optional(&lesson["session_mode"])),
        ("Place", optional(&lesson["location"])),
        ("Priority", optional(&lesson["priority_level"])),
        (
            "Alarm",
            (lesson["alarm_enabled"] == true)
                .then(|| format!("{} before", plural(number(&lesson["alarm_before_minutes"]), "minute"))),
        ),
        ("Whiteboard", reference("whiteboard_id")),
        ("Review by the student", reference("student_review_id")),
        ("Review by the tutor", reference("tutor_review_id")),
        ("Review by a parent", reference("parent_review_id")),
        ("Time zone", Some(zone.to_owned())),
    ];
    facts.into_iter().filter_map(|(label, value)| Some((label, value.filter(|value| !value.is_empty())?))).collect()
}

/// Returns the statuses that may follow, with the labels of their buttons.
fn next_statuses(status: &str, has_begun: bool) -> Vec<(&'static str, &'static str)> {
    let all: &[(&str, &str)] = match status {
        "scheduled" => &[
            ("in-progress", "Begin"),
            ("completed", "Complete"),
            ("missed", "Missed"),
            ("cancelled", "Cancel the lesson"),
        ],
        "in-progress" => &[("completed", "Complete"), ("missed", "Missed"), ("cancelled", "Cancel the lesson")],
        "missed" => &[("scheduled", "Schedule again"), ("completed", "Complete"), ("cancelled", "Cancel the lesson")],
        "cancelled" => &[("scheduled", "Schedule again")],
        _ => &[],
    };
    all.iter().filter(|(word, _)| has_begun || !["completed", "missed"].contains(word)).copied().collect()
}

fn switches(lesson: &Value) -> Vec<SwitchView> {
    [("notification_enabled", "Notification"), ("alarm_enabled", "Alarm"), ("is_featured", "Featured")]
        .map(|(field, label)| SwitchView { field, label, is_on: lesson[field] == true })
        .into_iter()
        .collect()
}

fn attendance(lesson: &Value, tutor: &str, student: &str) -> Vec<PersonAttendance> {
    [("tutor_attendance_status", "tutor", tutor), ("student_attendance_status", "student", student)]
        .map(|(field, person, name)| {
            let (status, is_marked) = (text(&lesson[field]), lesson["attendance_marked"][person] == true);
            let label = if name.is_empty() { person.to_owned() } else { format!("{name} ({person})") };
            PersonAttendance { field, label, chosen: status.clone(), is_chosen: is_marked, status, is_marked }
        })
        .into_iter()
        .collect()
}

fn suggestion_view(suggested: &Value) -> SuggestionView {
    let has_whiteboard = suggested["has_whiteboard"] == true;
    let reason = |person: &str, label: &str| {
        let metrics = &suggested[format!("{person}_metrics")];
        format!(
            "{label}: {}, confidence {}",
            text(&metrics["reason"]),
            text(&suggested[format!("{person}_confidence")])
        )
    };
    SuggestionView {
        tutor: text(&suggested["tutor_status_suggestion"]),
        student: text(&suggested["student_status_suggestion"]),
        reasons: match has_whiteboard {
            true => vec![reason("tutor", "Tutor"), reason("student", "Student")],
            false => vec!["There are no times of a whiteboard for this lesson.".to_owned()],
        },
        has_whiteboard,
    }
}

fn mark_view(mark: &Value, visitor: &Visitor) -> MarkView {
    let status = optional(&mark["status"]).unwrap_or_else(|| "cleared".to_owned());
    let source = match text(&mark["source"]).as_str() {
        "manual" => String::new(),
        "whiteboard_auto" => " by the whiteboard".to_owned(),
        other => format!(" ({other})"),
    };
    MarkView {
        at: visitor.clock.time(&text(&mark["marked_at"])),
        who: text(&mark["marked_by"]),
        what: format!("{}: {status}{source}", text(&mark["person"])),
        notes: text(&mark["notes"]),
    }
}

/// Returns the rule of a series in words.
fn rule_label(lesson: &Value) -> String {
    let frequency = match text(&lesson["session_frequency"]).as_str() {
        "weekly" => "Every week",
        "bi-weekly" => "Every second week",
        "monthly" => "Every month",
        _ => "On single days",
    };
    let pattern = |name: &str| list(&lesson["recurring_pattern"][name]).map(text).collect::<Vec<_>>().join(", ");
    let mut label = frequency.to_owned();
    for (words, name) in [(" on ", "days"), (" in ", "months"), (", also ", "specific_dates")] {
        let values = pattern(name);
        if !values.is_empty() {
            label.push_str(&format!("{words}{values}"));
        }
    }
    let recurrence = &lesson["recurrence"];
    if let Some(until) = recurrence["until"].as_str() {
        label.push_str(&format!(", until {}", day_label(until)));
    }
    if let Some(count) = recurrence["count"].as_i64() {
        label.push_str(&format!(", {}", plural(count, "lesson")));
    }
    match recurrence["holidays"].as_str() {
        Some("skip") => label.push_str(", not on holidays"),
        Some("shift") => label.push_str(", after a holiday on the next free day"),
        _ => {}
    }
    label
}

/// Returns a day of a series as pages show it.
pub(super) fn day_of_series((day, moved_from): &(Date, Option<Date>)) -> String {
    let shown = day.strftime("%a %-d %b %Y").to_string();
    match moved_from {
        Some(from) => format!("{shown}, instead of {}", from.strftime("%-d %b")),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rule_is_shown_in_words() {
        let lesson = json!({
            "session_frequency": "bi-weekly",
            "recurring_pattern": { "days": ["Monday", "Friday"], "months": null, "specific_dates": [] },
            "recurrence": { "until": null, "count": 6, "holidays": "skip" },
        });
        assert_eq!(rule_label(&lesson), "Every second week on Monday, Friday, 6 lessons, not on holidays");
        assert_eq!(next_statuses("scheduled", false), [("in-progress", "Begin"), ("cancelled", "Cancel the lesson")]);
        assert_eq!(next_statuses("completed", true), []);
    }
}
