//! Background workers that `serve` supervises: a worker that panics or ends is started again with backoff.
//!
//! An outage is logged once, when it begins. [`Workers::statuses`] reports every worker with its state.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::Serialize;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause before the first restart. It doubles with every restart.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A worker that ran for this long counts as recovered.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// Whether a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    Running,
    /// It ended unexpectedly and starts again after a pause.
    Restarting,
}

/// The state of a worker since a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerStatus {
    pub name: &'static str,
    pub state: WorkerState,
    /// RFC 3339.
    pub since: Timestamp,
    /// How often it was started again.
    pub restarts: u64,
}

/// The supervised workers of a process. Clones share them.
#[derive(Clone, Debug)]
pub struct Workers {
    stop: CancellationToken,
    first_pause: Duration,
    statuses: Arc<Mutex<Vec<WorkerStatus>>>,
    supervisors: Arc<Mutex<JoinSet<()>>>,
}

impl Workers {
    /// Creates a supervisor without workers. Workers end when `stop` is cancelled.
    pub fn new(stop: &CancellationToken) -> Workers {
        Workers { stop: stop.clone(), first_pause: FIRST_PAUSE, statuses: Arc::default(), supervisors: Arc::default() }
    }

    /// Starts a worker. `work` is called for every start.
    pub fn spawn<F, W>(&self, name: &'static str, work: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: Fn() -> F + Send + 'static,
    {
        let status = WorkerStatus { name, state: WorkerState::Running, since: now(), restarts: 0 };
        lock(&self.statuses).push(status);
        let workers = self.clone();
        lock(&self.supervisors).spawn(async move { workers.supervise(name, work).await });
    }

    /// Returns the state of every worker.
    pub fn statuses(&self) -> Vec<WorkerStatus> {
        lock(&self.statuses).clone()
    }

    /// Waits until every worker has ended. They end when they are stopped.
    pub async fn join(&self) {
        let mut supervisors = std::mem::take(&mut *lock(&self.supervisors));
        while supervisors.join_next().await.is_some() {}
    }

    async fn supervise<F, W>(&self, name: &'static str, work: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: Fn() -> F + Send + 'static,
    {
        let mut pause = self.first_pause;
        loop {
            let started = Instant::now();
            let ended = tokio::spawn(work()).await;
            if self.stop.is_cancelled() {
                return;
            }
            if started.elapsed() >= RECOVERED_AFTER {
                pause = self.first_pause;
            }
            // Later restarts of the same outage are reported by the status only.
            if pause == self.first_pause {
                tracing::error!(
                    worker = name,
                    reason = reason(ended),
                    "a background worker ended and is started again"
                );
            }
            self.set(name, WorkerState::Restarting);
            if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.set(name, WorkerState::Running);
        }
    }

    fn set(&self, name: &str, state: WorkerState) {
        for status in lock(&self.statuses).iter_mut().filter(|status| status.name == name) {
            status.restarts += u64::from(state == WorkerState::Running);
            (status.state, status.since) = (state, now());
        }
    }
}

/// Returns the time in whole seconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now)
}

fn reason(ended: Result<(), JoinError>) -> String {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(()) => "it returned".into(),
        Err(Ok(panic)) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            format!("panic: {}", message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message"))
        }
        Err(Err(error)) => error.to_string(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn workers(stop: &CancellationToken, first_pause: Duration) -> Workers {
        Workers { first_pause, ..Workers::new(stop) }
    }

    #[tokio::test]
    async fn worker_that_panics_or_returns_is_started_again() {
        let stop = CancellationToken::new();
        let workers = workers(&stop, Duration::from_millis(1));
        let (starts, token) = (Arc::new(AtomicUsize::new(0)), stop.clone());
        workers.spawn("webhooks", move || {
            let (start, token) = (starts.fetch_add(1, Ordering::SeqCst), token.clone());
            async move {
                match start {
                    0 => panic!("a made-up fault"),
                    1 => {}
                    _ => token.cancelled().await,
                }
            }
        });
        let token = stop.clone();
        workers.spawn("schedule", move || token.clone().cancelled_owned());
        while workers.statuses()[0].restarts < 2 {
            tokio::task::yield_now().await;
        }
        let statuses = workers.statuses();
        assert!(statuses.iter().all(|status| status.state == WorkerState::Running), "{statuses:?}");
        assert_eq!(statuses[1].restarts, 0);
        stop.cancel();
        workers.join().await;
        assert_eq!(workers.statuses()[0].restarts, 2, "a stopped worker is not started again");
    }

    #[tokio::test]
    async fn ended_worker_is_restarting_until_its_pause_is_over() {
        let stop = CancellationToken::new();
        let workers = workers(&stop, Duration::from_secs(3600));
        workers.spawn("webhooks", || async {});
        while workers.statuses()[0].state == WorkerState::Running {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        workers.join().await;
        assert_eq!(workers.statuses()[0].restarts, 0);
    }
}
