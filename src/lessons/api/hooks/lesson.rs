//! Lessons: rights, times, status, references, series, and the history of the attendance.

use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::Value;
use sqlx::PgConnection;

use super::review::check_reviews;
use super::status::may_follow;
use crate::error::Result;
use crate::http::problem::HttpProblem;
use crate::identity::Role;
use crate::lessons::api::{members, series};
use crate::lessons::rights::LessonScope;
use crate::lessons::store::attendance::{self, AttendanceEntry};
use crate::lessons::store::{occurrences, references, series as series_store};
use crate::resources::problems::Problems;
use crate::resources::{Deletion, ResourceHooks, RowDraft, WriteRequest};

const WHITEBOARDS: &str = "public.whiteboard_sessions";

const ATTENDANCE: [(&str, &str); 2] = [("tutor_attendance_status", "tutor"), ("student_attendance_status", "student")];

/// The parameter with the notes of an attendance, which the route of the attendance adds.
pub const NOTES: &str = "attendance_notes";

/// The parameter that says how the attendance was found, which the same route adds.
pub const SOURCE: &str = "attendance_source";

/// The minutes of an alarm that does not say when it rings.
const ALARM_MINUTES: i64 = 15;

/// Lessons.
pub struct LessonHooks;

impl ResourceHooks for LessonHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let scope = match request.caller {
                Some(caller) => LessonScope::of(db, caller).await?,
                None => LessonScope::All,
            };
            let is_admin = request.caller.is_none_or(|caller| caller.role == Role::Admin);
            let zone = request.config.map_or(TimeZone::UTC, |config| config.zone());
            for draft in drafts.iter() {
                if let Err(refusal) = check_rights(&scope, draft) {
                    problems.refuse(refusal);
                    return Ok(());
                }
            }
            check_enrolments(db, &scope, drafts, problems).await?;
            for draft in drafts.iter_mut() {
                check_membership(draft, problems);
                settle_times(draft, problems);
                check_status(draft, is_admin, problems);
                if draft.current.is_null() && draft.value("alarm_before_minutes").is_null() {
                    draft.values.insert("alarm_before_minutes".to_owned(), ALARM_MINUTES.into());
                }
                series::settle(draft, &zone, problems);
                check_whiteboard(db, draft, problems).await?;
                check_reviews(db, &scope, request.caller, draft, problems).await?;
            }
            Ok(())
        })
    }

    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let marked_by = request.caller.map_or("lectern", |caller| caller.name.as_str());
            let notes = request.parameter(NOTES);
            let entries: Vec<AttendanceEntry> = drafts.iter().flat_map(|draft| marked(draft, notes)).collect();
            let source = request.parameter(SOURCE).unwrap_or("manual");
            attendance::add(db, source, marked_by, &entries).await?;
            let zone = request.config.map_or(TimeZone::UTC, |config| config.zone());
            for draft in drafts {
                let Some(id) = draft.id else { continue };
                // The draft has passed all checks.
                match series::settle(&mut draft.clone(), &zone, &mut Problems::default()) {
                    Some(series) => series_store::set(db, &series::to_store(id, &series)).await?,
                    None if draft.value("is_recurring") == false && draft.changes("is_recurring") => {
                        series_store::delete_rule(db, id).await?;
                    }
                    None => {}
                }
                update_members(db, id, draft).await?;
            }
            Ok(())
        })
    }

    fn before_deletion<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        document: &'a Value,
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<Deletion>> {
        Box::pin(async move {
            if let Some(caller) = request.caller
                && let Err(refusal) = LessonScope::of(db, caller).await?.check_deletion(document)
            {
                problems.refuse(refusal);
            } else if document["status"] == "completed" {
                let day = document["session_date"].as_str().unwrap_or_default();
                let detail = format!("the lesson of {day} is completed: completed lessons are not deleted");
                problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
            } else {
                series_store::delete(db, document["id"].as_i64().unwrap_or_default()).await?;
            }
            Ok(Deletion::Now)
        })
    }
}

fn check_rights(scope: &LessonScope, draft: &RowDraft) -> std::result::Result<(), HttpProblem> {
    match draft.current.is_null() {
        true => scope.check_creation(),
        false => {
            let changed = draft.values.keys().map(String::as_str).filter(|field| draft.changes(field));
            scope.check_change(&draft.current, changed)
        }
    }
}

/// Checks that enrolments exist, and that a tutor plans lessons in their own.
async fn check_enrolments(
    db: &mut PgConnection,
    scope: &LessonScope,
    drafts: &[RowDraft],
    problems: &mut Problems,
) -> Result<()> {
    let changed = || drafts.iter().filter(|draft| draft.changes("course_enrollment_id"));
    let enrolment = |draft: &RowDraft| draft.value("course_enrollment_id").as_i64();
    let ids: Vec<i64> = changed().filter_map(enrolment).collect();
    let tutors = references::tutors_of(db, &ids).await?;
    for draft in changed() {
        let id = enrolment(draft);
        let tutor = tutors.iter().find(|(of, _)| Some(*of) == id).map(|(_, tutor)| *tutor);
        let pointer = draft.pointer_of("course_enrollment_id");
        match (scope.check_enrolment(tutor), id, tutor) {
            (Err(_), None, _) => problems.malformed(pointer, "missing_value", "must name one of your enrolments"),
            (Err(refusal), ..) => problems.refuse(refusal),
            (Ok(()), Some(id), None) => {
                problems.violated(pointer, "unknown_reference", format!("there is no row {id} in enrolled students"));
            }
            (Ok(()), ..) => {}
        }
    }
    Ok(())
}

/// A lesson of a series does not begin a series of its own.
fn check_membership(draft: &RowDraft, problems: &mut Problems) {
    let is_member = draft.current["series_id"].is_i64() && draft.current["is_recurring"] != true;
    let begins_series = ["is_recurring", "recurring_pattern", "recurrence"]
        .into_iter()
        .find(|field| draft.values.get(*field).is_some_and(|value| !value.is_null() && *value != false));
    if let Some(field) = begins_series.filter(|_| is_member) {
        let message = "is of a lesson that belongs to a series: change the first lesson of the series";
        problems.violated(draft.pointer_of(field), "conflicting_value", message);
    }
}

/// Brings the lessons that were made from a changed one up to date.
async fn update_members(db: &mut PgConnection, id: i64, draft: &RowDraft) -> Result<()> {
    const RULE: [&str; 6] =
        ["is_recurring", "session_frequency", "recurring_pattern", "recurrence", "session_date", "status"];
    let is_changed = RULE.iter().chain(&occurrences::SHARED).any(|field| draft.changes(field));
    if draft.current["is_recurring"] != true || !is_changed {
        return Ok(());
    }
    let mut lesson = draft.current.clone();
    if let Some(members) = lesson.as_object_mut() {
        members.extend(draft.values.clone());
    }
    let Some(series) = series::stored(&lesson) else { return members::dissolve(db, id).await };
    let enrolment = lesson["course_enrollment_id"].as_i64();
    let tutors = references::tutors_of(db, &enrolment.into_iter().collect::<Vec<_>>()).await?;
    members::update(db, id, &series, tutors.first().map(|(_, tutor)| *tutor)).await?;
    Ok(())
}

/// Derives the duration from the times.
fn settle_times(draft: &mut RowDraft, problems: &mut Problems) {
    let fields = ["start_time", "end_time", "duration"];
    if !fields.iter().any(|field| draft.changes(field)) {
        return;
    }
    let time = |field: &str| draft.value(field).as_str().and_then(|text| text.parse::<Time>().ok());
    let (Some(start), Some(end)) = (time("start_time"), time("end_time")) else { return };
    let at = draft.pointer_of("end_time");
    if end == start {
        problems.violated(at, "end_before_start", "is equal to start_time");
        return;
    }
    if end < start {
        let message = "is before start_time: make two lessons of one that lasts over midnight";
        problems.violated(at, "end_before_start", message);
        return;
    }
    let minutes = i64::from(end.hour()) * 60 + i64::from(end.minute())
        - i64::from(start.hour()) * 60
        - i64::from(start.minute())
        - i64::from(end.second() < start.second());
    let given = draft.value("duration").as_i64().filter(|_| draft.given.contains("duration"));
    if given.is_some_and(|given| given != minutes) {
        let message = format!("is not the {minutes} minutes from start_time to end_time: leave it out");
        problems.violated(draft.pointer_of("duration"), "conflicting_value", message);
    }
    draft.values.insert("duration".to_owned(), minutes.into());
}

fn check_status(draft: &RowDraft, is_admin: bool, problems: &mut Problems) {
    let (Some(old), Some(new)) = (draft.current["status"].as_str(), draft.value("status").as_str()) else { return };
    if !may_follow(old, new, is_admin) {
        let advice = match (old, new) {
            ("completed", "in-progress") => ": only an admin takes back a completion",
            ("completed", _) => ": the lesson is completed",
            _ => "",
        };
        let detail = format!("the status of a lesson cannot change from {old} to {new}{advice}");
        problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
}

async fn check_whiteboard(db: &mut PgConnection, draft: &RowDraft, problems: &mut Problems) -> Result<()> {
    const FIELD: &str = "whiteboard_id";
    let Some(id) = draft.value(FIELD).as_i64().filter(|_| draft.changes(FIELD)) else { return Ok(()) };
    if references::is_missing(db, WHITEBOARDS, id).await? {
        problems.violated(draft.pointer_of(FIELD), "unknown_reference", format!("there is no whiteboard {id}"));
    }
    Ok(())
}

/// Returns the attendance that a write sets or clears.
///
/// A change to the stored value sets it if it was the default of the column so far. A replacement repeats what was read.
fn marked(draft: &RowDraft, notes: Option<&str>) -> Vec<AttendanceEntry> {
    let Some(session_id) = draft.id else { return Vec::new() };
    let entry = |(field, person): &(&str, &'static str)| {
        let status = draft.value(field).as_str().map(str::to_owned);
        let is_new = draft.current.is_null();
        let is_first = !is_new && !draft.replaces && draft.current["attendance_marked"][*person] == false;
        let is_set = match &status {
            None => !is_new && draft.changes(field),
            Some(_) => draft.changes(field) || is_first || notes.is_some(),
        };
        let notes = notes.map(str::to_owned);
        (draft.given.contains(*field) && is_set).then_some(AttendanceEntry { session_id, person, status, notes })
    };
    ATTENDANCE.iter().filter_map(entry).collect()
}
