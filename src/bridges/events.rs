//! The links of events and sessions (`adm.events`, `adm.sessions`) and the values on which both sides last agreed.

use std::collections::BTreeMap;

use administrate::{Id, Lifecycle};
use serde::{Deserialize, Serialize};

pub use super::baseline::{load_baseline, now, put_baselines, record_last_seen, save_baseline, stored_baselines};
pub use super::event_rows::{
    EventLinkRow, RowFilter, SessionLinkRow, delete_rows, known_ids, pair_in_order, rows, upsert_rows,
};
pub use super::session_match::{SessionSignature, match_sessions};
pub use crate::bridges::store::events::{
    confirm_link, delete_event_link, delete_session_links, external_ids, link_event, link_of, linked_elsewhere,
    linked_event, mark_sessions_missing, missing_sessions, possible_duplicates, published, record_state, remote_status,
    with_extra_sessions, withdraw_sessions, withdrawn,
};

/// An event's link: Administrate's id of it and of its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLink {
    /// Administrate's id of the event.
    pub external_id: Id,
    /// Its sessions there, in their order.
    pub sessions: Vec<SessionLink>,
}

impl EventLink {
    /// The link of an event whose sessions are not paired with ours yet.
    pub fn of(external_id: Id, sessions: impl Iterator<Item = Id>) -> Self {
        let unpaired = |external_id| SessionLink { external_id, tutorial_session_id: None };
        EventLink { external_id, sessions: sessions.map(unpaired).collect() }
    }
}

/// A session's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLink {
    /// Administrate's id of the session.
    pub external_id: Id,
    /// Our session; none for one that the template made beyond ours.
    pub tutorial_session_id: Option<i64>,
}

/// How far an event of ours has come to be in Administrate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoteStatus {
    /// Its sessions that are paired with ours.
    pub paired: usize,
    /// Its sessions beyond ours.
    pub spare: usize,
    /// Whether we have published it.
    pub is_published: bool,
    /// How many of its sessions we have published.
    pub published_sessions: usize,
    /// Whether we have called it off.
    pub is_cancelled: bool,
}

/// What the references of one event are called in Administrate: our ids to theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalIds {
    /// Course templates.
    pub templates: BTreeMap<i64, Id>,
    /// Locations.
    pub locations: BTreeMap<i64, Id>,
    /// Venues.
    pub venues: BTreeMap<i64, Id>,
    /// Instructors.
    pub instructors: BTreeMap<i64, Id>,
    /// Keys of custom fields by (entity type, folded label).
    pub custom_fields: BTreeMap<(String, String), Id>,
}

/// What we know by which values both sides last agreed: the kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselineKind {
    /// An event's own fields.
    Event,
    /// Who is named for the whole event.
    EventStaff,
    /// A session with its instructors.
    Session,
    /// What Administrate last said of an event's places and state: [`Seen`].
    EventSeen,
    /// How far an event is published or called off: [`Standing`].
    Standing,
}

/// What both sides last agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline<T> {
    /// The values.
    #[serde(flatten)]
    pub values: T,
    /// A write was begun after it and nobody has seen how it ended: Administrate may have these values or newer ones.
    #[serde(default)]
    pub unsure: bool,
}

impl<T> Baseline<T> {
    /// The values, where both sides certainly have them.
    pub fn certain(&self) -> Option<&T> {
        (!self.unsure).then_some(&self.values)
    }
}

/// What Administrate last said of an event, by itself or when it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// `draft`, `published` or `cancelled`, lower-case.
    pub lifecycle: Option<String>,
    /// Whether it takes no more bookings.
    pub sold_out: Option<bool>,
    /// Places altogether.
    pub max_places: Option<i64>,
    /// Places still free.
    pub remaining: Option<i64>,
}

/// How far an event is published or called off there, by us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationState {
    /// The event's state, none as long as we have not changed it.
    pub state: Option<Lifecycle>,
    /// Its sessions that we have published.
    pub published_sessions: Vec<Id>,
    /// It stood there before we wanted it: it is not ours to take away.
    pub found_there: bool,
    /// It was published when we called it off.
    #[serde(default)]
    pub was_published: bool,
    /// It was made after a creation of which nobody saw the end: there may come to be a second one.
    #[serde(default)]
    pub made_in_doubt: bool,
}

/// An event of ours of which there may be a second one in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PossibleDuplicate {
    /// Our id.
    pub tutorial_event_id: i64,
    /// Its code.
    pub code: String,
    /// Administrate's id of the one that is linked.
    pub external_id: String,
}

impl BaselineKind {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            BaselineKind::Event => "event",
            BaselineKind::EventStaff => "event-staff",
            BaselineKind::Session => "session",
            BaselineKind::EventSeen => "event-seen",
            BaselineKind::Standing => "event-standing",
        }
    }
}
