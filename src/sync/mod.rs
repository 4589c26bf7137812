//! Matches reference data and events with Administrate and brings the bridge rows (`adm.*`) up to date.
//!
//! The sync of an entity reads both sides completely, computes a [`plan::SyncPlan`] (pure) and reports it. A dry run
//! ends after that; otherwise the plan is applied in one transaction with a constant number of statements.
//!
//! - Ambiguous matches are reported and left unlinked.
//! - A row whose record is missing in Administrate stays until it is pruned. An incomplete fetch writes nothing.
//! - A plan made right after an apply is empty. An empty plan writes nothing, not even a timestamp.
//! - Only [`create_remote`] creates records in Administrate, on request and through the outbox.
//! - In `acted.*` a sync writes only the availability of events, values accepted in [`conflicts`], and the records of
//!   `--create-local`.

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
pub mod pages;
mod pipeline;
pub mod plan;
pub mod remote;
pub mod report;
pub mod run;
pub mod schedule;
pub mod stored_plans;
pub mod undo;

#[cfg(test)]
mod tests;

pub use entities::events::single::{ApplyContext, ApplyOutcome, apply_remote_event};
pub use entity::Entity;
pub use options::SyncOptions;
pub use report::{Report, Summary};
pub use run::SyncRun;
