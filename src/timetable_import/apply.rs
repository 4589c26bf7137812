//! A plan carried out here: batches of whole blocks, each in a transaction with its effects and fates.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::tutorials::{self, Event};

use super::plan::{Item, Outcome, Plan, PlannedEvent};
use super::store;

/// How a plan is to be applied.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The run that it belongs to.
    pub run: i64,
    /// Blocks that commit together.
    pub blocks_per_batch: usize,
    /// Whether somebody looked that Administrate has none of the new events.
    pub looked: bool,
}

/// Applies a plan; gives whether it ended early because `stop` was cancelled, between two batches.
///
/// `unused`: columns that mean nothing to us, by event row.
///
/// # Errors
/// From the database; batches that were committed stay, and importing the file again goes on from there.
pub async fn apply(
    pool: &PgPool,
    plan: &Plan,
    unused: &HashMap<u32, Value>,
    manner: Manner,
    stop: &CancellationToken,
) -> Result<bool> {
    let items: Vec<&Item> = plan.items.iter().collect();
    for batch in items.chunks(manner.blocks_per_batch) {
        if stop.is_cancelled() {
            return Ok(true);
        }
        let mut transaction = pool.begin().await?;
        apply_batch(&mut transaction, batch, manner).await?;
        store::keep_fates(&mut transaction, manner.run, batch, unused).await?;
        transaction.commit().await?;
    }
    Ok(false)
}

async fn apply_batch(db: &mut PgConnection, batch: &[&Item], manner: Manner) -> Result<()> {
    let run = Some(manner.run);
    let (adopted, created): (Vec<_>, Vec<_>) = batch
        .iter()
        .filter(|item| matches!(item.outcome, Outcome::Create | Outcome::Adopt(_)))
        .filter_map(|item| Some((&item.outcome, item.event.as_ref()?.event.clone())))
        .partition(|(outcome, _)| matches!(outcome, Outcome::Adopt(_)));
    // What stands in Administrate already is found there again by delivery, which links it instead of creating it.
    for (events, look_first) in [(created, !manner.looked), (adopted, true)] {
        let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
        if !events.is_empty() {
            tutorials::announce_events(db, run, &events, look_first).await?;
        }
    }
    let revised = batch.iter().filter(|item| matches!(item.outcome, Outcome::Update | Outcome::Cancel));
    let revised: Vec<&PlannedEvent> = revised.filter_map(|item| item.event.as_ref()).collect();
    if !revised.is_empty() {
        let revised = as_of_now(db, &revised).await?;
        tutorials::revise_events(db, run, &revised).await?;
    }
    Ok(())
}

/// Planned events with the places as they are in this transaction: what was sold since the plan was made stays sold.
async fn as_of_now(db: &mut PgConnection, planned: &[&PlannedEvent]) -> Result<Vec<(i64, Event)>> {
    let ids: Vec<i64> = planned.iter().filter_map(|planned| planned.id).collect();
    let known = tutorials::store::events_by_id(db, &ids).await?;
    let known: HashMap<i64, Event> = known.into_iter().map(|known| (known.id, known.event)).collect();
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
    Ok(revised.collect())
}
