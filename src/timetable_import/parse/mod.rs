//! Rows → event blocks: which column means what, what a cell says, and which rows belong together.
//!
//! Promises: every problem of every row at once, each with its cell. Looks at the file alone; what a name refers to is
//! [`planning`](super::planning)'s.

pub mod blocks;
pub(super) mod cells;
pub mod columns;
pub mod duplicates;
#[cfg(test)]
mod format_tests;
pub mod layout;
mod session_rows;
#[cfg(test)]
mod tests;
pub mod values;
