//! The lessons of one page of the list, and those that come next.

use jiff::civil::Date;
use serde_json::Value;
use sqlx::PgConnection;

use super::list;
use super::members::id_of;
use super::planned::{self, PlannedLesson};
use super::resources::LESSONS;
use crate::error::Error;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::rights::LessonScope;
use crate::lessons::store;
use crate::lessons::store::list::{LessonCount, LessonFilter, LessonPage, LessonSort, PlannedLessonRow};
use crate::resources::api::{self, ResourceState};

/// Returns a page, with the planned lessons of series if the request asks for them.
pub(super) async fn read_page(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
) -> Result<LessonPage, HttpProblem> {
    if !filter.is_expanded {
        return Ok(store::list::page(db, scope, filter, None).await?);
    }
    let days = list::days(filter)?;
    let series = store::list::series_of(db, scope, filter).await?;
    let planned = planned::planned(db, &series, days).await?;
    let row = |one: &PlannedLesson| PlannedLessonRow {
        series: id_of(&one.head),
        day: one.occurrence.day.to_string(),
        of_rule: one.occurrence.rule_day().to_string(),
    };
    let rows: Vec<PlannedLessonRow> = planned.iter().map(row).collect();
    Ok(store::list::page(db, scope, filter, Some(&rows)).await?)
}

/// Returns the documents of the lessons of a page, in its order.
pub(super) async fn page_documents(
    db: &mut PgConnection,
    state: &ResourceState,
    caller: &Caller,
    page: &LessonPage,
) -> Result<Vec<Value>, HttpProblem> {
    let ids: Vec<i64> = page.lessons.iter().map(|lesson| lesson.id).collect();
    let found = api::documents(db, state, &LESSONS, caller, &ids).await?;
    let mut lessons = Vec::new();
    for listed in &page.lessons {
        let Some(lesson) = found.iter().find(|lesson| lesson["id"] == listed.id) else { continue };
        lessons.push(match (&listed.day, &listed.of_rule) {
            (Some(day), Some(of_rule)) => planned::document(lesson, day, of_rule),
            _ => lesson.clone(),
        });
    }
    Ok(lessons)
}

/// Returns the lessons of these days that have not taken place, the next first, with the planned lessons of series.
///
/// # Errors
/// 422 when series have too many lessons in these days; 503 when the database fails.
pub async fn upcoming(
    state: &ResourceState,
    caller: &Caller,
    (from, to): (Date, Date),
    limit: i64,
) -> Result<Vec<Value>, HttpProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, caller).await?;
    let sort = |name| LessonSort { name, is_descending: false };
    let filter = LessonFilter {
        statuses: vec!["scheduled".to_owned(), "in-progress".to_owned()],
        date_from: Some(from.to_string()),
        date_to: Some(to.to_string()),
        is_expanded: true,
        sorts: vec![sort("session_date"), sort("start_time")],
        // The count is not used.
        count: Some(LessonCount::default()),
        limit,
        ..LessonFilter::default()
    };
    let page = read_page(&mut db, &scope, &filter).await?;
    page_documents(&mut db, state, caller, &page).await
}
