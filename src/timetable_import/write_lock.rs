//! Imports take turns where they write here: the second plans against what the first has written. Only the writing is a
//! turn, neither what a person is asked nor what goes to Administrate.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::error::Result;

/// How often it is looked whether another import has ended its turn.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The turn of one import; it ends with its process, however sudden.
#[derive(Debug)]
pub(super) struct WriteLock(PgConnection);

impl WriteLock {
    /// Waits for the turn; none where somebody said stop meanwhile.
    pub(super) async fn acquire(pool: &PgPool, stop: &CancellationToken) -> Result<Option<WriteLock>> {
        let mut connection = pool.acquire().await?.detach();
        let mut waited = false;
        while !store::try_write_lock(&mut connection).await? {
            if !std::mem::replace(&mut waited, true) {
                tracing::warn!("another import is being written: this one waits for it");
            }
            if stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(WriteLock(connection)))
    }

    /// Lets the next one write.
    pub(super) async fn release(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}
