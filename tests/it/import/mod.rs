//! `lectern import` against the simulator.

mod approvals;
mod concurrency;
mod conflicts;
mod errors;
mod options;
mod outside_texts;
mod prompt;
mod request_count;
mod resume;
mod run;
