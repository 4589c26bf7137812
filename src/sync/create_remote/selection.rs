//! Which local records can be created in Administrate. A dry run decides as the run does.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgConnection;

use super::not_created;
use crate::bridges::reference::ReferenceKind;
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::fold;
use crate::sync::entity::Entity;
use crate::sync::matching::LocalRecord;
use crate::sync::report::findings::RetainedRecord;
use crate::tutorials::reference::store;

/// The links that a creation depends on: the stored ones or, in a dry run, the planned ones.
#[derive(Debug)]
pub(super) struct KnownLinks<'a> {
    planned: &'a BTreeMap<Entity, HashMap<i64, String>>,
    /// Local ids of the locations that a dry run would create before the venues.
    pub(super) planned_locations: HashSet<i64>,
}

impl<'a> KnownLinks<'a> {
    pub(super) fn new(planned: &'a BTreeMap<Entity, HashMap<i64, String>>) -> Self {
        KnownLinks { planned, planned_locations: HashSet::new() }
    }

    async fn external_id(&self, db: &mut PgConnection, kind: ReferenceKind, id: i64) -> Result<Option<String>> {
        let entity = match kind {
            ReferenceKind::Location => Entity::Locations,
            ReferenceKind::Venue => Entity::Venues,
            ReferenceKind::Instructor => Entity::Instructors,
            ReferenceKind::CourseTemplate => Entity::CourseTemplates,
        };
        match self.planned.get(&entity) {
            Some(links) => Ok(links.get(&id).cloned()),
            None => references::external_id(db, kind, id).await,
        }
    }

    /// Returns whether Administrate has the location or will have it when a venue is created in it.
    async fn has_location(&self, db: &mut PgConnection, location: Option<i64>) -> Result<bool> {
        let Some(id) = location else { return Ok(false) };
        Ok(self.planned_locations.contains(&id) || self.external_id(db, ReferenceKind::Location, id).await?.is_some())
    }
}

/// Separates the records that can be created from those that cannot, with the reason.
pub(super) async fn select(
    db: &mut PgConnection,
    links: &KnownLinks<'_>,
    kind: ReferenceKind,
    records: Vec<LocalRecord>,
    unmatched: &[LocalRecord],
) -> Result<(Vec<LocalRecord>, Vec<RetainedRecord>)> {
    let locations: HashMap<i64, Option<i64>> = match kind {
        ReferenceKind::Venue => {
            store::venues(db).await?.into_iter().map(|venue| (venue.id, venue.location_id)).collect()
        }
        ReferenceKind::Location | ReferenceKind::Instructor | ReferenceKind::CourseTemplate => HashMap::new(),
    };
    let location_of = |record: &LocalRecord| locations.get(&record.id).copied().flatten();
    let repeated = repeated_names(unmatched, location_of);
    let (mut creatable, mut rejected) = (Vec::new(), Vec::new());
    for record in records {
        let linked = links.external_id(db, kind, record.id).await?;
        let has_place = kind != ReferenceKind::Venue || links.has_location(db, location_of(&record)).await?;
        let is_repeated = repeated.contains(&(fold(&record.name), location_of(&record)));
        let reason = is_repeated
            .then(|| REPEATED_NAME.to_owned())
            .or_else(|| reason_not_creatable(kind, &record, linked))
            .or_else(|| (!has_place).then(|| NO_LOCATION.to_owned()));
        match reason {
            Some(reason) => rejected.push(not_created(record, reason)),
            None => creatable.push(record),
        }
    }
    Ok((creatable, rejected))
}

/// Returns the folded names that several local records have, of venues with their location.
fn repeated_names(
    records: &[LocalRecord],
    location_of: impl Fn(&LocalRecord) -> Option<i64>,
) -> HashSet<(String, Option<i64>)> {
    let mut seen = HashSet::new();
    let names = records.iter().filter(|record| !record.name.trim().is_empty());
    names.map(|record| (fold(&record.name), location_of(record))).filter(|name| !seen.insert(name.clone())).collect()
}

const REPEATED_NAME: &str = "several local records have this name, and the next sync could not distinguish them: \
                             rename or deactivate all but one";

const NO_LOCATION: &str = "its location is not linked to Administrate: create or link the location first";

/// Returns why a record cannot be created: it has no name, or it is linked to a record that Administrate lacks.
fn reason_not_creatable(kind: ReferenceKind, record: &LocalRecord, linked: Option<String>) -> Option<String> {
    match linked {
        None => record.name.trim().is_empty().then(|| "it has no name".into()),
        Some(id) if kind == ReferenceKind::Instructor => Some(format!(
            "it is linked to the contact {id}, which is not an instructor in Administrate: mark it as one, or prune \
             the link"
        )),
        Some(id) => Some(format!("it is linked to {id}, which Administrate no longer has: prune the link first")),
    }
}
