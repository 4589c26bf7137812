//! Venues, matched by name within their location (FR-019).

use std::collections::{BTreeSet, HashMap};

use administrate::Client;
use sqlx::PgConnection;

use super::decisions::Decisions;
use super::entity::Entity;
use super::matching::{Candidate, Counterpart, MatchKey, Ours, Theirs, pair};
use super::plan::{Plan, Wanted};
use super::remote;
use super::synced::{Ground, Synced, ids};
use crate::bridges::reference::{self as bridges, Bounded, bounded};
use crate::error::Result;
use crate::tutorials::reference::{self, NamedVenue, References};

/// Venues on the way of every entity.
pub(super) struct Venues;

impl Synced for Venues {
    const ENTITY: Entity = Entity::Venues;
    type Row = bridges::Venue;
    type Theirs = Vec<remote::Venue>;
    type Ours = (Vec<NamedVenue>, Vec<bridges::Location>);

    async fn fetch(client: &Client, _ground: &Ground) -> Result<Self::Theirs> {
        remote::venues(client).await
    }

    async fn rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        bridges::store::venues(db).await
    }

    async fn ours(db: &mut PgConnection, ground: &Ground) -> Result<Self::Ours> {
        Ok((reference::store::venues(db).await?, ground.locations(db).await?))
    }

    fn plan(
        (ours, locations): &Self::Ours,
        theirs: Self::Theirs,
        rows: &[Self::Row],
        decisions: &Decisions,
    ) -> Plan<Self::Row> {
        plan(ours, theirs, locations, rows, decisions)
    }

    async fn missing(
        db: &mut PgConnection,
        (_, locations): &Self::Ours,
        theirs: Self::Theirs,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let names = reference::store::locations(db).await?;
        let name_of = |id: i64| names.iter().find(|location| location.id == id).map(|location| location.name.clone());
        let linked = |id: &str| locations.iter().find(|row| row.external_id == id)?.tutorial_location_id;
        let chosen = theirs.into_iter().filter(|venue| chosen.contains(&venue.external_id));
        let venues = chosen.filter_map(|venue| {
            let location = name_of(linked(venue.location.as_deref()?)?)?;
            Some(reference::Venue { name: venue.name, location })
        });
        Ok(References { venues: venues.collect(), ..References::default() })
    }

    fn columns(theirs: &Self::Theirs) -> Vec<(&str, Vec<Bounded<'_>>)> {
        let columns = theirs.iter().map(|venue| {
            let columns = vec![bounded("name", &venue.name, 255)];
            (venue.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn put(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        bridges::store::put_venues(db, rows).await
    }

    async fn remove(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        bridges::store::remove_venues(db, &ids(rows)).await
    }
}

/// Links each venue with the one of ours that has its name at its location. Without a location that is linked, nothing
/// matches.
pub fn plan(
    ours: &[NamedVenue],
    theirs: Vec<remote::Venue>,
    locations: &[bridges::Location],
    rows: &[bridges::Venue],
    decisions: &Decisions,
) -> Plan<bridges::Venue> {
    let linked: HashMap<&str, Option<i64>> =
        locations.iter().map(|row| (row.external_id.as_str(), row.tutorial_location_id)).collect();
    let candidate = |venue: &NamedVenue| Candidate {
        record: Ours::new(venue.id, &venue.name),
        key: MatchKey::of_within(&venue.name, venue.location_id),
    };
    let counterpart = |venue: &remote::Venue| {
        let location = venue.location.as_deref().and_then(|id| linked.get(id).copied().flatten());
        let record = Theirs::new(&venue.external_id, &venue.name);
        Counterpart { record, key: MatchKey::of_within(&venue.name, location) }
    };
    let pairing = pair(ours.iter().map(candidate).collect(), theirs.iter().map(counterpart).collect(), decisions);
    let wanted = theirs.into_iter().map(|venue| Wanted {
        name: venue.name,
        row: bridges::Venue {
            external_id: venue.external_id,
            // A location that came to Administrate after the last sync of locations has no row to refer to.
            location_id: venue.location.filter(|id| linked.contains_key(id.as_str())),
            tutorial_venue_id: None,
        },
    });
    Plan::between(Entity::Venues, wanted.collect(), rows, pairing)
}
