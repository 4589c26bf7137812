//! What the buttons of the page of a lesson do.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::lesson_page::{RefusedLessonForm, show_refused};
use super::lesson_view::{LessonNumber, unknown_lesson};
use crate::lessons::api::operations::{change_lesson, mark_attendance, remove_lesson};
use crate::resources::api::ResourceState;
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::problem::PageProblem;
use crate::web::visitor::{Visitor, redirect, redirect_after};

/// The fields that are on or off.
const SWITCHES: [(&str, &str); 3] =
    [("notification_enabled", "Notification"), ("alarm_enabled", "Alarm"), ("is_featured", "Featured")];

const REVIEWS: [&str; 3] = ["student_review_id", "tutor_review_id", "parent_review_id"];

/// Sets the attendance: the suggestion, or what was chosen.
pub(super) async fn mark(
    visitor: Visitor,
    State(state): State<ResourceState>,
    id: LessonNumber,
    form: CsrfForm,
) -> Response {
    let Ok(Path(id)) = id else { return visitor.problem(unknown_lesson()) };
    let body = match form.is_set("accept") {
        true => json!({ "use_suggestion": true }),
        false => {
            let mut body = Map::new();
            for field in ["tutor_attendance_status", "student_attendance_status"] {
                let word = form.get(field);
                body.insert(field.to_owned(), if word.is_empty() { Value::Null } else { word.into() });
            }
            body.insert("attendance_notes".to_owned(), form.get("attendance_notes").into());
            Value::Object(body)
        }
    };
    let place = format!("/lessons/{id}#attendance");
    match mark_attendance(&state, &visitor.caller, id, &body).await {
        Ok(_) => redirect(&place, &Flash::done("The attendance is marked.")),
        Err(problem) if form.is_set("accept") => redirect(&place, &Flash::problem(PageProblem::from(problem).detail)),
        Err(problem) => {
            let problem = PageProblem::from(problem);
            let words =
                ["tutor_attendance_status", "student_attendance_status"].map(|field| form.get(field).to_owned());
            let notes = form.get("attendance_notes").to_owned();
            let typed = RefusedLessonForm { is_attendance: true, words, notes, ..RefusedLessonForm::default() };
            show_refused(&visitor, &state, id, (RefusedLessonForm { error: problem.detail, ..typed }, problem.status))
                .await
        }
    }
}

/// Sets the status, a switch, or the number of a review.
pub(super) async fn set(
    visitor: Visitor,
    State(state): State<ResourceState>,
    id: LessonNumber,
    form: CsrfForm,
) -> Response {
    let Ok(Path(id)) = id else { return visitor.problem(unknown_lesson()) };
    let page = format!("/lessons/{id}");
    let (body, done) = if form.is_set("status") {
        let status = form.get("status");
        (json!({ "status": status }), format!("The lesson is {status} now."))
    } else if let Some((field, label)) = SWITCHES.iter().find(|(field, _)| form.is_set(field)) {
        let value = form.get(field);
        (json!({ *field: value == "on" }), format!("{label} is {value} now."))
    } else if let Some(field) = REVIEWS.iter().find(|field| form.contains(field)) {
        return set_review(&visitor, &state, id, (field, &form)).await;
    } else {
        return redirect(&page, &Flash::problem("Nothing was chosen."));
    };
    let changed = change_lesson(&state, &visitor.caller, id, &[("scope".to_owned(), scope_of(&form))], &body).await;
    redirect_after(&page, changed.map(|_| done))
}

/// Sets or removes the number of a review.
async fn set_review(visitor: &Visitor, state: &ResourceState, id: i64, (field, form): (&str, &CsrfForm)) -> Response {
    let typed = form.get(field);
    let refused = |error: String, status: StatusCode| {
        (RefusedLessonForm { error, review: typed.to_owned(), ..RefusedLessonForm::default() }, status)
    };
    let (number, done) = match (typed, typed.parse::<i64>()) {
        ("", _) => (Value::Null, "The review is removed."),
        (_, Ok(number)) => (number.into(), "The review is saved."),
        (_, Err(_)) => {
            let refused = refused("Enter a whole number.".to_owned(), StatusCode::UNPROCESSABLE_ENTITY);
            return show_refused(visitor, state, id, refused).await;
        }
    };
    let scope = [("scope".to_owned(), scope_of(form))];
    match change_lesson(state, &visitor.caller, id, &scope, &json!({ field: number })).await {
        Ok(_) => redirect(&format!("/lessons/{id}"), &Flash::done(done)),
        Err(problem) => {
            let problem = PageProblem::from(problem);
            show_refused(visitor, state, id, refused(problem.detail, problem.status)).await
        }
    }
}

/// A button changes the lesson of the page only; of the first lesson of a series, what the rule allows.
fn scope_of(form: &CsrfForm) -> String {
    let given = form.get("scope");
    if given.is_empty() { "one".to_owned() } else { given.to_owned() }
}

/// Deletes a lesson, or more of its series.
pub(super) async fn delete(
    visitor: Visitor,
    State(state): State<ResourceState>,
    id: LessonNumber,
    form: CsrfForm,
) -> Response {
    let Ok(Path(id)) = id else { return visitor.problem(unknown_lesson()) };
    let parameters: Vec<(String, String)> = ["scope", "occurrence"]
        .iter()
        .filter(|name| form.is_set(name))
        .map(|name| ((*name).to_owned(), form.get(name).to_owned()))
        .collect();
    match remove_lesson(&state, &visitor.caller, id, &parameters).await {
        Ok(()) => {
            let done = match form.get("scope") {
                "all" => "The series is deleted.",
                "following" => "The lesson and all after it are deleted.",
                _ => "The lesson is deleted.",
            };
            redirect("/lessons", &Flash::done(done))
        }
        Err(problem) => redirect(&format!("/lessons/{id}"), &Flash::problem(PageProblem::from(problem).detail)),
    }
}
