//! Events that were made anew after a doubt, and of which Administrate may still have made the first one, too.
//!
//! A creation that was not answered can be carried out later than anybody looks for it. What was made after such a doubt is
//! remembered, and looked for by its title whenever an import is made or tried again, until a person has decided about it
//! (`sync events` tells two of one title anyhow). A request for each hundred of them.

use std::collections::HashMap;

use administrate::{Client, Event};
use sqlx::PgPool;

use super::is_called_off;
use crate::bridges::events;
use crate::bridges::events::PossibleDuplicate;
use crate::error::Result;
use crate::names::fold;
use crate::outbox;
use crate::outbox::Effect;
use crate::tutorials::{EVENT, UPDATE_EVENT};

/// Events of which there may be a second one.
pub async fn possible_duplicates(pool: &PgPool) -> Result<Vec<PossibleDuplicate>> {
    events::possible_duplicates(&mut *pool.acquire().await?).await
}

/// Looks for second ones and asks a person about them, as a part of `run` if one is named. Where Administrate cannot be
/// asked, that is logged.
///
/// # Errors
/// The database's.
pub async fn report_duplicates(pool: &PgPool, client: &Client, run: Option<i64>) -> Result<()> {
    let suspects = possible_duplicates(pool).await?;
    if suspects.is_empty() {
        return Ok(());
    }
    let titles: Vec<&str> = suspects.iter().map(|suspect| suspect.code.as_str()).collect();
    let mut found: HashMap<String, Vec<Event>> = HashMap::new();
    let told = match client.events_by_titles(&titles).await {
        Ok(told) => told,
        Err(error) => {
            // The next import looks again.
            tracing::warn!(%error, "events that were made after a doubt could not be looked for");
            return Ok(());
        }
    };
    for event in told {
        if !is_called_off(&event) {
            found.entry(fold(&event.title)).or_default().push(event);
        }
    }
    for suspect in suspects {
        let Some(there) = found.get(&fold(&suspect.code)) else { continue };
        let ids: Vec<_> = there.iter().map(|event| event.id.clone()).collect();
        let others = events::linked_elsewhere(&mut *pool.acquire().await?, suspect.tutorial_event_id, &ids).await?;
        let twins: Vec<String> = ids.iter().filter(|id| !others.contains(id)).map(ToString::to_string).collect();
        if twins.len() > 1 {
            outbox::escalate(pool, run, &effect(&suspect), &evidence(&suspect, &twins)).await?;
        }
    }
    Ok(())
}

fn effect(suspect: &PossibleDuplicate) -> Effect {
    Effect {
        name: UPDATE_EVENT,
        subject_kind: EVENT,
        subject_id: suspect.tutorial_event_id,
        subject: suspect.code.clone(),
        look_first: true,
        also: &[],
    }
}

fn evidence(suspect: &PossibleDuplicate, twins: &[String]) -> String {
    format!(
        "Administrate has {} events titled \"{}\" ({}), most likely because it carried out a creation long after it was \
         sent; ours is {}: delete there what is too many, then say with `lectern outbox resolve` which is ours",
        twins.len(),
        suspect.code,
        twins.join(", "),
        suspect.external_id
    )
}
