//! Reading events with their sessions and staff.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::id::{Id, by_number};
use crate::moment::Moment;
use crate::ops::custom_fields::{VALUES, read_values};
use crate::ops::staff::StaffMember;
use crate::paging::{Listing, Nested, inconsistent};
use crate::schema::document::{Arg, Document};

/// An event as Administrate has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Event {
    /// Global id (its decoded type is `Course`).
    pub id: Id,
    /// The numeric part of the id, if told.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub legacy_id: Option<String>,
    /// Title; what joins it with our event's code. Not unique in Administrate.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub title: String,
    /// `draft`, `published` or `cancelled`, lower-case.
    #[serde(default, rename(deserialize = "lifecycleState"), deserialize_with = "crate::lenient::lower")]
    pub lifecycle: Option<String>,
    /// The course template.
    #[serde(default)]
    pub course_template: Option<TemplateOfEvent>,
    /// Start: wall-clock in `time_zone` unless it came with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub start: Option<Moment>,
    /// End, likewise.
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
    /// IANA name.
    #[serde(default, rename(deserialize = "timeZoneName"), deserialize_with = "crate::lenient::maybe_text")]
    pub time_zone: Option<String>,
    /// Whether it takes no more bookings.
    #[serde(default, deserialize_with = "crate::lenient::flag")]
    pub is_sold_out: Option<bool>,
    /// Places altogether; none is without bound.
    #[serde(default, deserialize_with = "crate::lenient::number")]
    pub max_places: Option<i64>,
    /// Places still free.
    #[serde(default, deserialize_with = "crate::lenient::number")]
    pub remaining_places: Option<i64>,
    /// Its location.
    #[serde(default, rename(deserialize = "location"), deserialize_with = "crate::lenient::id_of")]
    pub location_id: Option<Id>,
    /// Its venue; none also where the tenant's API does not show it.
    #[serde(default, rename(deserialize = "venue"), deserialize_with = "crate::lenient::id_of")]
    pub venue_id: Option<Id>,
    /// Values of custom fields by definition key.
    #[serde(default, rename(deserialize = "customFieldValues"), deserialize_with = "read_values")]
    pub custom_fields: BTreeMap<Id, String>,
    /// Its sessions, complete, in the order of their making.
    #[serde(default, deserialize_with = "crate::lenient::listed")]
    pub sessions: Vec<Session>,
    /// Its staff, complete.
    #[serde(default, deserialize_with = "crate::lenient::listed")]
    pub staff: Vec<StaffMember>,
}

/// The course template of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateOfEvent {
    /// Global id.
    pub id: Id,
    /// Code.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub code: Option<String>,
}

/// A session as Administrate has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Session {
    /// Global id.
    pub id: Id,
    /// The numeric part of the id, if told.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub legacy_id: Option<String>,
    /// Title.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub title: String,
    /// `draft`, `published` or `cancelled`, lower-case.
    #[serde(default, rename(deserialize = "lifecycleState"), deserialize_with = "crate::lenient::lower")]
    pub lifecycle: Option<String>,
    /// Start: wall-clock in the event's zone unless it came with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub start: Option<Moment>,
    /// End, likewise.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub end: Option<Moment>,
    /// Start with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub time_zoned_start: Option<Moment>,
    /// End with an offset.
    #[serde(default, deserialize_with = "crate::lenient::moment")]
    pub time_zoned_end: Option<Moment>,
    /// Its location; none means the event's.
    #[serde(default, rename(deserialize = "location"), deserialize_with = "crate::lenient::id_of")]
    pub location_id: Option<Id>,
    /// Its venue; none means the event's.
    #[serde(default, rename(deserialize = "venue"), deserialize_with = "crate::lenient::id_of")]
    pub venue_id: Option<Id>,
    /// Values of custom fields by definition key; empty unless read by [`Client::event`].
    #[serde(default, rename(deserialize = "customFieldValues"), deserialize_with = "read_values")]
    pub custom_fields: BTreeMap<Id, String>,
    /// Its staff; empty unless read by [`Client::event`].
    #[serde(default, deserialize_with = "crate::lenient::listed")]
    pub staff: Vec<StaffMember>,
}

impl Event {
    /// The zone of its wall-clock times, `fallback` where it names none that is known.
    pub fn zone(&self, fallback: &TimeZone) -> TimeZone {
        let named = self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        named.unwrap_or_else(|| fallback.clone())
    }

    /// When it starts.
    pub fn starts_at(&self, fallback: &TimeZone) -> Option<Timestamp> {
        let moment = self.time_zoned_start.or(self.start)?;
        moment.instant(&self.zone(fallback))
    }

    /// When it ends.
    pub fn ends_at(&self, fallback: &TimeZone) -> Option<Timestamp> {
        let moment = self.time_zoned_end.or(self.end)?;
        moment.instant(&self.zone(fallback))
    }
}

impl Client {
    /// Events with one of `titles`, in any state; several may have the same title. One request for each hundred titles.
    ///
    /// Each title is asked as written, in upper and in lower case, because Administrate may mind the case: the caller compares.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a list stays inconsistent.
    pub async fn events_by_titles(&self, titles: &[&str]) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        for some in titles.chunks(100) {
            let spellings =
                some.iter().flat_map(|title| [(*title).to_owned(), title.to_uppercase(), title.to_lowercase()]);
            let mut values: Vec<String> = spellings.collect();
            values.sort_unstable();
            values.dedup();
            events.extend(self.events_where(vec![Arg::filter_in("title", values)]).await?);
        }
        events.sort_by(|a: &Event, b: &Event| a.id.cmp(&b.id));
        events.dedup_by(|a, b| a.id == b.id);
        Ok(events)
    }

    /// The events with one of `ids`, one request for each hundred. Ids that Administrate does not know are absent.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a list stays inconsistent.
    pub async fn events_by_ids(&self, ids: &[Id]) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        for some in ids.chunks(100) {
            let values = some.iter().map(Id::to_string).collect();
            events.extend(self.events_where(vec![Arg::filter_in("id", values)]).await?);
        }
        Ok(events)
    }

    /// Every event in any state, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a list stays inconsistent.
    pub async fn events(&self) -> Result<Vec<Event>, Error> {
        self.events_where(vec![]).await
    }

    async fn events_where(&self, filters: Vec<Arg>) -> Result<Vec<Event>, Error> {
        let listing = Listing { operation: "events", root: "events", filters, selection: event_selection(&SESSIONS) };
        let mut events: Vec<Event> = self.list_with(&listing, &[&SESSIONS, &STAFF]).await?;
        events.iter_mut().for_each(|event| by_number(&mut event.sessions, |session| &session.id));
        Ok(events)
    }

    /// One event with everything about its sessions; none where Administrate does not know the id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a nested list stays inconsistent.
    pub async fn event(&self, id: &Id) -> Result<Option<Event>, Error> {
        const OPERATION: &str = "node.event";
        let mut answer = self.run(&|_| node_document(OPERATION, id)).await?.value;
        if answer.get("id").is_none_or(Value::is_null) {
            return Ok(None);
        }
        let nested: [&Nested; 2] = [&SESSIONS_IN_FULL, &STAFF];
        for nested in nested {
            self.complete(nested, &mut answer).await.map_err(|fault| inconsistent(OPERATION, fault))?;
        }
        let mut event = Event::deserialize(&answer).map_err(|error| Error::Unreadable {
            operation: OPERATION,
            detail: error.to_string(),
            outcome: Outcome::NotDone,
        })?;
        by_number(&mut event.sessions, |session| &session.id);
        Ok(Some(event))
    }
}

fn node_document(operation: &'static str, id: &Id) -> Document {
    Document::query(
        operation,
        "node",
        vec![("id", Arg::id(id))],
        format!("... on Event {{ {} }}", event_selection(&SESSIONS_IN_FULL)),
    )
}

/// An event's sessions with what a list of events needs of them.
const SESSIONS: Nested = Nested { operation: "events.sessions", root: "events", field: "sessions", node: SESSION };

/// An event's sessions with their custom fields and staff, which would make a page of events too heavy.
const SESSIONS_IN_FULL: Nested = Nested { node: SESSION_IN_FULL, ..SESSIONS };

const STAFF: Nested =
    Nested { operation: "events.staff", root: "events", field: "staff", node: "id staffType contact { id }" };

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

fn event_selection(sessions: &Nested) -> String {
    format!(
        "id legacyId title lifecycleState start end timeZonedStart timeZonedEnd classroomStart classroomEnd \
         lmsStart lmsEnd timeZoneName isSoldOut maxPlaces remainingPlaces courseTemplate {{ id code }} \
         location {{ id }} ?venue {{ id }} {VALUES} {} {}",
        sessions.selection(),
        STAFF.selection()
    )
}
