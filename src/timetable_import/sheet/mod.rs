//! Writes timetable workbooks.

pub mod cli;
mod instructions;
pub mod lists;
pub mod template;
pub mod write;
