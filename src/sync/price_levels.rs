//! Price levels: Administrate's own, nothing of ours to match (FR-008).

use super::entity::Entity;
use super::matching::Pairing;
use super::plan::{Plan, Wanted};
use super::remote;
use crate::bridges::reference as bridges;

/// Keeps each price level as Administrate has it.
pub fn plan(theirs: Vec<remote::PriceLevel>, rows: &[bridges::PriceLevel]) -> Plan<bridges::PriceLevel> {
    let wanted = theirs.into_iter().map(|level| Wanted {
        name: level.name.clone(),
        row: bridges::PriceLevel { external_id: level.external_id, name: level.name, description: level.description },
    });
    Plan::between(Entity::PriceLevels, wanted.collect(), rows, Pairing::default())
}
