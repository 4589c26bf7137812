//! The pages: as plain forms over HTTP, and in a browser.

mod decisions;
mod forms;
mod lessons;
mod paths;
mod search;
mod timetable;
mod today;
mod visitor;
