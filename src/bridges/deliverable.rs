//! Which events that a user wrote go to Administrate, and when.
//!
//! A change of an event that Administrate knows is delivered. A new event is created there once its course template and its
//! location are linked, unless it stays local.

use sqlx::{PgConnection, PgPool};

use super::store::deliverable as store;
use crate::error::Result;
use crate::outbox;
use crate::outbox::DeliveryStep;
use crate::tutorials::{self, EVENT};

pub use super::store::deliverable::{linked_events_of, set_delivery_intents};

/// Events that are enqueued at once.
const BATCH: i64 = 200;

/// The stored intent for an event that stays out of Administrate.
pub const STAYS_LOCAL: &str = "never";
/// The stored intent for an event that waits for the links of its course template and location.
pub const WAITS_FOR_LINKS: &str = "when_linked";

/// No import has compared both sides or checked the approvals of an event that a user wrote.
const STEPS: &[DeliveryStep] = &[DeliveryStep::Compare, DeliveryStep::CheckApproval];

/// What decides the delivery of an event.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeliverableEvent {
    pub id: i64,
    pub code: String,
    pub is_linked: bool,
    /// Whether its course template and its location are linked.
    pub is_ready: bool,
    /// [`STAYS_LOCAL`], [`WAITS_FOR_LINKS`], or none.
    pub intent: Option<String>,
    pub is_cancelled: bool,
    /// Whether a user decided that it has no counterpart in Administrate.
    pub is_separated: bool,
}

/// Enqueues the delivery of events that a user has changed or created.
pub async fn request_delivery(db: &mut PgConnection, ids: &[i64]) -> Result<()> {
    let (mut updated, mut created, mut intents) = (Vec::new(), Vec::new(), Vec::new());
    let open = outbox::undelivered_subjects(db, EVENT, Some(ids)).await?;
    for event in store::deliverable_events(db, ids).await? {
        let is_open = open.iter().any(|(id, _)| *id == event.id);
        let stays_local = event.intent.as_deref() == Some(STAYS_LOCAL) || event.is_separated;
        if event.is_linked || is_open {
            updated.push((event.id, event.code));
        } else if !stays_local && event.is_ready && !event.is_cancelled {
            created.push((event.id, event.code));
        } else {
            continue;
        }
        if event.intent.as_deref() == Some(WAITS_FOR_LINKS) {
            intents.push((event.id, None));
        }
    }
    if !intents.is_empty() {
        store::set_delivery_intents(db, &intents).await?;
    }
    if !created.is_empty() {
        tutorials::request_creation(db, &created, STEPS).await?;
    }
    if !updated.is_empty() {
        tutorials::request_steps(db, None, &updated, STEPS).await?;
    }
    Ok(())
}

/// Enqueues the creation of events whose course template and location were linked meanwhile.
pub async fn request_waiting(pool: &PgPool) -> Result<()> {
    loop {
        let mut tx = pool.begin().await?;
        let ids = store::linked_meanwhile(&mut tx, BATCH).await?;
        if ids.is_empty() {
            return Ok(());
        }
        // One that is linked by now needs no creation: a sync has matched it.
        let linked = store::deliverable_events(&mut tx, &ids).await?.into_iter().filter(|event| event.is_linked);
        let matched: Vec<(i64, Option<&str>)> = linked.map(|event| (event.id, None)).collect();
        store::set_delivery_intents(&mut tx, &matched).await?;
        let new: Vec<i64> = ids.into_iter().filter(|id| matched.iter().all(|(linked, _)| linked != id)).collect();
        request_delivery(&mut tx, &new).await?;
        // A separated event would be found again and again.
        let left: Vec<(i64, Option<&str>)> = new.iter().map(|id| (*id, None)).collect();
        store::set_delivery_intents(&mut tx, &left).await?;
        tx.commit().await?;
    }
}
