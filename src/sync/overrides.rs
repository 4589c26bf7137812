//! Saves match overrides and applies them to the bridge rows at once.

use sqlx::{Acquire, PgConnection};

use super::entity::Entity;
use super::entity_sync::EntitySync;
use crate::bridges::overrides::{MatchOverride, OverrideKind};
use crate::bridges::reference::LinkRow;
use crate::error::{Error, Result};
use crate::names;
use crate::sync::entities::course_templates::CourseTemplates;
use crate::sync::entities::events::Events;
use crate::sync::entities::instructors::Instructors;
use crate::sync::entities::locations::Locations;
use crate::sync::entities::venues::Venues;
use crate::tutorials;
use crate::tutorials::reference;
use crate::tutorials::reference::Named;

/// Finds a record of ours by id, or by the name (a template's code) that only it has.
pub async fn find_local(db: &mut PgConnection, entity: Entity, wanted: &str) -> Result<Named> {
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
            return Err(Error::Usage(format!("{} are Administrate's alone: we have none to link", entity.plural())));
        }
    };
    let wanted_id = wanted.parse::<i64>().ok();
    if let Some(found) = known.iter().find(|record| Some(record.id) == wanted_id) {
        return Ok(found.clone());
    }
    let called: Vec<&Named> = known.iter().filter(|record| names::fold(&record.name) == names::fold(wanted)).collect();
    match called.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Error::Usage(format!("none of our active {} is called or numbered \"{wanted}\"", entity.plural()))),
        several => {
            let ids: Vec<String> = several.iter().map(|record| record.id.to_string()).collect();
            let ids = ids.join(", ");
            Err(Error::Usage(format!(
                "several of our {} are called \"{wanted}\": name one by its id, {ids}",
                entity.plural()
            )))
        }
    }
}

/// Stores an override and updates the bridge rows.
pub async fn save_override(db: &mut PgConnection, entity: Entity, entry: &MatchOverride) -> Result<()> {
    let mut transaction = db.begin().await?;
    match entity {
        Entity::Locations => relink::<Locations>(&mut transaction, entry).await?,
        Entity::Venues => relink::<Venues>(&mut transaction, entry).await?,
        Entity::Instructors => relink::<Instructors>(&mut transaction, entry).await?,
        Entity::CourseTemplates => relink::<CourseTemplates>(&mut transaction, entry).await?,
        Entity::Events => relink::<Events>(&mut transaction, entry).await?,
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels => {}
    }
    crate::bridges::store::overrides::save(&mut transaction, entry).await?;
    transaction.commit().await?;
    Ok(())
}

async fn relink<S: EntitySync>(db: &mut PgConnection, entry: &MatchOverride) -> Result<()> {
    let rows = S::link_rows(db).await?;
    // An event that is on its way to Administrate has no row yet.
    if let Some(external) = &entry.external
        && S::ENTITY != Entity::Events
        && !rows.iter().any(|row| row.external_id() == external)
    {
        return Err(Error::Usage(format!(
            "no {} with the id {external} are known: take the id from a report of `lectern sync {}`",
            S::ENTITY.plural(),
            S::ENTITY
        )));
    }
    let changed: Vec<S::Row> = rows.into_iter().filter_map(|row| with_override(row, entry)).collect();
    if !changed.is_empty() {
        S::upsert(db, &changed.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// The row as the decision wants it, where that is another.
fn with_override<R: LinkRow>(mut row: R, entry: &MatchOverride) -> Option<R> {
    let is_theirs = entry.external.as_deref() == Some(row.external_id());
    let is_ours = row.link().is_some() && row.link() == entry.local;
    let link = match entry.kind {
        OverrideKind::Link if is_theirs => entry.local,
        OverrideKind::Link | OverrideKind::Ignore if is_ours => None,
        OverrideKind::Ignore if is_theirs => None,
        OverrideKind::Unlink if is_ours && is_theirs => None,
        _ => row.link(),
    };
    let changes = link != row.link();
    row.set_link(link);
    changes.then_some(row)
}
