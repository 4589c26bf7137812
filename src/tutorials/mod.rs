//! Tutorials: events with sessions, dates, places and instructors (`acted.tutorial_*`, and details in `lectern.*`).
//!
//! Every operation writes an event, its details, staff and sessions, and the effect that delivers it to Administrate in the
//! caller's transaction. A write that changes nothing writes no row. The number of statements does not depend on the
//! number of events. The import validates timetables; this module relies on the constraints of the database.

pub mod api;
mod event;
pub mod pages;
pub mod places;
pub mod reference;
pub mod store;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use sqlx::PgConnection;

pub use event::{
    Availability, Event, KnownEvent, LearningMode, PlacesChange, Session, SessionSummary, Staff, StaffRole,
};

use crate::error::Result;
use crate::outbox::{self, DeliveryStep, Effect};

/// Returns the time zone of an event by its name. An unknown one is UTC.
pub fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Effect: create the event in Administrate.
pub const CREATE_EVENT: &str = "create_event";
/// Effect: update the event in Administrate.
pub const UPDATE_EVENT: &str = "update_event";
/// Effect: remove the event locally and in Administrate.
pub const REMOVE_EVENT: &str = "remove_event";
/// Effect: cancel the event in Administrate, then remove it locally.
pub const CANCEL_AND_REMOVE_EVENT: &str = "cancel_and_remove_event";
/// Effect: delete the event in Administrate, then remove it locally.
pub const DELETE_EVENT: &str = "delete_event";
/// The effects that remove an event.
pub const REMOVALS: [&str; 3] = [REMOVE_EVENT, CANCEL_AND_REMOVE_EVENT, DELETE_EVENT];
/// The kind of subject of these effects.
pub const EVENT: &str = "event";

/// Writes new events and enqueues their creation in Administrate. Returns their ids in order.
///
/// `check_remote_first`: the caller has not checked whether Administrate already has the events.
///
/// # Errors
/// A code exists, a reference does not, or a session ends before it starts; the database reports it.
pub async fn create_events(
    db: &mut PgConnection,
    run: Option<i64>,
    events: &[Event],
    check_remote_first: bool,
) -> Result<Vec<i64>> {
    let ids = store::insert_events(db, events).await?;
    store::insert_sessions(db, &with_ids(&ids, events)).await?;
    let named = ids.iter().copied().zip(events.iter().map(|event| event.code.as_str()));
    let effects = effects(CREATE_EVENT, check_remote_first, &[], named);
    outbox::enqueue(db, run, &effects).await?;
    Ok(ids)
}

/// Writes changes of known events and enqueues their update in Administrate.
///
/// Sessions are matched by sequence. A stored session that `events` does not contain stays unchanged.
pub async fn update_events(db: &mut PgConnection, run: Option<i64>, events: &[(i64, Event)]) -> Result<()> {
    store::update_events(db, events).await?;
    let borrowed: Vec<(i64, &Event)> = events.iter().map(|(id, event)| (*id, event)).collect();
    store::update_sessions(db, &borrowed).await?;
    // Administrate may have an unlinked event that a user created there, so delivery checks first.
    let named = events.iter().map(|(id, event)| (*id, event.code.as_str()));
    outbox::enqueue(db, run, &effects(UPDATE_EVENT, true, &[], named)).await
}

/// Writes accepted values of Administrate to known events, except their free places.
///
/// Enqueues no effect, because the values come from Administrate.
pub async fn apply_remote_values(db: &mut PgConnection, mut events: Vec<(i64, Event)>) -> Result<()> {
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let stored: HashMap<i64, Availability> =
        store::availabilities(db, Some(&ids)).await?.into_iter().map(|event| (event.id, event)).collect();
    for (id, event) in &mut events {
        if let Some(stored) = stored.get(id) {
            (event.is_soldout, event.remain_space) = (stored.is_soldout, stored.remain_space);
        }
    }
    store::update_events(db, &events).await?;
    let borrowed: Vec<(i64, &Event)> = events.iter().map(|(id, event)| (*id, event)).collect();
    store::update_sessions(db, &borrowed).await
}

/// Reassigns the undelivered effects of known events to `run`, adds `steps` and makes waiting or failed ones due now.
pub async fn reassign_pending(db: &mut PgConnection, run: i64, ids: &[i64], steps: &[DeliveryStep]) -> Result<()> {
    outbox::reassign_to_run(db, run, EVENT, ids, steps).await
}

/// Reports whether an unfinished earlier import has yet to deliver one of these events.
pub async fn pending_in_earlier_run(pool: &sqlx::PgPool, run: i64, ids: &[i64]) -> Result<bool> {
    outbox::pending_in_earlier_run(pool, run, EVENT, ids).await
}

/// Enqueues steps ([`DeliveryStep`]) of known events, given by id and code.
pub async fn request_steps(
    db: &mut PgConnection,
    run: Option<i64>,
    events: &[(i64, String)],
    steps: &'static [DeliveryStep],
) -> Result<()> {
    let named = events.iter().map(|(id, code)| (*id, code.as_str()));
    outbox::enqueue(db, run, &effects(UPDATE_EVENT, true, steps, named)).await
}

/// Enqueues the creation of events that are stored already, given by id and code.
pub async fn request_creation(
    db: &mut PgConnection,
    events: &[(i64, String)],
    steps: &'static [DeliveryStep],
) -> Result<()> {
    let named = events.iter().map(|(id, code)| (*id, code.as_str()));
    outbox::enqueue(db, None, &effects(CREATE_EVENT, true, steps, named)).await
}

/// Enqueues the removal of an event by one of [`REMOVALS`]. It stays locally until Administrate has removed it.
pub async fn remove_event(db: &mut PgConnection, id: i64, code: &str, removal: &'static str) -> Result<()> {
    outbox::enqueue(db, None, &effects(removal, true, &[], std::iter::once((id, code)))).await
}

/// Enqueues the removal of events. They stay locally until Administrate has removed them.
pub async fn remove_events(db: &mut PgConnection, run: Option<i64>, events: &[(i64, String)]) -> Result<()> {
    let named = events.iter().map(|(id, code)| (*id, code.as_str()));
    outbox::enqueue(db, run, &effects(REMOVE_EVENT, false, &[], named)).await
}

fn with_ids<'a>(ids: &[i64], events: &'a [Event]) -> Vec<(i64, &'a Event)> {
    ids.iter().copied().zip(events).collect()
}

fn effects<'a>(
    name: &'static str,
    check_remote_first: bool,
    steps: &'static [DeliveryStep],
    events: impl Iterator<Item = (i64, &'a str)>,
) -> Vec<Effect> {
    let effect = |(subject_id, code): (i64, &str)| Effect {
        name,
        subject_kind: EVENT,
        subject_id,
        subject: code.to_owned(),
        check_remote_first,
        steps,
    };
    events.map(effect).collect()
}
