//! Reading events with their sessions and staff.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::id::{Id, sort_by_number};
use crate::moment::Moment;
use crate::ops::custom_fields::{CUSTOM_FIELDS_SELECTION, read_custom_fields};
use crate::ops::staff::StaffMember;
use crate::paging::{Connection, NestedConnection};
use crate::schema::document::{Arg, Document};

/// An event in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Event {
    /// Global id (its decoded type is `Course`).
    pub id: Id,
    /// The numeric part of the id, if the response contains it.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub legacy_id: Option<String>,
    /// Title, which matches the local event's code. Not unique in Administrate.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub title: String,
    /// `draft`, `published` or `cancelled`, in lower case.
    #[serde(default, rename(deserialize = "lifecycleState"), deserialize_with = "crate::lenient::lowercase")]
    pub lifecycle: Option<String>,
    /// The course template.
    #[serde(default)]
    pub course_template: Option<EventCourseTemplate>,
    /// Start: wall-clock in `time_zone` unless received with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub start: Option<Moment>,
    /// End: wall-clock like `start`.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub end: Option<Moment>,
    /// Start with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub time_zoned_start: Option<Moment>,
    /// End with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub time_zoned_end: Option<Moment>,
    /// Start in the classroom.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub classroom_start: Option<Moment>,
    /// End in the classroom.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub classroom_end: Option<Moment>,
    /// Start of access to the learning platform.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub lms_start: Option<Moment>,
    /// End of access to the learning platform.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub lms_end: Option<Moment>,
    /// IANA name of the zone.
    #[serde(default, rename(deserialize = "timeZoneName"), deserialize_with = "crate::lenient::optional_text")]
    pub time_zone: Option<String>,
    /// Whether bookings are closed.
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub is_sold_out: Option<bool>,
    /// Number of places; none means unlimited.
    #[serde(default, deserialize_with = "crate::lenient::integer")]
    pub max_places: Option<i64>,
    /// Places still free.
    #[serde(default, deserialize_with = "crate::lenient::integer")]
    pub remaining_places: Option<i64>,
    /// Its location.
    #[serde(default, rename(deserialize = "location"), deserialize_with = "crate::lenient::object_id")]
    pub location_id: Option<Id>,
    /// Its venue; none also if the tenant's API does not expose it.
    #[serde(default, rename(deserialize = "venue"), deserialize_with = "crate::lenient::object_id")]
    pub venue_id: Option<Id>,
    /// Values of custom fields by definition key.
    #[serde(default, rename(deserialize = "customFieldValues"), deserialize_with = "read_custom_fields")]
    pub custom_fields: BTreeMap<Id, String>,
    /// All its sessions, in the order of their creation.
    #[serde(default, deserialize_with = "crate::lenient::list")]
    pub sessions: Vec<Session>,
    /// All its staff.
    #[serde(default, deserialize_with = "crate::lenient::list")]
    pub staff: Vec<StaffMember>,
}

/// An event of a list that cannot be read, e.g. because of an impossible date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableEvent {
    /// Global id.
    pub id: Id,
    /// Title, as far as it can be read.
    pub title: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// An event of a list, or why it cannot be read. Only an event without id fails the list.
#[derive(Debug)]
struct ListedEvent(Result<Event, UnreadableEvent>);

impl<'de> Deserialize<'de> for ListedEvent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let reason = match Event::deserialize(&value) {
            Ok(event) => return Ok(ListedEvent(Ok(event))),
            Err(error) => error.to_string(),
        };
        let id = value.get("id").and_then(|id| Id::deserialize(id).ok());
        let id = id.ok_or_else(|| serde::de::Error::custom(&reason))?;
        let title = value.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(ListedEvent(Err(UnreadableEvent { id, title, reason })))
    }
}

/// The course template of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCourseTemplate {
    /// Global id.
    pub id: Id,
    /// Code.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub code: Option<String>,
}

/// A session in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Session {
    /// Global id.
    pub id: Id,
    /// The numeric part of the id, if the response contains it.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub legacy_id: Option<String>,
    /// Title.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub title: String,
    /// `draft`, `published` or `cancelled`, in lower case.
    #[serde(default, rename(deserialize = "lifecycleState"), deserialize_with = "crate::lenient::lowercase")]
    pub lifecycle: Option<String>,
    /// Start: wall-clock in the event's zone unless received with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub start: Option<Moment>,
    /// End: wall-clock like `start`.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub end: Option<Moment>,
    /// Start with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub time_zoned_start: Option<Moment>,
    /// End with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub time_zoned_end: Option<Moment>,
    /// Its location; none means the event's.
    #[serde(default, rename(deserialize = "location"), deserialize_with = "crate::lenient::object_id")]
    pub location_id: Option<Id>,
    /// Its venue; none means the event's.
    #[serde(default, rename(deserialize = "venue"), deserialize_with = "crate::lenient::object_id")]
    pub venue_id: Option<Id>,
    /// Values of custom fields by definition key; empty unless read by [`Client::event`].
    #[serde(default, rename(deserialize = "customFieldValues"), deserialize_with = "read_custom_fields")]
    pub custom_fields: BTreeMap<Id, String>,
    /// Its staff; empty unless read by [`Client::event`].
    #[serde(default, deserialize_with = "crate::lenient::list")]
    pub staff: Vec<StaffMember>,
}

impl Event {
    /// Returns the zone of its wall-clock times; `fallback` if it has none or an unknown one.
    pub fn zone(&self, fallback: &TimeZone) -> TimeZone {
        let named = self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        named.unwrap_or_else(|| fallback.clone())
    }

    /// Returns the instant at which it starts.
    pub fn starts_at(&self, fallback: &TimeZone) -> Option<Timestamp> {
        let moment = self.time_zoned_start.or(self.start)?;
        moment.instant(&self.zone(fallback))
    }

    /// Returns the instant at which it ends.
    pub fn ends_at(&self, fallback: &TimeZone) -> Option<Timestamp> {
        let moment = self.time_zoned_end.or(self.end)?;
        moment.instant(&self.zone(fallback))
    }
}

impl Client {
    /// Returns the events with one of `titles`, in any state. Sends one request per hundred titles.
    ///
    /// Several events may have the same title. Administrate's filter may be case-sensitive, so each title is requested as
    /// written, in upper case and in lower case; the caller has to compare the titles.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent.
    pub async fn events_by_titles(&self, titles: &[&str]) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        for chunk in titles.chunks(100) {
            let spellings =
                chunk.iter().flat_map(|title| [(*title).to_owned(), title.to_uppercase(), title.to_lowercase()]);
            let mut values: Vec<String> = spellings.collect();
            values.sort_unstable();
            values.dedup();
            events.extend(self.events_where(vec![Arg::filter_in("title", values)]).await?);
        }
        events.sort_by(|a: &Event, b: &Event| a.id.cmp(&b.id));
        events.dedup_by(|a, b| a.id == b.id);
        Ok(events)
    }

    /// Returns the events with one of `ids`, with their sessions' custom fields and staff.
    ///
    /// Sends one request for each twenty: sessions in full make a larger page too heavy. Events unknown to Administrate are
    /// absent.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent.
    pub async fn events_by_ids(&self, ids: &[Id]) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        for chunk in ids.chunks(20) {
            let values = chunk.iter().map(Id::to_string).collect();
            events.extend(self.events_with(&SESSIONS_IN_FULL, vec![Arg::filter_in("id", values)]).await?);
        }
        Ok(events)
    }

    /// Returns every event in any state, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent.
    pub async fn events(&self) -> Result<Vec<Event>, Error> {
        self.events_where(vec![]).await
    }

    /// Returns every event in any state, ordered by id, and the ones that cannot be read.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent.
    pub async fn readable_events(&self) -> Result<(Vec<Event>, Vec<UnreadableEvent>), Error> {
        let (mut events, mut unreadable) = (Vec::new(), Vec::new());
        for ListedEvent(event) in self.list_with(&event_connection(&SESSIONS, vec![]), &[&SESSIONS, &STAFF]).await? {
            match event {
                Ok(event) => events.push(event),
                Err(event) => unreadable.push(event),
            }
        }
        sort_sessions(&mut events);
        Ok((events, unreadable))
    }

    async fn events_where(&self, filters: Vec<Arg>) -> Result<Vec<Event>, Error> {
        self.events_with(&SESSIONS, filters).await
    }

    async fn events_with(&self, sessions: &NestedConnection, filters: Vec<Arg>) -> Result<Vec<Event>, Error> {
        let mut events: Vec<Event> = self.list_with(&event_connection(sessions, filters), &[sessions, &STAFF]).await?;
        sort_sessions(&mut events);
        Ok(events)
    }

    /// Returns one event with its sessions' custom fields and staff; none if Administrate does not know the id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a nested list stays inconsistent.
    pub async fn event(&self, id: &Id) -> Result<Option<Event>, Error> {
        const OPERATION: &str = "node.event";
        let mut event = self.run(&|_| node_document(OPERATION, id)).await?.value;
        if event.get("id").is_none_or(Value::is_null) {
            return Ok(None);
        }
        let nested: [&NestedConnection; 2] = [&SESSIONS_IN_FULL, &STAFF];
        for nested in nested {
            self.complete_nested(nested, &mut event).await.map_err(|error| error.into_error(OPERATION))?;
        }
        let mut event = Event::deserialize(&event).map_err(|error| Error::Unreadable {
            operation: OPERATION,
            detail: error.to_string(),
            outcome: Outcome::NotApplied,
        })?;
        sort_by_number(&mut event.sessions, |session| &session.id);
        Ok(Some(event))
    }
}

fn event_connection(sessions: &NestedConnection, filters: Vec<Arg>) -> Connection {
    Connection { operation: "events", root: "events", filters, selection: event_selection(sessions) }
}

fn sort_sessions(events: &mut [Event]) {
    events.iter_mut().for_each(|event| sort_by_number(&mut event.sessions, |session| &session.id));
}

fn node_document(operation: &'static str, id: &Id) -> Document {
    Document::query(
        operation,
        "node",
        vec![("id", Arg::id(id))],
        format!("... on Event {{ {} }}", event_selection(&SESSIONS_IN_FULL)),
    )
}

/// An event's sessions with the fields that a list of events needs.
const SESSIONS: NestedConnection =
    NestedConnection { operation: "events.sessions", root: "events", field: "sessions", node: SESSION };

/// An event's sessions with their custom fields and staff, which would make a page of events too heavy.
const SESSIONS_IN_FULL: NestedConnection = NestedConnection { node: SESSION_IN_FULL, ..SESSIONS };

const STAFF: NestedConnection =
    NestedConnection { operation: "events.staff", root: "events", field: "staff", node: "id staffType contact { id }" };

macro_rules! session {
    () => {
        "id legacyId title lifecycleState start end timeZonedStart timeZonedEnd location { id } venue { id }"
    };
}

const SESSION: &str = session!();
const SESSION_IN_FULL: &str = concat!(
    session!(),
    " customFieldValues { definitionKey value definition { key } }",
    " staff(first: 100) { edges { node { id staffType contact { id } } } }"
);

fn event_selection(sessions: &NestedConnection) -> String {
    format!(
        "id legacyId title lifecycleState start end timeZonedStart timeZonedEnd classroomStart classroomEnd \
         lmsStart lmsEnd timeZoneName isSoldOut maxPlaces remainingPlaces courseTemplate {{ id code }} \
         location {{ id }} ?venue {{ id }} {CUSTOM_FIELDS_SELECTION} {} {}",
        sessions.selection(),
        STAFF.selection()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unreadable_event_does_not_fail_its_list() {
        for (record, expected) in [
            (json!({ "id": "A", "title": "CM2-01", "start": "2026-02-01T09:00:00" }), Some(true)),
            (json!({ "id": "A", "title": "CM2-01", "lmsStart": "31 February" }), Some(false)),
            (json!({ "id": "A", "sessions": [{ "id": "B", "start": "2026-02-31T09:00:00" }] }), Some(false)),
            (json!({ "title": "CM2-01" }), None),
        ] {
            let listed = ListedEvent::deserialize(&record).ok().map(|listed| listed.0.is_ok());
            assert_eq!(listed, expected, "{record}");
        }
    }
}
