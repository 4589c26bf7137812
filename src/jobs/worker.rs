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

/// Pause after an error of the database.
const OUTAGE_PAUSE: Duration = Duration::from_secs(15);

/// Executes the jobs of a queue until stopped. A run in progress stays open and the next process resumes it.
pub async fn run_queue<H: JobHandler>(pool: PgPool, handler: H, stop: CancellationToken) {
    let worker = JobWorker { pool, handler: Arc::new(handler), stop };
    while !worker.stop.is_cancelled() {
        let pause = match worker.run_next().await {
            Ok(true) => continue,
            Ok(false) => POLL_INTERVAL,
            Err(error) => {
                tracing::error!(%error, queue = H::QUEUE.name, "requested runs cannot be executed");
                OUTAGE_PAUSE
            }
        };
        worker.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

struct JobWorker<H> {
    pool: PgPool,
    handler: Arc<H>,
    stop: CancellationToken,
}

impl<H: JobHandler> JobWorker<H> {
    /// Executes the oldest run that no other process has locked; returns whether there was one.
    async fn run_next(&self) -> Result<bool> {
        for run in store::open_runs(&self.pool, H::QUEUE).await? {
            let Some(lock) = runs::lock(&self.pool, run).await? else { continue };
            let ended = self.run_job(run).await;
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
        let JobResult { mut document, exit } = match cancelled {
            true => self.empty_result(&job, &Error::NeedsAttention("the run was cancelled before it started".into())),
            false => self.run_cancellable(job.clone()).await?,
        };
        let mut db = self.pool.acquire().await?;
        let cancelled = store::is_cancelled(&self.pool, run).await?;
        if self.stop.is_cancelled() && !cancelled && exit != Exit::Done {
            return runs::reopen(&mut db, run).await;
        }
        if cancelled {
            self.handler.on_cancelled(run).await?;
        }
        document["run_id"] = run.into();
        runs::finish(&mut db, run, exit, &document).await?;
        drop(db);
        self.handler.on_finished(&job).await;
        Ok(())
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
