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
pub mod cli;
pub mod conflicts;
mod create_local;
pub mod create_remote;
pub mod entities;
pub mod entity;
mod entity_sync;
pub mod job;
pub mod matching;
pub mod options;
pub mod overrides;
mod pipeline;
pub mod plan;
pub mod remote;
pub mod report;
pub mod run;
pub mod schedule;
pub mod undo;

#[cfg(test)]
mod tests;

pub use entities::events::single::{ApplyOutcome, apply_remote_event};
pub use entity::Entity;
pub use options::SyncOptions;
pub use report::{Report, Summary};
pub use run::SyncRun;
