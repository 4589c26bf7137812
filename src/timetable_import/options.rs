//! The options of an import: the same on the command line, over HTTP and in a stored job.

use serde::{Deserialize, Serialize};

/// When an import is delivered to Administrate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMode {
    /// Before the command ends
    #[default]
    Wait,
    /// Later, by the delivery worker or `lectern outbox run`
    ///
    /// Administrate may be unreachable during the import.
    Queue,
}

/// The options of an import. The serialised names are those of stored jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOptions {
    /// Only plan: write nothing.
    pub dry_run: bool,
    /// When to deliver to Administrate.
    pub deliver: DeliveryMode,
    /// Publish the events and their sessions.
    #[serde(default)]
    pub publish: bool,
    /// Delete draft sessions that a course template created beyond the timetable's.
    #[serde(default)]
    pub delete_drafts: bool,
    /// Overwrite values that were changed in Administrate since the last import.
    #[serde(default, rename = "ours")]
    pub overwrite_remote: bool,
    /// Approve instructors in Administrate who lack an approval, instead of rejecting their events.
    #[serde(default)]
    pub approve_instructors: bool,
    /// Create instructors locally who are known only in Administrate, instead of rejecting their events.
    #[serde(default)]
    pub create_instructors: bool,
}

impl ImportOptions {
    /// Reports whether delivery is left to the worker, which then reads Administrate before it writes.
    pub fn is_queued(&self) -> bool {
        self.deliver == DeliveryMode::Queue
    }
}
