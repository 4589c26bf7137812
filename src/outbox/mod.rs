//! The outbox: what must happen in Administrate after a change here has been committed.
//!
//! Promises: an effect is written in the transaction of its change, so that neither is lost without the other; a
//! subject is worked on by one worker at a time, on any number of processes; a worker that dies gives its row back at
//! once; what is asked again while it is being carried out is carried out again.
//!
//! Does not know any module: what an effect means is the worker's business.

mod store;

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::Mutex;

pub use store::{
    count_by_state, count_of, enqueue, escalate, is_worked_on, list, park, pending_in_earlier_run, reassign_to_run,
    requeue, requeue_with_step, retry_now, statuses, undelivered, undelivered_state, undelivered_subjects,
};

use crate::error::Result;

/// Something to bring about in Administrate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What, e.g. `create_event`.
    pub name: &'static str,
    /// What kind of thing it is about, e.g. `event`.
    pub subject_kind: &'static str,
    /// Our id of it.
    pub subject_id: i64,
    /// What a person calls it, e.g. the event's code.
    pub subject: String,
    /// Whether it may be there already, so that Administrate is to be looked at before anything is created.
    pub look_first: bool,
    /// Further steps that somebody asked for; they stay asked for until the effect is carried out.
    pub also: &'static [&'static str],
}

/// How far an effect has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be carried out, now or at its next attempt.
    Pending,
    /// Done.
    Delivered,
    /// Refused for a reason that repeating does not mend.
    Failed,
    /// Administrate cannot tell whether it was done: a person decides.
    Unknown,
}

/// A row of the outbox (contract §3, `outbox list`).
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct OutboxItem {
    /// Its id.
    pub id: i64,
    /// What is to be brought about.
    pub effect: String,
    /// For what, in a person's words.
    pub subject: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it is tried again, RFC 3339; null when it is not.
    pub next_attempt_at: Option<String>,
    /// Our id of the subject.
    #[serde(skip)]
    pub subject_id: i64,
    /// Whether Administrate is to be looked at before anything is created.
    #[serde(skip)]
    pub look_first: bool,
    /// Whether a creation was sent whose outcome nobody has seen.
    #[serde(skip)]
    pub in_doubt: bool,
    /// With what creations were sent whose outcome nobody has seen, in the words of who carries it out: a list, one each.
    #[serde(skip)]
    pub sent: serde_json::Value,
    /// For how many seconds a creation that nobody saw end may still be carried out, where that is a question of time.
    #[serde(skip)]
    pub late_seconds: Option<f64>,
    /// Further steps that somebody asked for.
    #[serde(skip)]
    pub also: Vec<String>,
    /// Version of the wish, see [`Claims::delivered`].
    #[serde(skip)]
    pub asked: i32,
}

/// Events by state; one undelivered step makes its event pending or failed (rules, Import).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct DeliveryCounts {
    pub delivered: i64,
    pub pending: i64,
    pub failed: i64,
    pub unknown: i64,
}

/// How far a subject has come.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SubjectStatus {
    /// What a person calls it.
    pub subject: String,
    /// How far.
    pub state: DeliveryState,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl DeliveryCounts {
    /// Counts one more.
    pub fn count(&mut self, state: DeliveryState) {
        let slot = match state {
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Pending => &mut self.pending,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Unknown => &mut self.unknown,
        };
        *slot += 1;
    }

    /// All of them.
    pub fn total(self) -> i64 {
        self.pending + self.done()
    }

    /// Those that are not to be tried again: as a bar of progress counts.
    pub fn done(self) -> i64 {
        self.delivered + self.failed + self.unknown
    }

    /// Whether something is not where it should be.
    pub fn is_open(&self) -> bool {
        self.pending + self.failed + self.unknown > 0
    }
}

/// The rows that this process works on.
///
/// They are held by advisory locks of one connection: when the process dies, PostgreSQL frees them at once, and no
/// lease has to run out before another worker goes on.
#[derive(Debug)]
pub struct Claims {
    held: Mutex<ClaimConnection>,
    pool: PgPool,
}

#[derive(Debug)]
struct ClaimConnection {
    connection: PgConnection,
    candidates: VecDeque<i64>,
}

impl Claims {
    /// Opens the connection that holds the locks.
    pub async fn open(pool: &PgPool) -> Result<Claims> {
        let connection = pool.acquire().await?.detach();
        Ok(Claims { held: Mutex::new(ClaimConnection { connection, candidates: VecDeque::new() }), pool: pool.clone() })
    }

    /// Takes the next due row that nobody works on, of `run` alone if one is named.
    pub async fn next(&self, run: Option<i64>) -> Result<Option<OutboxItem>> {
        let held = &mut *self.held.lock().await;
        loop {
            if held.candidates.is_empty() {
                held.candidates = store::due(&mut held.connection, run).await?.into();
            }
            let Some(id) = held.candidates.pop_front() else { return Ok(None) };
            if !store::try_lock(&mut held.connection, id).await? {
                continue;
            }
            // Between being listed and being locked, somebody else may have dealt with it.
            match store::begin_attempt(&mut held.connection, id).await? {
                Some(item) => return Ok(Some(item)),
                None => store::unlock(&mut held.connection, id).await?,
            }
        }
    }

    /// Whether the row's lock is still held; false when the connection broke, and others may have taken over.
    pub async fn holds_lock(&self, item: &OutboxItem) -> bool {
        store::holds(&mut self.held.lock().await.connection, item.id).await.unwrap_or(false)
    }

    /// Notes, in a transaction of its own, that a creation is about to be sent, and with what: whatever happens now, the
    /// next attempt looks before it creates, and for `time` does not take it for not made when it finds nothing.
    pub async fn mark_in_doubt(&self, item: &OutboxItem, sent: &impl Serialize, time: Duration) -> Result<()> {
        store::mark_in_doubt(&self.pool, item.id, sent, time.as_secs_f64()).await
    }

    /// Notes that the creation was certainly not carried out and will not be.
    pub async fn clear_in_flight(&self, item: &OutboxItem) -> Result<()> {
        store::clear_in_flight(&self.pool, item.id).await
    }

    /// Notes that a creation may still be carried out for so long: not to find it says nothing until then.
    pub async fn extend_in_flight(&self, item: &OutboxItem, time: Duration) -> Result<()> {
        store::extend_in_flight(&self.pool, item.id, time.as_secs_f64()).await
    }

    /// The effect is carried out. If it was asked again meanwhile, it stays pending.
    pub async fn delivered(&self, item: &OutboxItem) -> Result<DeliveryState> {
        let state = store::mark_delivered(&self.pool, item.id, item.asked).await?;
        self.release(item).await?;
        Ok(state)
    }

    /// The attempt failed; it is tried again after `wait`, or not at all. If it was asked again meanwhile, it is due.
    pub async fn not_delivered(
        &self,
        item: &OutboxItem,
        state: DeliveryState,
        wait: Option<Duration>,
        why: &str,
    ) -> Result<DeliveryState> {
        let wait = wait.map(|wait| wait.as_secs_f64());
        let state = store::mark_not_delivered(&self.pool, (item.id, item.asked), state, wait, why).await?;
        self.release(item).await?;
        Ok(state)
    }

    /// It could not even be tried, for a reason that is not its own: the attempt does not count.
    pub async fn postpone(&self, item: &OutboxItem, wait: Duration, why: Option<&str>) -> Result<()> {
        store::postpone(&self.pool, item.id, wait.as_secs_f64(), why).await?;
        self.release(item).await
    }

    /// Stops working on a row without saying anything of it.
    pub async fn release(&self, item: &OutboxItem) -> Result<()> {
        store::unlock(&mut self.held.lock().await.connection, item.id).await
    }

    /// Closes the connection, which frees whatever is still held.
    pub async fn close(self) -> Result<()> {
        Ok(self.held.into_inner().connection.close().await?)
    }
}
