//! The state of runs as pages show it: a word and a tone.

use crate::error::Exit;
use crate::jobs::{JobRun, JobState};

/// A state in a word. The tone supports it by colour and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateTag {
    /// A class of the stylesheet: `good`, `warn`, `bad`, `live` or none.
    pub tone: &'static str,
    pub word: &'static str,
}

impl StateTag {
    pub const fn new(tone: &'static str, word: &'static str) -> StateTag {
        StateTag { tone, word }
    }

    /// Returns the state of a run.
    pub fn of(run: &JobRun) -> StateTag {
        match run.state() {
            JobState::Queued => StateTag::new("live", "Waiting"),
            JobState::Running => StateTag::new("live", "Running"),
            JobState::Cancelling => StateTag::new("live", "Stopping"),
            JobState::Cancelled => StateTag::new("", "Cancelled"),
            JobState::Interrupted => StateTag::new("warn", "Interrupted"),
            JobState::Done => StateTag::of_exit(run.exit_code, run.dry_run),
        }
    }

    /// Returns the state of a run that has ended with this exit code.
    pub fn of_exit(exit: Option<i32>, is_plan: bool) -> StateTag {
        const DONE: i32 = Exit::Done as i32;
        const NEEDS_ATTENTION: i32 = Exit::NeedsAttention as i32;
        match (exit, is_plan) {
            (Some(DONE), true) => StateTag::new("good", "Planned"),
            (Some(DONE), false) => StateTag::new("good", "Done"),
            (Some(NEEDS_ATTENTION), true) => StateTag::new("warn", "Planned, look at it"),
            (Some(NEEDS_ATTENTION), false) => StateTag::new("warn", "Needs attention"),
            (None, _) => StateTag::new("live", "Running"),
            (Some(_), _) => StateTag::new("bad", "Failed"),
        }
    }
}
