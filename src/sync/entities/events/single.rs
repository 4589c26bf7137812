//! Applies one event of Administrate, from a webhook, as a sync of all events would.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use sqlx::PgConnection;

use super::places;
use super::places::load_places_baselines;
use super::row::with_availability;
use super::{Events, Row, load_events, plan};
use crate::bridges::events as bridges;
use crate::bridges::events::RowFilter;
use crate::bridges::reference::LinkRow;
use crate::error::Result;
use crate::names::fold;
use crate::sync::apply::apply;
use crate::sync::conflicts::Winner;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::Decisions;
use crate::sync::matching::MatchResult;
use crate::sync::plan::SyncPlan;
use crate::tutorials;

/// The outcome of applying one event of Administrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// Its link row or the availability of the local event was changed.
    Written,
    /// Everything was up to date.
    Unchanged,
    /// No local event has its title.
    Unknown,
    /// A local change is not delivered yet. The event may be older than that change.
    Undelivered,
    /// Several local events match. Nothing was written; the next `lectern sync events` reports them.
    Ambiguous,
    /// It cannot be stored, or it is set to be ignored.
    Refused,
}

/// What applying several events of Administrate has to know, each read when it is first needed.
///
/// Valid for one transaction: codes, overrides and references that others change meanwhile are not seen.
#[derive(Debug, Default)]
pub struct ApplyContext {
    /// Ids of the local events by folded code.
    codes: Option<HashMap<String, Vec<i64>>>,
    decisions: Option<Decisions<Row>>,
    references: Option<HashSet<String>>,
}

impl ApplyContext {
    /// Returns the local events that have this title.
    ///
    /// # Errors
    /// Only errors of the database.
    pub async fn named(&mut self, db: &mut PgConnection, title: &str) -> Result<Vec<i64>> {
        let codes = match &mut self.codes {
            Some(codes) => codes,
            unread => {
                let mut codes: HashMap<String, Vec<i64>> = HashMap::new();
                for event in tutorials::store::event_codes(db).await? {
                    codes.entry(fold(&event.name)).or_default().push(event.id);
                }
                unread.insert(codes)
            }
        };
        Ok(codes.get(&fold(title)).cloned().unwrap_or_default())
    }

    async fn decisions(&mut self, db: &mut PgConnection) -> Result<&Decisions<Row>> {
        Ok(match &mut self.decisions {
            Some(decisions) => decisions,
            unread => unread.insert(Decisions::load(db, Entity::Events).await?),
        })
    }

    async fn references(&mut self, db: &mut PgConnection) -> Result<HashSet<String>> {
        Ok(match &mut self.references {
            Some(references) => references.clone(),
            unread => unread.insert(bridges::known_ids(db).await?).clone(),
        })
    }
}

/// Applies one event of Administrate as a sync of all events would.
///
/// Times without a zone are in `time_zone`. The caller owns the transaction. The cost does not depend on the number of
/// events: an event that is linked under its title is found by its external id.
///
/// # Errors
/// Only errors of the database.
pub async fn apply_remote_event(
    db: &mut PgConnection,
    event: administrate::Event,
    time_zone: &TimeZone,
    context: &mut ApplyContext,
) -> Result<ApplyOutcome> {
    let external_id = event.id.to_string();
    let references = context.references(db).await?;
    let chosen = context.decisions(db).await?.overrides.linked.get(&external_id).copied();
    let mut stored = bridges::rows(db, RowFilter::Of(&external_id, &[])).await?;
    let linked = stored.iter().find_map(|row| row.tutorial_event_id);
    let mut local_ids: Vec<i64> = chosen.into_iter().chain(linked).collect();
    let is_known = match linked {
        Some(linked) if chosen.is_none_or(|chosen| chosen == linked) => {
            let code = tutorials::store::code_of(db, linked).await?;
            code.is_some_and(|code| fold(&code) == fold(&event.title))
        }
        _ => false,
    };
    if !is_known {
        local_ids.extend(context.named(db, &event.title).await?);
        stored = bridges::rows(db, RowFilter::Of(&external_id, &local_ids)).await?;
    }
    if stored.iter().any(|row| row.external_id != external_id) && chosen.is_none() {
        return Ok(ApplyOutcome::Ambiguous);
    }
    let saved = context.decisions(db).await?;
    let local = load_events(db, Some(&local_ids), references, time_zone).await?;
    let baseline = load_places_baselines(db, RowFilter::Of(&external_id, &local_ids)).await?;
    let rows = with_availability(stored, &local.availabilities, &baseline);
    let is_linked = rows.iter().any(|row| row.external_id() == external_id && row.link().is_some());
    let mut plan = plan(&local, vec![event], &rows, &saved.overrides);
    plan.keep_spellings(&rows, &saved.comparison);
    // Only a sync of all events compares every row.
    plan.comparison = None;
    let becomes_linked = plan.changes.iter().filter_map(|change| change.after.as_ref()).any(|row| row.link().is_some());
    // Only a sync of all events writes rows without a link.
    let is_unknown = !is_linked && !becomes_linked;
    let has_changes = !plan.is_empty() || !plan.completed.is_empty();
    if has_changes && !is_unknown {
        apply::<Events>(db, &plan, None).await?;
        return Ok(ApplyOutcome::Written);
    }
    let findings = &plan.findings;
    let is_undelivered = local_ids.iter().any(|id| local.undelivered.contains_key(id));
    Ok(match findings {
        _ if !findings.ambiguous.is_empty() => ApplyOutcome::Ambiguous,
        _ if (!findings.skipped.is_empty() || !findings.errors.is_empty()) && is_undelivered => {
            ApplyOutcome::Undelivered
        }
        _ if !findings.skipped.is_empty() || !findings.errors.is_empty() => ApplyOutcome::Refused,
        _ if is_unknown => ApplyOutcome::Unknown,
        _ => ApplyOutcome::Unchanged,
    })
}

/// Plans the places of one linked event, with this side winning where both have sold places.
///
/// # Errors
/// Those of the database. An event without a link gives an empty plan.
pub(in crate::sync) async fn decide_places(
    db: &mut PgConnection,
    event: &administrate::Event,
    local_id: i64,
    wins: Winner,
) -> Result<SyncPlan<Row>> {
    let external_id = event.id.to_string();
    let mut decided = SyncPlan::between(Entity::Events, Vec::new(), &[], MatchResult::default());
    decided.fetched = 1;
    let filter = RowFilter::Of(&external_id, &[]);
    let availabilities = tutorials::store::availabilities(db, Some(&[local_id])).await?;
    let baseline = load_places_baselines(db, filter).await?;
    let rows = with_availability(bridges::rows(db, filter).await?, &availabilities, &baseline);
    if let ([before], [local]) = (rows.as_slice(), availabilities.as_slice()) {
        let (mut row, winner) = (before.clone(), places::winner_of(wins));
        let conflict = places::merge_into(&mut row, Some(before), local, places::reported(event), winner);
        if let Some(conflict) = conflict {
            places::report(&mut decided, &external_id, &local.code, conflict, winner);
        }
        decided.add_row(local.code.clone(), Some(before), row);
    }
    Ok(decided)
}
