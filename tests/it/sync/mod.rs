//! `lectern sync` against the simulator.

mod conflicts;
mod create_local;
mod create_remote;
mod events;
mod failures;
mod faults;
mod matching;
mod options;
mod prompts;
mod stored_runs;
mod waiting;
