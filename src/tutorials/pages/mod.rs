//! The pages of the timetable: what takes place when, where and with whom, and one page for each event.
//!
//! Everything is changed by the operations of the API, so that both have the same rules and the same history.

mod actions;
mod address;
mod buttons;
mod calendar;
mod custom_fields;
mod event_form;
mod event_list;
mod event_page;
mod forms;
mod past;
mod session_form;
mod tables;
mod timeline;
mod times;

pub use self::tables::TABLES;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use self::address::{TimetableView, ViewAddress};
use self::forms::{EventPathId, unknown_event};
use crate::http::query::Pairs;
use crate::resources::api::ResourceState;
use crate::web::paging::Address;
use crate::web::visitor::StaffVisitor;

/// Returns the routes of the pages.
pub fn router(state: ResourceState) -> Router {
    Router::new()
        .route("/timetable", get(show))
        .route("/timetable/events/{id}", get(lead_to_event))
        .route("/events/new", get(event_form::show_new))
        .route("/events", get(lead_to_list).post(event_form::create))
        .route("/events/{id}", get(event_page::show).post(event_form::change))
        .route("/events/{id}/edit", get(event_form::show_known))
        .route("/events/{id}/publish", post(actions::publish))
        .route("/events/{id}/cancel", post(actions::cancel))
        .route("/events/{id}/delete", post(actions::delete))
        .route("/events/{id}/sessions/new", get(session_form::show_new))
        .route("/events/{id}/sessions", post(session_form::create))
        .route("/events/{id}/sessions/{session}", get(session_form::show_known).post(session_form::change))
        .route("/events/{id}/sessions/{session}/move", post(actions::move_session))
        .route("/events/{id}/sessions/{session}/delete", post(actions::delete_session))
        .with_state(state)
}

/// Leads to the page of an event from the address below the timetable.
async fn lead_to_event(StaffVisitor(visitor): StaffVisitor, id: EventPathId) -> Response {
    match id {
        Ok(Path(id)) => Redirect::permanent(&format!("/events/{id}")).into_response(),
        Err(_) => visitor.problem(unknown_event()),
    }
}

async fn lead_to_list() -> Redirect {
    Redirect::to("/timetable?view=list")
}

async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<ResourceState>, query: Pairs) -> Response {
    let address = match Address::of(query) {
        Ok(address) => address,
        Err(problem) => return visitor.problem(problem),
    };
    let is_cell = !address.get("cell").is_empty();
    let address = ViewAddress::of(&address, visitor.clock.today());
    let shown = match address.view {
        TimetableView::Day if is_cell => calendar::show_cell(&visitor, &state, &address).await,
        TimetableView::Month | TimetableView::Week | TimetableView::Day => {
            calendar::show(&visitor, &state, &address).await
        }
        TimetableView::Venues | TimetableView::Instructors => timeline::show(&visitor, &state, &address).await,
        TimetableView::List => event_list::show(&visitor, &state, &address).await,
    };
    shown.unwrap_or_else(|problem| visitor.problem(problem))
}
