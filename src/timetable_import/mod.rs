//! The timetable import: a workbook becomes events and sessions, here and in Administrate.
//!
//! Cells → values or located problems → blocks → a plan, a pure function of (file, our tables,
//! remote facts) → applied in transactions of whole blocks, with the effects that deliver it.
//! Promises: every problem of every row at once, each with its cell; a block goes in whole or not
//! at all; a dry run writes nothing. Does not speak to Administrate, but for reading facts
//! ([`remote`]) and giving approvals ([`approving`]); all other writing there is delivery's.

pub mod api;
pub mod apply;
pub mod approvals;
pub mod cli;
pub mod history;
pub mod job;
mod load;
pub mod options;
mod parse;
pub mod plan;
pub mod problems;
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

pub use parse::{blocks, columns, layout, values};
pub use plan::{inputs, remote_state};
