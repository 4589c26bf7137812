//! One event that Administrate tells of by itself, taken over as a sync of all would.

use jiff::tz::TimeZone;
use sqlx::PgConnection;

use super::{Events, known, plan, with_availability};
use crate::bridges::events as bridges;
use crate::bridges::events::RowFilter;
use crate::bridges::reference::LinkRow;
use crate::bridges::store::overrides;
use crate::error::Result;
use crate::names::fold;
use crate::sync::apply::apply;
use crate::sync::entity::Entity;
use crate::tutorials;

/// What became of one event that Administrate told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// Its row, or how bookable ours is, has changed.
    Written,
    /// Everything was so already.
    Unchanged,
    /// No event of ours has its title.
    Unknown,
    /// Ours is on its way to Administrate: what was told may be older than what is being sent.
    Undelivered,
    /// Several could be meant; nothing was written, the next `lectern sync events` tells which.
    Ambiguous,
    /// It cannot be stored, or a person has decided to ignore it.
    Refused,
}

/// Takes over what Administrate says of one event, as a sync of all would: for whoever is told of one at a time.
/// Times that name no zone are told in `time_zone`. The caller owns the transaction.
///
/// # Errors
/// The database's alone.
pub async fn apply_remote_event(
    db: &mut PgConnection,
    event: administrate::Event,
    time_zone: &TimeZone,
) -> Result<ApplyOutcome> {
    let external_id = event.id.to_string();
    let title = fold(&event.title);
    let named = tutorials::store::event_codes(db).await?.into_iter().filter(|ours| fold(&ours.name) == title);
    let mut ours: Vec<i64> = named.map(|ours| ours.id).collect();
    let saved = overrides::overrides(db, Entity::Events.name()).await?;
    ours.extend(saved.linked.get(&external_id));
    let stand = bridges::rows(db, RowFilter::Of(&external_id, &ours)).await?;
    ours.extend(stand.iter().filter(|row| row.external_id == external_id).filter_map(|row| row.tutorial_event_id));
    if stand.iter().any(|row| row.external_id != external_id) && !saved.linked.contains_key(&external_id) {
        return Ok(ApplyOutcome::Ambiguous);
    }
    let known = known(db, Some(&ours), time_zone).await?;
    let rows = with_availability(stand, &known.offers);
    let is_linked = rows.iter().any(|row| row.external_id() == external_id && row.link().is_some());
    let plan = plan(&known, vec![event], &rows, &saved);
    let becomes_ours = plan.changes.iter().filter_map(|change| change.after.as_ref()).any(|row| row.link().is_some());
    // A row without a link is for the next sync of all: whoever is told of one event asks whether it is ours.
    let is_nobodys = !is_linked && !becomes_ours;
    if !plan.is_empty() && !is_nobodys {
        apply::<Events>(db, &plan, None).await?;
        return Ok(ApplyOutcome::Written);
    }
    let findings = &plan.findings;
    let is_undelivered = ours.iter().any(|id| known.undelivered.contains_key(id));
    Ok(match findings {
        _ if !findings.ambiguous.is_empty() => ApplyOutcome::Ambiguous,
        _ if (!findings.skipped.is_empty() || !findings.errors.is_empty()) && is_undelivered => {
            ApplyOutcome::Undelivered
        }
        _ if !findings.skipped.is_empty() || !findings.errors.is_empty() => ApplyOutcome::Refused,
        _ if is_nobodys => ApplyOutcome::Unknown,
        _ => ApplyOutcome::Unchanged,
    })
}
