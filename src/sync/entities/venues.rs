//! Venues, matched by name within their location (FR-019).

use std::collections::{BTreeSet, HashMap};

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{BoundedColumn, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{LocalCandidate, LocalRecord, MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{DesiredRow, SyncPlan};
use crate::sync::remote;
use crate::tutorials::reference;
use crate::tutorials::reference::{NamedVenue, References, Room};

/// Venues on the way of every entity.
pub(crate) struct Venues;

impl EntitySync for Venues {
    const ENTITY: Entity = Entity::Venues;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Venues);
    type Row = bridges::VenueRow;
    type Remote = Vec<remote::RemoteVenue>;
    type Local = (Vec<NamedVenue>, Vec<bridges::LocationRow>);

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        remote::venues(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::venues(db).await
    }

    async fn local_records(db: &mut PgConnection, ground: &SyncContext) -> Result<Self::Local> {
        Ok((reference::store::venues(db).await?, ground.locations(db).await?))
    }

    fn plan(
        (ours, locations): &Self::Local,
        theirs: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(ours, theirs, locations, rows, overrides)
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        (_, locations): &Self::Local,
        theirs: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let linked = linked(locations);
        let chosen = theirs.into_iter().filter(|venue| chosen.contains(&venue.external_id));
        let rooms = chosen.filter_map(|venue| {
            let location_id = location_of(&venue, &linked)?;
            Some(Room { name: tidy(&venue.name), location_id })
        });
        Ok(References { rooms: rooms.collect(), ..References::default() })
    }

    fn counterparts((_, locations): &Self::Local, theirs: &Self::Remote) -> Vec<RemoteCandidate> {
        let linked = linked(locations);
        theirs.iter().map(|venue| counterpart(venue, &linked)).collect()
    }

    fn bounded_columns(theirs: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = theirs.iter().map(|venue| {
            let columns = vec![bounded("name", &venue.name, 255)];
            (venue.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_venues(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_venues(db, &ids(rows)).await
    }
}

/// Links each venue with the one of ours that has its name at its location. Without a location that is linked, nothing
/// matches.
pub fn plan(
    ours: &[NamedVenue],
    theirs: Vec<remote::RemoteVenue>,
    locations: &[bridges::LocationRow],
    rows: &[bridges::VenueRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::VenueRow> {
    let linked = linked(locations);
    let candidate = |venue: &NamedVenue| LocalCandidate {
        record: LocalRecord::new(venue.id, &venue.name),
        key: MatchKey::of_within(&venue.name, venue.location_id),
    };
    let counterparts = theirs.iter().map(|venue| counterpart(venue, &linked));
    let pairing = match_records(ours.iter().map(candidate).collect(), counterparts.collect(), overrides);
    let wanted = theirs.into_iter().map(|venue| DesiredRow {
        name: venue.name,
        row: bridges::VenueRow {
            external_id: venue.external_id,
            // A location that came to Administrate after the last sync of locations has no row to refer to.
            location_id: venue.location.filter(|id| linked.contains_key(id.as_str())),
            tutorial_venue_id: None,
        },
    });
    SyncPlan::between(Entity::Venues, wanted.collect(), rows, pairing)
}

/// Our id of each location that has a row, by Administrate's.
type Linked<'a> = HashMap<&'a str, Option<i64>>;

fn linked(locations: &[bridges::LocationRow]) -> Linked<'_> {
    locations.iter().map(|row| (row.external_id.as_str(), row.tutorial_location_id)).collect()
}

/// Our id of the location of one of theirs, where it is linked.
fn location_of(venue: &remote::RemoteVenue, linked: &Linked<'_>) -> Option<i64> {
    venue.location.as_deref().and_then(|id| linked.get(id).copied().flatten())
}

fn counterpart(venue: &remote::RemoteVenue, linked: &Linked<'_>) -> RemoteCandidate {
    let record = RemoteRecord::new(&venue.external_id, &venue.name);
    RemoteCandidate { record, key: MatchKey::of_within(&venue.name, location_of(venue, linked)) }
}
