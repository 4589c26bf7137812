//! The delivery worker of `lectern serve`: carries out what comes due, until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Worker, drain};
use crate::outbox::State;

/// How often the outbox is looked at when it was empty.
const REST: Duration = Duration::from_secs(1);

/// How long nothing is tried after Administrate, or our own database, could not be used.
const REST_AFTER_OUTAGE: Duration = Duration::from_secs(15);

/// Works until stopped; an effect that is under way ends between two steps.
pub async fn work(worker: Arc<Worker>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let rest = match drain(worker.clone(), None, &stop, tell).await {
            Ok(drained) if drained.ended_early => REST_AFTER_OUTAGE,
            Ok(_) => REST,
            Err(error) => {
                tracing::error!(%error, "the delivery worker could not work");
                REST_AFTER_OUTAGE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(outcome: &super::Outcome) {
    let why = outcome.why.as_deref().unwrap_or_default();
    match outcome.state {
        State::Delivered => tracing::info!(event = outcome.subject, "delivered"),
        State::Pending => tracing::info!(event = outcome.subject, why, "not delivered yet"),
        State::Failed | State::Unknown => tracing::warn!(event = outcome.subject, why, "not delivered"),
    }
}
