//! The demo: everything at work on a machine that has nothing yet.
pub mod codes;
pub mod invented;
pub mod ours;
pub mod provider;
pub mod rehearsal;
pub mod timetable;
pub mod workbook;
