//! Changing and deleting the sessions of an event.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{Mutation, UpdateResult};
use crate::ops::custom_fields::{CustomFieldValue, custom_fields_arg};
use crate::ops::event_writes::{Lifecycle, id_or_null, local_literal};
use crate::schema::document::Arg;

/// Changes of a session; a field that is none stays unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChanges {
    /// Title, up to 255 characters.
    pub title: Option<String>,
    /// Start, wall-clock in `time_zone`.
    pub start: Option<DateTime>,
    /// End, wall-clock in `time_zone`.
    pub end: Option<DateTime>,
    /// IANA name of the zone; required if `start` or `end` is given.
    pub time_zone: Option<String>,
    /// Location.
    pub location_id: Option<Id>,
    /// Venue, or `Some(None)` for no venue.
    pub venue_id: Option<Option<Id>>,
    /// `draft`, `published` or `cancelled`.
    pub lifecycle: Option<Lifecycle>,
    /// Values of custom fields; other fields stay unchanged.
    pub custom_fields: Vec<CustomFieldValue>,
}

impl Client {
    /// Changes a session. It can be repeated safely.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn update_session(&self, session: &Id, changes: &SessionChanges) -> Result<UpdateResult, Error> {
        let mut mutation = Mutation::new("session.update", "session");
        mutation.argument("sessionId", Arg::id(session));
        mutation.input_if_some("title", changes.title.clone().map(Arg::Text));
        mutation.input_if_some("start", changes.start.map(local_literal));
        mutation.input_if_some("end", changes.end.map(local_literal));
        mutation.input_if_some("timeZoneName", changes.time_zone.clone().map(Arg::Text));
        mutation.input_if_some("locationId", changes.location_id.as_ref().map(Arg::id));
        mutation.input_if_some("venueId", changes.venue_id.as_ref().map(id_or_null));
        mutation.input_if_some("lifecycleState", changes.lifecycle.map(|state| Arg::name(state.name())));
        mutation.input_if_some("customFieldValues", custom_fields_arg(&changes.custom_fields));
        self.write(&mutation).await
    }

    /// Deletes sessions permanently.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn delete_sessions(&self, sessions: &[Id]) -> Result<UpdateResult, Error> {
        let mut mutation = Mutation::new("session.delete", "");
        mutation.input("sessionIds", Arg::Ids(sessions.iter().map(Id::to_string).collect()));
        self.write(&mutation).await
    }
}
