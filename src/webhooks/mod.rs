//! Incoming webhooks: changes of events that Administrate reports.
//!
//! A delivery is checked for its signature, stored, answered and then applied. One that arrives twice is applied once. A
//! report that only reflects a write by Lectern changes nothing. A delivery that fails five times, or is about an unknown
//! event, becomes a dead letter that a user can replay.
//!
//! A complete event, as Lectern's own registrations request it, is applied like in `sync events`. Of an incomplete one only
//! places and state are applied. Only a registration sends requests, and nothing depends on complete delivery: the next
//! `sync events` repairs missed changes.

pub mod api;
pub mod cli;
pub mod pages;
pub mod payload;
pub mod registration;
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
use crate::merge::places::{PlacesWinner, ReportedPlaces, merge_places};
use crate::sync::{self, ApplyContext, ApplyOutcome};
use crate::tutorials;

pub use store::{insert, list, one, overview, purge, retry_now};

/// Number of attempts before a delivery becomes a dead letter.
const MAX_ATTEMPTS: i32 = 5;

/// The state of a stored delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum InboxState {
    /// Stored, to be applied.
    Received,
    /// Applied, also if nothing changed.
    Applied,
    /// Needs attention: a dead letter.
    Dead,
}

/// The registrations, and the deliveries that need attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// Type and address of each registration.
    pub registered: Vec<(String, String)>,
    /// Number of dead letters.
    pub dead: i64,
}

/// Returns the address to which Administrate delivers, if the public address of this server is known.
pub fn delivery_url(public_url: &str) -> Option<String> {
    let public = public_url.trim_end_matches('/');
    (!public.is_empty()).then(|| format!("{public}/webhooks/administrate"))
}

/// Whether a received delivery is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored under this id.
    New(i64),
    /// Received before.
    Known,
}

/// A stored delivery. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct InboxItem {
    pub id: i64,
    pub webhook_id: String,
    /// The type of the registration, if Lectern made it.
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

/// The result of applying a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Applied {
    /// Done; the text describes the change.
    Done(String),
    /// Needs attention; the text says why.
    Dead(String),
}

/// Applies a delivery in the caller's transaction. `zone` is the zone of times without one.
async fn apply(
    db: &mut PgConnection,
    item: &InboxItem,
    zone: &TimeZone,
    context: &mut ApplyContext,
) -> Result<Applied> {
    if item.entity_id.is_empty() {
        return Ok(Applied::Dead("the delivery does not name an event".into()));
    }
    store::lock_entity(db, &item.entity_id).await?;
    if store::is_superseded(db, item).await? {
        return Ok(Applied::Done("superseded by a later delivery".into()));
    }
    let external_id = Id::new(item.entity_id.clone());
    let update = WebhookDelivery::event_update(&item.body);
    let mut unseen = unseen_changes(db, &external_id, &update).await?;
    let applied = match payload::full_event(&item.body) {
        Some(event) => apply_full_event(db, event, &unseen.change, zone, context).await?,
        None => match find_event(db, &external_id, &update, context).await? {
            EventLookup::Found(event) => {
                let conflict = unseen.keep_sold_places(db, event, &update).await?;
                let done = apply_places(db, event, &external_id, &update, &unseen.change).await?;
                Applied::Done(conflict.unwrap_or(done))
            }
            EventLookup::Ambiguous => ambiguous_message(),
            EventLookup::Unknown => unknown(&update),
        },
    };
    // The sync of a complete event stores by itself what both sides have by then.
    let is_incomplete = payload::full_event(&item.body).is_none();
    if is_incomplete && matches!(applied, Applied::Done(_)) && unseen.seen.as_ref() != Some(&unseen.seen_now) {
        let baseline = Baseline { values: unseen.seen_now, uncertain: false };
        events::save_baseline(db, BaselineKind::EventSeen, &external_id, &baseline).await?;
    }
    Ok(applied)
}

/// Reported values that differ from the last seen ones.
struct UnseenChanges {
    seen: Option<LastSeen>,
    seen_now: LastSeen,
    change: FieldChange,
    /// The places before the change, reported or sent.
    places_before: ReportedPlaces,
}

impl UnseenChanges {
    /// Leaves out reported places if places were sold locally too, and returns what a user should know.
    async fn keep_sold_places(
        &mut self,
        db: &mut PgConnection,
        event: i64,
        update: &EventUpdate,
    ) -> Result<Option<String>> {
        let Some(left) = self.change.places_left else { return Ok(None) };
        let local = tutorials::store::availabilities(db, Some(&[event])).await?;
        let reported =
            ReportedPlaces { sold_out: None, max_places: update.seen.max_places, remaining: Some(left.into()) };
        let merge = |local| merge_places(local, self.places_before, reported, PlacesWinner::Open);
        let Some(conflict) = local.first().and_then(|local| merge(local).conflict) else { return Ok(None) };
        self.change.places_left = None;
        self.seen_now.remaining = self.places_before.remaining;
        self.seen_now.max_places = self.places_before.max_places;
        Ok(Some(format!(
            "{left} places left in Administrate and {} locally: `lectern sync events` asks which to keep",
            conflict.local
        )))
    }
}

async fn unseen_changes(db: &mut PgConnection, external_id: &Id, update: &EventUpdate) -> Result<UnseenChanges> {
    let seen: Option<Baseline<LastSeen>> = events::load_baseline(db, BaselineKind::EventSeen, external_id).await?;
    let seen = seen.map(|baseline| baseline.values);
    let sent: Option<Baseline<serde_json::Value>> = events::load_baseline(db, BaselineKind::Event, external_id).await?;
    let sent_places = sent.and_then(|baseline| baseline.values["max_places"].as_i64());
    let change = payload::diff(seen.as_ref(), &update.seen, sent_places);
    let places_before = match &seen {
        Some(LastSeen { sold_out, max_places, remaining, .. }) => {
            ReportedPlaces { sold_out: *sold_out, max_places: *max_places, remaining: *remaining }
        }
        None => ReportedPlaces { sold_out: None, max_places: sent_places, remaining: sent_places },
    };
    Ok(UnseenChanges { seen_now: payload::seen_after(seen.clone(), &update.seen), seen, change, places_before })
}

/// The local event that a delivery is about.
enum EventLookup {
    Found(i64),
    /// The local event with the same title is linked with another remote event, or several have this title.
    Ambiguous,
    Unknown,
}

async fn find_event(
    db: &mut PgConnection,
    external_id: &Id,
    update: &EventUpdate,
    context: &mut ApplyContext,
) -> Result<EventLookup> {
    if let Some(linked) = events::linked_event(db, external_id).await? {
        return Ok(EventLookup::Found(linked));
    }
    let Some(title) = update.title.as_deref() else { return Ok(EventLookup::Unknown) };
    Ok(match context.named(db, title).await?[..] {
        [] => EventLookup::Unknown,
        [local] if events::link_of(db, local).await?.is_none() => EventLookup::Found(local),
        _ => EventLookup::Ambiguous,
    })
}

fn ambiguous_message() -> Applied {
    Applied::Dead(
        "several events match: list them with `lectern sync events`, choose one with `lectern sync link`".into(),
    )
}

fn unknown(update: &EventUpdate) -> Applied {
    Applied::Dead(format!(
        "no local event is linked with it or has the code \"{}\": replay the delivery once there is one",
        update.title.as_deref().unwrap_or_default()
    ))
}

/// Applies a complete event like `sync events` does, but ignores places that only reflect a write by Lectern.
async fn apply_full_event(
    db: &mut PgConnection,
    mut event: administrate::Event,
    change: &FieldChange,
    zone: &TimeZone,
    context: &mut ApplyContext,
) -> Result<Applied> {
    if change.places_left.is_none() {
        event.remaining_places = None;
    }
    let update = EventUpdate { title: Some(event.title.clone()), ..EventUpdate::default() };
    Ok(match sync::apply_remote_event(db, event, zone, context).await? {
        ApplyOutcome::Written => Applied::Done(describe(change).unwrap_or_else(|| "applied".to_owned())),
        ApplyOutcome::Unchanged => Applied::Done(NOTHING.to_owned()),
        ApplyOutcome::Unknown => unknown(&update),
        ApplyOutcome::Undelivered => Applied::Done(
            "skipped: the local event is being delivered to Administrate, and the next `lectern sync events` compares"
                .into(),
        ),
        ApplyOutcome::Ambiguous => ambiguous_message(),
        ApplyOutcome::Refused => {
            Applied::Dead("a match override ignores the event, or it cannot be stored locally".into())
        }
    })
}

const NOTHING: &str = "nothing to change";

/// Applies places and state of an incomplete event.
async fn apply_places(
    db: &mut PgConnection,
    event: i64,
    external_id: &Id,
    update: &EventUpdate,
    change: &FieldChange,
) -> Result<String> {
    let changed = tutorials::store::set_places(db, event, change.sold_out, change.places_left).await?;
    let has_new_state =
        events::record_state(db, external_id, update.seen.lifecycle.as_ref(), update.seen.sold_out).await?;
    let state = update.seen.lifecycle.as_ref().filter(|_| has_new_state);
    let changes = [describe(change).filter(|_| changed), state.map(|state| format!("{state} in Administrate"))];
    let changes: Vec<String> = changes.into_iter().flatten().collect();
    Ok(if changes.is_empty() { NOTHING.to_owned() } else { changes.join(", ") })
}

fn describe(change: &FieldChange) -> Option<String> {
    let changes = [
        change.sold_out.map(|sold_out| if sold_out { "sold out".to_owned() } else { "no longer sold out".to_owned() }),
        change.places_left.map(|left| format!("{left} places left")),
    ];
    let changes: Vec<String> = changes.into_iter().flatten().collect();
    (!changes.is_empty()).then(|| changes.join(", "))
}
