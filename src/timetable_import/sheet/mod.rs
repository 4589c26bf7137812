//! Writes timetable workbooks.

pub mod template;
pub mod write;
