//! Creations whose outcome may stay unknown: stored before they are sent, and not sent again while Administrate may still
//! carry out the first.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{DeliveryError, DeliveryWorker};
use crate::backoff;
use crate::outbox::OutboxItem;

/// For how many HTTP timeouts Administrate may still carry out a creation that was not answered.
const IN_FLIGHT_TIMEOUTS: u32 = 7;

impl DeliveryWorker {
    /// Fails while Administrate may still carry out an earlier creation, although none was found.
    pub(super) fn wait_for_in_flight(&self, item: &OutboxItem) -> Result<(), DeliveryError> {
        let remaining = Duration::from_secs_f64(item.in_flight_seconds.map_or(0.0, |seconds| seconds.max(0.0)));
        if remaining.is_zero() {
            return Ok(());
        }
        let interval = self.timeout() * 2;
        let min_delay = if remaining > interval * 2 { interval } else { remaining };
        let reason =
            "the outcome of a creation is unknown and Administrate may still carry it out; it is looked for again";
        Err(DeliveryError::Retryable { reason: reason.into(), outage: false, refused: false, min_delay })
    }

    /// Sends a creation after storing `creation_key`, by which the record is recognised.
    ///
    /// After a timeout Administrate may still carry it out: it is then looked for several times before it is sent again.
    pub(super) async fn send_creation<T>(
        &self,
        item: &OutboxItem,
        creation_key: &impl Serialize,
        create: impl Future<Output = Result<T, administrate::Error>> + Send,
    ) -> Result<T, DeliveryError> {
        let timeout = self.timeout();
        let in_flight = backoff::in_flight_window(self.config.retry_base_ms).min(timeout);
        self.claims.mark_in_doubt(item, creation_key, in_flight).await?;
        if !self.claims.holds_lock(item).await {
            return Err(DeliveryError::retryable(
                "the database connection that guards this item against other workers broke",
            ));
        }
        let started = Instant::now();
        let error = match create.await {
            Ok(created) => return Ok(created),
            Err(error) => error,
        };
        if !error.is_in_doubt() {
            self.claims.clear_in_flight(item).await?;
        }
        match DeliveryError::from(error) {
            DeliveryError::Retryable { reason, outage, refused, .. } if started.elapsed() >= timeout => {
                self.claims.extend_in_flight(item, timeout * IN_FLIGHT_TIMEOUTS).await?;
                Err(DeliveryError::Retryable { reason, outage, refused, min_delay: timeout })
            }
            error => Err(error),
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.config.http_timeout_ms)
    }
}
