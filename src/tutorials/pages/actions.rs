//! What the buttons of the page of an event do.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::buttons::{EventButton, SessionButton};
use super::forms::{event_write, session_write};
use crate::error::Error;
use crate::http::etag::if_match;
use crate::resources::api::ResourceState;
use crate::tutorials::api::{cancel_event, order_sessions, publish_event, sessions_of_event};
use crate::web::document::text;
use crate::web::flash::Flash;
use crate::web::problem::PageProblem;
use crate::web::visitor::{redirect, redirect_after};

fn page_of(event: &Value) -> String {
    format!("/events/{}", event["id"])
}

fn id_of(document: &Value) -> i64 {
    document["id"].as_i64().unwrap_or_default()
}

/// Publishes the event and its sessions in Administrate.
pub(super) async fn publish(
    State(state): State<ResourceState>,
    EventButton { visitor, event, .. }: EventButton,
) -> Response {
    let published = publish_event(&state, &visitor.caller, id_of(&event)).await;
    let done = |_| format!("{} is being published in Administrate.", text(&event["code"]));
    redirect_after(&page_of(&event), published.map(done))
}

/// Cancels the event here, and in Administrate if it has it. An event that only we have can be taken up again.
pub(super) async fn cancel(
    State(state): State<ResourceState>,
    EventButton { visitor, event, form }: EventButton,
) -> Response {
    let code = text(&event["code"]);
    let is_linked = !event["administrate"]["external_id"].is_null();
    let is_reinstated = form.is_set("reinstate");
    let cancelled = if is_linked && !is_reinstated {
        cancel_event(&state, &visitor.caller, id_of(&event)).await
    } else {
        let body = json!({ "cancelled": !is_reinstated });
        event_write(&state, &visitor, &[]).change(id_of(&event), &if_match(&event), false, &body).await
    };
    let done = |_| match (is_reinstated, is_linked) {
        (true, _) => format!("{code} takes place again."),
        (false, true) => format!("{code} is cancelled here, and is being cancelled in Administrate."),
        (false, false) => format!("{code} is cancelled."),
    };
    redirect_after(&page_of(&event), cancelled.map(done))
}

/// Deletes the event. What happens in Administrate, the form says.
pub(super) async fn delete(
    State(state): State<ResourceState>,
    EventButton { visitor, event, form }: EventButton,
) -> Response {
    let code = text(&event["code"]);
    let remote = Some(form.get("remote")).filter(|remote| !remote.is_empty());
    let parameters: Vec<(String, String)> =
        remote.into_iter().map(|remote| ("remote".to_owned(), remote.to_owned())).collect();
    match event_write(&state, &visitor, &parameters).remove(id_of(&event), &if_match(&event)).await {
        Err(problem) => redirect(&page_of(&event), &Flash::problem(PageProblem::from(problem).detail)),
        Ok(()) if matches!(remote, None | Some("keep")) => {
            redirect("/timetable", &Flash::done(format!("{code} is deleted.")))
        }
        Ok(()) => {
            let text = format!("{code} is being removed: it disappears once Administrate has done it.");
            redirect(&page_of(&event), &Flash::done(text))
        }
    }
}

/// Moves a session one place up or down.
pub(super) async fn move_session(
    State(state): State<ResourceState>,
    SessionButton { visitor, event, session, form }: SessionButton,
) -> Response {
    let is_up = form.get("direction") == "up";
    let moved: Result<String, PageProblem> = async {
        let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
        let sessions = sessions_of_event(&mut db, &state, &visitor.caller, id_of(&event)).await?;
        drop(db);
        let mut order: Vec<i64> = sessions.iter().map(id_of).collect();
        let at = order.iter().position(|id| *id == id_of(&session));
        let other = at.and_then(|at| if is_up { at.checked_sub(1) } else { Some(at + 1) });
        if let (Some(at), Some(other)) = (at, other.filter(|other| *other < order.len())) {
            order.swap(at, other);
            order_sessions(&state, &visitor.caller, id_of(&event), &order).await?;
        }
        let place = if is_up { "up" } else { "down" };
        Ok(format!("“{}” has moved {place}.", text(&session["title"])))
    }
    .await;
    redirect_after(&format!("{}#sessions", page_of(&event)), moved)
}

/// Deletes a session.
pub(super) async fn delete_session(
    State(state): State<ResourceState>,
    SessionButton { visitor, event, session, .. }: SessionButton,
) -> Response {
    let removed = session_write(&state, &visitor, &[]).remove(id_of(&session), &if_match(&session)).await;
    let done = |()| format!("“{}” is deleted.", text(&session["title"]));
    redirect_after(&format!("{}#sessions", page_of(&event)), removed.map(done))
}
