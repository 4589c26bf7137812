//! The children of a parent on one page that fits a phone: hours, attendance, and what comes next.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::ToSpan;

use super::lesson_view::{LessonRow, hours, percentage};
use crate::error::Error;
use crate::identity::{Caller, Role};
use crate::lessons::api::operations::{lesson_stats, list_lessons};
use crate::lessons::rights::LessonScope;
use crate::lessons::store::choices::student_names;
use crate::resources::api::ResourceState;
use crate::web::document::number;
use crate::web::format::thousands;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// Lessons of a child that come next.
const NEXT: &str = "5";

/// The days ahead of which lessons are shown.
const DAYS: i64 = 28;

#[derive(Template)]
#[template(path = "lessons/family.html")]
struct FamilyPage {
    frame: Frame,
    children: Vec<ChildView>,
}

/// A child with its numbers and its next lessons.
struct ChildView {
    id: i64,
    name: String,
    facts: Vec<(&'static str, String)>,
    next: Vec<LessonRow>,
}

pub(super) async fn show(visitor: Visitor, State(state): State<ResourceState>) -> Response {
    if visitor.caller.role != Role::Parent {
        return Redirect::to("/lessons").into_response();
    }
    match render(&visitor, &state).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ResourceState) -> Result<FamilyPage, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let ids = match LessonScope::of(&mut db, &visitor.caller).await? {
        LessonScope::Own(own) => own.children,
        LessonScope::All | LessonScope::Enrolled => Vec::new(),
    };
    let names = student_names(&mut db, &ids).await?;
    drop(db);
    let mut children = Vec::new();
    for (id, name) in names {
        children.push(child(state, visitor, (id, name)).await?);
    }
    Ok(FamilyPage { frame: visitor.frame("My children", NavPlace::Lessons), children })
}

async fn child(state: &ResourceState, visitor: &Visitor, (id, name): (i64, String)) -> Result<ChildView, PageProblem> {
    let caller: &Caller = &visitor.caller;
    let today = visitor.clock.today();
    let own = || vec![("as".to_owned(), "parent".to_owned()), ("student_id".to_owned(), id.to_string())];
    let add = |mut pairs: Vec<(String, String)>, more: &[(&str, &str)]| {
        pairs.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        pairs
    };
    let all = lesson_stats(state, caller, &own()).await?;
    let (first, last) = (today.first_of_month().to_string(), today.last_of_month().to_string());
    let month = lesson_stats(state, caller, &add(own(), &[("date_from", &first), ("date_to", &last)])).await?;
    let (from, to) = (today.to_string(), today.saturating_add(DAYS.days()).to_string());
    let ahead = [
        ("date_from", from.as_str()),
        ("date_to", to.as_str()),
        ("expand", "occurrences"),
        ("status", "scheduled"),
        ("sort", "session_date,start_time"),
        ("limit", NEXT),
    ];
    let next = list_lessons(state, caller, &add(own(), &ahead)).await?;
    let now = jiff::Timestamp::now().to_zoned(state.server.config.zone());
    let now = (now.date(), now.time());
    Ok(ChildView {
        id,
        name,
        facts: vec![
            ("Hours learned", hours(&all["hours"]["completed"])),
            ("Lessons this month", thousands(number(&month["total"]))),
            ("Attendance", percentage(&all["attendance_rate"])),
        ],
        next: next.lessons.iter().map(|lesson| LessonRow::new(lesson, false, now)).collect(),
    })
}
