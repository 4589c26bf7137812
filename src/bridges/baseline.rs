//! Baselines: the values that both sides had after the last successful exchange, the merge base of a three-way merge.

use administrate::{Id, Lifecycle, NewEvent};
use serde::{Deserialize, Serialize};

use super::lifecycle::LifecycleState;

/// The record that a baseline belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselineKind {
    /// An event's own fields.
    Event,
    /// The staff of a whole event.
    EventStaff,
    /// A session with its instructors.
    Session,
    /// Places and state that Administrate last reported for an event: [`LastSeen`].
    EventSeen,
    /// Whether Lectern has published or cancelled an event: [`PublicationState`].
    Publication,
}

impl BaselineKind {
    /// Returns the stored name.
    pub fn name(self) -> &'static str {
        match self {
            BaselineKind::Event => "event",
            BaselineKind::EventStaff => "event-staff",
            BaselineKind::Session => "session",
            BaselineKind::EventSeen => "event-seen",
            BaselineKind::Publication => "event-standing",
        }
    }
}

/// The values that both sides had after the last successful exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline<T> {
    #[serde(flatten)]
    pub values: T,
    /// A later write was started and its outcome is unknown: Administrate has these values or newer ones.
    #[serde(default, rename = "unsure")]
    pub uncertain: bool,
}

impl<T> Baseline<T> {
    /// Returns the values unless the outcome of a later write is unknown.
    pub fn certain(&self) -> Option<&T> {
        (!self.uncertain).then_some(&self.values)
    }
}

/// Places and state of an event as Administrate last reported them, in a webhook or a response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    pub lifecycle: Option<LifecycleState>,
    pub sold_out: Option<bool>,
    pub max_places: Option<i64>,
    pub remaining: Option<i64>,
}

/// Whether Lectern has published or cancelled an event in Administrate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationState {
    /// The state that Lectern last set; `None` until it changes the state.
    pub state: Option<Lifecycle>,
    /// Sessions that Lectern has published.
    pub published_sessions: Vec<Id>,
    /// The event was in Administrate before Lectern linked it, so Lectern must not delete it.
    #[serde(rename = "found_there")]
    pub existed_before: bool,
    /// The event was published when Lectern cancelled it.
    #[serde(default)]
    pub was_published: bool,
    /// The event was created after a creation whose outcome is unknown: a second one may appear.
    #[serde(default, rename = "made_in_doubt")]
    pub created_in_doubt: bool,
}

/// The stored baseline of one local event or session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineRow<S> {
    /// An event's own fields.
    Event(Box<NewEvent>),
    /// A session's sequence, external id and values.
    Session(i32, Id, S),
}
