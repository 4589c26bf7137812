//! Price levels: Administrate's own, nothing of ours to match (FR-008).

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::store::references;
use crate::error::Result;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::MatchResult;
use crate::sync::plan::{DesiredRow, SyncPlan};
use crate::sync::remote;

/// Price levels on the way of every entity.
pub(crate) struct PriceLevels;

impl EntitySync for PriceLevels {
    const ENTITY: Entity = Entity::PriceLevels;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::PriceLevels);
    type Row = bridges::PriceLevelRow;
    type Remote = Vec<remote::RemotePriceLevel>;
    type Local = ();

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        remote::price_levels(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::price_levels(db).await
    }

    async fn local_records(_db: &mut PgConnection, _ground: &SyncContext) -> Result<Self::Local> {
        Ok(())
    }

    fn plan(_ours: &(), theirs: Self::Remote, rows: &[Self::Row], _decisions: &MatchOverrides) -> SyncPlan<Self::Row> {
        plan(theirs, rows)
    }

    fn stage_rows(ground: &mut SyncContext, rows: Vec<Self::Row>) {
        ground.price_levels = Some(rows);
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_price_levels(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_price_levels(db, &ids(rows)).await
    }
}

/// Keeps each price level as Administrate has it.
pub fn plan(
    theirs: Vec<remote::RemotePriceLevel>,
    rows: &[bridges::PriceLevelRow],
) -> SyncPlan<bridges::PriceLevelRow> {
    let wanted = theirs.into_iter().map(|level| DesiredRow {
        name: level.name.clone(),
        row: bridges::PriceLevelRow {
            external_id: level.external_id,
            name: level.name,
            description: level.description,
        },
    });
    SyncPlan::between(Entity::PriceLevels, wanted.collect(), rows, MatchResult::default())
}
