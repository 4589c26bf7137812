//! Price levels: Administrate's own, nothing of ours to match (FR-008).

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::store::references;
use crate::error::Result;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, Ground, ids};
use crate::sync::matching::Pairing;
use crate::sync::plan::{Plan, Wanted};
use crate::sync::remote;

/// Price levels on the way of every entity.
pub(crate) struct PriceLevels;

impl EntitySync for PriceLevels {
    const ENTITY: Entity = Entity::PriceLevels;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::PriceLevels);
    type Row = bridges::PriceLevel;
    type Theirs = Vec<remote::PriceLevel>;
    type Ours = ();

    async fn fetch(client: &Client, _ground: &Ground) -> Result<Self::Theirs> {
        remote::price_levels(client).await
    }

    async fn rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::price_levels(db).await
    }

    async fn ours(_db: &mut PgConnection, _ground: &Ground) -> Result<Self::Ours> {
        Ok(())
    }

    fn plan(_ours: &(), theirs: Self::Theirs, rows: &[Self::Row], _decisions: &MatchOverrides) -> Plan<Self::Row> {
        plan(theirs, rows)
    }

    fn lay(ground: &mut Ground, rows: Vec<Self::Row>) {
        ground.price_levels = Some(rows);
    }

    async fn put(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_price_levels(db, rows).await
    }

    async fn remove(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_price_levels(db, &ids(rows)).await
    }
}

/// Keeps each price level as Administrate has it.
pub fn plan(theirs: Vec<remote::PriceLevel>, rows: &[bridges::PriceLevel]) -> Plan<bridges::PriceLevel> {
    let wanted = theirs.into_iter().map(|level| Wanted {
        name: level.name.clone(),
        row: bridges::PriceLevel { external_id: level.external_id, name: level.name, description: level.description },
    });
    Plan::between(Entity::PriceLevels, wanted.collect(), rows, Pairing::default())
}
