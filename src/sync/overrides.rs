//! Saves match overrides and applies them to the bridge rows at once.

use serde::Serialize;
use sqlx::{Acquire, PgConnection};

use super::entity::Entity;
use super::entity_sync::EntitySync;
use crate::bridges::overrides::{MatchOverride, OverrideKind};
use crate::bridges::reference::LinkRow;
use crate::bridges::store::overrides as store;
use crate::error::{Error, Result};
use crate::history::{self, Interface};
use crate::names;
use crate::sync::entities::course_templates::CourseTemplates;
use crate::sync::entities::events::Events;
use crate::sync::entities::instructors::Instructors;
use crate::sync::entities::locations::Locations;
use crate::sync::entities::venues::Venues;
use crate::tutorials;
use crate::tutorials::reference;
use crate::tutorials::reference::Named;

/// What a person decides about records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchDecision {
    /// Later plans respect this.
    Save(OverrideKind),
    /// Records that were ignored are matched again.
    StopIgnoring,
}

impl MatchDecision {
    /// Returns the name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            MatchDecision::Save(kind) => kind.name(),
            MatchDecision::StopIgnoring => "unignore",
        }
    }

    /// Returns the decision with this name.
    pub fn named(name: &str) -> Option<MatchDecision> {
        match name {
            "unignore" => Some(MatchDecision::StopIgnoring),
            name => OverrideKind::named(name).map(MatchDecision::Save),
        }
    }
}

/// A decision that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedMatch {
    /// The local record; none if the decision is about one of Administrate only.
    pub local: Option<Named>,
    /// Administrate's id of the other record; none if the decision is about a local record only.
    pub external: Option<String>,
}

/// Stores a decision about a local record, given by id or name, and one of Administrate, given by id. "" means none.
///
/// # Errors
/// [`Error::Usage`] where a record is missing or unknown, or was not ignored.
pub async fn decide(
    db: &mut PgConnection,
    (entity, decision): (Entity, MatchDecision),
    (local, external): (&str, &str),
) -> Result<DecidedMatch> {
    let external = Some(external.trim().to_owned()).filter(|text| !text.is_empty());
    let local = match (local.trim(), decision) {
        ("", _) => None,
        (id, MatchDecision::StopIgnoring) => Some(find_ignored(db, entity, id).await?),
        (name_or_id, MatchDecision::Save(_)) => Some(find_local(db, entity, name_or_id).await?),
    };
    let is_complete = match decision {
        MatchDecision::Save(OverrideKind::Link | OverrideKind::Unlink) => local.is_some() && external.is_some(),
        MatchDecision::Save(OverrideKind::Ignore) | MatchDecision::StopIgnoring => {
            local.is_some() || external.is_some()
        }
    };
    if !is_complete {
        return Err(Error::Usage(format!(
            "{} needs a local record and an id in Administrate; only ignore and unignore accept one of them alone",
            decision.name()
        )));
    }
    let local_id = local.as_ref().map(|record| record.id);
    match decision {
        MatchDecision::Save(kind) => {
            let entry = MatchOverride { entity: entity.name(), kind, local: local_id, external: external.clone() };
            save_override(db, entity, &entry).await?;
        }
        MatchDecision::StopIgnoring => {
            if store::stop_ignoring(db, entity.name(), local_id, external.as_deref()).await? == 0 {
                return Err(Error::Usage(format!(
                    "none of these {} is ignored: `lectern sync ignored` lists those that are",
                    entity.plural()
                )));
            }
        }
    }
    Ok(DecidedMatch { local, external })
}

/// Records that are left out of matching and reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoredRecord {
    pub entity: Entity,
    /// The local id; none for a record of Administrate.
    pub id: Option<i64>,
    /// Administrate's id; none for a local record.
    pub external_id: Option<String>,
    /// Name of a local record; none if it is inactive or deleted, and for a record of Administrate.
    pub name: Option<String>,
}

/// Returns the ignored records of an entity: the local ones, then those of Administrate.
pub async fn ignored(db: &mut PgConnection, entity: Entity) -> Result<Vec<IgnoredRecord>> {
    let saved = store::overrides(db, entity.name()).await?;
    let names = match saved.ignored_local.is_empty() {
        true => Vec::new(),
        false => local_records(db, entity).await?,
    };
    let name_of = |id: i64| names.iter().find(|record| record.id == id).map(|record| record.name.clone());
    let local = |id: &i64| IgnoredRecord { entity, id: Some(*id), external_id: None, name: name_of(*id) };
    let remote = |id: &String| IgnoredRecord { entity, id: None, external_id: Some(id.clone()), name: None };
    let mut found: Vec<IgnoredRecord> = saved.ignored_local.iter().map(local).collect();
    found.extend(saved.ignored_remote.iter().map(remote));
    found.sort_by(|one, other| {
        (one.id.is_none(), &one.name, &one.external_id, one.id).cmp(&(
            other.id.is_none(),
            &other.name,
            &other.external_id,
            other.id,
        ))
    });
    Ok(found)
}

/// Finds an ignored local record by its name or its id, also one that is inactive or deleted by now.
async fn find_ignored(db: &mut PgConnection, entity: Entity, name_or_id: &str) -> Result<Named> {
    match name_or_id.parse::<i64>() {
        Ok(id) => {
            let known = local_records(db, entity).await?.into_iter().find(|record| record.id == id);
            Ok(known.unwrap_or_else(|| Named { id, name: format!("record {id}") }))
        }
        Err(_) => find_local(db, entity, name_or_id).await,
    }
}

/// Returns the active local records of an entity; none of an entity that exists only in Administrate.
pub async fn local_records(db: &mut PgConnection, entity: Entity) -> Result<Vec<Named>> {
    match entity {
        Entity::Locations => reference::store::locations(db).await,
        Entity::Instructors => reference::store::instructors(db).await,
        Entity::CourseTemplates => reference::store::course_templates(db).await,
        Entity::Events => tutorials::store::event_codes(db).await,
        Entity::Venues => {
            let venues = reference::store::venues(db).await?.into_iter();
            Ok(venues.map(|venue| Named { id: venue.id, name: venue.name }).collect())
        }
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels => Ok(Vec::new()),
    }
}

/// Finds a local record by its id or by its unique name; of course templates and events by the code.
///
/// # Errors
/// [`Error::Usage`] where none or several records match, or the entity has no local records.
pub async fn find_local(db: &mut PgConnection, entity: Entity, name_or_id: &str) -> Result<Named> {
    if !entity.can_be_created() && entity != Entity::Events {
        return Err(Error::Usage(format!(
            "{} exist only in Administrate: there are no local ones to link",
            entity.plural()
        )));
    }
    let known = local_records(db, entity).await?;
    let id = name_or_id.parse::<i64>().ok();
    if let Some(found) = known.iter().find(|record| Some(record.id) == id) {
        return Ok(found.clone());
    }
    let name = names::fold(name_or_id);
    let matches: Vec<&Named> = known.iter().filter(|record| names::fold(&record.name) == name).collect();
    match matches.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Error::Usage(format!(
            "no active local {} have the name or id \"{name_or_id}\": check the spelling",
            entity.plural()
        ))),
        several => {
            let ids: Vec<String> = several.iter().map(|record| record.id.to_string()).collect();
            let ids = ids.join(", ");
            Err(Error::Usage(format!(
                "several local {} have the name \"{name_or_id}\": use one of their ids, {ids}",
                entity.plural()
            )))
        }
    }
}

/// Stores an override and updates the bridge rows in one transaction.
async fn save_override(db: &mut PgConnection, entity: Entity, entry: &MatchOverride) -> Result<()> {
    let mut transaction = db.begin().await?;
    history::sign_run(&mut transaction, None, Interface::Sync).await?;
    match entity {
        Entity::Locations => relink::<Locations>(&mut transaction, entry).await?,
        Entity::Venues => relink::<Venues>(&mut transaction, entry).await?,
        Entity::Instructors => relink::<Instructors>(&mut transaction, entry).await?,
        Entity::CourseTemplates => relink::<CourseTemplates>(&mut transaction, entry).await?,
        Entity::Events => relink::<Events>(&mut transaction, entry).await?,
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels => {}
    }
    store::save(&mut transaction, entry).await?;
    transaction.commit().await?;
    Ok(())
}

async fn relink<E: EntitySync>(db: &mut PgConnection, entry: &MatchOverride) -> Result<()> {
    let rows = E::link_rows(db).await?;
    let saved = store::overrides(db, E::ENTITY.name()).await?;
    // An event that is being delivered to Administrate has no row yet, nor has a record that was ignored from the start.
    if let Some(external) = &entry.external
        && E::ENTITY != Entity::Events
        && !rows.iter().any(|row| row.external_id() == external)
        && !saved.ignored_remote.contains(external)
    {
        return Err(Error::Usage(format!(
            "no {} with the id {external} are known: run `lectern sync {}` (a dry run stores no ids), \
             and copy the id from its report",
            E::ENTITY.plural(),
            E::ENTITY
        )));
    }
    let changed: Vec<E::Row> = rows.into_iter().filter_map(|row| with_override(row, entry)).collect();
    if !changed.is_empty() {
        E::upsert(db, &changed.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Returns the row with the link that the override requires; none if the link does not change.
fn with_override<R: LinkRow>(mut row: R, entry: &MatchOverride) -> Option<R> {
    let is_remote = entry.external.as_deref() == Some(row.external_id());
    let is_local = row.link().is_some() && row.link() == entry.local;
    let link = match entry.kind {
        OverrideKind::Link if is_remote => entry.local,
        OverrideKind::Link | OverrideKind::Ignore if is_local => None,
        OverrideKind::Ignore if is_remote => None,
        OverrideKind::Unlink if is_local && is_remote => None,
        _ => row.link(),
    };
    let changes = link != row.link();
    row.set_link(link);
    changes.then_some(row)
}
