//! Parses the rows of a sheet into event blocks: columns, cell values, and which rows belong together.
//!
//! Reports every problem of every row at once, each with its cell. Uses only the file: the [plan](super::plan) finds
//! the records that names refer to.

pub mod blocks;
pub(super) mod cells;
pub mod columns;
#[cfg(test)]
mod dialect_tests;
pub mod duplicates;
#[cfg(test)]
mod format_tests;
pub mod layout;
mod session_rows;
#[cfg(test)]
mod tests;
