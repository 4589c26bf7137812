//! A week of lessons as a calendar, with the planned ones of series.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::lesson_view::LessonRow;
use crate::http::query::Pairs;
use crate::lessons::api::operations::list_lessons;
use crate::resources::api::ResourceState;
use crate::web::document::text;
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// Most lessons of a week.
const MOST: &str = "200";

#[derive(Template)]
#[template(path = "lessons/week.html")]
struct LessonWeekPage {
    frame: Frame,
    heading: String,
    previous: String,
    next: String,
    days: Vec<LessonDay>,
    is_cut: bool,
    zone: String,
}

/// A day with its lessons.
struct LessonDay {
    name: String,
    is_today: bool,
    lessons: Vec<LessonRow>,
}

pub(super) async fn show(visitor: Visitor, State(state): State<ResourceState>, query: Pairs) -> Response {
    match render(&visitor, &state, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ResourceState, query: Pairs) -> Result<LessonWeekPage, PageProblem> {
    let address = Address::of(query)?;
    let today = visitor.clock.today();
    let day = address.get("day").parse::<Date>().ok().filter(|day| (1900..=2200).contains(&day.year()));
    let day = day.unwrap_or(today);
    let monday = day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days());
    let sunday = monday.saturating_add(6.days());
    let parameters = [
        ("date_from", monday.to_string()),
        ("date_to", sunday.to_string()),
        ("expand", "occurrences".to_owned()),
        ("sort", "session_date,start_time".to_owned()),
        ("limit", MOST.to_owned()),
    ];
    let parameters: Vec<(String, String)> =
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let found = list_lessons(state, &visitor.caller, &parameters).await?;
    let now = jiff::Timestamp::now().to_zoned(state.server.config.zone());
    let now = (now.date(), now.time());
    let can_write = visitor.can_write();
    let of_day = |day: Date| LessonDay {
        name: day.strftime("%a %-d %b").to_string(),
        is_today: day == today,
        lessons: found
            .lessons
            .iter()
            .filter(|lesson| text(&lesson["session_date"]) == day.to_string())
            .map(|lesson| LessonRow::new(lesson, can_write, now))
            .collect(),
    };
    let path = |day: Date| format!("/lessons/week?day={day}");
    let heading = format!("{} to {}", monday.strftime("%-d %b"), sunday.strftime("%-d %b %Y"));
    Ok(LessonWeekPage {
        frame: visitor.frame(format!("Lessons, {heading}"), NavPlace::Lessons),
        heading,
        previous: path(monday.saturating_sub(1.week())),
        next: path(monday.saturating_add(1.week())),
        days: monday.series(1.day()).take(7).map(of_day).collect(),
        is_cut: found.next.is_some(),
        zone: state.server.config.time_zone.clone(),
    })
}
