//! Delivers many items at once, within the rate limit, until none is due or the caller cancels.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outcome::DeliveryOutcome;
use super::worker::DeliveryWorker;
use crate::bridges::deliverable::request_waiting;
use crate::error::{Error, Result};
use crate::outbox;

/// Number of rounds after which a drain leaves failed items to a later drain.
const MAX_ROUNDS: u32 = 5;

/// Longest delay before a retry for which a drain waits.
const MAX_INLINE_DELAY: Duration = Duration::from_secs(90);

/// How long a running step may take after a cancellation; then it is abandoned as after a crash. Service managers tend to
/// kill a program ten seconds after the stop signal.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// After how long the user is informed that another process is being waited for.
const NOTICE_DELAY: Duration = Duration::from_secs(5);

/// Time between two checks whether other workers have finished their items.
const PEER_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Called after every attempt.
type OnOutcome = Arc<dyn Fn(&DeliveryOutcome) + Send + Sync>;

/// The result of a drain.
#[derive(Debug, Default)]
pub struct DrainReport {
    /// The last outcome of each item, in no particular order.
    pub outcomes: Vec<DeliveryOutcome>,
    /// Whether it ended early: it was cancelled, or Administrate could not be used at all.
    pub ended_early: bool,
}

/// Delivers all due items, only of `run` if one is given, `delivery.parallel` items at once.
///
/// Items that can be retried soon are tried again a few times with growing delays. `on_outcome` is called after every
/// attempt. With a run, the drain also waits for items of it that other workers have claimed.
pub async fn drain(
    worker: Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    on_outcome: impl Fn(&DeliveryOutcome) + Send + Sync + 'static,
) -> Result<DrainReport> {
    let on_outcome: OnOutcome = Arc::new(on_outcome);
    if run.is_none() {
        request_waiting(&worker.pool).await?;
    }
    let mut report = drain_with_retries(&worker, run, stop, &on_outcome).await?;
    if run.is_some() {
        wait_for_others(&worker, run, stop, &on_outcome, &mut report).await?;
    }
    Ok(report)
}

/// Delivers all due items like [`drain`] and waits for those that other workers have claimed.
pub async fn drain_all(
    worker: Arc<DeliveryWorker>,
    stop: &CancellationToken,
    on_outcome: impl Fn(&DeliveryOutcome) + Send + Sync + 'static,
) -> Result<DrainReport> {
    let on_outcome: OnOutcome = Arc::new(on_outcome);
    request_waiting(&worker.pool).await?;
    let mut report = drain_with_retries(&worker, None, stop, &on_outcome).await?;
    wait_for_others(&worker, None, stop, &on_outcome, &mut report).await?;
    Ok(report)
}

async fn drain_with_retries(
    worker: &Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    on_outcome: &OnOutcome,
) -> Result<DrainReport> {
    let mut report = DrainReport::default();
    for attempt in 1..=MAX_ROUNDS {
        let round = one_round(worker, run, stop, on_outcome).await?;
        let delay = round.outcomes.iter().filter_map(|outcome| outcome.retry_in).max();
        report.absorb(round);
        let Some(delay) = delay.filter(|delay| *delay <= MAX_INLINE_DELAY && attempt < MAX_ROUNDS) else { break };
        if report.ended_early {
            break;
        }
        report.ended_early = !sleep_or_cancel(delay, stop).await;
        if report.ended_early {
            break;
        }
    }
    Ok(report)
}

/// Waits until other workers have released their items, and delivers what they leave.
async fn wait_for_others(
    worker: &Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    on_outcome: &OnOutcome,
    report: &mut DrainReport,
) -> Result<()> {
    let mut notice = WaitNotice::begin();
    while !report.ended_early && outbox::is_worked_on(&worker.pool, run).await? {
        notice.warn_once();
        if !sleep_or_cancel(PEER_POLL_INTERVAL, stop).await {
            report.ended_early = true;
            return Ok(());
        }
        report.absorb(one_round(worker, run, stop, on_outcome).await?);
    }
    Ok(())
}

/// Informs the user once when another process is waited for long.
#[derive(Debug)]
pub struct WaitNotice {
    since: Instant,
    is_shown: bool,
}

impl WaitNotice {
    /// Starts the wait now.
    pub fn begin() -> Self {
        WaitNotice { since: Instant::now(), is_shown: false }
    }

    /// Logs what is being waited for, once, after some seconds.
    pub fn warn_once(&mut self) {
        if !self.is_shown && self.since.elapsed() >= NOTICE_DELAY {
            self.is_shown = true;
            tracing::warn!("another process is delivering some of these events; waiting for it (Ctrl-C stops waiting)");
        }
    }
}

/// Waits; returns false if it was cancelled meanwhile.
async fn sleep_or_cancel(time: Duration, stop: &CancellationToken) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
}

impl DrainReport {
    /// Adds a later round, whose outcomes replace earlier ones of the same item.
    pub fn absorb(&mut self, round: DrainReport) {
        self.ended_early = round.ended_early;
        for outcome in round.outcomes {
            self.outcomes.retain(|known| known.item != outcome.item);
            self.outcomes.push(outcome);
        }
    }
}

async fn one_round(
    worker: &Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    on_outcome: &OnOutcome,
) -> Result<DrainReport> {
    // Lets one task stop the others when Administrate is down.
    let halt = stop.child_token();
    let mut tasks = JoinSet::new();
    for _ in 0..worker.config.delivery.parallel {
        tasks.spawn(drain_task(worker.clone(), run, halt.clone(), on_outcome.clone()));
    }
    let mut round = DrainReport::default();
    while let Some(task) = tasks.join_next().await {
        let outcomes = task.map_err(|error| Error::Failed(format!("a delivery was interrupted: {error}")))?;
        match outcomes {
            Ok(outcomes) => round.outcomes.extend(outcomes),
            Err(error) => {
                halt.cancel();
                while tasks.join_next().await.is_some() {}
                return Err(error);
            }
        }
    }
    round.ended_early = halt.is_cancelled();
    Ok(round)
}

async fn drain_task(
    worker: Arc<DeliveryWorker>,
    run: Option<i64>,
    halt: CancellationToken,
    on_outcome: OnOutcome,
) -> Result<Vec<DeliveryOutcome>> {
    let mut outcomes = Vec::new();
    while !halt.is_cancelled() {
        let outcome = tokio::select! {
            biased;
            outcome = worker.deliver_next(run, &halt) => outcome?,
            () = grace_period_over(&halt) => break,
        };
        let Some(outcome) = outcome else { break };
        if outcome.outage {
            halt.cancel();
        }
        on_outcome(&outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Returns [`SHUTDOWN_GRACE`] after the cancellation.
async fn grace_period_over(halt: &CancellationToken) {
    halt.cancelled().await;
    tokio::time::sleep(SHUTDOWN_GRACE).await;
}
