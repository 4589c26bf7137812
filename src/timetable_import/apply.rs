//! A plan carried out here: batches of whole blocks, each in a transaction with its effects and fates.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::bridges;
use crate::error::Result;
use crate::outbox::DeliveryStep;
use crate::tutorials::{self, Event, KnownEvent};

use super::history::store as kept;
use super::options::ImportOptions;
use super::plan::new_instructors;
use super::plan::{BlockOutcome, ImportPlan, PlanItem, PlannedEvent};

/// How to apply a plan.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions {
    /// The run that it belongs to.
    pub run: i64,
    /// Blocks that commit together.
    pub blocks_per_batch: usize,
    /// What the caller of the import requests.
    pub import: ImportOptions,
}

/// Applies a plan; gives how many of its items, fewer than all where `stop` was cancelled between two batches.
///
/// `unused`: what the block of an event row has in columns that mean nothing to us.
///
/// # Errors
/// From the database; batches that were committed stay, and importing the file again goes on from there.
pub async fn apply(
    pool: &PgPool,
    plan: &ImportPlan,
    unused: impl Fn(u32) -> Value,
    options: ApplyOptions,
    stop: &CancellationToken,
) -> Result<usize> {
    let items: Vec<&PlanItem> = plan.items.iter().collect();
    for (at, batch) in items.chunks(options.blocks_per_batch).enumerate() {
        if stop.is_cancelled() {
            return Ok(at * options.blocks_per_batch);
        }
        let mut transaction = pool.begin().await?;
        let newcomers = new_instructors::used_by(&plan.newcomers, batch.iter().copied());
        let newcomers = new_instructors::create(&mut transaction, &newcomers).await?;
        let before = apply_batch(&mut transaction, batch, &newcomers, options).await?;
        request_delivery_steps(&mut transaction, batch, options).await?;
        let unused: Vec<Value> = batch.iter().map(|item| unused(item.row)).collect();
        kept::store_outcomes(&mut transaction, options.run, batch, &unused).await?;
        kept::store_previous(&mut transaction, options.run, &before).await?;
        transaction.commit().await?;
    }
    Ok(items.len())
}

/// Gives the known events as they were before. `newcomers`: what became of ids that only the plan knows.
async fn apply_batch(
    db: &mut PgConnection,
    batch: &[&PlanItem],
    newcomers: &HashMap<i64, i64>,
    options: ApplyOptions,
) -> Result<Vec<KnownEvent>> {
    let run = Some(options.run);
    let (adopted, created): (Vec<_>, Vec<_>) = batch
        .iter()
        .filter(|item| matches!(item.outcome, BlockOutcome::Create | BlockOutcome::Adopt(_)))
        .filter_map(|item| Some((&item.outcome, item.event.as_ref()?.event.clone())))
        .partition(|(outcome, _)| matches!(outcome, BlockOutcome::Adopt(_)));
    // What stands in Administrate already is found there again by delivery, which links it instead of creating it.
    for (events, look_first) in [(created, options.import.is_queued()), (adopted, true)] {
        let events: Vec<Event> = events.into_iter().map(|(_, event)| event.with_people(newcomers)).collect();
        if !events.is_empty() {
            tutorials::create_events(db, run, &events, look_first).await?;
        }
    }
    let revised = batch.iter().filter(|item| matches!(item.outcome, BlockOutcome::Update | BlockOutcome::Cancel));
    let revised: Vec<&PlannedEvent> = revised.filter_map(|item| item.event.as_ref()).collect();
    let ids: Vec<i64> = revised.iter().filter_map(|planned| planned.id).collect();
    let before = tutorials::store::events_by_id(db, &ids).await?;
    if !revised.is_empty() {
        let now = with_current_places(&before, &revised).into_iter();
        let revised: Vec<_> = now.map(|(id, event)| (id, event.with_people(newcomers))).collect();
        tutorials::update_events(db, run, &revised).await?;
    }
    Ok(before)
}

/// Goes on with what earlier imports of these events left open, and asks for the further steps.
async fn request_delivery_steps(db: &mut PgConnection, batch: &[&PlanItem], options: ApplyOptions) -> Result<()> {
    let accepted = batch.iter().filter(|item| item.is_accepted());
    let events =
        tutorials::store::ids_by_code(db, &accepted.map(|item| item.title.as_str()).collect::<Vec<_>>()).await?;
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let insisting: &[DeliveryStep] =
        if options.import.overwrite_remote { &[DeliveryStep::OverwriteRemote] } else { &[] };
    tutorials::reassign_pending(db, options.run, &ids, insisting).await?;
    let called_off = batch.iter().filter(|item| item.outcome == BlockOutcome::Cancel).map(|item| item.title.as_str());
    let called_off: Vec<&str> = called_off.collect();
    let standing = events.into_iter().filter(|(_, code)| !called_off.contains(&code.as_str()));
    let standing: Vec<(i64, String)> = standing.collect();
    let revised = batch.iter().filter(|item| item.outcome == BlockOutcome::Update).map(|item| item.title.as_str());
    let revised: Vec<&str> = revised.collect();
    let revised: Vec<_> = standing.iter().filter(|(_, code)| revised.contains(&code.as_str())).cloned().collect();
    if !revised.is_empty() {
        let before_writing: &[DeliveryStep] = match (options.import.overwrite_remote, !options.import.is_queued()) {
            (true, _) => &[DeliveryStep::OverwriteRemote],
            (false, true) => &[DeliveryStep::CompareLater],
            (false, false) => &[DeliveryStep::Compare],
        };
        tutorials::request_steps(db, Some(options.run), &revised, before_writing).await?;
    }
    if options.import.is_queued() {
        let written = |code: &str| batch.iter().any(|item| item.title == code && item.event.is_some());
        let written: Vec<_> = standing.iter().filter(|(_, code)| written(code)).cloned().collect();
        tutorials::request_steps(db, Some(options.run), &written, &[DeliveryStep::CheckApproval]).await?;
    }
    if options.import.publish {
        let published = bridges::events::published(db, &ids).await?;
        let drafts: Vec<_> = standing.iter().filter(|(id, _)| !published.contains(id)).cloned().collect();
        tutorials::request_steps(db, Some(options.run), &drafts, &[DeliveryStep::Publish]).await?;
    }
    if options.import.delete_drafts {
        // What a new event will have too many of, only its delivery will show.
        let new = |code: &str| {
            batch
                .iter()
                .any(|item| item.title == code && matches!(item.outcome, BlockOutcome::Create | BlockOutcome::Adopt(_)))
        };
        let surplus = bridges::events::with_extra_sessions(db, &ids).await?;
        let surplus: Vec<_> = standing.into_iter().filter(|(id, code)| surplus.contains(id) || new(code)).collect();
        tutorials::request_steps(db, Some(options.run), &surplus, &[DeliveryStep::DeleteDrafts]).await?;
    }
    Ok(())
}

/// Planned events with the places as they are in this transaction: what was sold since the plan was made stays sold.
fn with_current_places(known: &[KnownEvent], planned: &[&PlannedEvent]) -> Vec<(i64, Event)> {
    let known: HashMap<i64, &Event> = known.iter().map(|known| (known.id, &known.event)).collect();
    let revised = planned.iter().filter_map(|planned| {
        let id = planned.id?;
        let now = known.get(&id)?;
        let mut event = planned.event.clone();
        event.is_soldout = now.is_soldout;
        event.remain_space = match planned.places_moved {
            0 => now.remain_space,
            moved => now.remain_space.saturating_add(moved).max(0),
        };
        Some((id, event))
    });
    revised.collect()
}
