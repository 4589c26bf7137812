//! The one reader of remote facts: in as many requests as there are hundreds of templates and of titles.

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

/// Asks Administrate for all that the plan of a timetable depends on.
///
/// # Errors
/// When Administrate cannot be reached, refuses the login, or answers incompletely.
pub async fn read(client: &Client, timetable: &Timetable, ours: &LocalState, zone: &TimeZone) -> Result<RemoteState> {
    let templates: Vec<Id> = store::template_ids(timetable, ours).into_iter().map(Id::new).collect();
    let approved = client.approved_instructors(&templates).await?;
    let ids = |contacts: Vec<Id>| contacts.iter().map(Id::to_string).collect();
    let mut facts = RemoteState {
        approved: approved.into_iter().map(|(template, contacts)| (template.to_string(), ids(contacts))).collect(),
        takes_off_staff: Some(client.capabilities().await?.remove_session_staff),
        ..RemoteState::default()
    };
    if timetable.blocks.iter().any(|block| !block.event.administrators.is_empty()) {
        facts.administrators = administrators(client).await?;
    }
    let titles = timetable.blocks.iter().filter_map(|block| block.event.title.as_deref());
    let unknown: Vec<&str> = titles.filter(|title| !ours.events.contains_key(&fold(title))).collect();
    for event in client.events_by_titles(&unknown).await? {
        facts.events.entry(fold(&event.title)).or_default().push(remote_event(event, zone));
    }
    Ok(facts)
}

/// Everybody who teaches there, where the timetable names somebody whom nobody here is called like; else nobody.
///
/// # Errors
/// As [`read`].
pub async fn instructors(client: &Client, timetable: &Timetable, ours: &LocalState) -> Result<Vec<Contact>> {
    if new_instructors::unknown_names(timetable, ours).is_empty() {
        return Ok(Vec::new());
    }
    Ok(client.instructors().await?)
}

/// Known events that are about to change, as they stand in Administrate: a request for each hundred, and one more for
/// each event of which a session's URL changes, which the list does not show.
///
/// # Errors
/// As [`read`].
pub async fn current_events(client: &Client, plan: &ImportPlan, ours: &LocalState) -> Result<HashMap<String, Event>> {
    let (mut listed, mut whole) = (Vec::new(), Vec::new());
    for item in &plan.items {
        let id = item.event.as_ref().and_then(|planned| planned.id);
        let Some(agreed) = id.and_then(|id| ours.agreed.get(&id)) else { continue };
        let is_url = |change: &ValueChange| change.field.starts_with("day ") && change.field.ends_with(": url");
        let ids = if item.changes.iter().any(is_url) { &mut whole } else { &mut listed };
        ids.push(Id::new(agreed.external_id.as_str()));
    }
    let mut standing = client.events_by_ids(&listed).await?;
    for id in &whole {
        standing.extend(client.event(id).await?);
    }
    Ok(standing.into_iter().map(|event| (event.id.to_string(), event)).collect())
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
    let local = |moment: Option<administrate::Moment>| moment.map(|moment| moment.local(&zone));
    RemoteEvent {
        classroom_start: local(event.classroom_start),
        lms_start: local(event.lms_start),
        start: local(event.start.or(event.time_zoned_start)),
        cancelled: LifecycleState::of(event.lifecycle.as_deref()) == Some(LifecycleState::Cancelled),
        event,
    }
}
