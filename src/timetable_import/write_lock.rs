//! The lock under which an import plans again and writes locally, so that it sees what earlier imports have written.
//!
//! Questions to the user and delivery to Administrate happen outside the lock.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::error::Result;

/// Interval between two attempts to acquire the lock.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The lock of one import. PostgreSQL releases it when the process ends, also after a crash.
#[derive(Debug)]
pub(super) struct WriteLock(PgConnection);

impl WriteLock {
    /// Waits for the lock; `None` if `stop` is cancelled first.
    pub(super) async fn acquire(pool: &PgPool, stop: &CancellationToken) -> Result<Option<WriteLock>> {
        let mut connection = pool.acquire().await?.detach();
        let mut waited = false;
        while !store::try_write_lock(&mut connection).await? {
            if !std::mem::replace(&mut waited, true) {
                tracing::warn!("another import is writing: waiting until it has finished");
            }
            if stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(WriteLock(connection)))
    }

    /// Releases the lock for the next import.
    pub(super) async fn release(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}
