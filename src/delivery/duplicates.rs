//! Events that were created again after a creation with unknown outcome, and that Administrate may have twice.
//!
//! Administrate may carry out an unanswered creation later than any attempt looks for it. Events that were created after
//! one are stored, and every import and retry looks for them by title until a user has decided (`sync events` also reports
//! two events of one title). This takes one request for each hundred events.

use std::collections::HashMap;

use administrate::{Client, Event};
use sqlx::PgPool;

use super::event::lifecycle::is_event_cancelled;
use crate::bridges::events;
use crate::bridges::events::PossibleDuplicate;
use crate::error::Result;
use crate::names::fold;
use crate::outbox;
use crate::outbox::Effect;
use crate::tutorials::{EVENT, UPDATE_EVENT};

/// Returns the events that Administrate may have twice.
pub async fn possible_duplicates(pool: &PgPool) -> Result<Vec<PossibleDuplicate>> {
    events::possible_duplicates(&mut *pool.acquire().await?).await
}

/// Looks for duplicates and adds an outbox item for each, which waits for a user's decision, to `run` if one is given.
///
/// Where Administrate cannot be read, that is logged.
///
/// # Errors
/// The database's.
pub async fn report_duplicates(pool: &PgPool, client: &Client, run: Option<i64>) -> Result<()> {
    let candidates = possible_duplicates(pool).await?;
    if candidates.is_empty() {
        return Ok(());
    }
    let titles: Vec<&str> = candidates.iter().map(|candidate| candidate.code.as_str()).collect();
    let mut found: HashMap<String, Vec<Event>> = HashMap::new();
    let events = match client.events_by_titles(&titles).await {
        Ok(events) => events,
        Err(error) => {
            // The next import looks again.
            tracing::warn!(%error, "possible duplicates of events could not be looked for");
            return Ok(());
        }
    };
    for event in events {
        if !is_event_cancelled(&event) {
            found.entry(fold(&event.title)).or_default().push(event);
        }
    }
    for candidate in candidates {
        let Some(events) = found.get(&fold(&candidate.code)) else { continue };
        let ids: Vec<_> = events.iter().map(|event| event.id.clone()).collect();
        let others = events::linked_elsewhere(&mut *pool.acquire().await?, candidate.tutorial_event_id, &ids).await?;
        let duplicates: Vec<String> = ids.iter().filter(|id| !others.contains(id)).map(ToString::to_string).collect();
        if duplicates.len() > 1 {
            outbox::escalate(pool, run, &effect(&candidate), &duplicates_message(&candidate, &duplicates)).await?;
        }
    }
    Ok(())
}

fn effect(candidate: &PossibleDuplicate) -> Effect {
    Effect {
        name: UPDATE_EVENT,
        subject_kind: EVENT,
        subject_id: candidate.tutorial_event_id,
        subject: candidate.code.clone(),
        check_remote_first: true,
        steps: &[],
    }
}

fn duplicates_message(candidate: &PossibleDuplicate, duplicates: &[String]) -> String {
    format!(
        "Administrate has {} events titled \"{}\" ({}), most likely because it carried out a creation long after it was \
         sent; {} is linked: delete the extra ones in Administrate, then choose the remaining one with `lectern outbox \
         resolve`",
        duplicates.len(),
        candidate.code,
        duplicates.join(", "),
        candidate.external_id
    )
}
