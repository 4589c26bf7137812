//! When a block says again what another one says: the same records, times and values, however they are spelt, typed or
//! ordered, as a re-import of it would be no change (rules, Import).

use super::blocks::{Block, EventRow, SessionRow, VenueCell};
use crate::names::fold;

impl Block {
    /// Whether two blocks say the same, wherever they stand.
    pub fn equivalent_to(&self, other: &Self) -> bool {
        self.sessions.len() == other.sessions.len()
            && self.problems.len() == other.problems.len()
            && normalized_event(&self.event) == normalized_event(&other.event)
            && normalized_sessions(self) == normalized_sessions(other)
    }
}

/// An event's cells with every name as names are compared.
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

/// What the sessions say in the order of their days, each with what it leaves to its event.
fn normalized_sessions(block: &Block) -> Vec<SessionRow> {
    let event = &block.event;
    let said = |session: &SessionRow| {
        let location = session.location.as_ref().or(event.location.as_ref()).map(|name| fold(name));
        let at_home = location == event.location.as_deref().map(fold);
        let place = if session.venue == VenueCell::Blank && at_home { &event.venue } else { &session.venue };
        let teaching = if session.instructors.is_empty() { &event.instructors } else { &session.instructors };
        SessionRow {
            title: session.title.as_deref().map(fold),
            venue: venue(place),
            instructors: people(teaching),
            location,
            ..session.clone()
        }
    };
    let mut sessions: Vec<SessionRow> = block.sessions.iter().map(|(_, session)| said(session)).collect();
    // Those without a day are wrong and stay as they stand.
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
