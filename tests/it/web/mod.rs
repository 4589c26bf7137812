//! The pages: as plain forms over HTTP, and in a browser.

mod decisions;
mod forms;
mod paths;
mod today;
mod visitor;
