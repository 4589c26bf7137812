//! The timetable import: a workbook becomes events and sessions, here and in Administrate.
//!
//! Cells → values or located problems → blocks → a plan, a pure function of (file, our tables,
//! remote facts) → applied in transactions of whole blocks, with the effects that deliver it.
//! Promises: every problem of every row at once, each with its cell; a block goes in whole or not
//! at all; a dry run writes nothing. Does not speak to Administrate, but for reading facts
//! ([`remote`]) and giving approvals ([`approving`]); all other writing there is delivery's.

pub mod annotated;
pub mod api;
pub mod apply;
pub mod approving;
mod arrived;
pub mod cli;
pub mod importing;
pub mod kept;
mod loading;
pub mod newcomers;
pub mod plan;
pub mod planning;
pub mod problems;
pub mod publishing;
pub mod remote;
pub mod report;
mod rows;
pub mod store;
pub mod template;
mod turn;
pub mod undoing;
pub mod upload;
pub mod writing;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use planning::{facts, ours};
pub use rows::{blocks, columns, layout, values};
