//! Reads the remote state that a plan depends on: one request for each hundred templates and each hundred titles.

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
use super::plan::{ImportPlan, ValueChange};
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

/// Reads the current state in Administrate of the known events that the plan changes, by their ids in Administrate.
///
/// Takes one request for each hundred events, and one for each event with a changed session URL: lists omit the URLs.
///
/// # Errors
/// As [`read`].
pub async fn current_events(client: &Client, plan: &ImportPlan, local: &LocalState) -> Result<HashMap<String, Event>> {
    let (mut listed, mut single) = (Vec::new(), Vec::new());
    for item in &plan.items {
        let id = item.event.as_ref().and_then(|planned| planned.id);
        let Some(baseline) = id.and_then(|id| local.baselines.get(&id)) else { continue };
        let is_url = |change: &ValueChange| change.field.starts_with("day ") && change.field.ends_with(": url");
        let ids = if item.changes.iter().any(is_url) { &mut single } else { &mut listed };
        ids.push(Id::new(baseline.external_id.as_str()));
    }
    let mut events = client.events_by_ids(&listed).await?;
    for id in &single {
        events.extend(client.event(id).await?);
    }
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
    RemoteEvent {
        classroom_start: to_local(event.classroom_start),
        lms_start: to_local(event.lms_start),
        start: to_local(event.start.or(event.time_zoned_start)),
        cancelled: LifecycleState::of(event.lifecycle.as_deref()) == Some(LifecycleState::Cancelled),
        event,
    }
}
