//! The places of events: what both sides had last, the merge, and writing the result.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;

use super::row::{Row, current_places};
use crate::bridges::events as bridges;
use crate::bridges::events::{RowFilter, StoredPlaces};
use crate::bridges::reference::LinkRow;
use crate::config::ConflictPolicy;
use crate::error::{Error, Result};
use crate::merge::places::{
    MergedPlaces, PlacesConflict, PlacesWinner, REMAINING_PLACES, ReportedPlaces, merge_places,
};
use crate::sync::conflicts::{FieldConflict, ResolvedField, Winner};
use crate::sync::plan::SyncPlan;
use crate::tutorials;
use crate::tutorials::Availability;
use crate::tutorials::store::PlacesUpdate;

/// Returns the places that both sides of linked events had last, by external id.
pub(crate) async fn load_places_baselines(
    db: &mut PgConnection,
    filter: RowFilter<'_>,
) -> Result<HashMap<String, ReportedPlaces>> {
    let stored = bridges::stored_places(db, filter).await?;
    Ok(stored.into_iter().map(|places| (places.external_id.clone(), baseline_of(&places))).collect())
}

/// Without a report, an event that Lectern sent has all the places that were sent.
fn baseline_of(stored: &StoredPlaces) -> ReportedPlaces {
    let sent = stored.sent_max_places;
    let (max_places, remaining) = match stored.seen_remaining {
        Some(remaining) => (stored.seen_max_places, Some(remaining)),
        None => (sent, sent),
    };
    let sold_out = stored.seen_sold_out.or(stored.sold_out).or_else(|| sent.map(|_| false));
    ReportedPlaces { sold_out, max_places, remaining }
}

/// Without anything known, an event with a maximum had all its places.
fn or_unsold(baseline: ReportedPlaces, local: &Availability) -> ReportedPlaces {
    match (baseline.remaining, local.max_places.map(i64::from)) {
        (None, Some(max)) => {
            ReportedPlaces { sold_out: baseline.sold_out.or(Some(false)), max_places: Some(max), remaining: Some(max) }
        }
        _ => baseline,
    }
}

/// Returns the places that Administrate reports for an event.
pub(super) fn reported(event: &administrate::Event) -> ReportedPlaces {
    // A number outside the range of the column counts as not reported.
    let in_range = |places: &i64| i32::try_from(*places).is_ok();
    ReportedPlaces {
        sold_out: event.is_sold_out,
        max_places: event.max_places.filter(in_range),
        remaining: event.remaining_places.filter(in_range),
    }
}

/// Merges the places of a linked event into its row, and returns the conflict if there is one.
///
/// `before`: the stored row; a row that did not link this event says nothing of its places.
pub(super) fn merge_into(
    row: &mut Row,
    before: Option<&Row>,
    local: &Availability,
    remote: ReportedPlaces,
    winner: PlacesWinner,
) -> Option<PlacesConflict> {
    let before = before.filter(|before| before.link() == Some(local.id));
    let baseline = before.and_then(|before| before.places_baseline).unwrap_or_default();
    let MergedPlaces { local: places, baseline, conflict } =
        merge_places(local, or_unsold(baseline, local), remote, winner);
    row.places = places;
    row.places_baseline = Some(baseline);
    row.availability_before = Some(current_places(local));
    conflict
}

/// Returns the side that the settings prefer for remaining places that were changed on both sides.
pub(super) fn configured_winner(settings: &BTreeMap<String, ConflictPolicy>) -> PlacesWinner {
    match settings.get(&REMAINING_PLACES.replace(' ', "_")) {
        Some(ConflictPolicy::Local) => PlacesWinner::Local,
        Some(ConflictPolicy::Remote) => PlacesWinner::Remote,
        Some(ConflictPolicy::Ask) | None => PlacesWinner::Open,
    }
}

pub(super) fn winner_of(wins: Winner) -> PlacesWinner {
    match wins {
        Winner::Local => PlacesWinner::Local,
        Winner::Remote => PlacesWinner::Remote,
    }
}

/// Adds a conflict to the findings, as resolved if there is a winner.
pub(super) fn report(
    plan: &mut SyncPlan<Row>,
    external_id: &str,
    code: &str,
    found: PlacesConflict,
    winner: PlacesWinner,
) {
    let conflict = FieldConflict {
        external_id: external_id.to_owned(),
        name: code.to_owned(),
        field: REMAINING_PLACES.to_owned(),
        local: Some(found.local.to_string()),
        remote: Some(found.remote.to_string()),
        baseline: Some(found.baseline.to_string()),
    };
    let resolved = |wins| ResolvedField { conflict: conflict.clone(), wins };
    match winner {
        PlacesWinner::Open => plan.findings.conflicts.push(conflict),
        PlacesWinner::Local => plan.findings.resolved_places.push(resolved(Winner::Local)),
        PlacesWinner::Remote => plan.findings.resolved_places.push(resolved(Winner::Remote)),
    }
}

/// Writes the changed places of rows to the local events.
///
/// # Errors
/// [`Error::Failed`] where other places were sold since the rows were planned.
pub(super) async fn write(db: &mut PgConnection, rows: &[&Row]) -> Result<()> {
    let update = |row: &&Row| {
        let (tutorial_event_id, before) = (row.link()?, row.availability_before);
        Some(PlacesUpdate { tutorial_event_id, before, after: row.places }).filter(|_| before != Some(row.places))
    };
    let updates: Vec<PlacesUpdate> = rows.iter().filter_map(update).collect();
    if updates.is_empty() {
        return Ok(());
    }
    let sold = tutorials::store::set_available_places(db, &updates).await?;
    if sold.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!(
        "places of {} were sold meanwhile, so nothing was written: run it again",
        sold.join(", ")
    )))
}
