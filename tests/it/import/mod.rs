//! `lectern import` against the simulator.

mod approvals;
mod concurrency;
mod conflicts;
mod documents;
mod errors;
mod options;
mod outside_texts;
mod prompt;
mod remote_changes;
mod request_count;
mod resume;
mod run;
