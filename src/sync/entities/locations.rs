//! Locations, matched by name.

use std::collections::BTreeSet;

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{BoundedColumn, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids, planned};
use crate::sync::matching::{LocalCandidate, LocalRecord, MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{DesiredRow, SyncPlan};
use crate::sync::remote;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// The sync of locations.
pub(crate) struct Locations;

impl EntitySync for Locations {
    const ENTITY: Entity = Entity::Locations;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Locations);
    type Row = bridges::LocationRow;
    type Remote = Vec<remote::RemoteLocation>;
    type Local = Vec<Named>;

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::locations(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::locations(db).await
    }

    async fn local_records(db: &mut PgConnection, _context: &SyncContext) -> Result<Self::Local> {
        reference::store::locations(db).await
    }

    fn plan(
        local: &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(local, remote, rows, overrides)
    }

    fn stage_rows(context: &mut SyncContext, rows: Vec<Self::Row>) {
        context.locations = Some(rows);
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        _local: &Self::Local,
        remote: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let chosen = remote.into_iter().filter(|location| chosen.contains(&location.external_id));
        let locations = chosen.map(|location| reference::Location {
            name: tidy(&location.name),
            code: tidy(location.code.as_deref().unwrap_or_default()),
        });
        Ok(References { locations: locations.collect(), ..References::default() })
    }

    fn add_planned(local: &mut Self::Local, records: &References) -> Vec<Named> {
        let created = planned(records.locations.iter().map(|location| location.name.as_str()));
        local.extend(created.iter().cloned());
        created
    }

    fn remote_candidates(_local: &Self::Local, remote: &Self::Remote) -> Vec<RemoteCandidate> {
        remote.iter().map(remote_candidate).collect()
    }

    async fn inactive_names(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::inactive_locations(db).await
    }

    fn bounded_columns(remote: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = remote.iter().map(|location| {
            let columns = vec![bounded("name", &location.name, 255), bounded("code", location.code.as_ref(), 50)];
            (location.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_locations(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_locations(db, &ids(rows)).await
    }
}

/// Plans the rows of locations. Each is linked with the local one that has its name.
pub fn plan(
    local: &[Named],
    remote: Vec<remote::RemoteLocation>,
    rows: &[bridges::LocationRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::LocationRow> {
    let matches =
        match_records(local_candidates(local), remote.iter().map(remote_candidate).collect(), rows, overrides);
    let desired = remote.into_iter().map(|location| DesiredRow {
        name: location.name,
        other_texts: location.code.into_iter().map(|code| ("code", code)).collect(),
        row: bridges::LocationRow {
            external_id: location.external_id,
            legacy_id: location.legacy_id,
            tutorial_location_id: None,
        },
    });
    SyncPlan::between(Entity::Locations, desired.collect(), rows, matches)
}

/// Returns local records, to be matched by their name.
pub(crate) fn local_candidates(local: &[Named]) -> Vec<LocalCandidate> {
    let candidate =
        |one: &Named| LocalCandidate { record: LocalRecord::new(one.id, &one.name), key: MatchKey::of(&one.name) };
    local.iter().map(candidate).collect()
}

fn remote_candidate(location: &remote::RemoteLocation) -> RemoteCandidate {
    RemoteCandidate {
        record: RemoteRecord::new(&location.external_id, &location.name),
        key: MatchKey::of(&location.name),
    }
}
