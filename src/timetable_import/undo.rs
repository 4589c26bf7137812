//! An import taken back: events that it brought go away on both sides, events that it changed become what they were.
//!
//! All of it or nothing: where places have been sold since, or a later import has changed an event, a person decides.
//! What happens in Administrate are effects like any other; an event stays here until it is gone there.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::counted;
use crate::delivery;
use crate::delivery::{DeliveryWorker, drain};
use crate::error::{Exit, Result};
use crate::gateway;
use crate::gateway::AuditMode;
use crate::tutorials;
use crate::tutorials::{Event, KnownEvent};
use crate::{bridges, outbox, runs};

use super::history;

/// What taking back an import means, or has done.
#[derive(Debug, Serialize)]
pub struct UndoResult {
    /// The run of this, once it has begun.
    pub run_id: Option<i64>,
    /// The import that is taken back.
    pub undone_run: i64,
    /// Events that go away.
    pub removed: Vec<String>,
    /// Events that become what they were.
    pub restored: Vec<String>,
    /// Events for which it is refused, and why; nothing is done then.
    pub refused: Vec<UndoRefusal>,
    /// Events by how far this has reached Administrate.
    pub delivery: outbox::DeliveryCounts,
    #[serde(skip)]
    brought: Vec<(i64, String)>,
    #[serde(skip)]
    before: Vec<KnownEvent>,
}

/// Why an event cannot be taken back.
#[derive(Debug, Serialize)]
pub struct UndoRefusal {
    /// The event.
    pub event: String,
    /// Why.
    pub message: String,
}

impl UndoResult {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        if self.refused.is_empty() && !self.delivery.is_open() { Exit::Done } else { Exit::NeedsAttention }
    }
}

impl fmt::Display for UndoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for refused in &self.refused {
            writeln!(f, "{}: {}", refused.event, refused.message)?;
        }
        let (removed, restored) = (self.removed.len(), self.restored.len());
        let removed = counted(removed, "event");
        write!(f, "import {}: {removed} to be removed, {restored} to be restored", self.undone_run)
    }
}

/// Plans to take an import back.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) where there is no such import.
pub async fn plan(pool: &PgPool, run: i64) -> Result<UndoResult> {
    let mut db = pool.acquire().await?;
    let written = history::store::written(&mut db, run).await?;
    let (titles, before) = written.ok_or_else(|| history::no_such(run))?;
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let brought = tutorials::store::ids_by_code(&mut db, &titles).await?;
    let ids: Vec<i64> = brought.iter().map(|(id, _)| *id).collect();
    let known = tutorials::store::events_by_id(&mut db, &ids).await?;
    let codes: Vec<&str> = before.iter().map(|known| known.event.code.as_str()).chain(titles).collect();
    let later = history::store::changed_later(&mut db, run, &codes).await?;
    let mut refused: Vec<UndoRefusal> = known.iter().filter_map(|known| sold(&known.event)).collect();
    refused.extend(later.into_iter().map(|(event, later)| UndoRefusal {
        event,
        message: format!("import {later} has changed it since: undo that one first"),
    }));
    // All of it or nothing.
    let (removed, restored) = if refused.is_empty() { (&*brought, &*before) } else { (&[][..], &[][..]) };
    Ok(UndoResult {
        run_id: None,
        undone_run: run,
        removed: removed.iter().map(|(_, code)| code.clone()).collect(),
        restored: restored.iter().map(|known| known.event.code.clone()).collect(),
        refused,
        delivery: outbox::DeliveryCounts::default(),
        brought,
        before,
    })
}

fn sold(event: &Event) -> Option<UndoRefusal> {
    let sold = event.max_places? - event.remain_space;
    let message = format!("{sold} places have been sold: it is kept, on both sides");
    (sold > 0).then(|| UndoRefusal { event: event.code.clone(), message })
}

/// Does what was planned, here and in Administrate, and closes the run of it; gives what became of each event there.
/// `opened`: the run that was opened for it, is held, and is closed by its opener; none: it opens and closes its own.
///
/// # Errors
/// Administrate is not named (prerequisite), the database fails; what is done by then stays done, and the rest waits in
/// the outbox.
pub async fn execute(
    pool: &PgPool,
    config: &Config,
    (undone, opened): (&mut UndoResult, Option<i64>),
    stop: &CancellationToken,
    told: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<Vec<delivery::DeliveryOutcome>> {
    let (run, held) = begin(pool, undone, opened).await?;
    let drained = deliver(pool, config, run, stop, told).await;
    undone.delivery = outbox::count_by_state(pool, Some(run)).await?;
    // Those that Administrate would not let go are still here.
    let titles: Vec<&str> = undone.brought.iter().map(|(_, code)| code.as_str()).collect();
    let standing = tutorials::store::ids_by_code(&mut *pool.acquire().await?, &titles).await?;
    undone.removed.retain(|code| standing.iter().all(|(_, standing)| standing != code));
    if let Some(held) = held {
        runs::finish(&mut *pool.acquire().await?, run, undone.exit(), undone).await?;
        held.release().await?;
    }
    drained
}

async fn deliver(
    pool: &PgPool,
    config: &Config,
    run: i64,
    stop: &CancellationToken,
    told: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<Vec<delivery::DeliveryOutcome>> {
    if outbox::count_by_state(pool, Some(run)).await?.pending == 0 {
        return Ok(Vec::new());
    }
    let client = gateway::connect(config, pool, "import undo", AuditMode::On).await?;
    let worker = Arc::new(DeliveryWorker::new(pool, client, config).await?);
    let drained = drain(worker.clone(), Some(run), stop, told).await;
    if let Some(worker) = Arc::into_inner(worker) {
        worker.close().await?;
    }
    Ok(drained?.outcomes)
}

/// Does what was planned, here and in the outbox; gives the run of it, held where it is its own: its effects are left to
/// whoever holds it.
async fn begin(pool: &PgPool, undone: &mut UndoResult, opened: Option<i64>) -> Result<(i64, Option<runs::RunLock>)> {
    let mut tx = pool.begin().await?;
    let run = match opened {
        Some(run) => run,
        None => runs::begin(&mut tx, runs::RunKind::ImportUndo, &undone.undone_run.to_string()).await?,
    };
    tutorials::remove_events(&mut tx, Some(run), &undone.brought).await?;
    let ids: Vec<i64> = undone.before.iter().map(|known| known.id).collect();
    let now = tutorials::store::events_by_id(&mut tx, &ids).await?;
    let restored = undone.before.iter().filter_map(|before| {
        let now = now.iter().find(|known| known.id == before.id)?;
        Some((before.id, restored(&before.event, &now.event)))
    });
    let restored: Vec<(i64, Event)> = restored.collect();
    let before = |now: &KnownEvent| undone.before.iter().find(|before| before.id == now.id);
    let added: Vec<i64> = now.iter().filter_map(|now| Some(added(before(now)?, now))).flatten().collect();
    bridges::events::withdraw_sessions(&mut tx, &added).await?;
    tutorials::store::delete_sessions(&mut tx, &added).await?;
    tutorials::update_events(&mut tx, Some(run), &restored).await?;
    let held = if opened.is_none() { runs::lock(pool, run).await? } else { None };
    tx.commit().await?;
    undone.run_id = Some(run);
    Ok((run, held))
}

/// Our ids of the sessions that a change brought.
fn added(before: &KnownEvent, now: &KnownEvent) -> Vec<i64> {
    let is_new = |sequence| before.event.sessions.iter().all(|known| known.sequence != sequence);
    let sessions = now.session_ids.iter().zip(&now.event.sessions);
    sessions.filter(|(_, session)| is_new(session.sequence)).map(|(id, _)| *id).collect()
}

/// An event as it was, but for the places that have been sold meanwhile.
fn restored(before: &Event, now: &Event) -> Event {
    let moved = before.max_places.unwrap_or(0) - now.max_places.unwrap_or(0);
    let remain_space = now.remain_space.saturating_add(moved).max(0);
    Event { remain_space, is_soldout: now.is_soldout, ..before.clone() }
}
