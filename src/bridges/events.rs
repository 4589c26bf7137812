//! Links, rows and baselines of events and sessions: the types and store functions that other modules use.

pub use super::baseline::{Baseline, BaselineKind, LastSeen, PublicationState};
pub use super::event_links::{EventLink, ExternalIds, PossibleDuplicate, RemoteStatus, SessionLink};
pub use super::event_rows::{EventLinkRow, RowFilter, SessionLinkRow, link_in_order};
pub use super::lifecycle::LifecycleState;
pub use super::session_match::{SessionSignature, match_sessions};
pub use super::store::baseline::{
    StoredPlaces, load_baseline, now, put_baselines, record_last_seen, save_baseline, stored_baselines, stored_places,
};
pub use super::store::event_rows::{delete_rows, known_ids, rows, upsert_rows};
pub use super::store::events::{
    confirm_link, delete_event_link, delete_session_links, external_ids, link_event, link_of, linked_elsewhere,
    linked_event, mark_sessions_missing, missing_sessions, possible_duplicates, published, record_state, remote_status,
    with_extra_sessions, withdraw_sessions, withdrawn,
};
