//! Saves match overrides and applies them to the bridge rows at once.

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

/// Finds a local record by its id or by its unique name; of course templates and events by the code.
///
/// # Errors
/// [`Error::Usage`] where none or several records match, or the entity has no local records.
pub async fn find_local(db: &mut PgConnection, entity: Entity, name_or_id: &str) -> Result<Named> {
    let known = match entity {
        Entity::Locations => reference::store::locations(db).await?,
        Entity::Instructors => reference::store::instructors(db).await?,
        Entity::CourseTemplates => reference::store::course_templates(db).await?,
        Entity::Events => tutorials::store::event_codes(db).await?,
        Entity::Venues => {
            let venues = reference::store::venues(db).await?.into_iter();
            venues.map(|venue| Named { id: venue.id, name: venue.name }).collect()
        }
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels => {
            return Err(Error::Usage(format!(
                "{} exist only in Administrate: there are no local ones to link",
                entity.plural()
            )));
        }
    };
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
pub async fn save_override(db: &mut PgConnection, entity: Entity, entry: &MatchOverride) -> Result<()> {
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
