//! A person decides about one value of one event: it is looked at in Administrate once more, and settled as decided.

use administrate::{Client, Id};
use sqlx::PgPool;

use super::{FieldConflict, Winner, load, matches_field_name, merge};
use crate::bridges::events as bridges;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::outbox;
use crate::outbox::DeliveryState;
use crate::runs;
use crate::sync::apply::apply;
use crate::sync::entities::events::Events;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::SyncContext;
use crate::sync::matching::MatchResult;
use crate::sync::plan::SyncPlan;
use crate::sync::report::Report;
use crate::sync::undo::UndoJournalRef;
use crate::tutorials;
use crate::tutorials::EVENT;
use crate::tutorials::reference::Named;

/// What a person has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRequest {
    /// The event of ours.
    pub event: Named,
    /// The field as a report calls it.
    pub field: String,
    /// Whose value holds.
    pub wins: Winner,
    /// What the person was shown; other values are not decided about.
    pub shown: Option<FieldConflict>,
}

/// Settles a dispute; the report is that of a run of its own.
///
/// # Errors
/// [`Error::Usage`] where both sides say the same or the event is not linked, [`Error::NeedsPerson`] where it is on its
/// way to Administrate or the values are no longer those that were shown.
pub async fn resolve(pool: &PgPool, client: &Client, config: &Config, verdict: &ResolveRequest) -> Result<Report> {
    let mut db = pool.acquire().await?;
    let name = &verdict.event.name;
    let link = bridges::link_of(&mut db, verdict.event.id).await?;
    let link = link.ok_or_else(|| Error::Usage(format!("{name} is not linked to an event of Administrate's")))?;
    let ground = SyncContext { asked_at: Some(bridges::now(&mut db).await?), ..SyncContext::of(config) };
    drop(db);
    let told = client.event(&Id::new(link.external_id.as_str())).await?;
    let told = told.ok_or_else(|| Error::Failed(format!("Administrate no longer has {name}")))?;
    let mut tx = pool.begin().await?;
    // What delivery left because of a conflict is failed: nobody works on it until it is asked for again.
    let waits = outbox::undelivered_state(&mut tx, EVENT, verdict.event.id).await?;
    if waits.is_some_and(|state| state != DeliveryState::Failed) {
        return Err(Error::NeedsAttention(format!("{name} is on its way to Administrate: see `lectern outbox` first")));
    }
    let known = load::load_baselines(&mut tx, &ground, &[verdict.event.id]).await?;
    let Some((held, directory)) = known.held.get(&verdict.event.id).zip(known.directory.as_ref()) else {
        return Err(Error::Usage(format!("both sides have never agreed about {name}: there is nothing to decide")));
    };
    let wins = |difference: &_| is_named(difference, &verdict.field).then_some(verdict.wins);
    let weighed = merge(held, &told, directory, wins);
    if let Some(why) = weighed.troubles.into_iter().next() {
        return Err(Error::NeedsAttention(why));
    }
    let open: Vec<FieldConflict> = weighed.conflicts.into_iter().chain(weighed.differences).collect();
    let settlement = weighed.settlement.ok_or_else(|| nothing_of_it(name, &verdict.field, &open))?;
    if verdict.shown.as_ref().is_some_and(|shown| settlement.fields.iter().any(|settled| settled.dispute != *shown)) {
        return Err(Error::NeedsAttention(format!("{name} has changed meanwhile: look at it again")));
    }
    let mut plan = SyncPlan::between(Entity::Events, Vec::new(), &[], MatchResult::default());
    plan.fetched = 1;
    plan.settlements.push(settlement);
    let run = runs::begin(&mut tx, runs::RunKind::Sync, Entity::Events.name()).await?;
    apply::<Events>(&mut tx, &plan, Some(run)).await?;
    if waits.is_some() {
        tutorials::request_steps(&mut tx, Some(run), &[(verdict.event.id, name.clone())], &[]).await?;
    }
    runs::save_journal(&mut tx, run, &UndoJournalRef::plan(&plan)).await?;
    let report = Report::of(&plan, Some(run), false);
    runs::finish(&mut tx, run, report.exit(), &report).await?;
    tx.commit().await?;
    Ok(report)
}

fn is_named(difference: &crate::merge::ValueDiff, field: &str) -> bool {
    matches_field_name(difference.field, field)
}

fn nothing_of_it(name: &str, field: &str, open: &[FieldConflict]) -> Error {
    let others: Vec<String> = open.iter().map(|dispute| format!("\"{}\"", dispute.field)).collect();
    let others = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
    Error::Usage(format!("both sides say the same of {name}, {field}; open is {others}"))
}
