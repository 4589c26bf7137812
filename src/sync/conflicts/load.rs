//! Loads local events with their baselines for merging, in a constant number of statements.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::EventWithBaseline;
use crate::error::Result;
use crate::merge::{self, ReferenceNames};
use crate::sync::entity_sync::SyncContext;
use crate::tutorials;

#[derive(Debug, Default)]
pub(in crate::sync) struct Baselines {
    /// Events by local id.
    pub(in crate::sync) events: HashMap<i64, EventWithBaseline>,
    /// The names of the records that the events refer to; none where there are no events.
    pub(in crate::sync) names: Option<ReferenceNames>,
}

/// Loads those of these events, given by local id, that have a baseline.
pub(in crate::sync) async fn load_baselines(
    db: &mut PgConnection,
    context: &SyncContext,
    ids: &[i64],
) -> Result<Baselines> {
    let mut baselines = merge::load_baselines(db, ids, context.fetch_started_at).await?;
    if baselines.is_empty() {
        return Ok(Baselines::default());
    }
    let ids: Vec<i64> = baselines.keys().copied().collect();
    let events = tutorials::store::events_by_id(db, &ids).await?.into_iter();
    let events = events
        .filter_map(|known| Some((known.id, EventWithBaseline { baseline: baselines.remove(&known.id)?, known })))
        .collect();
    let names = merge::load_reference_names(db, &context.labels).await?.with_sittings(&context.sittings);
    Ok(Baselines { events, names: Some(names) })
}
