//! Lessons over HTTP: tutors, students and parents see and change their own, staff see all.

mod alarms;
mod attendance;
mod description;
mod hooks;
mod legacy;
mod list;
mod materialisation;
mod members;
mod occurrences;
pub mod operations;
mod page;
mod planned;
pub mod resources;
mod schemas;
mod scope;
mod series;
mod stats;
mod suggestion;
mod visible;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use self::alarms::{ALARMS, show_alarms};
use self::attendance::{ATTENDANCE, set_attendance, show_attendance};
pub use self::description::{description, parameters};
use self::legacy::counts::{COUNTS, DASHBOARD, SUMMARY, show_counts, show_dashboard, show_summary};
use self::legacy::{shapes, toggles};
pub use self::list::explain_page;
use self::materialisation::{MATERIALISATION, materialise};
use self::members::id_of;
use self::occurrences::{OCCURRENCES, show_occurrences};
use self::operations::{ListedLessons, list_lessons, meant_by_change, meant_by_deletion};
pub use self::page::upcoming;
use self::resources::{LESSONS, RESOURCES};
use self::stats::{STATS, show_stats};
use self::suggestion::{SUGGESTION, show_suggestion};
use self::visible::{LessonId, VisibleLesson};
use super::rights::{LessonRole, LessonScope};
use crate::error::Error;
use crate::http::etag;
use crate::http::json::JsonBody;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::identity::{Caller, Role};
use crate::resources::api::{self, CallerWrite, ResourceState};

const ONE: &str = "/api/sessions/{id}";

/// The routes of lessons and holidays.
pub fn router(state: &ResourceState) -> Router {
    let state = ResourceState { is_public: false, guards: &[], ..state.clone() };
    let lessons = Router::new()
        .route(LESSONS.path, get(show_list).post(create))
        .route(ONE, get(show).put(replace).patch(change).delete(remove))
        .route(SUGGESTION, get(show_suggestion))
        .route(SUMMARY, get(show_summary))
        .route(COUNTS, get(show_counts))
        .route(DASHBOARD, get(show_dashboard))
        .route(toggles::NOTIFICATION, patch(toggles::toggle_notification))
        .route(toggles::ALARM, patch(toggles::toggle_alarm))
        .route(toggles::FEATURED, patch(toggles::toggle_featured))
        .route(ALARMS, get(show_alarms))
        .route(STATS, get(show_stats))
        .route(OCCURRENCES, get(show_occurrences))
        .route(MATERIALISATION, post(materialise))
        .route(ATTENDANCE, get(show_attendance).post(set_attendance).put(set_attendance))
        .with_state(state.clone());
    api::router(&RESOURCES, &state).merge(lessons).merge(legacy::router())
}

/// Returns the word for what a caller is in a lesson.
fn role_word(caller: &Caller, scope: &LessonScope, lesson: &Value) -> &'static str {
    match caller.role {
        Role::Admin => "admin",
        Role::Operator => "operator",
        Role::Reader => "reader",
        Role::Tutor | Role::Student | Role::Parent => scope.role_in(lesson).map_or("", LessonRole::word),
    }
}

/// Returns the members of a lesson that depend on its reader.
fn personal(caller: &Caller, scope: &LessonScope, lesson: &Value) -> Map<String, Value> {
    Map::from_iter([("user_role".to_owned(), role_word(caller, scope, lesson).into())])
}

/// List lessons.
///
/// Returns a page of the lessons that the caller sees, the newest first. Repeated filters accept several values. `q` finds
/// words in topics and names. `as` finds the lessons in which the caller is tutor, student or parent.
#[utoipa::path(
    get, path = "/api/sessions", operation_id = "listLessons", tag = "lessons",
    params(
        ("status_filter" = Option<String>, Query, description = "As status, of older front ends; all: every lesson."),
        ("shape" = Option<String>, Query, description = "array, with legacy: a list without members around it."),
        ("legacy" = Option<String>, Query, description = "1: the shape of older front ends."),
        ("status" = Option<Vec<String>>, Query, description = "Words for the status."),
        ("date_from" = Option<String>, Query, description = "The first day."),
        ("date_to" = Option<String>, Query, description = "The last day."),
        ("tutor_id" = Option<Vec<i64>>, Query, description = "Ids of tutors."),
        ("student_id" = Option<Vec<i64>>, Query, description = "Ids of students."),
        ("course_enrollment_id" = Option<Vec<i64>>, Query, description = "Ids of enrolments."),
        ("session_mode" = Option<Vec<String>>, Query, description = "Words for the mode."),
        ("priority_level" = Option<Vec<String>>, Query, description = "Words for the priority."),
        ("is_featured" = Option<bool>, Query, description = "Whether the lesson is featured."),
        ("is_recurring" = Option<bool>, Query, description = "Whether the lesson begins a series."),
        ("q" = Option<String>, Query, description = "Words of topics and names."),
        ("as" = Option<String>, Query, description = "tutor, student or parent."),
        ("sort" = Option<String>, Query, description = "Fields, separated by commas; - for descending."),
        ("limit" = Option<i64>, Query, description = "Lessons of a page, at most 200."),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before."),
        ("expand" = Option<String>, Query, description = "occurrences: also the lessons that series have from date_from to date_to. \
            Each has the id of its series, and its day in occurrence."),
    ),
    responses((status = 200, description = "One page.", body = ref("#/components/schemas/LessonList")))
)]
async fn show_list(
    caller: Caller,
    State(state): State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let parameters = pairs(address)?;
    let is_legacy = legacy::is_requested(&parameters)?;
    let ListedLessons { mut lessons, next, count } = list_lessons(&state, &caller, &parameters).await?;
    if is_legacy {
        let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
        shapes::add_members(&mut db, &mut lessons).await?;
        return Ok(Json(Value::Array(lessons)));
    }
    let mut document = json!({ "results": lessons, "next_cursor": next, "count": count.lessons });
    if count.is_estimate {
        document["count_is_estimate"] = true.into();
    }
    Ok(Json(document))
}

async fn show(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    let is_legacy = legacy::is_requested(&pairs(address)?)?;
    let VisibleLesson { mut db, scope, lesson } = VisibleLesson::find(&state, &caller, id).await?;
    let mut members = personal(&caller, &scope, &lesson);
    if is_legacy {
        let mut older = [lesson.clone()];
        shapes::add_members(&mut db, &mut older).await?;
        members.extend(older[0].as_object().cloned().unwrap_or_default());
        members.insert("user_role".to_owned(), role_word(&caller, &scope, &lesson).into());
    }
    Ok(etag::with_etag_and(&headers, StatusCode::OK, lesson, members))
}

async fn create(
    caller: Caller,
    State(state): State<ResourceState>,
    address: Pairs,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let is_legacy = legacy::is_requested(&pairs(address)?)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    drop(db);
    scope.check_creation()?;
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &[] };
    if is_legacy {
        let created = write.create_documents(&shapes::body(&body, false)).await?;
        let shown = created.first().map(|lesson| shapes::written(lesson, "the lesson was created"));
        return Ok((StatusCode::CREATED, Json(shown.unwrap_or_default())).into_response());
    }
    write.create(&body, &|lesson| personal(&caller, &scope, lesson)).await
}

async fn replace(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    headers: HeaderMap,
    address: Pairs,
    JsonBody(mut body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let is_legacy = legacy::is_requested(&pairs(address)?)?;
    if is_legacy {
        body = shapes::body(&body, true);
    }
    let VisibleLesson { scope, lesson, .. } = VisibleLesson::find(&state, &caller, id).await?;
    // A caller who may not change a lesson does not learn whether the body is right. The hooks check again under the lock.
    scope.check_change(&lesson, changed_fields(&body, &lesson).into_iter())?;
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &[] };
    // Older front ends send what changes.
    let lesson = write.change(id_of(&lesson), &headers, !is_legacy, &body).await?;
    if is_legacy {
        return Ok(Json(shapes::written(&lesson, "the lesson was changed")).into_response());
    }
    let members = personal(&caller, &scope, &lesson);
    Ok(etag::with_etag_and(&HeaderMap::new(), StatusCode::OK, lesson, members))
}

async fn change(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    headers: HeaderMap,
    address: Pairs,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let meant = meant_by_change(&state, &caller, id, &pairs(address)?, &body).await?;
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &[] };
    write.check_preconditions(&headers, &meant.lesson, meant.is_same())?;
    let lesson = scope::change(write, &meant.target, &meant.preconditions(headers), &body).await?;
    let members = personal(&caller, &meant.scope, &lesson);
    Ok(etag::with_etag_and(&HeaderMap::new(), StatusCode::OK, lesson, members))
}

/// Returns the fields to which a body gives another value, without those that are only read.
fn changed_fields<'a>(body: &'a Value, lesson: &Value) -> Vec<&'a str> {
    let is_written = |name: &str| {
        LESSONS
            .fields
            .iter()
            .any(|field| field.name == name && !matches!(field.usage, crate::resources::FieldUsage::ReadOnly))
    };
    let given = body.as_object().into_iter().flatten();
    given
        .filter(|(name, value)| is_written(name) && **value != lesson[name.as_str()])
        .map(|(name, _)| name.as_str())
        .collect()
}

async fn remove(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    let parameters = pairs(address)?;
    let meant = meant_by_deletion(&state, &caller, id, &parameters).await?;
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &parameters };
    write.check_preconditions(&headers, &meant.lesson, meant.is_same())?;
    scope::remove(write, &meant.target, &meant.preconditions(headers)).await?;
    if legacy::is_requested(&parameters)? {
        return Ok(Json(shapes::written(&meant.lesson, "the lesson was deleted")).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
