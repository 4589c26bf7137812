//! The timetable import: creates events and sessions from a workbook, locally and in Administrate.
//!
//! Cells → values or located problems → blocks → a plan, which is a pure function of the file, the local tables and
//! the remote state → applied in transactions of whole blocks, together with the effects that deliver it.
//!
//! Guarantees: an import reports every problem of every row at once, each with its cell; a block is imported completely
//! or not at all; a dry run writes nothing. The module reads the remote state ([`remote`]) and sets approvals
//! ([`approvals`]); the delivery module does all other writes to Administrate.

pub mod api;
pub mod apply;
pub mod approvals;
pub mod cli;
pub mod corrections;
pub mod history;
pub mod job;
pub mod load;
pub mod mapping;
pub mod old_files;
pub mod options;
pub mod pages;
mod parse;
pub mod plan;
mod progress;
pub mod publish;
pub mod remote;
pub mod report;
pub mod run;
pub mod sheet;
pub mod store;
pub mod undo;
pub mod upload;
mod write_lock;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use parse::{blocks, columns, layout};
pub use plan::{inputs, remote_state};
