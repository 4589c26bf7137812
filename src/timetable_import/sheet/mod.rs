//! Writes timetable workbooks.

mod instructions;
pub mod lists;
pub(crate) mod style;
pub mod template;
pub mod write;
