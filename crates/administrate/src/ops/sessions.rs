//! Changing and deleting the sessions of an event.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{Mutation, Written};
use crate::ops::custom_fields::{CustomFieldValue, values_arg};
use crate::ops::event_writes::{Lifecycle, id_or_null, local};
use crate::schema::document::Arg;

/// Changes of a session; what is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChanges {
    /// Title, up to 255 characters.
    pub title: Option<String>,
    /// Start, wall-clock in `time_zone`.
    pub start: Option<DateTime>,
    /// End, wall-clock in `time_zone`.
    pub end: Option<DateTime>,
    /// IANA name of the zone; give it with every time.
    pub time_zone: Option<String>,
    /// Location.
    pub location_id: Option<Id>,
    /// Venue, or `Some(None)` for no venue.
    pub venue_id: Option<Option<Id>>,
    /// `draft`, `published` or `cancelled`.
    pub lifecycle: Option<Lifecycle>,
    /// Values of custom fields; fields not named stay.
    pub custom_fields: Vec<CustomFieldValue>,
}

impl Client {
    /// Changes a session. Repeating it is harmless.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn update_session(&self, session: &Id, changes: &SessionChanges) -> Result<Written, Error> {
        let mut mutation = Mutation::new("session.update", "session");
        mutation.argument("sessionId", Arg::id(session));
        mutation.input_some("title", changes.title.clone().map(Arg::Text));
        mutation.input_some("start", changes.start.map(local));
        mutation.input_some("end", changes.end.map(local));
        mutation.input_some("timeZoneName", changes.time_zone.clone().map(Arg::Text));
        mutation.input_some("locationId", changes.location_id.as_ref().map(Arg::id));
        mutation.input_some("venueId", changes.venue_id.as_ref().map(id_or_null));
        mutation.input_some("lifecycleState", changes.lifecycle.map(|state| Arg::name(state.name())));
        mutation.input_some("customFieldValues", values_arg(&changes.custom_fields));
        self.write(&mutation).await
    }

    /// Deletes sessions for good.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn delete_sessions(&self, sessions: &[Id]) -> Result<Written, Error> {
        let mut mutation = Mutation::new("session.delete", "");
        mutation.input("sessionIds", Arg::Ids(sessions.iter().map(Id::to_string).collect()));
        self.write(&mutation).await
    }
}
