//! Reads the remote state that a plan depends on: one request for each hundred templates, each hundred new titles and each
//! twenty known events.

use std::collections::HashMap;

use administrate::{Client, Contact, Event, Id};
use jiff::tz::TimeZone;

use crate::bridges::events::LifecycleState;
use crate::error::Result;
use crate::names::fold;

use super::blocks::Timetable;
use super::plan::inputs::{self, LocalState};
use super::plan::new_instructors;
use super::plan::remote_state::{RemoteEvent, RemoteState};
use super::store;

/// Reads everything in Administrate that the plan of a timetable depends on.
///
/// # Errors
/// Administrate cannot be reached, refuses the login, or returns an incomplete response.
pub async fn read(client: &Client, timetable: &Timetable, local: &LocalState, zone: &TimeZone) -> Result<RemoteState> {
    let templates: Vec<Id> = store::template_ids(timetable, local).into_iter().map(Id::new).collect();
    let approved = client.approved_instructors(&templates).await?;
    let texts = |contacts: Vec<Id>| contacts.iter().map(Id::to_string).collect();
    let mut remote_state = RemoteState {
        approved: approved.into_iter().map(|(template, contacts)| (template.to_string(), texts(contacts))).collect(),
        can_remove_staff: Some(client.capabilities().await?.remove_session_staff),
        ..RemoteState::default()
    };
    if timetable.blocks.iter().any(|block| !block.event.administrators.is_empty()) {
        remote_state.administrators = administrators(client).await?;
    }
    let titles = timetable.blocks.iter().filter_map(|block| block.event.title.as_deref());
    let unknown: Vec<&str> = titles.filter(|title| !local.events.contains_key(&fold(title))).collect();
    for event in client.events_by_titles(&unknown).await? {
        remote_state.events.entry(fold(&event.title)).or_default().push(remote_event(event, zone));
    }
    Ok(remote_state)
}

/// Reads all instructors in Administrate if the timetable names an instructor who is unknown locally; none otherwise.
///
/// # Errors
/// As [`read`].
pub async fn instructors(client: &Client, timetable: &Timetable, local: &LocalState) -> Result<Vec<Contact>> {
    if new_instructors::unknown_names(timetable, local).is_empty() {
        return Ok(Vec::new());
    }
    Ok(client.instructors().await?)
}

/// Reads the current state in Administrate of events, by their ids in Administrate. Events unknown to it are absent.
///
/// # Errors
/// As [`read`].
pub async fn current_events(client: &Client, local: &LocalState) -> Result<HashMap<String, Event>> {
    let mut ids: Vec<Id> = local.baselines.values().map(|known| Id::new(known.external_id.as_str())).collect();
    ids.sort_unstable();
    let events = client.events_by_ids(&ids).await?;
    Ok(events.into_iter().map(|event| (event.id.to_string(), event)).collect())
}

async fn administrators(client: &Client) -> Result<Vec<inputs::ContactRecord>> {
    let contacts = client.administrators().await?;
    let named = contacts.into_iter().map(|contact| {
        let name = format!("{} {}", contact.first_name.unwrap_or_default(), contact.last_name.unwrap_or_default());
        inputs::ContactRecord { external_id: contact.id.to_string(), name: name.trim().to_owned() }
    });
    Ok(named.collect())
}

fn remote_event(event: administrate::Event, fallback: &TimeZone) -> RemoteEvent {
    let zone = event.zone(fallback);
    let to_local = |moment: Option<administrate::Moment>| moment.map(|moment| moment.local(&zone));
    let sessions = event.sessions.iter().filter_map(|session| to_local(session.start.or(session.time_zoned_start)));
    RemoteEvent {
        first_session: sessions.min(),
        classroom_start: to_local(event.classroom_start),
        lms_start: to_local(event.lms_start),
        start: to_local(event.start.or(event.time_zoned_start)),
        cancelled: LifecycleState::of(event.lifecycle.as_deref()) == Some(LifecycleState::Cancelled),
        event,
    }
}
