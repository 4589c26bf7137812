//! The demo: everything at work on a machine that has nothing yet.
pub mod codes;
pub mod invented;
pub mod provider;
pub mod rehearsal;
pub mod ours;
pub mod theirs;
pub mod timetable;
pub mod workbook;
