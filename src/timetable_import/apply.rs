//! Applies a plan locally: batches of whole blocks, each in one transaction.
//!
//! The transaction also stores the effects that deliver the events and the outcome of each block. PostgreSQL does most of
//! the work, therefore two connections write at the same time.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use futures_util::stream::FuturesOrdered;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::bridges;
use crate::error::Result;
use crate::history::Interface;
use crate::outbox::DeliveryStep;
use crate::tutorials::places::Places;
use crate::tutorials::{self, Event, KnownEvent};

use super::history;
use super::options::ImportOptions;

use super::plan::new_instructors;
use super::plan::{BlockOutcome, ImportPlan, PlanItem, PlannedEvent};

/// Events as they are to be stored, and their oversold places, each with its local id.
pub(super) type EventsAndOversold = (Vec<(i64, Event)>, Vec<(i64, i32)>);

/// How to apply a plan.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions {
    /// The id of the import's run.
    pub run: i64,
    /// Number of blocks in one transaction.
    pub blocks_per_batch: usize,
    pub import: ImportOptions,
}

/// Number of batches that are written at the same time. Batches share no event, so they do not wait for each other.
pub const WRITERS: usize = 2;

/// Applies a plan and returns the number of applied items, the first ones of the plan: fewer than all if `stop` is
/// cancelled between two batches.
///
/// `unused` returns the values in unknown columns of a block, by its event row.
///
/// # Errors
/// The database fails. Committed batches remain; an import of the same file continues after them.
pub async fn apply(
    pool: &PgPool,
    plan: &ImportPlan,
    unused: impl Fn(u32) -> Value,
    options: ApplyOptions,
    stop: &CancellationToken,
) -> Result<usize> {
    // The first batch that names a new instructor creates it, and the next one finds it.
    let writers = if plan.new_instructors.is_empty() { WRITERS } else { 1 };
    let items: Vec<&PlanItem> = plan.items.iter().collect();
    let (mut batches, mut written) = (items.chunks(options.blocks_per_batch), 0);
    let mut writing = FuturesOrdered::new();
    loop {
        while writing.len() < writers && !stop.is_cancelled() {
            let Some(batch) = batches.next() else { break };
            writing.push_back(write_batch(pool, plan, batch, &unused, options));
        }
        match writing.try_next().await? {
            Some(count) => written += count,
            None => return Ok(written),
        }
    }
}

/// Writes a batch in one transaction and returns its number of items.
async fn write_batch(
    pool: &PgPool,
    plan: &ImportPlan,
    batch: &[&PlanItem],
    unused: &impl Fn(u32) -> Value,
    options: ApplyOptions,
) -> Result<usize> {
    let mut transaction = pool.begin().await?;
    crate::history::sign_run(&mut transaction, Some(options.run), Interface::Import).await?;
    let instructors = new_instructors::used_by(&plan.new_instructors, batch.iter().copied());
    let created_ids = new_instructors::create(&mut transaction, &instructors).await?;
    let previous = apply_batch(&mut transaction, batch, &created_ids, options).await?;
    request_delivery_steps(&mut transaction, batch, options).await?;
    let unused: Vec<Value> = batch.iter().map(|item| unused(item.row)).collect();
    history::store::store_outcomes(&mut transaction, options.run, batch, &unused).await?;
    history::store::store_previous(&mut transaction, options.run, &previous).await?;
    transaction.commit().await?;
    Ok(batch.len())
}

/// Writes the events of a batch and returns the known events as they were before.
///
/// `created_ids` maps the ids that the plan assigned to new instructors to their ids in the database.
async fn apply_batch(
    db: &mut PgConnection,
    batch: &[&PlanItem],
    created_ids: &HashMap<i64, i64>,
    options: ApplyOptions,
) -> Result<Vec<KnownEvent>> {
    let run = Some(options.run);
    let (adopted, created): (Vec<_>, Vec<_>) = batch
        .iter()
        .filter(|item| matches!(item.outcome, BlockOutcome::Create | BlockOutcome::Adopt(_)))
        .filter_map(|item| Some((&item.outcome, item.event.as_ref()?.event.clone())))
        .partition(|(outcome, _)| matches!(outcome, BlockOutcome::Adopt(_)));
    // Delivery finds an adopted event in Administrate again and links it instead of creating it. A queued import has not
    // read Administrate, so delivery searches for its new events too.
    for (events, check_remote_first) in [(created, options.import.is_queued()), (adopted, true)] {
        let events: Vec<Event> = events.into_iter().map(|(_, event)| event.with_people(created_ids)).collect();
        if !events.is_empty() {
            tutorials::create_events(db, run, &events, check_remote_first).await?;
        }
    }
    let updated = batch.iter().filter(|item| matches!(item.outcome, BlockOutcome::Update | BlockOutcome::Cancel));
    let updated: Vec<&PlannedEvent> = updated.filter_map(|item| item.event.as_ref()).collect();
    let ids: Vec<i64> = updated.iter().filter_map(|planned| planned.id).collect();
    let previous = tutorials::store::events_by_id(db, &ids).await?;
    if !updated.is_empty() {
        let oversold = tutorials::store::oversold(db, &ids).await?;
        let (current, oversold) = with_current_places(&previous, &updated, &oversold);
        let updated: Vec<_> = current.into_iter().map(|(id, event)| (id, event.with_people(created_ids))).collect();
        tutorials::update_events(db, run, &updated).await?;
        tutorials::store::set_oversold(db, &oversold).await?;
    }
    Ok(previous)
}

/// Takes over the pending deliveries of earlier imports of these events, and requests the delivery steps of the options.
async fn request_delivery_steps(db: &mut PgConnection, batch: &[&PlanItem], options: ApplyOptions) -> Result<()> {
    let accepted = batch.iter().filter(|item| item.is_accepted());
    let events =
        tutorials::store::ids_by_code(db, &accepted.map(|item| item.title.as_str()).collect::<Vec<_>>()).await?;
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let steps: &[DeliveryStep] = if options.import.overwrite_remote { &[DeliveryStep::OverwriteRemote] } else { &[] };
    tutorials::reassign_pending(db, options.run, &ids, steps).await?;
    let cancelled = batch.iter().filter(|item| item.outcome == BlockOutcome::Cancel).map(|item| item.title.as_str());
    let cancelled: Vec<&str> = cancelled.collect();
    let active = events.into_iter().filter(|(_, code)| !cancelled.contains(&code.as_str()));
    let active: Vec<(i64, String)> = active.collect();
    let updated = batch.iter().filter(|item| item.outcome == BlockOutcome::Update).map(|item| item.title.as_str());
    let updated: Vec<&str> = updated.collect();
    let updated: Vec<_> = active.iter().filter(|(_, code)| updated.contains(&code.as_str())).cloned().collect();
    if !updated.is_empty() {
        let before_writing: &[DeliveryStep] = match (options.import.overwrite_remote, !options.import.is_queued()) {
            (true, _) => &[DeliveryStep::OverwriteRemote],
            (false, true) => &[DeliveryStep::CompareLater],
            (false, false) => &[DeliveryStep::Compare],
        };
        tutorials::request_steps(db, Some(options.run), &updated, before_writing).await?;
    }
    if options.import.is_queued() && options.import.overwrite_remote {
        // Unchanged events are not compared with Administrate yet: delivery does it.
        let unchanged = batch.iter().filter(|item| item.outcome == BlockOutcome::Unchanged);
        let unchanged: Vec<&str> = unchanged.map(|item| item.title.as_str()).collect();
        let unchanged: Vec<_> = active.iter().filter(|(_, code)| unchanged.contains(&code.as_str())).cloned().collect();
        tutorials::request_steps(db, Some(options.run), &unchanged, &[DeliveryStep::OverwriteRemote]).await?;
    }
    if options.import.is_queued() {
        let written = |code: &str| batch.iter().any(|item| item.title == code && item.event.is_some());
        let written: Vec<_> = active.iter().filter(|(_, code)| written(code)).cloned().collect();
        tutorials::request_steps(db, Some(options.run), &written, &[DeliveryStep::CheckApproval]).await?;
    }
    if options.import.publish {
        let published = bridges::events::published(db, &ids).await?;
        let drafts: Vec<_> = active.iter().filter(|(id, _)| !published.contains(id)).cloned().collect();
        tutorials::request_steps(db, Some(options.run), &drafts, &[DeliveryStep::Publish]).await?;
    }
    if options.import.delete_drafts {
        // Whether a new event gets extra sessions is known only after its delivery.
        let is_new = |code: &str| {
            batch
                .iter()
                .any(|item| item.title == code && matches!(item.outcome, BlockOutcome::Create | BlockOutcome::Adopt(_)))
        };
        let extra = bridges::events::with_extra_sessions(db, &ids).await?;
        let with_extra: Vec<_> = active.into_iter().filter(|(id, code)| extra.contains(id) || is_new(code)).collect();
        tutorials::request_steps(db, Some(options.run), &with_extra, &[DeliveryStep::DeleteDrafts]).await?;
    }
    Ok(())
}

/// Returns the planned events with the current numbers of places, so that sales since the planning are not undone, and the
/// places that are sold beyond the maximum.
fn with_current_places(
    known: &[KnownEvent],
    planned: &[&PlannedEvent],
    oversold: &HashMap<i64, i32>,
) -> EventsAndOversold {
    let known: HashMap<i64, &Event> = known.iter().map(|known| (known.id, &known.event)).collect();
    let events = planned.iter().filter_map(|planned| {
        let id = planned.id?;
        let current = known.get(&id)?;
        let mut event = planned.event.clone();
        event.is_soldout = current.is_soldout;
        event.remain_space = current.remain_space;
        let mut beyond = oversold.get(&id).copied().unwrap_or_default();
        if planned.places_moved != 0 {
            let places = Places { remaining: current.remain_space, oversold: beyond }.moved(planned.places_moved);
            (event.remain_space, beyond) = (places.remaining, places.oversold);
        }
        Some(((id, event), (id, beyond)))
    });
    events.unzip()
}
