//! Creating, changing and deleting events.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, Outcome, PayloadError};
use crate::id::{Id, sort_by_number};
use crate::lenient;
use crate::mutation::{Mutation, UpdateResult};
use crate::ops::custom_fields::{CustomFieldValue, custom_fields_arg};
use crate::paging::NestedConnection;
use crate::schema::document::Arg;

/// How an event is taught, which determines the mutation that creates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventMode {
    /// Classroom and learning platform: `createBlended`.
    Blended,
    /// Learning platform only: `createLMS`.
    Lms,
    /// Classroom only: `createClassroom`.
    Classroom,
}

impl EventMode {
    /// Returns the mutation that creates such events.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Blended => "event.createBlended",
            Self::Lms => "event.createLMS",
            Self::Classroom => "event.createClassroom",
        }
    }
}

/// Whether an event is open to the public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// Everyone may book.
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

/// A period of time, wall-clock in the event's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Start of the period.
    pub start: DateTime,
    /// End of the period.
    pub end: DateTime,
}

/// An event to be created as a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// How it is taught.
    pub mode: EventMode,
    /// The course template, whose structure determines the sessions.
    pub course_template_id: Id,
    /// Title, up to 100 characters.
    pub title: String,
    /// Public or private.
    pub event_type: EventType,
    /// Its location.
    pub location_id: Id,
    /// Its venue, if known. Not sent for LMS events.
    pub venue_id: Option<Id>,
    /// The tax type. Not sent for classroom events unless the API has the field.
    pub tax_type_id: Id,
    /// IANA name of the zone of all its times.
    pub time_zone: String,
    /// Time in the classroom. Required except for LMS events, for which it is not sent.
    pub classroom: Option<Window>,
    /// Access to the learning platform. Required except for classroom events, for which it is not sent.
    pub lms: Option<Window>,
    /// Number of places; none means unlimited. Sent for LMS events only if introspection reports the field.
    pub max_places: Option<i32>,
    /// Values of custom fields.
    pub custom_fields: Vec<CustomFieldValue>,
}

/// The result of a mutation that created an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedEvent {
    /// Global id of the event.
    pub id: Id,
    /// The numeric part of the id, if the response contains it.
    pub legacy_id: Option<String>,
    /// The sessions created from the template's structure, in the order of their creation. See `has_all_sessions`.
    pub sessions: Vec<CreatedSession>,
    /// False if the list of sessions could not be completed. The event exists: read it again.
    #[serde(rename = "sessions_are_complete")]
    pub has_all_sessions: bool,
    /// Errors that Administrate returned although it created the event.
    pub warnings: Vec<PayloadError>,
    /// Input fields that this tenant's mutation does not have: try [`Client::update_event`].
    #[serde(rename = "left_out")]
    pub unsupported_fields: Vec<&'static str>,
}

/// A session created with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct CreatedSession {
    /// Global id.
    pub id: Id,
    /// The numeric part of the id, if the response contains it.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub legacy_id: Option<String>,
}

/// Changes of an event; a field that is none stays unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventChanges {
    /// Title.
    pub title: Option<String>,
    /// Location.
    pub location_id: Option<Id>,
    /// Venue, or `Some(None)` for no venue. Not documented: sent only if introspection reports the field.
    pub venue_id: Option<Option<Id>>,
    /// IANA name of the zone.
    pub time_zone: Option<String>,
    /// `draft`, `published` or `cancelled`.
    pub lifecycle: Option<Lifecycle>,
    /// Number of places, or `Some(None)` for unlimited.
    pub max_places: Option<Option<i32>>,
    /// Whether bookings are closed.
    pub is_sold_out: Option<bool>,
    /// Start in the classroom, wall-clock in `time_zone`.
    ///
    /// None of the four times is documented. If introspection is refused they are sent until the tenant rejects one.
    pub classroom_start: Option<DateTime>,
    /// End in the classroom.
    pub classroom_end: Option<DateTime>,
    /// Start of access to the learning platform.
    pub lms_start: Option<DateTime>,
    /// End of access to the learning platform.
    pub lms_end: Option<DateTime>,
    /// Values of custom fields; other fields stay unchanged.
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
    /// Cancelled.
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
    /// As every mutation. After an error that is in doubt, check with [`Client::events_by_titles`] before a retry.
    pub async fn create_event(&self, event: &NewEvent) -> Result<CreatedEvent, Error> {
        let operation = event.mode.operation();
        let mut mutation = Mutation::new(operation, "event");
        mutation.selection = format!("id legacyId {}", CREATED_SESSIONS.selection());
        add_inputs(&mut mutation, event)?;
        let created = self.create(&mutation).await?;
        let in_doubt = |detail: String| Error::Unreadable { operation, detail, outcome: Outcome::InDoubt };
        let node = created.object;
        let (sessions, has_all_sessions) = self.created_sessions(&created.id, &node).await;
        Ok(CreatedEvent {
            legacy_id: lenient::optional_text(node.get("legacyId").cloned().unwrap_or_default())
                .map_err(|error| in_doubt(error.to_string()))?,
            id: created.id,
            sessions,
            has_all_sessions,
            warnings: created.warnings,
            unsupported_fields: created.unsupported_fields,
        })
    }

    /// Returns the sessions of a create payload, and whether they are complete after fetching the remaining pages.
    ///
    /// It never fails, because the event exists.
    async fn created_sessions(&self, event: &Id, node: &Value) -> (Vec<CreatedSession>, bool) {
        let mut parent = serde_json::json!({ "id": event, "sessions": node.get("sessions") });
        let is_complete = self.complete_nested(&CREATED_SESSIONS, &mut parent).await.is_ok();
        let nodes = lenient::nodes(&parent["sessions"]);
        let mut sessions: Vec<_> = nodes.iter().filter_map(|node| CreatedSession::deserialize(*node).ok()).collect();
        sort_by_number(&mut sessions, |session| &session.id);
        let is_complete = is_complete && sessions.len() == nodes.len() && !parent["sessions"].is_null();
        (sessions, is_complete)
    }

    /// Creates a blended event, whatever its `mode`.
    ///
    /// # Errors
    /// As [`Client::create_event`].
    pub async fn create_blended(&self, event: NewEvent) -> Result<CreatedEvent, Error> {
        let mode = EventMode::Blended;
        self.create_event(&NewEvent { mode, ..event }).await
    }

    /// Creates an LMS event, whatever its `mode`.
    ///
    /// # Errors
    /// As [`Client::create_event`].
    pub async fn create_lms(&self, event: NewEvent) -> Result<CreatedEvent, Error> {
        let mode = EventMode::Lms;
        self.create_event(&NewEvent { mode, ..event }).await
    }

    /// Creates a classroom event, whatever its `mode`.
    ///
    /// # Errors
    /// As [`Client::create_event`].
    pub async fn create_classroom(&self, event: NewEvent) -> Result<CreatedEvent, Error> {
        let mode = EventMode::Classroom;
        self.create_event(&NewEvent { mode, ..event }).await
    }

    /// Changes an event. It can be repeated safely.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn update_event(&self, event: &Id, changes: &EventChanges) -> Result<UpdateResult, Error> {
        let mut mutation = Mutation::new("event.update", "event");
        mutation.argument("eventId", Arg::id(event));
        mutation.input_if_some("title", changes.title.clone().map(Arg::Text));
        mutation.input_if_some("locationId", changes.location_id.as_ref().map(Arg::id));
        mutation.input_if_some("venueId", changes.venue_id.as_ref().map(id_or_null));
        mutation.input_if_some("timeZoneName", changes.time_zone.clone().map(Arg::Text));
        mutation.input_if_some("lifecycleState", changes.lifecycle.map(|state| Arg::name(state.name())));
        let places = changes.max_places.map(|places| places.map_or(Arg::Null, |places| Arg::Int(places.into())));
        mutation.input_if_some("maxPlaces", places);
        mutation.input_if_some("isSoldOut", changes.is_sold_out.map(Arg::Bool));
        let classroom = [changes.classroom_start, changes.classroom_end];
        add_times(&mut mutation, classroom, [changes.lms_start, changes.lms_end], changes.time_zone.as_deref());
        mutation.input_if_some("customFieldValues", custom_fields_arg(&changes.custom_fields));
        self.write(&mutation).await
    }

    /// Deletes events permanently.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn delete_events(&self, events: &[Id]) -> Result<UpdateResult, Error> {
        let mut mutation = Mutation::new("event.delete", "");
        mutation.input("eventIds", Arg::Ids(events.iter().map(Id::to_string).collect()));
        self.write(&mutation).await
    }
}

const CREATED_SESSIONS: NestedConnection =
    NestedConnection { operation: "events.sessions", root: "events", field: "sessions", node: "id legacyId" };

fn add_inputs(mutation: &mut Mutation, event: &NewEvent) -> Result<(), Error> {
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
    mutation.input_if_some("venueId", event.venue_id.as_ref().filter(|_| !is_lms).map(Arg::id));
    mutation.input_if_supported("taxType", Arg::id(&event.tax_type_id));
    mutation.input("timeZoneName", Arg::Text(event.time_zone.clone()));
    let bounds = |window: Option<Window>| [window.map(|window| window.start), window.map(|window| window.end)];
    let classroom = bounds(event.classroom.filter(|_| !is_lms));
    let lms = bounds(event.lms.filter(|_| !is_classroom));
    add_times(mutation, classroom, lms, Some(&event.time_zone));
    mutation.input_if_some("maxPlaces", event.max_places.map(|places| Arg::Int(places.into())));
    mutation.input_if_some("customFieldValues", custom_fields_arg(&event.custom_fields));
    Ok(())
}

/// The input names of an event's times, wall-clock and with an offset: classroom, then learning platform; start, then end.
const TIMES: [(&str, &str); 4] = [
    ("classroomStartDateTime", "timeZonedClassroomStart"),
    ("classroomEndDateTime", "timeZonedClassroomEnd"),
    ("lmsStartDateTime", "timeZonedLmsStart"),
    ("lmsEndDateTime", "timeZonedLmsEnd"),
];

fn add_times(
    mutation: &mut Mutation,
    classroom: [Option<DateTime>; 2],
    lms: [Option<DateTime>; 2],
    zone: Option<&str>,
) {
    let zone = zone.and_then(|name| TimeZone::get(name).ok());
    for (time, (name, zoned_name)) in classroom.into_iter().chain(lms).zip(TIMES) {
        let Some(time) = time else { continue };
        let zoned = zone.as_ref().and_then(|zone| zoned_literal(time, zone));
        mutation.input_with_fallback(name, local_literal(time), zoned.map(|arg| (zoned_name, arg)));
    }
}

/// Returns the time with its offset, as the newer documentation requires.
fn zoned_literal(time: DateTime, zone: &TimeZone) -> Option<Arg> {
    let zoned = zone.to_zoned(time).ok()?;
    Some(Arg::Literal(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()))
}

/// Returns a `LocalDateTime`: ISO 8601 to the second, without offset.
pub(crate) fn local_literal(time: DateTime) -> Arg {
    Arg::Literal(time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// Returns an id, or null to clear the field.
pub(crate) fn id_or_null(id: &Option<Id>) -> Arg {
    id.as_ref().map_or(Arg::Null, Arg::id)
}
