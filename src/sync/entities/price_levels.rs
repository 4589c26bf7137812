//! Price levels, which exist in Administrate only.

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

/// The sync of price levels.
pub(crate) struct PriceLevels;

impl EntitySync for PriceLevels {
    const ENTITY: Entity = Entity::PriceLevels;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::PriceLevels);
    type Row = bridges::PriceLevelRow;
    type Remote = Vec<remote::RemotePriceLevel>;
    type Local = ();

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::price_levels(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::price_levels(db).await
    }

    async fn local_records(_db: &mut PgConnection, _context: &SyncContext) -> Result<Self::Local> {
        Ok(())
    }

    fn plan(_local: &(), remote: Self::Remote, rows: &[Self::Row], _overrides: &MatchOverrides) -> SyncPlan<Self::Row> {
        plan(remote, rows)
    }

    fn stage_rows(context: &mut SyncContext, rows: Vec<Self::Row>) {
        context.price_levels = Some(rows);
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_price_levels(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_price_levels(db, &ids(rows)).await
    }
}

/// Plans a row for each price level.
pub fn plan(
    remote: Vec<remote::RemotePriceLevel>,
    rows: &[bridges::PriceLevelRow],
) -> SyncPlan<bridges::PriceLevelRow> {
    let desired = remote.into_iter().map(|level| DesiredRow {
        name: level.name.clone(),
        other_texts: Vec::new(),
        row: bridges::PriceLevelRow {
            external_id: level.external_id,
            name: level.name,
            description: level.description,
        },
    });
    SyncPlan::between(Entity::PriceLevels, desired.collect(), rows, MatchResult::default())
}
