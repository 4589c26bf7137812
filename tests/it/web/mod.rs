//! The pages: as plain forms over HTTP, and in a browser.

mod decisions;
mod forms;
mod lessons;
mod matching;
mod paths;
mod records;
mod search;
mod second_person;
mod timetable;
mod today;
mod visitor;
mod weight;
