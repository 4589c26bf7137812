//! Webhooks in: what Administrate tells us of by itself about events.
//!
//! store → answer → apply → dead letter → replay. Promises: a delivery is checked for its signature and kept before it is
//! answered; told twice, by a repetition or by one edit that fires twice, it is applied once; what only mirrors our own
//! writing changes nothing; what cannot be applied after five tries, or is about an event that we do not know, waits for a
//! person as a dead letter.
//!
//! Does not: link events (delivery and `sync events` do), take over dates or titles (those are compared and shown, not
//! overwritten), or rely on being told: what is lost, the next `sync events` repairs.

pub mod api;
pub mod cli;
pub mod signature;
mod store;
pub mod telling;
pub mod work;

#[cfg(test)]
mod tests;

use administrate::Id;
use serde::Serialize;
use sqlx::PgConnection;

use crate::bridges::events::{self, Agreed, Agreement};
use crate::error::Result;
use crate::tutorials;
use telling::{Delivery, Told};

pub use store::{keep, list, make_due, one};

/// How often a delivery is tried before it is left to a person.
const TRIES: i32 = 5;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Kept, to be applied.
    Received,
    /// Applied, also when there was nothing to change.
    Applied,
    /// Left to a person.
    Dead,
}

/// Whether a delivery was heard before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is new, and kept.
    New(i64),
    /// It was told before.
    Known,
}

/// A kept delivery; times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Item {
    pub id: i64,
    pub webhook_id: String,
    /// What the registration tells of, where it is ours.
    pub webhook_type: Option<String>,
    pub entity_id: String,
    pub triggered_at: String,
    pub received_at: String,
    pub state: State,
    pub attempts: i32,
    pub note: Option<String>,
    #[serde(skip)]
    pub body: String,
}

/// What came of applying a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Applied {
    /// It is done; the sentence says what changed.
    Done(String),
    /// A person has to do something first.
    Dead(String),
}

/// Applies a delivery in the caller's transaction.
async fn apply(db: &mut PgConnection, item: &Item) -> Result<Applied> {
    if item.entity_id.is_empty() {
        return Ok(Applied::Dead("it does not say which event it is about".into()));
    }
    store::alone_on(db, &item.entity_id).await?;
    if store::is_overtaken(db, item).await? {
        return Ok(Applied::Done("overtaken by a later one".into()));
    }
    let external_id = Id::new(item.entity_id.clone());
    let told = Delivery::told(&item.body);
    let Some(event) = find_event(db, &external_id, &told).await? else {
        return Ok(Applied::Dead(format!(
            "no event here is linked with {external_id} or has the code \"{}\": once there is one, \
             `lectern webhooks replay {}`",
            told.title.as_deref().unwrap_or_default(),
            item.id
        )));
    };
    take_over(db, event, &external_id, &told).await.map(Applied::Done)
}

async fn find_event(db: &mut PgConnection, external_id: &Id, told: &Told) -> Result<Option<i64>> {
    if let Some(linked) = events::linked_event(db, external_id).await? {
        return Ok(Some(linked));
    }
    let Some(title) = told.title.as_deref() else { return Ok(None) };
    Ok(tutorials::store::events_by_code(db, &[title]).await?.first().map(|known| known.id))
}

/// Takes over what Administrate decides: whether an event is sold out, places left, its state there.
async fn take_over(db: &mut PgConnection, event: i64, external_id: &Id, told: &Told) -> Result<String> {
    let seen: Option<Agreement<Told>> = events::agreed(db, Agreed::EventSeen, external_id).await?;
    let seen = seen.map(|agreement| agreement.values);
    let asked_for: Option<Agreement<serde_json::Value>> = events::agreed(db, Agreed::Event, external_id).await?;
    let asked_for = asked_for.and_then(|agreement| agreement.values["max_places"].as_i64());
    let change = telling::change(seen.as_ref(), told, asked_for);
    let changed = tutorials::store::set_places(db, event, change.sold_out, change.places_left).await?;
    if let Some(lifecycle) = &told.lifecycle {
        events::note_lifecycle(db, external_id, lifecycle).await?;
    }
    let seen_now = telling::seen_after(seen.clone(), told);
    if seen.as_ref() != Some(&seen_now) {
        let agreement = Agreement { values: seen_now, unsure: false };
        events::agree(db, Agreed::EventSeen, external_id, &agreement).await?;
    }
    let said = [
        change.sold_out.map(|sold_out| if sold_out { "sold out".to_owned() } else { "no longer sold out".to_owned() }),
        change.places_left.map(|left| format!("{left} places left")),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    Ok(if changed { said.join(", ") } else { "nothing to change".to_owned() })
}
