//! The pages: as plain forms over HTTP, and in a browser.

mod forms;
mod paths;
