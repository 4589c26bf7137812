//! Locations, matched by name (FR-018).

use super::entity::Entity;
use super::matching::{Candidate, Counterpart, MatchKey, Ours, Theirs, pair};
use super::plan::{Plan, Wanted};
use super::remote;
use crate::bridges::reference as bridges;
use crate::tutorials::reference::Named;

/// Links each location with the one of ours that has its name.
pub fn plan(ours: &[Named], theirs: Vec<remote::Location>, rows: &[bridges::Location]) -> Plan<bridges::Location> {
    let pairing = pair(candidates(ours), theirs.iter().map(counterpart).collect());
    let wanted = theirs.into_iter().map(|location| Wanted {
        name: location.name,
        row: bridges::Location {
            external_id: location.external_id,
            legacy_id: location.legacy_id,
            tutorial_location_id: None,
        },
    });
    Plan::between(Entity::Locations, wanted.collect(), rows, pairing)
}

/// Ours by their name alone.
pub(super) fn candidates(ours: &[Named]) -> Vec<Candidate> {
    let candidate = |one: &Named| Candidate { record: Ours::new(one.id, &one.name), key: MatchKey::of(&one.name) };
    ours.iter().map(candidate).collect()
}

fn counterpart(location: &remote::Location) -> Counterpart {
    Counterpart { record: Theirs::new(&location.external_id, &location.name), key: MatchKey::of(&location.name) }
}
