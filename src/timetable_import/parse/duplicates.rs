//! Compares blocks: equivalent blocks have the same records, times and values, however these are spelt or ordered.

use super::blocks::{Block, EventRow, SessionRow, VenueCell};
use crate::names::fold;

impl Block {
    /// Reports whether two blocks have the same content, in whatever rows.
    pub fn equivalent_to(&self, other: &Self) -> bool {
        self.sessions.len() == other.sessions.len()
            && self.problems.len() == other.problems.len()
            && normalized_event(&self.event) == normalized_event(&other.event)
            && normalized_sessions(self) == normalized_sessions(other)
    }
}

/// Returns an event's values with folded and sorted names.
fn normalized_event(event: &EventRow) -> EventRow {
    let folded = |text: &Option<String>| text.as_deref().map(fold);
    EventRow {
        template: folded(&event.template),
        title: folded(&event.title),
        mode_given: true,
        location: folded(&event.location),
        venue: venue(&event.venue),
        instructors: people(&event.instructors),
        administrators: people(&event.administrators),
        ..event.clone()
    }
}

/// Returns the sessions sorted by day, each with the values that it inherits from its event.
fn normalized_sessions(block: &Block) -> Vec<SessionRow> {
    let event = &block.event;
    let normalized = |session: &SessionRow| {
        let location = session.location.as_ref().or(event.location.as_ref()).map(|name| fold(name));
        let is_event_location = location == event.location.as_deref().map(fold);
        let venue_cell =
            if session.venue == VenueCell::Blank && is_event_location { &event.venue } else { &session.venue };
        let names = if session.instructors.is_empty() { &event.instructors } else { &session.instructors };
        SessionRow {
            title: session.title.as_deref().map(fold),
            venue: venue(venue_cell),
            instructors: people(names),
            location,
            ..session.clone()
        }
    };
    let mut sessions: Vec<SessionRow> = block.sessions.iter().map(|(_, session)| normalized(session)).collect();
    // Sessions without a valid day stay in file order.
    sessions.sort_by_key(|session| session.day);
    sessions
}

fn venue(venue: &VenueCell) -> VenueCell {
    match venue {
        VenueCell::Named(name) => VenueCell::Named(fold(name)),
        other => other.clone(),
    }
}

fn people(names: &[String]) -> Vec<String> {
    let mut folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
    folded.sort_unstable();
    folded
}
