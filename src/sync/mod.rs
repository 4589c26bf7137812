//! Matches reference data with Administrate and keeps the bridge rows (`adm.*`) saying what it says.
//!
//! The way of each entity: read both sides whole → [`plan`] (pure) → show it; a dry run ends here → apply it in one
//! transaction, O(1) statements. Nothing is guessed: what could be several is told and left unlinked. Nothing is lost: a
//! row whose record vanished stays unless it is pruned, and a fetch that is not whole writes nothing. A plan made right
//! after an apply is empty, and an empty plan writes nothing, not even a timestamp.
//!
//! [`creation`] alone creates in Administrate, when asked to and through the outbox.
//!
//! Does not: touch `acted.*` but for the free places of events and what [`disputes`] were decided for Administrate.

pub mod api;
mod apply;
mod by_hand;
mod choosing;
pub mod cli;
pub mod course_templates;
pub mod creation;
pub mod custom_fields;
mod deciding;
pub mod decisions;
pub mod disputes;
pub mod entity;
pub mod events;
pub mod findings;
pub mod instructors;
pub mod locations;
pub mod matching;
pub mod one_event;
pub mod options;
pub mod plan;
pub mod planned;
pub mod price_levels;
pub mod prices;
pub mod remote;
pub mod report;
pub mod run;
pub mod saved;
mod sessions;
mod storable;
mod store;
mod synced;
pub mod table;
mod taking_over;
pub mod undo;
pub mod venues;
mod way;
pub mod workbook;

#[cfg(test)]
mod tests;

pub use entity::Entity;
pub use one_event::{TakenOver, take_over};
pub use options::Options;
pub use report::{Report, Summary};
pub use run::Sync;
