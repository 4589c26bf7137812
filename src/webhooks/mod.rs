//! Webhooks in: what Administrate tells us of by itself about events.
//!
//! store → answer → apply → dead letter → replay. Promises: a delivery is checked for its signature and kept before it is
//! answered; told twice, by a repetition or by one edit that fires twice, it is applied once; what only mirrors our own
//! writing changes nothing; what cannot be applied after five tries, or is about an event that we do not know, waits for a
//! person as a dead letter.
//!
//! An event that is told whole, as our own registrations ask for, goes the way of `sync events`; of one that is told in part
//! only places and state are taken over.
//!
//! Does not: ask Administrate anything, or rely on being told: what is lost, the next `sync events` repairs.

pub mod api;
pub mod cli;
pub mod payload;
pub mod signature;
mod store;
pub mod worker;

#[cfg(test)]
mod tests;

use administrate::Id;
use jiff::tz::TimeZone;
use serde::Serialize;
use sqlx::PgConnection;

use self::payload::{EventUpdate, FieldChange, WebhookDelivery};
use crate::bridges::events::{self, Baseline, BaselineKind, LastSeen};
use crate::error::Result;
use crate::sync::{self, ApplyOutcome};
use crate::tutorials;

pub use store::{insert, list, one, purge_applied, retry_now};

/// How often a delivery is tried before it is left to a person.
const TRIES: i32 = 5;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum InboxState {
    /// Kept, to be applied.
    Received,
    /// Applied, also when there was nothing to change.
    Applied,
    /// Left to a person.
    Dead,
}

/// Whether a delivery was heard before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is new, and kept.
    New(i64),
    /// It was told before.
    Known,
}

/// A kept delivery; times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct InboxItem {
    pub id: i64,
    pub webhook_id: String,
    /// What the registration tells of, where it is ours.
    pub webhook_type: Option<String>,
    pub entity_id: String,
    pub triggered_at: String,
    pub received_at: String,
    pub state: InboxState,
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

/// Applies a delivery in the caller's transaction. Times that name no zone are told in `zone`.
async fn apply(db: &mut PgConnection, item: &InboxItem, zone: &TimeZone) -> Result<Applied> {
    if item.entity_id.is_empty() {
        return Ok(Applied::Dead("it does not say which event it is about".into()));
    }
    store::lock_entity(db, &item.entity_id).await?;
    if store::is_superseded(db, item).await? {
        return Ok(Applied::Done("overtaken by a later one".into()));
    }
    let external_id = Id::new(item.entity_id.clone());
    let told = WebhookDelivery::event_update(&item.body);
    let news = unseen_changes(db, &external_id, &told).await?;
    let applied = match payload::full_event(&item.body) {
        Some(event) => apply_full_event(db, event, &news.change, zone).await?,
        None => match find_event(db, &external_id, &told).await? {
            EventLookup::Ours(event) => {
                Applied::Done(apply_places(db, event, &external_id, &told, &news.change).await?)
            }
            EventLookup::Contested => ambiguous_message(),
            EventLookup::Nobody => unknown(&told),
        },
    };
    if matches!(applied, Applied::Done(_)) && news.seen.as_ref() != Some(&news.seen_now) {
        let agreement = Baseline { values: news.seen_now, unsure: false };
        events::save_baseline(db, BaselineKind::EventSeen, &external_id, &agreement).await?;
    }
    Ok(applied)
}

/// What is new in what is told.
struct UnseenChanges {
    seen: Option<LastSeen>,
    seen_now: LastSeen,
    change: FieldChange,
}

async fn unseen_changes(db: &mut PgConnection, external_id: &Id, told: &EventUpdate) -> Result<UnseenChanges> {
    let seen: Option<Baseline<LastSeen>> = events::load_baseline(db, BaselineKind::EventSeen, external_id).await?;
    let seen = seen.map(|agreement| agreement.values);
    let asked_for: Option<Baseline<serde_json::Value>> =
        events::load_baseline(db, BaselineKind::Event, external_id).await?;
    let asked_for = asked_for.and_then(|agreement| agreement.values["max_places"].as_i64());
    let change = payload::change(seen.as_ref(), &told.seen, asked_for);
    Ok(UnseenChanges { seen_now: payload::seen_after(seen.clone(), &told.seen), seen, change })
}

/// Which event of ours is meant.
enum EventLookup {
    Ours(i64),
    /// The one that has its title is linked with another of theirs.
    Contested,
    Nobody,
}

async fn find_event(db: &mut PgConnection, external_id: &Id, told: &EventUpdate) -> Result<EventLookup> {
    if let Some(linked) = events::linked_event(db, external_id).await? {
        return Ok(EventLookup::Ours(linked));
    }
    let Some(title) = told.title.as_deref() else { return Ok(EventLookup::Nobody) };
    let Some(ours) = tutorials::store::events_by_code(db, &[title]).await?.first().map(|known| known.id) else {
        return Ok(EventLookup::Nobody);
    };
    Ok(if events::link_of(db, ours).await?.is_some() { EventLookup::Contested } else { EventLookup::Ours(ours) })
}

fn ambiguous_message() -> Applied {
    Applied::Dead(
        "several events could be meant: `lectern sync events` tells which, `lectern sync link` decides".into(),
    )
}

fn unknown(told: &EventUpdate) -> Applied {
    Applied::Dead(format!(
        "no event here is linked with it or has the code \"{}\": once there is one, replay it",
        told.title.as_deref().unwrap_or_default()
    ))
}

/// An event that is told whole goes the way of `sync events`, but that places which only mirror our own asking stay.
async fn apply_full_event(
    db: &mut PgConnection,
    mut event: administrate::Event,
    change: &FieldChange,
    zone: &TimeZone,
) -> Result<Applied> {
    if change.places_left.is_none() {
        event.remaining_places = None;
    }
    let told = EventUpdate { title: Some(event.title.clone()), ..EventUpdate::default() };
    Ok(match sync::apply_remote_event(db, event, zone).await? {
        ApplyOutcome::Written => Applied::Done(said(change).unwrap_or_else(|| "taken over".to_owned())),
        ApplyOutcome::Unchanged => Applied::Done(NOTHING.to_owned()),
        ApplyOutcome::Unknown => unknown(&told),
        ApplyOutcome::Undelivered => Applied::Done(
            "left: ours is on its way to Administrate, and the next `lectern sync events` compares".into(),
        ),
        ApplyOutcome::Ambiguous => ambiguous_message(),
        ApplyOutcome::Refused => Applied::Dead("it is ignored by a decision, or cannot be stored here".into()),
    })
}

const NOTHING: &str = "nothing to change";

/// Of an event that is told in part: whether it is sold out, places left, its state there.
async fn apply_places(
    db: &mut PgConnection,
    event: i64,
    external_id: &Id,
    told: &EventUpdate,
    change: &FieldChange,
) -> Result<String> {
    let changed = tutorials::store::set_places(db, event, change.sold_out, change.places_left).await?;
    let noted = events::record_state(db, external_id, told.seen.lifecycle.as_ref(), told.seen.sold_out).await?;
    let state = told.seen.lifecycle.as_ref().filter(|_| noted);
    let said = [said(change).filter(|_| changed), state.map(|state| format!("it is {state} there"))];
    let said: Vec<String> = said.into_iter().flatten().collect();
    Ok(if said.is_empty() { NOTHING.to_owned() } else { said.join(", ") })
}

fn said(change: &FieldChange) -> Option<String> {
    let said = [
        change.sold_out.map(|sold_out| if sold_out { "sold out".to_owned() } else { "no longer sold out".to_owned() }),
        change.places_left.map(|left| format!("{left} places left")),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}
