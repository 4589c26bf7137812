//! `lectern sync` against the simulator.

mod adopted;
pub mod conflicts;
mod create_local;
mod create_remote;
mod dry_run;
mod events;
mod failures;
mod faults;
mod links;
mod matching;
mod options;
mod places;
mod plan_files;
mod prompts;
mod stored_runs;
mod undo;
mod waiting;
