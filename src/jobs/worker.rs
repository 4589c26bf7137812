//! The worker of a queue: claims runs that no process executes, and executes one at a time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{JobHandler, JobResult, StoredJob, store};
use crate::error::{Error, Exit, Result};
use crate::runs;

/// Interval at which the worker checks for new runs and for a cancellation of the current run.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Pause after a run could not be executed or the database could not be used.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Largest part of a document that is stored when the whole cannot be.
const MAX_PART_BYTES: usize = 10_000;

/// Number of attempts after which a run is given up.
const MAX_ATTEMPTS: i32 = 3;

/// Executes the jobs of a queue until stopped. A run in progress stays open and the next process resumes it.
pub async fn run_queue<H: JobHandler>(pool: PgPool, handler: H, stop: CancellationToken) {
    let mut worker = JobWorker { pool, handler: Arc::new(handler), stop, interrupted: None };
    let mut is_outage = false;
    while !worker.stop.is_cancelled() {
        let result = worker.run_next().await;
        let pause = match &result {
            Ok(true) => Duration::ZERO,
            Ok(false) => POLL_INTERVAL,
            Err(error) => {
                // An outage is logged once.
                if !(is_outage && error.is_lost_database()) {
                    tracing::error!(%error, queue = H::QUEUE.name, "requested runs cannot be executed");
                }
                RETRY_PAUSE
            }
        };
        is_outage = result.is_err_and(|error| error.is_lost_database());
        worker.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

struct JobWorker<H> {
    pool: PgPool,
    handler: Arc<H>,
    stop: CancellationToken,
    /// The run whose attempt ended because the database was lost. The attempt does not count.
    interrupted: Option<i64>,
}

impl<H: JobHandler> JobWorker<H> {
    /// Executes the oldest run that no other process has locked; returns whether there was one.
    async fn run_next(&mut self) -> Result<bool> {
        if let Some(run) = self.interrupted {
            store::take_attempt_back(&self.pool, run).await?;
            self.interrupted = None;
        }
        for run in store::open_runs(&self.pool, H::QUEUE).await? {
            let Some(lock) = runs::lock(&self.pool, run).await? else { continue };
            let ended = self.run_job(run).await;
            if ended.as_ref().is_err_and(Error::is_lost_database) {
                self.interrupted = Some(run);
            }
            lock.release().await?;
            return ended.map(|()| true);
        }
        Ok(false)
    }

    async fn run_job(&self, run: i64) -> Result<()> {
        // Another process may have ended it between listing and locking.
        let Some(job) = store::open_job(&self.pool, run).await? else { return Ok(()) };
        let cancelled = job.cancelled;
        let job = Arc::new(job);
        let attempts = store::begin_attempt(&self.pool, run).await?;
        let result = match cancelled {
            true => self.empty_result(&job, &Error::NeedsAttention("the run was cancelled before it started".into())),
            false if attempts >= MAX_ATTEMPTS => self.given_up(&job, attempts),
            false => self.run_cancellable(job.clone()).await?,
        };
        let cancelled = store::is_cancelled(&self.pool, run).await?;
        if self.stop.is_cancelled() && !cancelled && result.exit != Exit::Done {
            store::take_attempt_back(&self.pool, run).await?;
            return runs::reopen(&mut *self.pool.acquire().await?, run).await;
        }
        if cancelled {
            self.handler.on_cancelled(run).await?;
        }
        self.finish(&job, result).await?;
        self.handler.on_finished(&job).await;
        Ok(())
    }

    /// Stores the result of a run. A document that PostgreSQL cannot store is replaced by a short one.
    async fn finish(&self, job: &StoredJob, result: JobResult) -> Result<()> {
        let JobResult { mut document, exit } = result;
        document["run_id"] = job.run.into();
        let stored = runs::finish(&mut *self.pool.acquire().await?, job.run, exit, &document).await;
        let Err(error) = stored else { return Ok(()) };
        if error.is_lost_database() {
            return Err(error);
        }
        tracing::error!(%error, run = job.run, "the document of a run cannot be stored");
        let reason = Error::Failed(format!("the run has ended, but its report is too large to be stored: {error}"));
        let mut short = self.defect(job, &reason);
        short.document["run_id"] = job.run.into();
        for key in ["counts", "delivery"] {
            if let Some(value) = document.get(key).filter(|value| value.to_string().len() <= MAX_PART_BYTES) {
                short.document[key] = value.clone();
            }
        }
        // What was done stays done: only the report is lost.
        let exit = if exit == Exit::Failed { exit } else { Exit::NeedsAttention };
        runs::finish(&mut *self.pool.acquire().await?, job.run, exit, &short.document).await
    }

    /// Returns the result of a run whose attempts all ended without a result.
    fn given_up(&self, job: &StoredJob, attempts: i32) -> JobResult {
        tracing::error!(run = job.run, attempts, "a requested run is given up");
        let reason = format!(
            "the run was given up after {attempts} attempts: each ended the program or failed inside it; the log of \
             `lectern serve` says more: change the file or report the defect"
        );
        self.defect(job, &Error::Failed(reason))
    }

    /// Returns the result of a run that failed because of a defect of the program.
    fn defect(&self, job: &StoredJob, reason: &Error) -> JobResult {
        let mut result = self.empty_result(job, reason);
        result.document["kind"] = "defect".into();
        result
    }

    /// Runs the handler and cancels it when the run is cancelled.
    async fn run_cancellable(&self, job: Arc<StoredJob>) -> Result<JobResult> {
        let cancel = self.stop.child_token();
        let (handler, task_job, token) = (self.handler.clone(), job.clone(), cancel.clone());
        let mut task = tokio::spawn(async move { handler.run(&task_job, token).await });
        let ended = loop {
            tokio::select! {
                ended = &mut task => break ended,
                () = tokio::time::sleep(POLL_INTERVAL), if !cancel.is_cancelled() => {
                    if store::is_cancelled(&self.pool, job.run).await.unwrap_or(false) {
                        cancel.cancel();
                    }
                }
            }
        };
        let result = ended.unwrap_or_else(|error| {
            tracing::error!(%error, run = job.run, "a requested run panicked");
            Err(Error::Failed("internal error of Lectern: see its log".into()))
        });
        match result {
            // The run stays open and is resumed when the database is available again.
            Err(error) if error.is_lost_database() => Err(error),
            result => Ok(result.unwrap_or_else(|error| self.empty_result(&job, &error))),
        }
    }

    /// Returns the result of a run that did nothing because of `reason`.
    fn empty_result(&self, job: &StoredJob, reason: &Error) -> JobResult {
        let mut document = self.handler.empty_document(job, reason);
        if !document.is_object() {
            document = json!({});
        }
        document["error"] = reason.without_path().into();
        JobResult { document, exit: reason.exit() }
    }
}
