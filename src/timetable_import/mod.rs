//! The timetable import: a workbook becomes events and sessions, here and in Administrate.
//!
//! Cells → values or located problems → blocks → a plan, a pure function of (file, our tables,
//! remote facts) → applied in transactions of whole blocks, with the effects that deliver it.
//! Promises: every problem of every row at once, each with its cell; a block goes in whole or not
//! at all; a dry run writes nothing. Does not speak to Administrate, but for reading facts
//! ([`remote`]); writing there is delivery's.

pub mod annotated;
pub mod api;
pub mod apply;
pub mod archive;
pub mod blocks;
mod bookings;
mod cells;
pub mod cli;
pub mod columns;
mod differences;
pub mod facts;
pub mod importing;
pub mod layout;
mod markup;
mod number_formats;
mod opendocument;
pub mod ours;
pub mod plan;
pub mod planning;
pub mod problems;
mod references;
pub mod remote;
pub mod report;
mod resolving;
mod separated;
mod session_rows;
pub mod store;
pub mod undoing;
mod upload;
pub mod values;
pub mod workbook;
pub mod writing;
mod xlsx;
mod xml;

#[cfg(test)]
mod files_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
