//! The outbox: what must happen in Administrate after a local change has been committed.
//!
//! Guarantees: an effect is written in the transaction of its change, so that neither is lost without the other; one
//! worker at a time works on a subject, across all processes; the row of a worker that dies is free at once; an effect
//! that is requested again while it is being carried out is carried out again.
//!
//! The outbox knows no other module: the delivery worker interprets the effects.

mod item;
mod step;
mod store;

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::Mutex;

pub use store::{
    backlog, close, count, count_by_state, count_of, enqueue, escalate, is_used, is_worked_on, list, one, open_item,
    open_part, park, part, pending_in_earlier_run, purge_delivered, reassign_to_run, requeue, requeue_with_step,
    retry_now, statuses, subjects_with_effect, undelivered, undelivered_state, undelivered_subjects, unknown_ids,
};

pub use item::{DeliveryState, OutboxItem};
pub use step::DeliveryStep;

use crate::error::Result;

/// Something that must happen in Administrate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The operation, e.g. `create_event`.
    pub name: &'static str,
    /// The kind of its subject, e.g. `event`.
    pub subject_kind: &'static str,
    /// Local id of the subject.
    pub subject_id: i64,
    /// The subject's name for users, e.g. the event's code.
    pub subject: String,
    /// Whether it may exist already, so that the worker has to look in Administrate before it creates anything.
    pub check_remote_first: bool,
    /// Additional steps; they stay requested until the effect is delivered.
    pub steps: &'static [DeliveryStep],
}

/// Number of subjects in each state. An event with an undelivered step is pending or failed as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct DeliveryCounts {
    pub delivered: i64,
    pub pending: i64,
    pub failed: i64,
    pub unknown: i64,
}

/// What is not delivered.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Backlog {
    pub pending: i64,
    pub failed: i64,
    pub unknown: i64,
    /// When the oldest pending effect was requested, RFC 3339.
    pub oldest_pending: Option<String>,
    /// Seconds since the oldest next attempt was due; negative if it is in the future.
    pub longest_due: Option<f64>,
}

/// The undelivered effect of a subject.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenItem {
    pub id: i64,
    /// The operation, e.g. `create_event`.
    pub effect: String,
    pub state: DeliveryState,
    /// Whether a creation was sent whose outcome is unknown.
    pub in_doubt: bool,
}

/// The progress of the last effect of a subject.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SubjectStatus {
    /// The subject's name for users.
    pub subject: String,
    pub state: DeliveryState,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl DeliveryCounts {
    /// Adds one subject in this state.
    pub fn count(&mut self, state: DeliveryState) {
        let slot = match state {
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Pending => &mut self.pending,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Unknown => &mut self.unknown,
        };
        *slot += 1;
    }

    pub fn total(self) -> i64 {
        self.pending + self.done()
    }

    /// Returns how many are not tried again, which is what a progress bar counts.
    pub fn done(self) -> i64 {
        self.delivered + self.failed + self.unknown
    }

    /// Returns whether a subject is not delivered.
    pub fn is_open(&self) -> bool {
        self.pending + self.failed + self.unknown > 0
    }
}

/// The rows that this process works on.
///
/// Each is guarded by an advisory lock of one connection: when the process dies, PostgreSQL releases the locks at once,
/// and no lease has to expire before another worker continues.
#[derive(Debug)]
pub struct Claims {
    connection: Mutex<ClaimConnection>,
    pool: PgPool,
}

#[derive(Debug)]
struct ClaimConnection {
    connection: PgConnection,
    candidates: VecDeque<i64>,
}

impl Claims {
    /// Opens the connection that owns the locks.
    pub async fn open(pool: &PgPool) -> Result<Claims> {
        let connection = pool.acquire().await?.detach();
        let claims = ClaimConnection { connection, candidates: VecDeque::new() };
        Ok(Claims { connection: Mutex::new(claims), pool: pool.clone() })
    }

    /// Claims the next due row that no worker has claimed, only of `run` if one is given.
    pub async fn next(&self, run: Option<i64>) -> Result<Option<OutboxItem>> {
        let claims = &mut *self.connection.lock().await;
        loop {
            if claims.candidates.is_empty() {
                claims.candidates = store::due(&mut claims.connection, run).await?.into();
            }
            let Some(id) = claims.candidates.pop_front() else { return Ok(None) };
            if !store::try_lock(&mut claims.connection, id).await? {
                continue;
            }
            // Another worker may have delivered it between the listing and the locking.
            match store::begin_attempt(&mut claims.connection, id).await? {
                Some(item) => return Ok(Some(item)),
                None => store::unlock(&mut claims.connection, id).await?,
            }
        }
    }

    /// Returns whether this process still owns the row's lock. False when the connection broke, so that another worker
    /// may have claimed the row.
    pub async fn holds_lock(&self, item: &OutboxItem) -> bool {
        store::holds_lock(&mut self.connection.lock().await.connection, item.id).await.unwrap_or(false)
    }

    /// Stores, in a transaction of its own, that a creation is about to be sent with `creation_key`.
    ///
    /// The next attempt then looks in Administrate before it creates, and does not create again before `in_flight` has
    /// passed when it finds nothing.
    pub async fn mark_in_doubt(
        &self,
        item: &OutboxItem,
        creation_key: &impl Serialize,
        in_flight: Duration,
    ) -> Result<()> {
        store::mark_in_doubt(&self.pool, item.id, creation_key, in_flight.as_secs_f64()).await
    }

    /// Stores that the creation was not carried out and will not be.
    pub async fn clear_in_flight(&self, item: &OutboxItem) -> Result<()> {
        store::clear_in_flight(&self.pool, item.id).await
    }

    /// Stores that Administrate may still carry out the creation within `in_flight` from now.
    pub async fn extend_in_flight(&self, item: &OutboxItem, in_flight: Duration) -> Result<()> {
        store::extend_in_flight(&self.pool, item.id, in_flight.as_secs_f64()).await
    }

    /// Stores that the effect is delivered and releases the row. If it was requested again meanwhile, it stays pending.
    pub async fn delivered(&self, item: &OutboxItem) -> Result<DeliveryState> {
        let state = store::mark_delivered(&self.pool, item.id, item.generation).await?;
        self.release(item).await?;
        Ok(state)
    }

    /// Stores why the attempt failed and releases the row. It is tried again after `delay`, or not at all where there is
    /// none; if it was requested again meanwhile, it is due at once.
    pub async fn not_delivered(
        &self,
        item: &OutboxItem,
        state: DeliveryState,
        delay: Option<Duration>,
        reason: &str,
    ) -> Result<DeliveryState> {
        let delay = delay.map(|delay| delay.as_secs_f64());
        let state = store::mark_not_delivered(&self.pool, item.id, item.generation, state, delay, reason).await?;
        self.release(item).await?;
        Ok(state)
    }

    /// Releases a row that could not be tried for a reason outside it: the attempt does not count.
    pub async fn postpone(&self, item: &OutboxItem, delay: Duration, reason: Option<&str>) -> Result<()> {
        store::postpone(&self.pool, item.id, delay.as_secs_f64(), reason).await?;
        self.release(item).await
    }

    /// Releases a row and stores nothing.
    pub async fn release(&self, item: &OutboxItem) -> Result<()> {
        store::unlock(&mut self.connection.lock().await.connection, item.id).await
    }

    /// Closes the connection, which releases all rows.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.into_inner().connection.close().await?)
    }
}
