//! A user's decision about an outbox item whose outcome is unknown.

use administrate::{Client, Id};
use sqlx::PgPool;

use super::reference;
use crate::bridges::events::{self, EventLink};
use crate::delivery::event::sessions::linked;
use crate::error::{Error, Result};
use crate::outbox::{self, DeliveryState, OutboxItem};
use crate::tutorials;

/// The decision about a record whose creation is in doubt, or that no longer exists in Administrate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxResolution {
    /// It is this record in Administrate.
    Delivered(Id),
    /// It does not exist in Administrate: create it.
    Recreate,
}

/// Applies a decision and makes the outbox item due.
pub async fn resolve(pool: &PgPool, client: &Client, item: i64, decision: &OutboxResolution) -> Result<()> {
    let item = unknown_item(pool, item).await?;
    if let (Some(kind), OutboxResolution::Delivered(id)) = (reference::kind_of(&item.effect), decision) {
        reference::link_manually(pool, client, kind, item.subject_id, id).await?;
        return outbox::requeue(pool, item.id, true).await;
    }
    match decision {
        OutboxResolution::Delivered(id) => {
            let event = client.event(id).await?.ok_or_else(|| {
                Error::Usage(format!("Administrate has no event with the id \"{id}\"; look its id up in Administrate"))
            })?;
            let mut db = pool.acquire().await?;
            if let Some(other) = events::linked_event(&mut db, id).await?.filter(|other| *other != item.subject_id) {
                let other = tutorials::store::events_by_id(&mut db, &[other]).await?.pop();
                let code = other.map_or("another local event".to_owned(), |known| known.event.code);
                return Err(Error::Usage(format!(
                    "Administrate's event {id} is {code} already; look its id up again in Administrate"
                )));
            }
            let known = tutorials::store::events_by_id(&mut db, &[item.subject_id]).await?;
            drop(db);
            let known =
                known.first().ok_or_else(|| Error::Failed(format!("{} no longer exists locally", item.subject)))?;
            unlink_other(pool, client, item.subject_id, Some(id)).await?;
            let sessions = event.sessions.into_iter().map(|session| session.id);
            let link = linked(&EventLink::of(event.id, sessions), known);
            events::link_event(pool, known.id, &link).await?;
            events::confirm_link(&mut *pool.acquire().await?, &link.external_id).await?;
            outbox::requeue(pool, item.id, true).await
        }
        OutboxResolution::Recreate => {
            if reference::kind_of(&item.effect).is_none() {
                unlink_other(pool, client, item.subject_id, None).await?;
            }
            outbox::requeue(pool, item.id, false).await
        }
    }
}

/// Removes the link of an event unless it is `selected`. Fails if the linked event still exists in Administrate.
async fn unlink_other(pool: &PgPool, client: &Client, event: i64, selected: Option<&Id>) -> Result<()> {
    let link = events::link_of(&mut *pool.acquire().await?, event).await?;
    let Some(link) = link.filter(|link| Some(&link.external_id) != selected) else { return Ok(()) };
    if client.event(&link.external_id).await?.is_some() {
        return Err(Error::Usage(format!(
            "the event exists in Administrate as {}: pass that id with --delivered",
            link.external_id
        )));
    }
    let mut tx = pool.begin().await?;
    events::delete_event_link(&mut tx, &link).await?;
    Ok(tx.commit().await?)
}

async fn unknown_item(pool: &PgPool, id: i64) -> Result<OutboxItem> {
    let item = outbox::one(pool, id).await?;
    let item = item.ok_or_else(|| Error::Usage(format!("the outbox has no item {id}; `lectern outbox` lists them")))?;
    if item.state == DeliveryState::Unknown {
        return Ok(item);
    }
    Err(Error::Usage(format!("{} is not waiting for a decision: its outcome is known", item.subject)))
}
