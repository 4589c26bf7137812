//! Locations, matched by name (FR-018).

use std::collections::BTreeSet;

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{Bounded, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, Ground, ids};
use crate::sync::matching::{Candidate, Counterpart, MatchKey, Ours, Theirs, pair};
use crate::sync::plan::{Plan, Wanted};
use crate::sync::remote;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// Locations on the way of every entity.
pub(crate) struct Locations;

impl EntitySync for Locations {
    const ENTITY: Entity = Entity::Locations;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Locations);
    type Row = bridges::Location;
    type Theirs = Vec<remote::Location>;
    type Ours = Vec<Named>;

    async fn fetch(client: &Client, _ground: &Ground) -> Result<Self::Theirs> {
        remote::locations(client).await
    }

    async fn rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::locations(db).await
    }

    async fn ours(db: &mut PgConnection, _ground: &Ground) -> Result<Self::Ours> {
        reference::store::locations(db).await
    }

    fn plan(
        ours: &Self::Ours,
        theirs: Self::Theirs,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> Plan<Self::Row> {
        plan(ours, theirs, rows, overrides)
    }

    fn lay(ground: &mut Ground, rows: Vec<Self::Row>) {
        ground.locations = Some(rows);
    }

    async fn missing(
        _db: &mut PgConnection,
        _ours: &Self::Ours,
        theirs: Self::Theirs,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let chosen = theirs.into_iter().filter(|location| chosen.contains(&location.external_id));
        let locations = chosen.map(|location| reference::Location {
            name: tidy(&location.name),
            code: tidy(location.code.as_deref().unwrap_or_default()),
        });
        Ok(References { locations: locations.collect(), ..References::default() })
    }

    fn counterparts(_ours: &Self::Ours, theirs: &Self::Theirs) -> Vec<Counterpart> {
        theirs.iter().map(counterpart).collect()
    }

    async fn retired(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::retired_locations(db).await
    }

    fn columns(theirs: &Self::Theirs) -> Vec<(&str, Vec<Bounded<'_>>)> {
        let columns = theirs.iter().map(|location| {
            let columns = vec![bounded("name", &location.name, 255), bounded("code", location.code.as_ref(), 50)];
            (location.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn put(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_locations(db, rows).await
    }

    async fn remove(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_locations(db, &ids(rows)).await
    }
}

/// Links each location with the one of ours that has its name.
pub fn plan(
    ours: &[Named],
    theirs: Vec<remote::Location>,
    rows: &[bridges::Location],
    overrides: &MatchOverrides,
) -> Plan<bridges::Location> {
    let pairing = pair(candidates(ours), theirs.iter().map(counterpart).collect(), overrides);
    let wanted = theirs.into_iter().map(|location| Wanted {
        name: location.name,
        row: bridges::Location {
            external_id: location.external_id,
            legacy_id: location.legacy_id,
            tutorial_location_id: None,
        },
    });
    Plan::between(Entity::Locations, wanted.collect(), rows, pairing)
}

/// Ours by their name alone.
pub(crate) fn candidates(ours: &[Named]) -> Vec<Candidate> {
    let candidate = |one: &Named| Candidate { record: Ours::new(one.id, &one.name), key: MatchKey::of(&one.name) };
    ours.iter().map(candidate).collect()
}

fn counterpart(location: &remote::Location) -> Counterpart {
    Counterpart { record: Theirs::new(&location.external_id, &location.name), key: MatchKey::of(&location.name) }
}
