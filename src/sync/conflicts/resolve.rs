//! A person decides about one value of one event: it is looked at in Administrate once more, and settled as decided.

use administrate::{Client, Id};
use sqlx::PgPool;

use super::{Dispute, Side, is_meant, load, weigh};
use crate::bridges::events as bridges;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::outbox;
use crate::outbox::State;
use crate::runs;
use crate::sync::apply::apply;
use crate::sync::entities::events::Events;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::Ground;
use crate::sync::matching::Pairing;
use crate::sync::plan::Plan;
use crate::sync::report::Report;
use crate::sync::undo::JournalOf;
use crate::tutorials;
use crate::tutorials::EVENT;
use crate::tutorials::reference::Named;

/// What a person has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The event of ours.
    pub event: Named,
    /// The field as a report calls it.
    pub field: String,
    /// Whose value holds.
    pub wins: Side,
    /// What the person was shown; other values are not decided about.
    pub shown: Option<Dispute>,
}

/// Settles a dispute; the report is that of a run of its own.
///
/// # Errors
/// [`Error::Usage`] where both sides say the same or the event is not linked, [`Error::NeedsPerson`] where it is on its
/// way to Administrate or the values are no longer those that were shown.
pub async fn decide(pool: &PgPool, client: &Client, config: &Config, verdict: &Verdict) -> Result<Report> {
    let mut db = pool.acquire().await?;
    let name = &verdict.event.name;
    let link = bridges::link_of(&mut db, verdict.event.id).await?;
    let link = link.ok_or_else(|| Error::Usage(format!("{name} is not linked to an event of Administrate's")))?;
    let ground = Ground { asked_at: Some(bridges::now(&mut db).await?), ..Ground::of(config) };
    drop(db);
    let told = client.event(&Id::new(link.external_id.as_str())).await?;
    let told = told.ok_or_else(|| Error::Failed(format!("Administrate no longer has {name}")))?;
    let mut tx = pool.begin().await?;
    // What delivery left because of a conflict is failed: nobody works on it until it is asked for again.
    let waits = outbox::open_state(&mut tx, EVENT, verdict.event.id).await?;
    if waits.is_some_and(|state| state != State::Failed) {
        return Err(Error::NeedsPerson(format!("{name} is on its way to Administrate: see `lectern outbox` first")));
    }
    let known = load::held(&mut tx, &ground, &[verdict.event.id]).await?;
    let Some((held, directory)) = known.held.get(&verdict.event.id).zip(known.directory.as_ref()) else {
        return Err(Error::Usage(format!("both sides have never agreed about {name}: there is nothing to decide")));
    };
    let wins = |difference: &_| is_named(difference, &verdict.field).then_some(verdict.wins);
    let weighed = weigh(held, &told, directory, wins);
    if let Some(why) = weighed.troubles.into_iter().next() {
        return Err(Error::NeedsPerson(why));
    }
    let open: Vec<Dispute> = weighed.conflicts.into_iter().chain(weighed.differences).collect();
    let settlement = weighed.settlement.ok_or_else(|| nothing_of_it(name, &verdict.field, &open))?;
    if verdict.shown.as_ref().is_some_and(|shown| settlement.fields.iter().any(|settled| settled.dispute != *shown)) {
        return Err(Error::NeedsPerson(format!("{name} has changed meanwhile: look at it again")));
    }
    let mut plan = Plan::between(Entity::Events, Vec::new(), &[], Pairing::default());
    plan.fetched = 1;
    plan.settlements.push(settlement);
    let run = runs::begin(&mut tx, "sync", Entity::Events.name()).await?;
    apply::<Events>(&mut tx, &plan, Some(run)).await?;
    if waits.is_some() {
        tutorials::ask_also(&mut tx, Some(run), &[(verdict.event.id, name.clone())], &[]).await?;
    }
    runs::keep_journal(&mut tx, run, &JournalOf::plan(&plan)).await?;
    let report = Report::of(&plan, Some(run), false);
    runs::finish(&mut tx, run, report.exit(), &report).await?;
    tx.commit().await?;
    Ok(report)
}

fn is_named(difference: &crate::merge::Difference, field: &str) -> bool {
    is_meant(difference.field, field)
}

fn nothing_of_it(name: &str, field: &str, open: &[Dispute]) -> Error {
    let others: Vec<String> = open.iter().map(|dispute| format!("\"{}\"", dispute.field)).collect();
    let others = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
    Error::Usage(format!("both sides say the same of {name}, {field}; open is {others}"))
}
