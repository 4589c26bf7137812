//! Creations of which nobody may see the end: noted before they are sent, and not made anew while the first can still be
//! carried out.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{DeliveryError, DeliveryWorker};
use crate::backoff;
use crate::outbox::OutboxItem;

/// For how many times the longest wait for an answer a creation that was not answered may still be carried out.
const IN_FLIGHT_TIMEOUTS: u32 = 7;

impl DeliveryWorker {
    /// Not found is not the same as not made, as long as a creation may still be carried out.
    pub(super) fn wait_for_in_flight(&self, item: &OutboxItem) -> Result<(), DeliveryError> {
        let rest = Duration::from_secs_f64(item.late_seconds.unwrap_or_default().max(0.0));
        if rest.is_zero() {
            return Ok(());
        }
        let soon = self.timeout() * 2;
        let at_least = if rest > soon * 2 { soon } else { rest };
        let why = "nobody saw the end of a creation that Administrate may still carry out; it is looked for again";
        Err(DeliveryError::Retryable { why: why.into(), outage: false, said_no: false, at_least })
    }

    /// Sends a creation, `sent` telling with what. One that took all the time it may take can still be carried out: nobody
    /// creates it anew before it was looked for again and again.
    pub(super) async fn send_creation<T>(
        &self,
        item: &OutboxItem,
        sent: &impl Serialize,
        create: impl Future<Output = Result<T, administrate::Error>> + Send,
    ) -> Result<T, DeliveryError> {
        let timeout = self.timeout();
        let under_way = backoff::in_flight_window(self.config.retry_base_ms).min(timeout);
        self.claims.mark_in_doubt(item, sent, under_way).await?;
        if !self.claims.holds_lock(item).await {
            return Err(DeliveryError::later("the connection that keeps other workers away broke"));
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
            DeliveryError::Retryable { why, outage, said_no, .. } if started.elapsed() >= timeout => {
                self.claims.extend_in_flight(item, timeout * IN_FLIGHT_TIMEOUTS).await?;
                Err(DeliveryError::Retryable { why, outage, said_no, at_least: timeout })
            }
            trouble => Err(trouble),
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.config.http_timeout_ms)
    }
}
