//! Runs on pages: their state as a word and a tone, and what forms do with them.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sqlx::PgPool;

use super::flash::Flash;
use super::problem::PageProblem;
use super::visitor::redirect;
use crate::error::Exit;
use crate::http::problem::HttpProblem;
use crate::jobs;
use crate::jobs::{Enqueued, JobRun, JobState};

/// Leads to the page of the run that a form requested, or back to the page of the form, which says why there is none.
pub fn redirect_to_run(
    enqueued: Result<Enqueued, impl Into<PageProblem>>,
    page_of: impl FnOnce(i64) -> String,
    back: &str,
) -> Response {
    match enqueued {
        Ok(Enqueued::New(run) | Enqueued::Known(run)) => Redirect::to(&page_of(run)).into_response(),
        Ok(Enqueued::KeyConflict) => redirect(back, &Flash::problem("Send the form again.")),
        Err(problem) => redirect(back, &Flash::problem(problem.into().detail)),
    }
}

/// Cancels a run, and returns what to say.
///
/// # Errors
/// 409 when the run has ended or belongs to a command.
pub async fn cancel_run(pool: &PgPool, run: i64) -> Result<String, HttpProblem> {
    match jobs::cancel(pool, run).await? {
        true => Ok("It ends before its next step.".to_owned()),
        false => Err(HttpProblem::new(StatusCode::CONFLICT, "it has ended already, or a command executes it")),
    }
}

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
