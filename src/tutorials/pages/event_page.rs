//! The page of an event: what it is, its sessions, what Administrate has of it, and its history.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::calendar::event_tag;
use super::event_list::{administrate_tag, places_label};
use super::forms::{EventPathId, known_event, typed};
use super::past::{PastNames, changes};
use super::times::{days_label, session_times};
use crate::error::Error;
use crate::history;
use crate::http::query::Pairs;
use crate::resources::api::ResourceState;
use crate::tutorials::api::sessions_of_event;
use crate::tutorials::store::event_choices;
use crate::web::changes::ShownChange;
use crate::web::document::{list, number, optional, shown, text};
use crate::web::format::{Clock, day_label};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::{Address, ListPart};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Changes of one part of the history.
const CHANGES: i64 = 20;

#[derive(Template)]
#[template(path = "timetable/event.html")]
struct EventPage {
    frame: Frame,
    path: String,
    code: String,
    tag: Option<StateTag>,
    facts: Vec<(&'static str, String)>,
    more: Vec<(String, String)>,
    url: Option<String>,
    warnings: Vec<String>,
    zone: String,
    sessions: Vec<SessionView>,
    administrate: StateTag,
    administrate_facts: Vec<(&'static str, String)>,
    /// Why Administrate does not have what it should.
    reason: String,
    outbox: Option<String>,
    is_linked: bool,
    is_cancelled: bool,
    is_published: bool,
    changes: Vec<ShownChange>,
    part: ListPart,
}

/// A session of the event.
struct SessionView {
    path: String,
    sequence: String,
    title: String,
    day: String,
    hours: String,
    place: String,
    instructors: String,
    url: Option<String>,
    warnings: String,
    is_first: bool,
    is_last: bool,
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ResourceState>,
    id: EventPathId,
    query: Pairs,
) -> Response {
    match render(&visitor, &state, id, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(
    visitor: &Visitor,
    state: &ResourceState,
    id: EventPathId,
    query: Pairs,
) -> Result<EventPage, PageProblem> {
    let address = Address::of(query)?;
    let event = known_event(visitor, state, id).await?;
    let id = event["id"].as_i64().unwrap_or_default();
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let sessions = sessions_of_event(&mut db, state, &visitor.caller, id).await?;
    let choices = event_choices(&mut db).await?;
    let number_of_part = address.number("part").unwrap_or(1).clamp(1, 100_000);
    let (total, entries) = history::page(&mut db, id, CHANGES, (number_of_part - 1) * CHANGES).await?;
    let zone = text(&event["time_zone"]);
    let names = PastNames::new(&choices, &zone);
    let template = event["course_template_id"].as_i64();
    let template = choices.templates.iter().find(|choice| Some(choice.id) == template);
    let (is_linked, administrate) = (!event["administrate"]["external_id"].is_null(), &event["administrate"]);
    let state_of = administrate["state"].as_str();
    Ok(EventPage {
        frame: visitor.frame(text(&event["code"]), NavPlace::Timetable),
        path: format!("/events/{id}"),
        code: text(&event["code"]),
        tag: event_tag(event["cancelled"] == true, event["is_soldout"] == true),
        facts: facts(&event, template.map(|choice| choice.name.as_str())),
        more: custom_values(&event),
        url: optional(&event["event_url"]).filter(|url| is_web(url)),
        warnings: list(&event["warnings"]).map(|warning| text(&warning["message"])).collect(),
        sessions: session_views(&event, &sessions, &zone),
        zone,
        administrate: administrate_tag(state_of, is_linked),
        administrate_facts: administrate_facts(administrate),
        reason: match state_of {
            Some("delivered") => String::new(),
            _ => optional(&administrate["reason"]).or(optional(&administrate["last_error"])).unwrap_or_default(),
        },
        outbox: state_of
            .filter(|state| ["pending", "failed", "unknown"].contains(state))
            .map(|state| format!("/outbox?state={state}")),
        is_linked,
        is_cancelled: event["cancelled"] == true,
        is_published: administrate["lifecycle"] == "published",
        changes: changes(&entries, &names, &visitor.clock),
        part: ListPart::of(usize::try_from(total).unwrap_or_default(), CHANGES as usize, Some(number_of_part)),
    })
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Returns the fields of the event that have a value.
fn facts(event: &Value, template: Option<&str>) -> Vec<(&'static str, String)> {
    let zone = text(&event["time_zone"]);
    let moment = |name: &str| {
        let at = optional(&event[name])?;
        Some(
            jiff::tz::TimeZone::get(&zone)
                .ok()
                .map_or_else(String::new, |zone| Clock::new(zone).time(&at).map(|time| time.text).unwrap_or_default()),
        )
    };
    let teachers: Vec<String> = list(&event["instructors"]).map(|teacher| text(&teacher["display_name"])).collect();
    let maximum = event["max_places"].as_i64().and_then(|places| i32::try_from(places).ok());
    let remaining = i32::try_from(number(&event["remain_space"])).unwrap_or_default();
    let facts = [
        ("Days", Some(days_label(&text(&event["start_date"]), &text(&event["end_date"])))),
        ("Location", optional(&event["location"])),
        ("Venue", optional(&event["venue"])),
        ("Instructors", Some(teachers.join(", "))),
        ("Places left", Some(places_label(remaining, maximum))),
        ("Product", optional(&event["store_product_code"])),
        ("Course template", template.map(str::to_owned)),
        ("Learning mode", optional(&event["learning_mode"])),
        ("Finalisation", optional(&event["finalisation_date"]).map(|day| day_label(&day))),
        ("Learning platform opens", moment("lms_start")),
        ("Learning platform closes", moment("lms_end")),
        ("Sitting", optional(&event["sitting"])),
        ("Web sale", Some(if event["web_sale"] == true { "yes" } else { "no" }.to_owned())),
        ("Administrators", Some(typed(&event["administrators"]))),
        ("Time zone", Some(zone.clone())),
    ];
    facts.into_iter().filter_map(|(label, value)| Some((label, value.filter(|value| !value.is_empty())?))).collect()
}

/// Returns the custom fields of Administrate that have a value.
fn custom_values(event: &Value) -> Vec<(String, String)> {
    let fields = event["custom_fields"].as_object().into_iter().flatten();
    fields.filter(|(_, value)| !value.is_null()).map(|(label, value)| (label.clone(), shown(value))).collect()
}

fn administrate_facts(administrate: &Value) -> Vec<(&'static str, String)> {
    let facts = [("Lifecycle", optional(&administrate["lifecycle"])), ("Id", optional(&administrate["external_id"]))];
    facts.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

fn session_views(event: &Value, sessions: &[Value], zone: &str) -> Vec<SessionView> {
    let teachers: HashMap<i64, String> = list(&event["instructors"])
        .filter_map(|teacher| Some((teacher["id"].as_i64()?, text(&teacher["display_name"]))))
        .collect();
    let view = |(at, session): (usize, &Value)| {
        let times = session_times(&text(&session["start_date"]), &text(&session["end_date"]), zone);
        let who: Vec<&str> =
            list(&session["instructor_ids"]).filter_map(|id| teachers.get(&id.as_i64()?).map(String::as_str)).collect();
        let place = [optional(&session["venue"]), optional(&session["location"])];
        let mut place: Vec<String> = place.into_iter().flatten().collect();
        place.dedup();
        SessionView {
            path: format!("/events/{}/sessions/{}", event["id"], session["id"]),
            sequence: typed(&session["sequence"]),
            title: text(&session["title"]),
            day: times.day,
            hours: times.hours,
            place: if place.is_empty() { "no place yet".to_owned() } else { place.join(", ") },
            instructors: if who.is_empty() { "none yet".to_owned() } else { who.join(", ") },
            url: optional(&session["url"]).filter(|url| is_web(url)),
            warnings: list(&session["warnings"])
                .map(|warning| text(&warning["message"]))
                .collect::<Vec<_>>()
                .join("; "),
            is_first: at == 0,
            is_last: at + 1 == sessions.len(),
        }
    };
    sessions.iter().enumerate().map(view).collect()
}
