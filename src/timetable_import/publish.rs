//! The events of an import published in Administrate, after it.

use serde::Serialize;
use sqlx::PgPool;

use crate::bridges;
use crate::error::{Exit, Result};
use crate::outbox::{self, DeliveryStep};
use crate::runs;
use crate::tutorials;

use super::history;

/// What publishing an import means, or has done.
#[derive(Debug, Serialize)]
pub struct PublishResult {
    /// The run of this; none where there was nothing to do.
    pub run_id: Option<i64>,
    /// The import whose events are published.
    pub published_run: i64,
    /// Events that are to be published, with their sessions.
    pub asked: Vec<String>,
    /// Events of which there is nothing to publish: they are, or they are called off.
    pub already: usize,
    /// The asked ones by how far this has reached Administrate.
    pub delivery: outbox::DeliveryCounts,
}

impl PublishResult {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        if self.delivery.is_open() { Exit::NeedsAttention } else { Exit::Done }
    }
}

/// Asks that the events of an import are published. Where `held`, the run of this is held: its effects are left to us.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) where there is no such import.
pub async fn request(pool: &PgPool, import: i64, held: bool) -> Result<(PublishResult, Option<runs::RunLock>)> {
    let mut tx = pool.begin().await?;
    let titles = history::store::accepted_events(&mut tx, import).await?;
    let titles = titles.ok_or_else(|| history::no_such(import))?;
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let events = tutorials::store::ids_by_code(&mut tx, &titles).await?;
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let done = bridges::events::published(&mut tx, &ids).await?;
    let (done, drafts): (Vec<_>, Vec<_>) = events.into_iter().partition(|(id, _)| done.contains(id));
    let mut published = PublishResult {
        run_id: None,
        published_run: import,
        asked: drafts.iter().map(|(_, code)| code.clone()).collect(),
        already: done.len(),
        delivery: outbox::DeliveryCounts::default(),
    };
    if drafts.is_empty() {
        return Ok((published, None));
    }
    let run = runs::begin(&mut tx, runs::RunKind::ImportPublish, &import.to_string()).await?;
    published.run_id = Some(run);
    tutorials::request_steps(&mut tx, Some(run), &drafts, &[DeliveryStep::Publish]).await?;
    let held = if held { runs::lock(pool, run).await? } else { None };
    tx.commit().await?;
    Ok((published, held))
}

/// Closes the run with how far it has come.
///
/// # Errors
/// From the database.
pub async fn finish(pool: &PgPool, published: &mut PublishResult) -> Result<()> {
    let Some(run) = published.run_id else { return Ok(()) };
    published.delivery = outbox::count_by_state(pool, Some(run)).await?;
    runs::finish(&mut *pool.acquire().await?, run, published.exit(), published).await
}
