//! The delivery worker: delivers one outbox item, or all that become due until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use administrate::Client;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::approval_cache::ApprovalCache;
use super::drain::drain;
use super::{DeliveryError, DeliveryOutcome};
use crate::backoff;
use crate::config::Config;
use crate::error::Result;
use crate::outbox::{Claims, DeliveryState, OutboxItem};

/// Time between two looks into an empty outbox.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Delivers outbox items, one or many at a time.
#[derive(Debug)]
pub struct DeliveryWorker {
    pub(super) pool: PgPool,
    pub(super) client: Client,
    pub(super) config: Config,
    pub(super) claims: Claims,
    pub(super) approvals: ApprovalCache,
}

impl DeliveryWorker {
    /// Opens the connection that holds the worker's claims.
    pub async fn new(pool: &PgPool, client: Client, config: &Config) -> Result<DeliveryWorker> {
        let claims = Claims::open(pool).await?;
        let approvals = ApprovalCache::default();
        Ok(DeliveryWorker { pool: pool.clone(), client, config: config.clone(), claims, approvals })
    }

    /// Delivers the next due item, only of `run` if one is given; returns none when no item is due. Cancelling `halt`
    /// ends the delivery between two steps.
    pub async fn deliver_next(&self, run: Option<i64>, halt: &CancellationToken) -> Result<Option<DeliveryOutcome>> {
        let Some(item) = self.claims.next(run).await? else { return Ok(None) };
        let (remarks, result) = self.deliver_item(&item, halt).await;
        let mut outcome = DeliveryOutcome {
            subject: item.subject.clone(),
            subject_id: item.subject_id,
            item: item.id,
            state: DeliveryState::Pending,
            reason: None,
            notices: remarks,
            retry_in: None,
            outage: false,
        };
        match result {
            Ok(()) => outcome.state = self.claims.delivered(&item).await?,
            Err(error) => self.record_error(&item, error, &mut outcome).await?,
        }
        Ok(Some(outcome))
    }

    /// Stores why the item was not delivered and when it is tried again.
    async fn record_error(&self, item: &OutboxItem, error: DeliveryError, outcome: &mut DeliveryOutcome) -> Result<()> {
        let base = self.config.retry_base_ms;
        let (state, delay, reason) = match error {
            DeliveryError::Retryable { reason, outage: true, .. } => {
                let delay = backoff::outage_delay(base);
                self.claims.postpone(item, delay, Some(&reason)).await?;
                (outcome.reason, outcome.retry_in, outcome.outage) = (Some(reason), Some(delay), true);
                return Ok(());
            }
            DeliveryError::Cancelled => return self.claims.postpone(item, Duration::ZERO, None).await,
            DeliveryError::Retryable { reason, min_delay, .. } => match backoff::retry_delay(item.attempts, base) {
                Some(delay) => (DeliveryState::Pending, Some(delay.max(min_delay)), reason),
                None => (DeliveryState::Failed, None, backoff::exhausted_message(reason, item.attempts)),
            },
            DeliveryError::RejectedByRemote(reason) | DeliveryError::Invalid(reason) => {
                (DeliveryState::Failed, None, reason)
            }
            DeliveryError::OutcomeUnknown(reason) => (DeliveryState::Unknown, None, reason),
            DeliveryError::Internal(error) => {
                self.claims.release(item).await?;
                return Err(error);
            }
        };
        outcome.state = self.claims.not_delivered(item, state, delay, &reason).await?;
        (outcome.reason, outcome.retry_in) = (Some(reason), delay);
        Ok(())
    }

    /// Releases all claims by closing their connection.
    pub async fn close(self) -> Result<()> {
        self.claims.close().await
    }
}

/// Delivers due items until `stop` is cancelled; an item being delivered ends between two steps.
///
/// After an error of the database or an outage of Administrate it waits and continues with a new claim connection.
pub async fn run_worker(pool: PgPool, client: Client, config: Config, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = deliver_all_due(&pool, &client, &config, &stop).await {
            tracing::error!(%error, "the delivery worker failed; it starts again after a pause");
        }
        tokio::select! {
            () = tokio::time::sleep(backoff::outage_delay(config.retry_base_ms)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Drains the outbox again and again until a drain ends early.
async fn deliver_all_due(pool: &PgPool, client: &Client, config: &Config, stop: &CancellationToken) -> Result<()> {
    let worker = Arc::new(DeliveryWorker::new(pool, client.clone(), config).await?);
    while !drain(worker.clone(), None, stop, log_outcome).await?.ended_early {
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => break,
        }
    }
    match Arc::into_inner(worker) {
        Some(worker) => worker.close().await,
        None => Ok(()),
    }
}

fn log_outcome(outcome: &DeliveryOutcome) {
    let reason = outcome.reason.as_deref().unwrap_or_default();
    match outcome.state {
        DeliveryState::Delivered => tracing::info!(event = outcome.subject, "delivered"),
        DeliveryState::Pending => tracing::info!(event = outcome.subject, reason, "not delivered yet"),
        DeliveryState::Failed | DeliveryState::Unknown => {
            tracing::warn!(event = outcome.subject, reason, "not delivered")
        }
    }
}
