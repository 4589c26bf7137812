//! What the routes of lessons do, for the pages, too.

use axum::extract::Path;
use axum::http::HeaderMap;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::attendance::mark;
use super::members::{holidays_of, id_of};
use super::page::{page_documents, read_page};
use super::resources::LESSONS;
use super::scope::{self, LessonTarget};
use super::stats::stats;
use super::suggestion::suggestion;
use super::visible::{LessonId, VisibleLesson};
use super::{list, role_word, series};
use crate::error::Error;
use crate::http::etag::if_match;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::rights::{LessonRole, LessonScope};
use crate::lessons::store;
use crate::lessons::store::list::LessonCount;
use crate::resources::api::{CallerWrite, ResourceState};

/// The parameters of an address.
type Parameters<'a> = &'a [(String, String)];

/// A page of the list.
#[derive(Clone, Debug)]
pub struct ListedLessons {
    pub lessons: Vec<Value>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// Lessons on all pages.
    pub count: LessonCount,
}

/// Lists lessons. Takes the parameters of the route.
///
/// # Errors
/// 400 when a parameter is wrong; 422 when series have too many lessons in the requested days.
pub async fn list_lessons(
    state: &ResourceState,
    caller: &Caller,
    parameters: Parameters<'_>,
) -> Result<ListedLessons, HttpProblem> {
    let filter = list::parse(parameters)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, caller).await?;
    let page = read_page(&mut db, &scope, &filter).await?;
    let mut lessons = page_documents(&mut db, state, caller, &page).await?;
    for lesson in &mut lessons {
        let role = match filter.role {
            Some(role) if caller.role.has_subject() => role.word(),
            _ => role_word(caller, &scope, lesson),
        };
        lesson["user_role"] = role.into();
    }
    let next = page.next.map(|last| list::cursor(&filter.sorts, &last, page.count));
    Ok(ListedLessons { lessons, next, count: page.count })
}

/// What a caller may do with a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LessonRights {
    pub can_change: bool,
    /// The field with the review that the caller sets.
    pub review: Option<&'static str>,
}

/// Returns a lesson that the caller sees, with their role in it, and what they may do.
///
/// # Errors
/// 404.
pub async fn find_lesson(
    state: &ResourceState,
    caller: &Caller,
    id: i64,
) -> Result<(Value, LessonRights), HttpProblem> {
    let VisibleLesson { scope, mut lesson, .. } = VisibleLesson::find(state, caller, Ok(Path(id))).await?;
    let role = scope.role_in(&lesson);
    let can_change = scope.check_deletion(&lesson).is_ok();
    let review = role.filter(|role| *role != LessonRole::Tutor).map(LessonRole::review_field);
    lesson["user_role"] = role_word(caller, &scope, &lesson).into();
    Ok((lesson, LessonRights { can_change, review }))
}

/// Reports whether the caller may create lessons.
///
/// # Errors
/// When the database cannot be read.
pub async fn can_create(state: &ResourceState, caller: &Caller) -> Result<bool, HttpProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    Ok(LessonScope::of(&mut db, caller).await?.check_creation().is_ok())
}

/// Creates a lesson, and returns its document.
///
/// # Errors
/// When the rights of the caller, the body or a rule refuse it.
pub async fn create_lesson(state: &ResourceState, caller: &Caller, body: &Value) -> Result<Value, HttpProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    LessonScope::of(&mut db, caller).await?.check_creation()?;
    drop(db);
    let write = CallerWrite { state, resource: &LESSONS, caller, parameters: &[] };
    Ok(write.create_documents(body).await?.pop().unwrap_or_default())
}

/// The lessons that a change or deletion means.
pub(super) struct MeantLessons {
    pub scope: LessonScope,
    /// The lesson of the path.
    pub lesson: Value,
    pub target: LessonTarget,
}

impl MeantLessons {
    /// Reports whether only the lesson of the path is meant.
    pub(super) fn is_same(&self) -> bool {
        self.target == LessonTarget::Lesson(id_of(&self.lesson))
    }

    /// Returns the headers of a request for the row that is written. Those about another lesson do not concern it: they were
    /// compared with the lesson that the request names.
    pub(super) fn preconditions(&self, headers: HeaderMap) -> HeaderMap {
        if self.is_same() { headers } else { HeaderMap::new() }
    }

    /// Returns the precondition that the lesson has not changed since it was read.
    fn unchanged(&self) -> HeaderMap {
        if self.is_same() { if_match(&self.lesson) } else { HeaderMap::new() }
    }
}

/// Finds the lessons that a change means, and checks the rights of the caller.
pub(super) async fn meant_by_change(
    state: &ResourceState,
    caller: &Caller,
    id: LessonId,
    parameters: Parameters<'_>,
    body: &Value,
) -> Result<MeantLessons, HttpProblem> {
    let given = scope::parse(parameters)?;
    let VisibleLesson { mut db, scope, lesson } = VisibleLesson::find(state, caller, id).await?;
    scope.check_change(&lesson, super::changed_fields(body, &lesson).into_iter())?;
    let target = scope::resolve(&mut db, (state, caller, &scope), &lesson, given, false).await?;
    if matches!(target, LessonTarget::Following(_)) {
        scope.check_change(&lesson, ["recurrence"].into_iter())?;
    }
    Ok(MeantLessons { scope, lesson, target })
}

/// Finds the lessons that a deletion means, and checks the rights of the caller.
pub(super) async fn meant_by_deletion(
    state: &ResourceState,
    caller: &Caller,
    id: LessonId,
    parameters: Parameters<'_>,
) -> Result<MeantLessons, HttpProblem> {
    let given = scope::parse(parameters)?;
    let VisibleLesson { mut db, scope, lesson } = VisibleLesson::find(state, caller, id).await?;
    scope.check_deletion(&lesson)?;
    let target = scope::resolve(&mut db, (state, caller, &scope), &lesson, given, true).await?;
    Ok(MeantLessons { scope, lesson, target })
}

/// Changes the lessons that the parameters `scope` and `occurrence` mean. Returns the document of the first one.
///
/// # Errors
/// When the rights of the caller, the body or a rule refuse it.
pub async fn change_lesson(
    state: &ResourceState,
    caller: &Caller,
    id: i64,
    parameters: Parameters<'_>,
    body: &Value,
) -> Result<Value, HttpProblem> {
    let meant = meant_by_change(state, caller, Ok(Path(id)), parameters, body).await?;
    let write = CallerWrite { state, resource: &LESSONS, caller, parameters: &[] };
    scope::change(write, &meant.target, &meant.unchanged(), body).await
}

/// Deletes the lessons that the parameters `scope` and `occurrence` mean.
///
/// # Errors
/// When the rights of the caller or a rule refuse it.
pub async fn remove_lesson(
    state: &ResourceState,
    caller: &Caller,
    id: i64,
    parameters: Parameters<'_>,
) -> Result<(), HttpProblem> {
    let meant = meant_by_deletion(state, caller, Ok(Path(id)), parameters).await?;
    let write = CallerWrite { state, resource: &LESSONS, caller, parameters: &[] };
    scope::remove(write, &meant.target, &meant.unchanged()).await
}

/// Sets the attendance of a lesson. Takes the body of the route.
///
/// # Errors
/// 409 before the lesson starts; when the rights of the caller or the body refuse it.
pub async fn mark_attendance(
    state: &ResourceState,
    caller: &Caller,
    id: i64,
    body: &Value,
) -> Result<Value, HttpProblem> {
    mark(state, caller, Ok(Path(id)), body).await
}

/// Returns who set the attendance of a lesson, when, how and why, the oldest entry first.
///
/// # Errors
/// 404.
pub async fn attendance_history(state: &ResourceState, caller: &Caller, id: i64) -> Result<Vec<Value>, HttpProblem> {
    let VisibleLesson { mut db, lesson, .. } = VisibleLesson::find(state, caller, Ok(Path(id))).await?;
    Ok(store::attendance::history(&mut db, id_of(&lesson)).await?)
}

/// Returns the suggested attendance of a lesson, as the route does.
///
/// # Errors
/// 404.
pub async fn suggest_attendance(state: &ResourceState, caller: &Caller, id: i64) -> Result<Value, HttpProblem> {
    suggestion(state, caller, Ok(Path(id))).await
}

/// Returns totals of lessons. Takes the parameters of the list.
///
/// # Errors
/// 400 when a parameter is wrong.
pub async fn lesson_stats(
    state: &ResourceState,
    caller: &Caller,
    parameters: Parameters<'_>,
) -> Result<Value, HttpProblem> {
    stats(state, caller, parameters).await
}

/// Returns the days that a recurring lesson would have, with the day from which a holiday moves it. `lesson`: fields of the
/// document.
///
/// # Errors
/// When the database cannot be read.
pub async fn preview_days(
    state: &ResourceState,
    lesson: &Value,
    limit: usize,
) -> Result<Vec<(Date, Option<Date>)>, HttpProblem> {
    let mut lesson = lesson.clone();
    lesson["is_recurring"] = json!(true);
    let Some(planned) = series::stored(&lesson) else { return Ok(Vec::new()) };
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let enrolment: Vec<i64> = lesson["course_enrollment_id"].as_i64().into_iter().collect();
    let tutor = store::references::tutors_of(&mut db, &enrolment).await?.first().map(|(_, tutor)| *tutor);
    let mut days = Vec::new();
    let mut years = 1;
    // An endless series has as many lessons as one asks for; a sparse one needs several years.
    while days.len() <= limit && years <= 16 {
        let to = planned.first.saturating_add(jiff::Span::new().years(years));
        let holidays = holidays_of(&mut db, &planned, tutor, to).await?;
        days = planned.occurrences(planned.first, to, &holidays, usize::MAX).unwrap_or_default();
        years *= 4;
    }
    Ok(days.into_iter().take(limit).map(|one| (one.day, one.moved_from)).collect())
}
