//! Writes timetable workbooks.

pub mod cli;
mod instructions;
pub mod lists;
pub(crate) mod style;
pub mod template;
pub mod write;
