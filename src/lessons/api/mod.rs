//! Lessons over HTTP: tutors, students and parents see and change their own, staff see all.

mod attendance;
mod hooks;
mod list;
mod materialisation;
mod members;
mod occurrences;
pub mod resources;
mod schemas;
mod scope;
mod series;
mod stats;
mod visible;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use self::attendance::{ATTENDANCE, set_attendance, show_attendance};
use self::materialisation::{MATERIALISATION, materialise};
use self::members::id_of;
use self::occurrences::{OCCURRENCES, show_occurrences};
use self::resources::{LESSONS, RESOURCES};
use self::scope::Target;
use self::stats::{STATS, show_stats};
use self::visible::{LessonId, visible};
use super::rights::{LessonRole, LessonScope};
use super::store;
use crate::error::Error;
use crate::http::etag;
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::identity::{Caller, Role};
use crate::resources::api::{self, CallerWrite, ResourceState};

const ONE: &str = "/api/sessions/{id}";

#[derive(utoipa::OpenApi)]
#[openapi(paths(
    show_list,
    occurrences::show_occurrences,
    materialisation::materialise,
    attendance::set_attendance,
    attendance::show_attendance,
    stats::show_stats
))]
struct LessonRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let mut part = crate::resources::description::describe(&RESOURCES, false);
    part.extend(crate::resources::description::describe(&[&LESSONS], false));
    // After the table: the list of lessons has other parameters and another form.
    part.extend(ApiPart::of(&<LessonRoutes as utoipa::OpenApi>::openapi()));
    // Both methods do the same.
    if let Some(operations) = part.paths.get_mut(ATTENDANCE).and_then(Value::as_object_mut)
        && let Some(mut put) = operations.get("post").cloned()
    {
        put["operationId"] = "putAttendance".into();
        operations.insert("put".to_owned(), put);
    }
    schemas::add(part)
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    let mut known = api::parameters(&RESOURCES);
    known.extend([
        (Method::GET, LESSONS.path, [&list::FILTERS[..], &list::PAGING].concat()),
        (Method::POST, LESSONS.path, vec![]),
        (Method::GET, ONE, vec![]),
        (Method::PUT, ONE, vec![]),
        (Method::PATCH, ONE, scope::PARAMETERS.to_vec()),
        (Method::DELETE, ONE, [&["cascade"], &scope::PARAMETERS[..]].concat()),
        (Method::POST, MATERIALISATION, vec![]),
        (Method::GET, OCCURRENCES, vec!["from", "to"]),
        (Method::GET, STATS, list::FILTERS.to_vec()),
        (Method::GET, ATTENDANCE, vec![]),
        (Method::POST, ATTENDANCE, vec![]),
        (Method::PUT, ATTENDANCE, vec![]),
    ]);
    known
}

/// The routes of lessons and holidays.
pub fn router(state: &ResourceState) -> Router {
    let state = ResourceState { is_public: false, guards: &[], ..state.clone() };
    let lessons = Router::new()
        .route(LESSONS.path, get(show_list).post(create))
        .route(ONE, get(show).put(replace).patch(change).delete(remove))
        .route(STATS, get(show_stats))
        .route(OCCURRENCES, get(show_occurrences))
        .route(MATERIALISATION, post(materialise))
        .route(ATTENDANCE, get(show_attendance).post(set_attendance).put(set_attendance))
        .with_state(state.clone());
    api::router(&RESOURCES, &state).merge(lessons)
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
    ),
    responses((status = 200, description = "One page.", body = ref("#/components/schemas/LessonList")))
)]
async fn show_list(
    caller: Caller,
    State(state): State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let filter = list::parse(&pairs(address)?)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let page = store::list::page(&mut db, &scope, &filter).await?;
    let mut lessons = api::documents(&mut db, &state, &LESSONS, &caller, &page.ids).await?;
    for lesson in &mut lessons {
        let role = match filter.role {
            Some(role) if caller.role.has_subject() => role.word(),
            _ => role_word(&caller, &scope, lesson),
        };
        lesson["user_role"] = role.into();
    }
    let next = page.next.map(|last| list::cursor(&filter.sorts, &last));
    Ok(Json(json!({ "results": lessons, "next_cursor": next, "count": page.count })))
}

async fn show(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    headers: HeaderMap,
) -> Result<Response, HttpProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let lesson = visible(&mut db, &state, &caller, &scope, id).await?;
    let members = personal(&caller, &scope, &lesson);
    Ok(etag::with_etag_and(&headers, StatusCode::OK, lesson, members))
}

async fn create(
    caller: Caller,
    State(state): State<ResourceState>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    drop(db);
    scope.check_creation()?;
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &[] };
    write.create(&body, &|lesson| personal(&caller, &scope, lesson)).await
}

async fn replace(
    caller: Caller,
    State(state): State<ResourceState>,
    id: LessonId,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let lesson = visible(&mut db, &state, &caller, &scope, id).await?;
    drop(db);
    // A caller who may not change a lesson does not learn whether the body is right. The hooks check again under the lock.
    scope.check_change(&lesson, changed_fields(&body, &lesson).into_iter())?;
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &[] };
    let lesson = write.change(id_of(&lesson), &headers, true, &body).await?;
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
    let given = scope::parse(&pairs(address)?)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let lesson = visible(&mut db, &state, &caller, &scope, id).await?;
    scope.check_change(&lesson, changed_fields(&body, &lesson).into_iter())?;
    let target = scope::resolve(&mut db, (&state, &caller, &scope), &lesson, given, false).await?;
    drop(db);
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &[] };
    write.check_preconditions(&headers, &lesson, target == Target::Lesson(id_of(&lesson)))?;
    let lesson = scope::change(write, &target, &headers, &body).await?;
    let members = personal(&caller, &scope, &lesson);
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
    let given = scope::parse(&parameters)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let lesson = visible(&mut db, &state, &caller, &scope, id).await?;
    scope.check_deletion(&lesson)?;
    let target = scope::resolve(&mut db, (&state, &caller, &scope), &lesson, given, true).await?;
    drop(db);
    let write = CallerWrite { state: &state, resource: &LESSONS, caller: &caller, parameters: &parameters };
    write.check_preconditions(&headers, &lesson, target == Target::Lesson(id_of(&lesson)))?;
    scope::remove(write, &target, &headers).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
