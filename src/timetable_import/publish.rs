//! Publishes the events of an earlier import in Administrate.

use serde::Serialize;
use sqlx::PgPool;

use crate::bridges;
use crate::error::{Exit, Result};
use crate::outbox::{self, DeliveryStep};
use crate::runs;
use crate::tutorials;

use super::history;

/// The result of publishing an import, or the plan before it is executed.
#[derive(Debug, Serialize)]
pub struct PublishResult {
    /// The run that publishes; `None` if there is nothing to publish.
    pub run_id: Option<i64>,
    /// The import whose events are published.
    pub published_run: i64,
    /// Titles of the events to publish with their sessions.
    #[serde(rename = "asked")]
    pub requested: Vec<String>,
    /// Number of events that are published already or cancelled.
    #[serde(rename = "already")]
    pub unaffected: usize,
    /// The requested events by delivery state.
    pub delivery: outbox::DeliveryCounts,
}

impl PublishResult {
    /// Returns the exit code of the command.
    pub fn exit(&self) -> Exit {
        if self.delivery.is_open() { Exit::NeedsAttention } else { Exit::Done }
    }
}

/// Requests that the events of an import are published.
///
/// With `lock_run` the new run is locked: only the caller delivers its effects, no other worker does.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) if there is no such import.
pub async fn request(pool: &PgPool, import: i64, lock_run: bool) -> Result<(PublishResult, Option<runs::RunLock>)> {
    let mut tx = pool.begin().await?;
    let titles = history::store::accepted_events(&mut tx, import).await?;
    let titles = titles.ok_or_else(|| history::unknown_import(import))?;
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let events = tutorials::store::ids_by_code(&mut tx, &titles).await?;
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let published_ids = bridges::events::published(&mut tx, &ids).await?;
    let (unaffected, drafts): (Vec<_>, Vec<_>) = events.into_iter().partition(|(id, _)| published_ids.contains(id));
    let mut result = PublishResult {
        run_id: None,
        published_run: import,
        requested: drafts.iter().map(|(_, code)| code.clone()).collect(),
        unaffected: unaffected.len(),
        delivery: outbox::DeliveryCounts::default(),
    };
    if drafts.is_empty() {
        return Ok((result, None));
    }
    let run = runs::begin(&mut tx, runs::RunKind::ImportPublish, &import.to_string()).await?;
    result.run_id = Some(run);
    tutorials::request_steps(&mut tx, Some(run), &drafts, &[DeliveryStep::Publish]).await?;
    let lock = if lock_run { runs::lock(pool, run).await? } else { None };
    tx.commit().await?;
    Ok((result, lock))
}

/// Finishes the run and stores its result with the current delivery state.
///
/// # Errors
/// The database fails.
pub async fn finish(pool: &PgPool, result: &mut PublishResult) -> Result<()> {
    let Some(run) = result.run_id else { return Ok(()) };
    result.delivery = outbox::count_by_state(pool, Some(run)).await?;
    runs::finish(&mut *pool.acquire().await?, run, result.exit(), result).await
}
