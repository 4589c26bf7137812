//! Many effects at once, within the allowance, until nothing is due or somebody says stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{DeliveryOutcome, DeliveryWorker};
use crate::error::{Error, Result};
use crate::outbox;

/// How often a drain itself tries an event again before it leaves it to a later one.
const MAX_ROUNDS: u32 = 5;

/// The longest wait for an event that is tried again.
const MAX_INLINE_DELAY: Duration = Duration::from_secs(90);

/// How long a step that is under way may take to end after somebody said stop; then it is left as after a crash. Who
/// stops programs tends to kill them after ten seconds.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// After how long somebody who waits for another process is told.
const LONG: Duration = Duration::from_secs(5);

/// How often it is looked whether another worker has ended with events of the run.
const PEER_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What became of a drain.
#[derive(Debug, Default)]
pub struct DrainReport {
    /// The last outcome of each effect, in no order.
    pub outcomes: Vec<DeliveryOutcome>,
    /// Whether it ended early: somebody said stop, or Administrate could not be used at all.
    pub ended_early: bool,
}

/// Carries out what is due, of `run` alone if one is named; each event's steps in order, `delivery.parallel` events at
/// once. What fails in passing is tried again at once with growing waits, a few times. `told` hears every outcome. Of a
/// run, what other workers had begun on is waited for.
pub async fn drain(
    worker: Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    told: impl Fn(&DeliveryOutcome) + Send + Sync + 'static,
) -> Result<DrainReport> {
    let told: Arc<dyn Fn(&DeliveryOutcome) + Send + Sync> = Arc::new(told);
    let mut drained = drain_with_retries(&worker, run, stop, &told).await?;
    if run.is_some() {
        wait_for_others(&worker, run, stop, &told, &mut drained).await?;
    }
    Ok(drained)
}

/// The same of everything that is due; what other workers have begun on, and will not leave to us, is waited for.
pub async fn drain_all(
    worker: Arc<DeliveryWorker>,
    stop: &CancellationToken,
    told: impl Fn(&DeliveryOutcome) + Send + Sync + 'static,
) -> Result<DrainReport> {
    let told: Arc<dyn Fn(&DeliveryOutcome) + Send + Sync> = Arc::new(told);
    let mut drained = drain_with_retries(&worker, None, stop, &told).await?;
    wait_for_others(&worker, None, stop, &told, &mut drained).await?;
    Ok(drained)
}

async fn drain_with_retries(
    worker: &Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    told: &Arc<dyn Fn(&DeliveryOutcome) + Send + Sync>,
) -> Result<DrainReport> {
    let mut drained = DrainReport::default();
    for attempt in 1..=MAX_ROUNDS {
        let round = one_round(worker, run, stop, told).await?;
        let wait = round.outcomes.iter().filter_map(|outcome| outcome.retry_in).max();
        drained.absorb(round);
        let Some(wait) = wait.filter(|wait| *wait <= MAX_INLINE_DELAY && attempt < MAX_ROUNDS) else { break };
        if drained.ended_early {
            break;
        }
        drained.ended_early = !sleep_or_cancel(wait, stop).await;
        if drained.ended_early {
            break;
        }
    }
    Ok(drained)
}

/// A worker that had already begun on events, when we came, ends with them first.
async fn wait_for_others(
    worker: &Arc<DeliveryWorker>,
    run: Option<i64>,
    stop: &CancellationToken,
    told: &Arc<dyn Fn(&DeliveryOutcome) + Send + Sync>,
    drained: &mut DrainReport,
) -> Result<()> {
    let mut waiting = WaitNotice::begin();
    while !drained.ended_early && outbox::is_worked_on(&worker.pool, run).await? {
        waiting.tell();
        if !sleep_or_cancel(PEER_POLL_INTERVAL, stop).await {
            drained.ended_early = true;
            return Ok(());
        }
        drained.absorb(one_round(worker, run, stop, told).await?);
    }
    Ok(())
}

/// Waiting for another process; whoever waits for long is told.
#[derive(Debug)]
pub struct WaitNotice {
    since: Instant,
    is_told: bool,
}

impl WaitNotice {
    /// It begins now.
    pub fn begin() -> Self {
        WaitNotice { since: Instant::now(), is_told: false }
    }

    /// Says once for what is being waited, after some seconds.
    pub fn tell(&mut self) {
        if !self.is_told && self.since.elapsed() >= LONG {
            self.is_told = true;
            tracing::warn!(
                "another process is bringing events of this to Administrate; waiting until it has (Ctrl-C ends that)"
            );
        }
    }
}

/// Rests, unless stopped meanwhile; gives whether it could.
async fn sleep_or_cancel(time: Duration, stop: &CancellationToken) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
}

impl DrainReport {
    /// Takes in a later round; what it says of an effect counts.
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
    told: &Arc<dyn Fn(&DeliveryOutcome) + Send + Sync>,
) -> Result<DrainReport> {
    // Lets the lanes end each other when Administrate is out.
    let halt = stop.child_token();
    let mut lanes = JoinSet::new();
    for _ in 0..worker.config.delivery.parallel {
        lanes.spawn(drain_task(worker.clone(), run, halt.clone(), told.clone()));
    }
    let mut round = DrainReport::default();
    while let Some(lane) = lanes.join_next().await {
        let outcomes = lane.map_err(|error| Error::Failed(format!("a delivery was cut off: {error}")))?;
        match outcomes {
            Ok(outcomes) => round.outcomes.extend(outcomes),
            Err(error) => {
                halt.cancel();
                while lanes.join_next().await.is_some() {}
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
    told: Arc<dyn Fn(&DeliveryOutcome) + Send + Sync>,
) -> Result<Vec<DeliveryOutcome>> {
    let mut outcomes = Vec::new();
    while !halt.is_cancelled() {
        let outcome = tokio::select! {
            biased;
            outcome = worker.deliver_next(run, &halt) => outcome?,
            () = overdue(&halt) => break,
        };
        let Some(outcome) = outcome else { break };
        if outcome.outage {
            halt.cancel();
        }
        told(&outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn overdue(halt: &CancellationToken) {
    halt.cancelled().await;
    tokio::time::sleep(SHUTDOWN_GRACE).await;
}
