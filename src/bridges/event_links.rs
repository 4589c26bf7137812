//! Links of local events and sessions with Administrate's (`adm.events`, `adm.sessions`).

use std::collections::BTreeMap;

use administrate::Id;

/// The external ids of an event and its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLink {
    pub external_id: Id,
    /// The sessions in Administrate's order.
    pub sessions: Vec<SessionLink>,
}

impl EventLink {
    /// Returns the link of an event whose sessions are not linked yet.
    pub fn of(external_id: Id, sessions: impl Iterator<Item = Id>) -> Self {
        let unlinked = |external_id| SessionLink { external_id, tutorial_session_id: None };
        EventLink { external_id, sessions: sessions.map(unlinked).collect() }
    }
}

/// The external id of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLink {
    pub external_id: Id,
    /// The local session; `None` for an extra one that the course template created.
    pub tutorial_session_id: Option<i64>,
}

/// What of a local event is in Administrate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoteStatus {
    /// Number of remote sessions that are linked to a local one.
    pub linked: usize,
    /// Number of remote sessions without a local one.
    pub extra: usize,
    /// Lectern has published the event.
    pub is_published: bool,
    /// Number of sessions that Lectern has published.
    pub published_sessions: usize,
    /// Lectern has cancelled the event.
    pub is_cancelled: bool,
}

/// The external ids of everything that one event refers to, by local id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalIds {
    pub templates: BTreeMap<i64, Id>,
    pub locations: BTreeMap<i64, Id>,
    pub venues: BTreeMap<i64, Id>,
    pub instructors: BTreeMap<i64, Id>,
    /// Keys of custom fields by entity type and folded label.
    pub custom_fields: BTreeMap<(String, String), Id>,
    /// Values of the event for custom fields that are no fields of it, by label, as Administrate writes them.
    pub event_values: BTreeMap<String, String>,
}

/// A local event that may exist twice in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PossibleDuplicate {
    pub tutorial_event_id: i64,
    pub code: String,
    /// The external id of the event that is linked.
    pub external_id: String,
}
