//! `lectern import` against the simulator.

mod approvals;
mod concurrency;
mod conflicts;
mod errors;
mod options;
mod prompt;
mod request_count;
mod resume;
mod run;
