//! Creating, changing and deleting events.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, Outcome, PayloadError};
use crate::id::{Id, by_number};
use crate::lenient;
use crate::mutation::{Mutation, Written};
use crate::ops::custom_fields::{CustomFieldValue, values_arg};
use crate::paging::Nested;
use crate::schema::document::Arg;

/// How an event is taught; it decides which mutation creates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventMode {
    /// Classroom and learning platform: `createBlended`.
    Blended,
    /// Learning platform alone: `createLMS`.
    Lms,
    /// Classroom alone: `createClassroom`.
    Classroom,
}

impl EventMode {
    /// The mutation that creates such events.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Blended => "event.createBlended",
            Self::Lms => "event.createLMS",
            Self::Classroom => "event.createClassroom",
        }
    }
}

/// Whether an event is open to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// Anybody may book.
    Public,
    /// For one account.
    Private,
}

impl EventType {
    fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// From when until when, wall-clock in the event's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First moment.
    pub start: DateTime,
    /// Last moment.
    pub end: DateTime,
}

/// An event to be created; it becomes a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// How it is taught.
    pub mode: EventMode,
    /// The course template; its structure makes the sessions.
    pub course_template_id: Id,
    /// Title, up to 100 characters.
    pub title: String,
    /// Public or private.
    pub event_type: EventType,
    /// Its location.
    pub location_id: Id,
    /// Its venue, if decided. Not sent for LMS events.
    pub venue_id: Option<Id>,
    /// The tax type. Not sent for classroom events unless the API asks for it.
    pub tax_type_id: Id,
    /// IANA name of the zone of all times here.
    pub time_zone: String,
    /// Time in the classroom. Needed unless LMS, where it is not sent.
    pub classroom: Option<Window>,
    /// Access to the learning platform. Needed unless classroom, where it is not sent.
    pub lms: Option<Window>,
    /// Places; none is without bound. LMS events take them where introspection shows it.
    pub max_places: Option<i32>,
    /// Values of custom fields.
    pub custom_fields: Vec<CustomFieldValue>,
}

/// What a create mutation made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedEvent {
    /// Global id of the event.
    pub id: Id,
    /// The numeric part of the id, if told.
    pub legacy_id: Option<String>,
    /// The sessions that the template's structure made, in the order of their making. See `sessions_are_complete`.
    pub sessions: Vec<CreatedSession>,
    /// False where the list broke off and could not be completed: the event exists all the same, read it again.
    pub sessions_are_complete: bool,
    /// Errors that came along although the event was created.
    pub warnings: Vec<PayloadError>,
    /// Input fields that this mutation does not take on this tenant: try [`Client::update_event`].
    pub left_out: Vec<&'static str>,
}

/// A session that came with a new event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct CreatedSession {
    /// Global id.
    pub id: Id,
    /// The numeric part of the id, if told.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub legacy_id: Option<String>,
}

/// Changes of an event; what is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventChanges {
    /// Title.
    pub title: Option<String>,
    /// Location.
    pub location_id: Option<Id>,
    /// Venue, or `Some(None)` for no venue. Not documented: sent only where introspection shows the field.
    pub venue_id: Option<Option<Id>>,
    /// IANA name of the zone.
    pub time_zone: Option<String>,
    /// `draft`, `published` or `cancelled`.
    pub lifecycle: Option<Lifecycle>,
    /// Places, or `Some(None)` for no bound.
    pub max_places: Option<Option<i32>>,
    /// Whether it takes no more bookings.
    pub is_sold_out: Option<bool>,
    /// First moment in the classroom, wall-clock in `time_zone`. None of the four times is documented: they are sent only
    /// where introspection shows the fields, each alone.
    pub classroom_start: Option<DateTime>,
    /// Last moment there.
    pub classroom_end: Option<DateTime>,
    /// First moment of access to the learning platform.
    pub lms_start: Option<DateTime>,
    /// Last moment of it.
    pub lms_end: Option<DateTime>,
    /// Values of custom fields; fields not named stay.
    pub custom_fields: Vec<CustomFieldValue>,
}

/// State of an event or a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// Not yet visible.
    Draft,
    /// Visible to customers.
    Published,
    /// Called off.
    Cancelled,
}

impl Lifecycle {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Client {
    /// Creates an event by the mutation of its mode.
    ///
    /// # Errors
    /// As every mutation; after a doubtful one look with [`Client::events_by_titles`] before trying again.
    pub async fn create_event(&self, event: &NewEvent) -> Result<CreatedEvent, Error> {
        let operation = event.mode.operation();
        let mut mutation = Mutation::new(operation, "event");
        mutation.shown = format!("id legacyId {}", CREATED_SESSIONS.selection());
        fill(&mut mutation, event)?;
        let created = self.create(&mutation).await?;
        let doubtful = |detail: String| Error::Unreadable { operation, detail, outcome: Outcome::Doubtful };
        let node = created.object;
        let (sessions, sessions_are_complete) = self.created_sessions(&created.id, &node).await;
        Ok(CreatedEvent {
            legacy_id: lenient::maybe_text(node.get("legacyId").cloned().unwrap_or_default())
                .map_err(|error| doubtful(error.to_string()))?,
            id: created.id,
            sessions,
            sessions_are_complete,
            warnings: created.warnings,
            left_out: created.left_out,
        })
    }

    /// The sessions from a create payload, the rest fetched where the list broke off. Never an error: the event exists.
    async fn created_sessions(&self, event: &Id, node: &Value) -> (Vec<CreatedSession>, bool) {
        let mut holder = serde_json::json!({ "id": event, "sessions": node.get("sessions") });
        let is_complete = self.complete(&CREATED_SESSIONS, &mut holder).await.is_ok();
        let nodes = lenient::nodes(&holder["sessions"]);
        let mut sessions: Vec<_> = nodes.iter().filter_map(|node| CreatedSession::deserialize(*node).ok()).collect();
        by_number(&mut sessions, |session| &session.id);
        let is_complete = is_complete && sessions.len() == nodes.len() && !holder["sessions"].is_null();
        (sessions, is_complete)
    }

    /// Creates a blended event, whatever its `mode` says.
    ///
    /// # Errors
    /// As [`Client::create_event`].
    pub async fn create_blended(&self, event: NewEvent) -> Result<CreatedEvent, Error> {
        let mode = EventMode::Blended;
        self.create_event(&NewEvent { mode, ..event }).await
    }

    /// Creates an LMS event, whatever its `mode` says.
    ///
    /// # Errors
    /// As [`Client::create_event`].
    pub async fn create_lms(&self, event: NewEvent) -> Result<CreatedEvent, Error> {
        let mode = EventMode::Lms;
        self.create_event(&NewEvent { mode, ..event }).await
    }

    /// Creates a classroom event, whatever its `mode` says.
    ///
    /// # Errors
    /// As [`Client::create_event`].
    pub async fn create_classroom(&self, event: NewEvent) -> Result<CreatedEvent, Error> {
        let mode = EventMode::Classroom;
        self.create_event(&NewEvent { mode, ..event }).await
    }

    /// Changes an event. Repeating it is harmless.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn update_event(&self, event: &Id, changes: &EventChanges) -> Result<Written, Error> {
        let mut mutation = Mutation::new("event.update", "event");
        mutation.argument("eventId", Arg::id(event));
        mutation.input_some("title", changes.title.clone().map(Arg::Text));
        mutation.input_some("locationId", changes.location_id.as_ref().map(Arg::id));
        mutation.input_some("venueId", changes.venue_id.as_ref().map(id_or_null));
        mutation.input_some("timeZoneName", changes.time_zone.clone().map(Arg::Text));
        mutation.input_some("lifecycleState", changes.lifecycle.map(|state| Arg::name(state.name())));
        let places = changes.max_places.map(|places| places.map_or(Arg::Null, |places| Arg::Int(places.into())));
        mutation.input_some("maxPlaces", places);
        mutation.input_some("isSoldOut", changes.is_sold_out.map(Arg::Bool));
        let classroom = [changes.classroom_start, changes.classroom_end];
        times(&mut mutation, classroom, [changes.lms_start, changes.lms_end], changes.time_zone.as_deref());
        mutation.input_some("customFieldValues", values_arg(&changes.custom_fields));
        self.write(&mutation).await
    }

    /// Deletes events for good.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn delete_events(&self, events: &[Id]) -> Result<Written, Error> {
        let mut mutation = Mutation::new("event.delete", "");
        mutation.input("eventIds", Arg::Ids(events.iter().map(Id::to_string).collect()));
        self.write(&mutation).await
    }
}

const CREATED_SESSIONS: Nested =
    Nested { operation: "events.sessions", root: "events", field: "sessions", node: "id legacyId" };

fn fill(mutation: &mut Mutation, event: &NewEvent) -> Result<(), Error> {
    let operation = event.mode.operation();
    let missing = |what: &str| Error::Argument { operation, detail: format!("event {:?} has no {what}", event.title) };
    let is_lms = event.mode == EventMode::Lms;
    let is_classroom = event.mode == EventMode::Classroom;
    if !is_lms && event.classroom.is_none() {
        return Err(missing("start and end in the classroom"));
    }
    if !is_classroom && event.lms.is_none() {
        return Err(missing("start and end on the learning platform"));
    }
    mutation.input("courseTemplateId", Arg::id(&event.course_template_id));
    mutation.input("title", Arg::Text(event.title.clone()));
    mutation.input("eventType", Arg::name(event.event_type.name()));
    mutation.input("locationId", Arg::id(&event.location_id));
    mutation.input_some("venueId", event.venue_id.as_ref().filter(|_| !is_lms).map(Arg::id));
    mutation.input_quietly("taxType", Arg::id(&event.tax_type_id));
    mutation.input("timeZoneName", Arg::Text(event.time_zone.clone()));
    let ends = |window: Option<Window>| [window.map(|window| window.start), window.map(|window| window.end)];
    let classroom = ends(event.classroom.filter(|_| !is_lms));
    let lms = ends(event.lms.filter(|_| !is_classroom));
    times(mutation, classroom, lms, Some(&event.time_zone));
    mutation.input_some("maxPlaces", event.max_places.map(|places| Arg::Int(places.into())));
    mutation.input_some("customFieldValues", values_arg(&event.custom_fields));
    Ok(())
}

/// The names of an event's four times, wall-clock and with an offset: classroom, learning platform, start before end.
const TIMES: [(&str, &str); 4] = [
    ("classroomStartDateTime", "timeZonedClassroomStart"),
    ("classroomEndDateTime", "timeZonedClassroomEnd"),
    ("lmsStartDateTime", "timeZonedLmsStart"),
    ("lmsEndDateTime", "timeZonedLmsEnd"),
];

fn times(mutation: &mut Mutation, classroom: [Option<DateTime>; 2], lms: [Option<DateTime>; 2], zone: Option<&str>) {
    let zone = zone.and_then(|name| TimeZone::get(name).ok());
    for (time, (name, zoned_name)) in classroom.into_iter().chain(lms).zip(TIMES) {
        let Some(time) = time else { continue };
        let zoned = zone.as_ref().and_then(|zone| zoned(time, zone));
        mutation.input_or(name, local(time), zoned.map(|arg| (zoned_name, arg)));
    }
}

/// The same time with its offset, as the newer documentation wants it.
fn zoned(time: DateTime, zone: &TimeZone) -> Option<Arg> {
    let zoned = zone.to_zoned(time).ok()?;
    Some(Arg::Quoted(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()))
}

/// A `LocalDateTime`: ISO 8601 to the second, without offset.
pub(crate) fn local(time: DateTime) -> Arg {
    Arg::Quoted(time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// An id, or null to take it away.
pub(crate) fn id_or_null(id: &Option<Id>) -> Arg {
    id.as_ref().map_or(Arg::Null, Arg::id)
}
