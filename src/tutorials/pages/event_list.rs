//! The timetable as a list of events.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use super::address::ViewAddress;
use super::calendar::{ViewHead, event_tag};
use super::times::days_label;
use crate::error::Error;
use crate::resources::api::ResourceState;
use crate::tutorials::store::{self, EventOrder, ListedEvent};
use crate::web::format::{day_label, plural, thousands};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::ListPart;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::Visitor;

/// Events of one part.
const PART: usize = 100;

#[derive(Template)]
#[template(path = "timetable/list.html")]
struct EventListPage {
    frame: Frame,
    head: ViewHead,
    rows: Vec<EventListRow>,
    orders: Vec<OrderLink>,
    total: String,
    part: ListPart,
    previous: Option<String>,
    next: Option<String>,
}

struct OrderLink {
    label: &'static str,
    path: String,
    is_current: bool,
}

/// An event of the list.
struct EventListRow {
    path: String,
    code: String,
    subject: String,
    days: String,
    location: String,
    venue: String,
    sessions: i64,
    places: String,
    finalisation: String,
    tag: Option<StateTag>,
    administrate: StateTag,
}

impl EventListRow {
    fn new(event: &ListedEvent) -> EventListRow {
        EventListRow {
            path: format!("/events/{}", event.id),
            code: event.code.clone(),
            subject: event.subject.clone().unwrap_or_default(),
            days: days_label(&event.start_date, &event.end_date),
            location: event.location.clone().unwrap_or_default(),
            venue: event.venue.clone().unwrap_or_default(),
            sessions: event.sessions,
            places: places_label(event.remain_space, event.max_places),
            finalisation: event.finalisation_date.as_deref().map(day_label).unwrap_or_default(),
            tag: event_tag(event.is_cancelled, event.is_soldout),
            administrate: administrate_tag(event.delivery.as_deref(), event.is_linked),
        }
    }
}

/// Returns how many places are left.
pub(super) fn places_label(remaining: i32, maximum: Option<i32>) -> String {
    match maximum {
        Some(maximum) => format!("{} of {}", thousands(remaining.into()), thousands(maximum.into())),
        None if remaining > 0 => thousands(remaining.into()),
        None => "no limit".to_owned(),
    }
}

/// Returns whether Administrate has the event, in a word.
pub(super) fn administrate_tag(delivery: Option<&str>, is_linked: bool) -> StateTag {
    match delivery {
        Some("pending") => StateTag::new("live", "Waiting"),
        Some("unknown") => StateTag::new("warn", "Outcome unknown"),
        Some("failed") => StateTag::new("bad", "Not delivered"),
        _ if is_linked => StateTag::new("good", "Delivered"),
        _ => StateTag::new("", "Only here"),
    }
}

pub(super) async fn show(
    visitor: &Visitor,
    state: &ResourceState,
    address: &ViewAddress,
) -> Result<Response, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let choices = store::event_choices(&mut db).await?;
    let number = address.part.and_then(|part| usize::try_from(part).ok()).unwrap_or(1).clamp(1, 10_000);
    let cut = (PART as i64, ((number - 1) * PART) as i64);
    let events = store::listed_events(&mut db, address.days(), &address.filter, address.order, cut).await?;
    let total = events.first().map_or(0, |event| usize::try_from(event.total).unwrap_or_default());
    if total == 0 && number > 1 {
        // The list has become shorter.
        let first = ViewAddress { part: None, ..address.clone() };
        return Ok(Redirect::to(&first.path()).into_response());
    }
    let part = ListPart::of(total, PART, address.part);
    let at = |number: Option<usize>| {
        let number = i64::try_from(number?).ok()?;
        Some(ViewAddress { part: Some(number), ..address.clone() }.path())
    };
    let order = |order: EventOrder, label| OrderLink {
        label,
        path: address.ordered(order).path(),
        is_current: address.order == order,
    };
    Ok(visitor.page(&EventListPage {
        frame: visitor.frame(format!("Timetable, {}", address.heading().to_lowercase()), NavPlace::Timetable),
        head: ViewHead::new(visitor, address, &choices, &state.server.config.time_zone),
        rows: events.iter().map(EventListRow::new).collect(),
        orders: vec![
            order(EventOrder::Start, "First day"),
            order(EventOrder::LatestStart, "Latest first"),
            order(EventOrder::Code, "Code"),
            order(EventOrder::RemainingPlaces, "Fewest places"),
        ],
        total: plural(total as i64, "event"),
        previous: at(part.previous),
        next: at(part.next),
        part,
    }))
}
