//! What a person has decided about who is who. Every later plan respects it.

use std::collections::{HashMap, HashSet};

use sqlx::{Acquire, PgConnection};

use super::entity::Entity;
use super::entity_sync::EntitySync;
use super::store;
use crate::bridges::reference::Bridge;
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

/// Everything decided about an entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Our id by theirs: the same, whatever their names say.
    pub linked: HashMap<String, i64>,
    /// Ours and theirs that are not the same, whatever their names say.
    pub apart: HashSet<(i64, String)>,
    /// Ours that are left out.
    pub ignored_local: HashSet<i64>,
    /// Theirs that are left out.
    pub ignored_remote: HashSet<String>,
}

impl Decisions {
    /// Whether one of them is about this record of ours.
    pub fn name(&self, ours: i64) -> bool {
        self.linked.values().any(|id| *id == ours)
            || self.apart.iter().any(|(id, _)| *id == ours)
            || self.ignored_local.contains(&ours)
    }
}

/// Our records that a person has linked: entity as it is typed, and our id.
///
/// # Errors
/// The database's alone.
pub async fn linked_by_hand(db: &mut PgConnection) -> Result<HashSet<(String, i64)>> {
    store::linked_by_hand(db).await
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Of which entity.
    pub entity: Entity,
    /// What was decided.
    pub verdict: Verdict,
    /// Our record; an ignored record may be theirs alone.
    pub local: Option<i64>,
    /// Administrate's record; an ignored record may be ours alone.
    pub external: Option<String>,
}

/// What is decided about records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are the same.
    Link,
    /// They are not.
    Unlink,
    /// They are left out of matching and reports.
    Ignore,
}

impl Verdict {
    /// As it is stored and typed.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Link => "link",
            Verdict::Unlink => "unlink",
            Verdict::Ignore => "ignore",
        }
    }
}

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

/// Keeps the decision and lets the bridge rows say so at once.
pub async fn decide(db: &mut PgConnection, decision: &Decision) -> Result<()> {
    let mut transaction = db.begin().await?;
    match decision.entity {
        Entity::Locations => relink::<Locations>(&mut transaction, decision).await?,
        Entity::Venues => relink::<Venues>(&mut transaction, decision).await?,
        Entity::Instructors => relink::<Instructors>(&mut transaction, decision).await?,
        Entity::CourseTemplates => relink::<CourseTemplates>(&mut transaction, decision).await?,
        Entity::Events => relink::<Events>(&mut transaction, decision).await?,
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels => {}
    }
    store::decide(&mut transaction, decision).await?;
    transaction.commit().await?;
    Ok(())
}

async fn relink<S: EntitySync>(db: &mut PgConnection, decision: &Decision) -> Result<()> {
    let rows = S::rows(db).await?;
    // An event that is on its way to Administrate has no row yet.
    if let Some(external) = &decision.external
        && S::ENTITY != Entity::Events
        && !rows.iter().any(|row| row.external_id() == external)
    {
        return Err(Error::Usage(format!(
            "no {} with the id {external} are known: take the id from a report of `lectern sync {}`",
            S::ENTITY.plural(),
            S::ENTITY
        )));
    }
    let changed: Vec<S::Row> = rows.into_iter().filter_map(|row| decided(row, decision)).collect();
    if !changed.is_empty() {
        S::put(db, &changed.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// The row as the decision wants it, where that is another.
fn decided<R: Bridge>(mut row: R, decision: &Decision) -> Option<R> {
    let is_theirs = decision.external.as_deref() == Some(row.external_id());
    let is_ours = row.link().is_some() && row.link() == decision.local;
    let link = match decision.verdict {
        Verdict::Link if is_theirs => decision.local,
        Verdict::Link | Verdict::Ignore if is_ours => None,
        Verdict::Ignore if is_theirs => None,
        Verdict::Unlink if is_ours && is_theirs => None,
        _ => row.link(),
    };
    let changes = link != row.link();
    row.set_link(link);
    changes.then_some(row)
}
