//! Venues, matched by name within their location.

use std::collections::{BTreeSet, HashMap, HashSet};

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{BoundedColumn, CascadedDeletes, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids, planned};
use crate::sync::matching::{LocalCandidate, LocalRecord, MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{DesiredRow, SyncPlan};
use crate::sync::remote;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, NamedVenue, References, Room};

/// The sync of venues.
pub(crate) struct Venues;

impl EntitySync for Venues {
    const ENTITY: Entity = Entity::Venues;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Venues);
    type Row = bridges::VenueRow;
    type Remote = Vec<remote::RemoteVenue>;
    type Local = (Vec<NamedVenue>, Vec<bridges::LocationRow>);

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::venues(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::venues(db).await
    }

    async fn local_records(db: &mut PgConnection, context: &SyncContext) -> Result<Self::Local> {
        Ok((reference::store::venues(db).await?, context.locations(db).await?))
    }

    fn plan(
        (local, locations): &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(local, remote, locations, rows, overrides)
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        (_, locations): &Self::Local,
        remote: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let linked = linked_locations(locations);
        let chosen = remote.into_iter().filter(|venue| chosen.contains(&venue.external_id));
        let rooms = chosen.filter_map(|venue| {
            let location_id = local_location(&venue, &linked)?;
            Some(Room { name: tidy(&venue.name), location_id })
        });
        Ok(References { rooms: rooms.collect(), ..References::default() })
    }

    fn add_planned((local, _): &mut Self::Local, records: &References) -> Vec<Named> {
        let created = planned(records.rooms.iter().map(|room| room.name.as_str()));
        local.extend(created.iter().zip(&records.rooms).map(|(created, room)| NamedVenue {
            id: created.id,
            name: created.name.clone(),
            location_id: Some(room.location_id),
        }));
        created
    }

    fn remote_candidates((_, locations): &Self::Local, remote: &Self::Remote) -> Vec<RemoteCandidate> {
        let linked = linked_locations(locations);
        remote.iter().map(|venue| remote_candidate(venue, &linked)).collect()
    }

    fn bounded_columns(remote: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = remote.iter().map(|venue| {
            let columns = vec![bounded("name", &venue.name, 255)];
            (venue.external_id.as_str(), columns)
        });
        columns.collect()
    }

    fn apply_cascades(rows: &mut Vec<Self::Row>, cascaded: &CascadedDeletes) {
        let references = cascaded.references.iter().filter(|reference| reference.column == "venues.location");
        let gone: HashSet<&str> = references.map(|reference| reference.target.as_str()).collect();
        rows.iter_mut().for_each(|row| _ = row.location_id.take_if(|location| gone.contains(location.as_str())));
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_venues(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_venues(db, &ids(rows)).await
    }
}

/// Plans the rows of venues. Each is linked with the local one of its name at its location.
///
/// A venue without a linked location matches nothing.
pub fn plan(
    local: &[NamedVenue],
    remote: Vec<remote::RemoteVenue>,
    locations: &[bridges::LocationRow],
    rows: &[bridges::VenueRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::VenueRow> {
    let linked = linked_locations(locations);
    let candidate = |venue: &NamedVenue| LocalCandidate {
        record: LocalRecord::new(venue.id, &venue.name),
        key: MatchKey::of_within(&venue.name, venue.location_id),
    };
    let candidates = remote.iter().map(|venue| remote_candidate(venue, &linked));
    let matches = match_records(local.iter().map(candidate).collect(), candidates.collect(), rows, overrides);
    let desired = remote.into_iter().map(|venue| DesiredRow {
        name: venue.name,
        other_texts: Vec::new(),
        row: bridges::VenueRow {
            external_id: venue.external_id,
            // A location that is newer than the last sync of locations has no row to refer to.
            location_id: venue.location.filter(|id| linked.contains_key(id.as_str())),
            tutorial_venue_id: None,
        },
    });
    SyncPlan::between(Entity::Venues, desired.collect(), rows, matches)
}

/// The local id of each location that has a row, by its id in Administrate; none if it is not linked.
type LinkedLocations<'a> = HashMap<&'a str, Option<i64>>;

fn linked_locations(locations: &[bridges::LocationRow]) -> LinkedLocations<'_> {
    locations.iter().map(|row| (row.external_id.as_str(), row.tutorial_location_id)).collect()
}

/// Returns the local id of the location of a venue, if it is linked.
fn local_location(venue: &remote::RemoteVenue, linked: &LinkedLocations<'_>) -> Option<i64> {
    venue.location.as_deref().and_then(|id| linked.get(id).copied().flatten())
}

fn remote_candidate(venue: &remote::RemoteVenue, linked: &LinkedLocations<'_>) -> RemoteCandidate {
    let record = RemoteRecord::new(&venue.external_id, &venue.name);
    RemoteCandidate { record, key: MatchKey::of_within(&venue.name, local_location(venue, linked)) }
}
