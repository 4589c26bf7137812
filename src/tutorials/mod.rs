//! Tutorials: events, each a row of sessions with dates, places and instructors (`acted.tutorial_*` and the details
//! that a timetable adds).
//!
//! Promises: an event, its details, its staff, its sessions and the effect that brings it to Administrate are written
//! in one transaction, the caller's; a write that changes nothing writes nothing. Set-based: one statement a table,
//! however many events.
//!
//! Does not: validate a timetable (the import does, and the database keeps the rules), or speak to Administrate.

pub mod reference;
pub mod store;

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::error::Result;
use crate::outbox::{self, DeliveryStep, Effect};

/// How an event is taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LearningMode {
    /// Classroom and learning platform.
    Blended,
    /// Learning platform alone; has no sessions.
    Lms,
    /// Classroom alone.
    Classroom,
}

/// What somebody does at an event as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    /// Teaches.
    Instructor,
    /// Administers.
    Administrator,
}

/// Somebody named for a whole event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// What for.
    pub role: StaffRole,
    /// As the timetable names them.
    pub name: String,
    /// Our instructor; administrators have none.
    pub tutorial_instructor_id: Option<i64>,
    /// The contact in Administrate; instructors are found through their bridge.
    pub external_id: Option<String>,
}

/// All that is true of an event, its sessions included. Plans compare it, verbs write it, delivery sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique code, up to 100 characters; the title in Administrate (contract §6).
    pub code: String,
    /// The store product that it is sold as.
    pub product_id: i64,
    /// The course template that it follows; none for events that came to be without a timetable.
    pub course_template_id: Option<i64>,
    /// How it is taught; none likewise.
    pub learning_mode: Option<LearningMode>,
    /// Its location.
    pub location_id: Option<i64>,
    /// Its venue.
    pub venue_id: Option<i64>,
    /// The location as the timetable writes it.
    pub location_text: Option<String>,
    /// The venue as the timetable writes it, also where it is to be confirmed.
    pub venue_text: Option<String>,
    /// Whether it takes no more bookings.
    pub is_soldout: bool,
    /// The day on which it is decided whether it takes place.
    pub finalisation_date: Option<Date>,
    /// Places left.
    pub remain_space: i32,
    /// First day.
    pub start_date: Date,
    /// Last day.
    pub end_date: Date,
    /// IANA name of the zone in which its times are told.
    pub time_zone: String,
    /// Start of access to the learning platform.
    pub lms_start: Option<Timestamp>,
    /// End of it.
    pub lms_end: Option<Timestamp>,
    /// Places offered.
    pub max_places: Option<i32>,
    /// The sitting as the timetable writes it, e.g. `2026A`.
    pub sitting: Option<String>,
    /// Whether it is sold on the web.
    pub web_sale: bool,
    /// Whether it was called off.
    pub cancelled: bool,
    /// Where it takes place online.
    pub event_url: Option<String>,
    /// Code of its place on the learning platform.
    pub ocr_moodle_code: Option<String>,
    /// How long access lasts, in the provider's words.
    pub access_duration: Option<String>,
    /// Likewise.
    pub recordings: Option<String>,
    /// Likewise.
    pub recording_pin: Option<String>,
    /// Likewise.
    pub tutors: Option<String>,
    /// Likewise.
    pub sage_code: Option<String>,
    /// Likewise.
    pub extra_information: Option<String>,
    /// Last day to register.
    pub registration_deadline: Option<Date>,
    /// Who is named for the whole event, in the timetable's order.
    pub staff: Vec<Staff>,
    /// Its sessions, by sequence.
    pub sessions: Vec<Session>,
}

impl Event {
    /// Our ids of all who teach it or one of its sessions, some perhaps twice.
    pub fn people(&self) -> impl Iterator<Item = i64> {
        let of_sessions = self.sessions.iter().flat_map(|session| session.instructor_ids.iter().copied());
        self.staff.iter().filter_map(|staff| staff.tutorial_instructor_id).chain(of_sessions)
    }

    /// The same with other ids for some of those who teach.
    pub fn with_people(mut self, other: &HashMap<i64, i64>) -> Self {
        let of_staff = self.staff.iter_mut().filter_map(|staff| staff.tutorial_instructor_id.as_mut());
        let of_sessions = self.sessions.iter_mut().flat_map(|session| session.instructor_ids.iter_mut());
        for id in of_staff.chain(of_sessions) {
            *id = other.get(id).copied().unwrap_or(*id);
        }
        self
    }
}

/// All that is true of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its place in the event, from 1.
    pub sequence: i32,
    /// Title, up to 255 characters.
    pub title: String,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// Its location; none: the event's.
    pub location_id: Option<i64>,
    /// Its venue; none: the event's.
    pub venue_id: Option<i64>,
    /// The location as the timetable writes it.
    pub location_text: Option<String>,
    /// The venue as the timetable writes it.
    pub venue_text: Option<String>,
    /// Where it takes place online.
    pub url: Option<String>,
    /// Our ids of its instructors.
    pub instructor_ids: Vec<i64>,
}

/// An event that is known here, with our ids of it and of its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownEvent {
    /// Our id.
    pub id: i64,
    /// What is true of it.
    #[serde(flatten)]
    pub event: Event,
    /// Our ids of its sessions, in the order of `event.sessions`.
    pub session_ids: Vec<i64>,
}

/// How bookable an event is, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// Our id.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Whether it takes no more bookings.
    pub is_soldout: bool,
    /// Places left.
    pub remain_space: i32,
    /// Its sessions, by sequence.
    pub sessions: Vec<SessionSummary>,
}

/// A session as it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionSummary {
    /// Our id.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Start.
    pub start: Timestamp,
}

/// What of an event's bookings changes; none: it stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesChange {
    /// Whether it takes no more bookings.
    pub is_soldout: Option<bool>,
    /// Places left.
    pub remain_space: Option<i32>,
}

/// The effect that brings a new event to Administrate.
pub const CREATE_EVENT: &str = "create_event";
/// The effect that brings a changed event to Administrate.
pub const UPDATE_EVENT: &str = "update_event";
/// The effect that takes an event away, here and in Administrate.
pub const REMOVE_EVENT: &str = "remove_event";
/// What kind of thing these effects are about.
pub const EVENT: &str = "event";

/// Writes new events and asks for their creation in Administrate. Gives their ids, in order. `look_first`: nobody has
/// looked whether Administrate has them already.
///
/// Errors: a code that exists, a reference that does not, a session that ends before it starts (by the database).
pub async fn create_events(
    db: &mut PgConnection,
    run: Option<i64>,
    events: &[Event],
    look_first: bool,
) -> Result<Vec<i64>> {
    let ids = store::insert_events(db, events).await?;
    store::insert_sessions(db, &with_ids(&ids, events)).await?;
    let named = ids.iter().copied().zip(events.iter().map(|event| event.code.as_str()));
    let effects = effects(CREATE_EVENT, look_first, &[], named);
    outbox::enqueue(db, run, &effects).await?;
    Ok(ids)
}

/// Writes what changed of known events and asks for their update in Administrate. Sessions are matched by sequence; one
/// that is no longer named stays (rules, Import).
pub async fn update_events(db: &mut PgConnection, run: Option<i64>, events: &[(i64, Event)]) -> Result<()> {
    store::update_events(db, events).await?;
    let borrowed: Vec<(i64, &Event)> = events.iter().map(|(id, event)| (*id, event)).collect();
    store::update_sessions(db, &borrowed).await?;
    // One that Administrate is not known to have may stand there all the same, where somebody else brought it.
    let named = events.iter().map(|(id, event)| (*id, event.code.as_str()));
    outbox::enqueue(db, run, &effects(UPDATE_EVENT, true, &[], named)).await
}

/// Writes what was taken over from Administrate of known events; how bookable they are stays as it is. Nothing is asked
/// of the outbox, for it came from there.
pub async fn apply_remote_values(db: &mut PgConnection, mut events: Vec<(i64, Event)>) -> Result<()> {
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let offers: HashMap<i64, Availability> =
        store::availabilities(db, Some(&ids)).await?.into_iter().map(|offer| (offer.id, offer)).collect();
    for (id, event) in &mut events {
        if let Some(offer) = offers.get(id) {
            (event.is_soldout, event.remain_space) = (offer.is_soldout, offer.remain_space);
        }
    }
    store::update_events(db, &events).await?;
    let borrowed: Vec<(i64, &Event)> = events.iter().map(|(id, event)| (*id, event)).collect();
    store::update_sessions(db, &borrowed).await
}

/// Goes on with what is still open of known events, as a part of `run` and with these further steps; what waited or failed
/// is due at once.
pub async fn reassign_pending(db: &mut PgConnection, run: i64, ids: &[i64], also: &[DeliveryStep]) -> Result<()> {
    outbox::reassign_to_run(db, run, EVENT, ids, also).await
}

/// Whether an earlier import that goes on has still to bring one of these events to Administrate.
pub async fn pending_in_earlier_run(pool: &sqlx::PgPool, run: i64, ids: &[i64]) -> Result<bool> {
    outbox::pending_in_earlier_run(pool, run, EVENT, ids).await
}

/// Asks for further steps ([`DeliveryStep`]) of known events, by id and code.
pub async fn request_steps(
    db: &mut PgConnection,
    run: Option<i64>,
    events: &[(i64, String)],
    also: &'static [DeliveryStep],
) -> Result<()> {
    let named = events.iter().map(|(id, code)| (*id, code.as_str()));
    outbox::enqueue(db, run, &effects(UPDATE_EVENT, true, also, named)).await
}

/// Asks that events are taken away, here and in Administrate; until that is done there, they stay here.
pub async fn remove_events(db: &mut PgConnection, run: Option<i64>, events: &[(i64, String)]) -> Result<()> {
    let named = events.iter().map(|(id, code)| (*id, code.as_str()));
    outbox::enqueue(db, run, &effects(REMOVE_EVENT, false, &[], named)).await
}

fn with_ids<'a>(ids: &[i64], events: &'a [Event]) -> Vec<(i64, &'a Event)> {
    ids.iter().copied().zip(events).collect()
}

fn effects<'a>(
    name: &'static str,
    look_first: bool,
    also: &'static [DeliveryStep],
    events: impl Iterator<Item = (i64, &'a str)>,
) -> Vec<Effect> {
    let effect = |(subject_id, code): (i64, &str)| Effect {
        name,
        subject_kind: EVENT,
        subject_id,
        subject: code.to_owned(),
        look_first,
        also,
    };
    events.map(effect).collect()
}
