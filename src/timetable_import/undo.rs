//! Undoes an import: removes the events that it created and restores the events that it changed, on both sides.
//!
//! An import is undone completely or not at all: it is refused if places have been sold since, or if a later import has
//! changed an event. The outbox delivers the changes; an event is deleted locally after its deletion in Administrate.

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
use crate::history::Interface;
use crate::outbox::DeliveryStep;
use crate::tutorials;
use crate::tutorials::places::Places;
use crate::tutorials::{Event, KnownEvent};
use crate::{bridges, outbox, runs};

use super::apply::EventsAndOversold;
use super::history;

/// The result of undoing an import, or the plan before it is executed.
#[derive(Debug, Serialize)]
pub struct UndoResult {
    /// The run of the undo; `None` before it has begun.
    pub run_id: Option<i64>,
    /// The run of the import.
    pub undone_run: i64,
    /// Titles of the events to remove; after the execution, of those that were removed.
    pub removed: Vec<String>,
    /// Titles of the events to restore; after the execution, of those that were restored on both sides.
    pub restored: Vec<String>,
    /// Events that are not undone. Before the execution those that prevent it, so that nothing is changed; after it those
    /// that Administrate does not have as before yet.
    pub refused: Vec<UndoRefusal>,
    /// The events by delivery state.
    pub delivery: outbox::DeliveryCounts,
    #[serde(skip)]
    created: Vec<(i64, String)>,
    #[serde(skip)]
    previous: Vec<KnownEvent>,
}

/// An event that is not undone, with the reason.
#[derive(Debug, Serialize)]
pub struct UndoRefusal {
    pub event: String,
    pub message: String,
}

impl From<outbox::OutboxItem> for UndoRefusal {
    fn from(item: outbox::OutboxItem) -> Self {
        let message = item.last_error.unwrap_or_else(|| "not delivered to Administrate yet".to_owned());
        Self { event: item.subject, message }
    }
}

impl UndoResult {
    /// Describes the result of an executed undo in one line.
    pub fn outcome(&self) -> String {
        let (removed, restored, open) = (self.removed.len(), self.restored.len(), self.refused.len());
        let open = if open == 0 { String::new() } else { format!(", {open} not undone yet") };
        format!(
            "import {} is undone: {} removed, {restored} restored{open}",
            self.undone_run,
            counted(removed, "event")
        )
    }

    /// Returns the exit code of the command.
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
        write!(f, "undo of import {}: {removed} to remove, {restored} to restore", self.undone_run)
    }
}

/// Plans the undo of an import. Writes nothing.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) if there is no such import.
pub async fn plan(pool: &PgPool, run: i64) -> Result<UndoResult> {
    let mut db = pool.acquire().await?;
    let changes = history::store::changes(&mut db, run).await?;
    let (titles, previous) = changes.ok_or_else(|| history::unknown_import(run))?;
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let created = tutorials::store::ids_by_code(&mut db, &titles).await?;
    let ids: Vec<i64> = created.iter().map(|(id, _)| *id).collect();
    let known = tutorials::store::events_by_id(&mut db, &ids).await?;
    let codes: Vec<&str> = previous.iter().map(|known| known.event.code.as_str()).chain(titles).collect();
    let later = history::store::changed_later(&mut db, run, &codes).await?;
    let oversold = tutorials::store::oversold(&mut db, &ids).await?;
    let sold = known
        .iter()
        .filter_map(|known| sold_places_refusal(&known.event, oversold.get(&known.id).copied().unwrap_or_default()));
    let mut refused: Vec<UndoRefusal> = sold.collect();
    refused.extend(later.into_iter().map(|(event, later)| UndoRefusal {
        event,
        message: format!("import {later} has changed this event since: undo that import first"),
    }));
    let (removed, restored) = if refused.is_empty() { (&*created, &*previous) } else { (&[][..], &[][..]) };
    Ok(UndoResult {
        run_id: None,
        undone_run: run,
        removed: removed.iter().map(|(_, code)| code.clone()).collect(),
        restored: restored.iter().map(|known| known.event.code.clone()).collect(),
        refused,
        delivery: outbox::DeliveryCounts::default(),
        created,
        previous,
    })
}

fn sold_places_refusal(event: &Event, oversold: i32) -> Option<UndoRefusal> {
    let sold = Places { remaining: event.remain_space, oversold }.sold(event.max_places?);
    let message =
        format!("{} of this event have been sold since: it cannot be removed", counted(sold as usize, "place"));
    (sold > 0).then(|| UndoRefusal { event: event.code.clone(), message })
}

/// Executes a plan locally and in Administrate, and returns the delivery outcome of each event.
///
/// `caller_run` is a run that the caller has begun and locked, and will finish; `None` begins and finishes a new run.
///
/// # Errors
/// Administrate is not configured (prerequisite) or the database fails. Completed steps remain, and the rest waits in
/// the outbox.
pub async fn execute(
    pool: &PgPool,
    config: &Config,
    undo: &mut UndoResult,
    caller_run: Option<i64>,
    stop: &CancellationToken,
    on_delivered: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<Vec<delivery::DeliveryOutcome>> {
    let (run, lock) = begin(pool, undo, caller_run).await?;
    let drained = deliver(pool, config, run, stop, on_delivered).await;
    undo.delivery = outbox::count_by_state(pool, Some(run)).await?;
    // Events that could not be deleted in Administrate still exist locally.
    let titles: Vec<&str> = undo.created.iter().map(|(_, code)| code.as_str()).collect();
    let remaining = tutorials::store::ids_by_code(&mut *pool.acquire().await?, &titles).await?;
    undo.removed.retain(|code| remaining.iter().all(|(_, remaining)| remaining != code));
    let open = outbox::undelivered(pool, Some(run)).await?;
    undo.restored.retain(|code| open.iter().all(|item| item.subject != *code));
    undo.refused.extend(open.into_iter().map(UndoRefusal::from));
    if let Some(lock) = lock {
        runs::finish(&mut *pool.acquire().await?, run, undo.exit(), undo).await?;
        lock.release().await?;
    }
    drained
}

async fn deliver(
    pool: &PgPool,
    config: &Config,
    run: i64,
    stop: &CancellationToken,
    on_delivered: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<Vec<delivery::DeliveryOutcome>> {
    if outbox::count_by_state(pool, Some(run)).await?.pending == 0 {
        return Ok(Vec::new());
    }
    let client = gateway::connect(config, pool, "import undo", AuditMode::On).await?;
    let worker = Arc::new(DeliveryWorker::new(pool, client, config).await?);
    let drained = drain(worker.clone(), Some(run), stop, on_delivered).await;
    if let Some(worker) = Arc::into_inner(worker) {
        worker.close().await?;
    }
    Ok(drained?.outcomes)
}

/// Writes the changes locally and their effects to the outbox. Returns the run and, for a new run, its lock.
///
/// While a run is locked, only the owner of the lock delivers its effects.
async fn begin(pool: &PgPool, undo: &mut UndoResult, caller_run: Option<i64>) -> Result<(i64, Option<runs::RunLock>)> {
    let mut tx = pool.begin().await?;
    let run = match caller_run {
        Some(run) => run,
        None => runs::begin(&mut tx, runs::RunKind::ImportUndo, &undo.undone_run.to_string()).await?,
    };
    crate::history::sign_run(&mut tx, Some(run), Interface::Import).await?;
    tutorials::remove_events(&mut tx, Some(run), &undo.created).await?;
    let ids: Vec<i64> = undo.previous.iter().map(|known| known.id).collect();
    let current = tutorials::store::events_by_id(&mut tx, &ids).await?;
    let oversold = tutorials::store::oversold(&mut tx, &ids).await?;
    let restored = undo.previous.iter().filter_map(|previous| {
        let current = current.iter().find(|known| known.id == previous.id)?;
        let beyond = oversold.get(&previous.id).copied().unwrap_or_default();
        let (event, beyond) = restored(&previous.event, &current.event, beyond);
        Some(((previous.id, event), (previous.id, beyond)))
    });
    let (restored, oversold): EventsAndOversold = restored.unzip();
    let previous = |current: &KnownEvent| undo.previous.iter().find(|previous| previous.id == current.id);
    let added: Vec<i64> =
        current.iter().filter_map(|current| Some(added_sessions(previous(current)?, current))).flatten().collect();
    bridges::events::withdraw_sessions(&mut tx, &added).await?;
    tutorials::store::delete_sessions(&mut tx, &added).await?;
    tutorials::update_events(&mut tx, Some(run), &restored).await?;
    tutorials::store::set_oversold(&mut tx, &oversold).await?;
    // A value that a user has changed in Administrate since is not overwritten.
    let codes: Vec<(i64, String)> = restored.iter().map(|(id, event)| (*id, event.code.clone())).collect();
    tutorials::request_steps(&mut tx, Some(run), &codes, &[DeliveryStep::Compare]).await?;
    let lock = if caller_run.is_none() { runs::lock(pool, run).await? } else { None };
    tx.commit().await?;
    undo.run_id = Some(run);
    Ok((run, lock))
}

/// Returns the local ids of the sessions that the import added to an event.
fn added_sessions(previous: &KnownEvent, current: &KnownEvent) -> Vec<i64> {
    let is_new = |sequence| previous.event.sessions.iter().all(|known| known.sequence != sequence);
    let sessions = current.session_ids.iter().zip(&current.event.sessions);
    sessions.filter(|(_, session)| is_new(session.sequence)).map(|(id, _)| *id).collect()
}

/// Returns an event as it was, but with the places that have been sold since, and those sold beyond the maximum.
fn restored(previous: &Event, current: &Event, oversold: i32) -> (Event, i32) {
    let change = previous.max_places.unwrap_or(0) - current.max_places.unwrap_or(0);
    let places = Places { remaining: current.remain_space, oversold }.moved(change);
    let event = Event { remain_space: places.remaining, is_soldout: current.is_soldout, ..previous.clone() };
    (event, places.oversold)
}
