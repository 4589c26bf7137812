//! Our side of what is compared value by value, in O(1) statements.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::EventWithBaseline;
use crate::bridges::store::references;
use crate::error::Result;
use crate::merge::{self, ReferenceNames};
use crate::sync::entity_sync::SyncContext;
use crate::tutorials;
use crate::tutorials::reference::store as ours;

/// What is compared value by value.
#[derive(Debug, Default)]
pub(in crate::sync) struct Baselines {
    /// Events by our ids.
    pub(in crate::sync) held: HashMap<i64, EventWithBaseline>,
    /// The names of what they refer to; none where there are no events.
    pub(in crate::sync) directory: Option<ReferenceNames>,
}

/// Those of these events of ours that both sides have agreed about.
pub(in crate::sync) async fn load_baselines(
    db: &mut PgConnection,
    ground: &SyncContext,
    ids: &[i64],
) -> Result<Baselines> {
    let mut baselines = merge::load_baselines(db, ids, ground.asked_at).await?;
    if baselines.is_empty() {
        return Ok(Baselines::default());
    }
    let ids: Vec<i64> = baselines.keys().copied().collect();
    let known = tutorials::store::events_by_id(db, &ids).await?.into_iter();
    let held =
        known.filter_map(|known| Some((known.id, EventWithBaseline { agreed: baselines.remove(&known.id)?, known })));
    Ok(Baselines { held: held.collect(), directory: Some(directory(db, ground).await?) })
}

async fn directory(db: &mut PgConnection, ground: &SyncContext) -> Result<ReferenceNames> {
    let theirs: HashMap<i64, String> = references::locations(db)
        .await?
        .into_iter()
        .filter_map(|row| Some((row.tutorial_location_id?, row.external_id)))
        .collect();
    let locations = ours::locations(db).await?.into_iter();
    let locations = locations.map(|ours| (ours.id, ours.name, theirs.get(&ours.id).cloned())).collect::<Vec<_>>();
    let theirs: HashMap<i64, String> = references::venues(db)
        .await?
        .into_iter()
        .filter_map(|row| Some((row.tutorial_venue_id?, row.external_id)))
        .collect();
    let venues = ours::venues(db).await?.into_iter();
    let venues = venues.map(|ours| (ours.id, ours.name, theirs.get(&ours.id).cloned())).collect::<Vec<_>>();
    let fields = references::custom_fields(db).await?.into_iter();
    let fields = fields.map(|row| (row.entity_type, row.label, row.external_id));
    Ok(ReferenceNames::new(&ground.labels, locations, venues, fields))
}
