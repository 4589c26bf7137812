//! Plans of dry runs that were requested over HTTP: exactly what was shown is applied, with the approval of a second person
//! where the settings require one.

mod store;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde::Serialize;
use sqlx::PgPool;

use super::job::{SYNCS, SyncRequest};
use super::plan::plan_file::PlanFile;
use crate::config::Config;
use crate::error::{Error, Exit, Result};
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::jobs::{self, Enqueued, JobRun};

pub use store::{approval, load, save};

/// The approval of a plan. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct PlanApproval {
    /// The login that requested the plan.
    #[serde(skip)]
    pub planned_by: Option<i64>,
    #[serde(skip)]
    pub approved_by: Option<i64>,
    /// Name of the login that approved the plan; none before.
    pub approver: Option<String>,
    pub approved_at: Option<String>,
}

/// A plan that another login than the one that requested it has to approve.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingPlan {
    pub run: i64,
    /// The entity, or `all`.
    pub subject: String,
    /// Whether it undoes a run.
    pub is_undo: bool,
    /// Name of the login that requested it; none for a token or the schedule.
    pub planned_by: Option<String>,
}

fn conflict(detail: impl Into<String>) -> HttpProblem {
    HttpProblem::new(StatusCode::CONFLICT, detail)
}

/// Returns the approval of a dry run that has a plan.
async fn approval_of(pool: &PgPool, run: &JobRun) -> Result<PlanApproval, HttpProblem> {
    let is_plan = run.dry_run && run.finished_at.is_some() && run.exit_code != Some(Exit::Failed as i32);
    let no_plan =
        || conflict(format!("run {} has no plan: request one with dry_run, and wait until it has ended", run.id));
    if !is_plan {
        return Err(no_plan());
    }
    approval(pool, run.id).await?.ok_or_else(no_plan)
}

/// Returns the plans that wait for the approval of a second person, the latest first; none where the settings require none.
pub async fn waiting(pool: &PgPool, config: &Config) -> Result<Vec<WaitingPlan>> {
    match config.sync.second_person {
        true => store::waiting(pool).await,
        false => Ok(Vec::new()),
    }
}

/// Approves a plan that another login requested.
///
/// # Errors
/// 409 for a run without a plan, 403 for a token and for the login that requested the plan.
pub async fn approve(pool: &PgPool, caller: &Caller, run: &JobRun) -> Result<PlanApproval, HttpProblem> {
    let known = approval_of(pool, run).await?;
    let forbidden = |detail: &str| Err(HttpProblem::new(StatusCode::FORBIDDEN, detail));
    let Some(login) = caller.login_id else {
        return forbidden("a token cannot approve a plan: sign in with a login of your own");
    };
    if known.planned_by == Some(login) {
        return forbidden("you requested this plan: another login has to approve it");
    }
    if known.approver.is_none() {
        store::approve(pool, run.id, login, &caller.name).await?;
    }
    approval_of(pool, run).await
}

/// Returns the request that applies a plan: all of it, or the records of `only`.
///
/// # Errors
/// 409 for a run without a plan, and for one that lacks the approval that the settings require.
pub async fn application(
    pool: &PgPool,
    config: &Config,
    caller: &Caller,
    (run, only): (&JobRun, BTreeSet<String>),
) -> Result<SyncRequest, HttpProblem> {
    let known = approval_of(pool, run).await?;
    if config.sync.second_person {
        if known.approver.is_none() {
            return Err(conflict("this plan needs the approval of another login before it can be applied"));
        }
        if caller.login_id.is_some() && caller.login_id == known.approved_by {
            return Err(conflict("you approved this plan: another login has to apply it"));
        }
    }
    let planned =
        jobs::request_of(pool, run.id).await?.ok_or_else(|| conflict("this plan was not requested over HTTP"))?;
    let planned: SyncRequest = planned.request()?;
    let is_whole = planned.undo.is_some() || !planned.create_remote.is_empty();
    if is_whole && !only.is_empty() {
        return Err(conflict(
            "a plan of creations in Administrate or of an undo is applied as a whole: leave only out",
        ));
    }
    let actor = planned.undo.map(|_| caller.name.clone());
    Ok(SyncRequest { dry_run: false, plan: Some(run.id), chosen: only, actor, ..planned })
}

/// Enqueues a sync. A plan is applied once.
///
/// # Errors
/// 409 for a plan that was applied before.
pub async fn enqueue(
    pool: &PgPool,
    caller: &Caller,
    request: &SyncRequest,
    key: Option<&str>,
) -> Result<Enqueued, HttpProblem> {
    let job = request.job()?;
    let mut transaction = pool.begin().await.map_err(Error::from)?;
    let applied = match request.plan {
        Some(plan) => jobs::applied_by(&mut transaction, plan).await?,
        None => None,
    };
    let enqueued = jobs::enqueue(&mut transaction, caller, &job, key, &[]).await?;
    if let Enqueued::New(_) = enqueued {
        // A sync that failed wrote nothing.
        if let Some((earlier, _)) = applied.filter(|(_, exit)| *exit != Some(Exit::Failed as i32)) {
            return Err(conflict(format!("this plan was applied already, by run {earlier}: plan again")));
        }
        transaction.commit().await.map_err(Error::from)?;
    }
    Ok(enqueued)
}

/// Reports whether a request may be enqueued without a plan.
///
/// # Errors
/// 409 where the settings require an approved plan.
pub fn check_direct(config: &Config, request: &SyncRequest) -> Result<(), HttpProblem> {
    match config.sync.second_person && !request.dry_run && request.plan.is_none() {
        true => Err(conflict(
            "every sync needs a plan that another login has approved ([sync] second_person): request it with dry_run",
        )),
        false => Ok(()),
    }
}

/// Finds a run of a sync.
///
/// # Errors
/// 404 when there is none.
pub async fn find_run(pool: &PgPool, run: i64) -> Result<JobRun, HttpProblem> {
    let not_found = || HttpProblem::new(StatusCode::NOT_FOUND, format!("there is no sync {run}"));
    jobs::find(pool, &SYNCS, run).await?.ok_or_else(not_found)
}

/// Returns the stored plan of a run.
///
/// # Errors
/// [`Error::Failed`] if there is none.
pub async fn plan_to_apply(pool: &PgPool, run: i64) -> Result<PlanFile> {
    let plan = load(pool, run).await?;
    plan.ok_or_else(|| Error::Failed(format!("the plan of run {run} is no longer stored: plan again")))
}
