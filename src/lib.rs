//! Lectern.

pub mod names;
pub mod timetable_import;
