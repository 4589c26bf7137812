//! Our side of what is compared value by value, in O(1) statements.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::Held;
use crate::bridges::store::references;
use crate::error::Result;
use crate::merge::{Directory, last_agreed};
use crate::sync::entity_sync::Ground;
use crate::tutorials;
use crate::tutorials::reference::store as ours;

/// What is compared value by value.
#[derive(Debug, Default)]
pub(in crate::sync) struct Compared {
    /// Events by our ids.
    pub(in crate::sync) held: HashMap<i64, Held>,
    /// The names of what they refer to; none where there are no events.
    pub(in crate::sync) directory: Option<Directory>,
}

/// Those of these events of ours that both sides have agreed about.
pub(in crate::sync) async fn held(db: &mut PgConnection, ground: &Ground, ids: &[i64]) -> Result<Compared> {
    let mut agreed = last_agreed(db, ids, ground.asked_at).await?;
    if agreed.is_empty() {
        return Ok(Compared::default());
    }
    let ids: Vec<i64> = agreed.keys().copied().collect();
    let known = tutorials::store::events_by_id(db, &ids).await?.into_iter();
    let held = known.filter_map(|known| Some((known.id, Held { agreed: agreed.remove(&known.id)?, known })));
    Ok(Compared { held: held.collect(), directory: Some(directory(db, ground).await?) })
}

async fn directory(db: &mut PgConnection, ground: &Ground) -> Result<Directory> {
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
    Ok(Directory::new(&ground.labels, locations, venues, fields))
}
