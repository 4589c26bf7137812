//! What a delivery tells, read from its body without trusting its shape.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::bridges::events::{LastSeen, LifecycleState};
use crate::text::json_contains_nul;

/// Keys whose values differ between two tellings of one edit.
const VOLATILE_KEYS: &[&str] = &["updatedAt", "updated_at"];

/// The longest id that is kept, in bytes.
const LONGEST_ID: usize = 255;

/// A delivery as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The registration that it belongs to; empty where it names none.
    pub webhook_id: String,
    /// Administrate's id of what it is about; empty where it names nothing.
    pub entity_id: String,
    /// When it came about, as told; empty where it is not.
    pub triggered_at: String,
    /// The same, where it is a time.
    pub triggered: Option<Timestamp>,
    /// SHA-256 of what is told, without what differs between two tellings of one edit.
    pub content_hash: [u8; 32],
    /// The body without its configuration.
    pub body: String,
}

/// What Administrate says of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventUpdate {
    /// Its title, which is our event's code.
    pub title: Option<String>,
    /// How it stands.
    pub seen: LastSeen,
}

/// A body is no delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery is a JSON object with metadata and payload, and no text in it holds a NUL")]
pub struct InvalidPayload;

impl WebhookDelivery {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no JSON object with `metadata` and `payload`, or tells a text that PostgreSQL cannot keep.
    pub fn read(body: &[u8]) -> Result<WebhookDelivery, InvalidPayload> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else { return Err(InvalidPayload) };
        body.remove("configuration");
        let (Some(Value::Object(metadata)), Some(payload @ Value::Object(_))) =
            (body.get("metadata"), body.get("payload"))
        else {
            return Err(InvalidPayload);
        };
        if json_contains_nul(payload) {
            return Err(InvalidPayload);
        }
        let triggered_at = text(metadata, "triggered_at", "triggeredAt");
        Ok(WebhookDelivery {
            webhook_id: text(metadata, "webhook_id", "webhookId"),
            entity_id: node(payload).map(|node| text(node, "id", "id")).unwrap_or_default(),
            triggered: time(&triggered_at),
            triggered_at,
            content_hash: content_hash(payload),
            body: Value::Object(body).to_string(),
        })
    }

    /// What a kept body tells of an event.
    pub fn event_update(body: &str) -> EventUpdate {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let Some(node) = node(&body["payload"]) else { return EventUpdate::default() };
        let field = |camel: &str, snake: &str| node.get(camel).or_else(|| node.get(snake)).filter(|v| !v.is_null());
        let number = |camel, snake| {
            let value = field(camel, snake)?;
            value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
        };
        let words = |camel, snake| field(camel, snake)?.as_str().map(|text| text.trim().to_owned());
        EventUpdate {
            title: words("title", "title").filter(|title| !title.is_empty()),
            seen: LastSeen {
                lifecycle: words("lifecycleState", "lifecycle_state")
                    .map(|word| LifecycleState::from(word.to_lowercase())),
                sold_out: field("isSoldOut", "is_sold_out")
                    .and_then(|value| value.as_bool().or_else(|| value.as_str()?.to_lowercase().parse().ok())),
                max_places: number("maxPlaces", "max_places"),
                // What no event can offer is not told at all.
                remaining: number("remainingPlaces", "remaining_places").filter(|left| i32::try_from(*left).is_ok()),
            },
        }
    }
}

/// What a body has to name for its event to be told whole; a session list or staff that is cut off is not.
const FULL_EVENT: &[&str] = &[
    "title",
    "lifecycleState",
    "isSoldOut",
    "maxPlaces",
    "remainingPlaces",
    "timeZoneName",
    "lmsStart",
    "lmsEnd",
    "courseTemplate",
    "location",
    "sessions",
    "staff",
];

/// The event that a kept body tells, where it tells all that a sync of events reads, as our registrations ask for.
pub fn full_event(body: &str) -> Option<administrate::Event> {
    let body: Value = serde_json::from_str(body).ok()?;
    let node = node(&body["payload"])?;
    let is_complete = |key: &str| {
        let told = node[key]["edges"].as_array().map(Vec::len);
        told.is_some_and(|told| node[key]["pageInfo"]["totalRecords"].as_u64().is_none_or(|all| all == told as u64))
    };
    let is_whole =
        FULL_EVENT.iter().all(|key| node.contains_key(*key)) && is_complete("sessions") && is_complete("staff");
    serde_json::from_value(Value::Object(node.clone())).ok().filter(|_| is_whole)
}

/// The object that a payload is about: `node`, the only object in it, or itself.
fn node(payload: &Value) -> Option<&Map<String, Value>> {
    let payload = payload.as_object()?;
    if let Some(Value::Object(node)) = payload.get("node") {
        return Some(node);
    }
    let mut objects = payload.values().filter_map(Value::as_object);
    match (payload.contains_key("id"), objects.next(), objects.next()) {
        (true, ..) => Some(payload),
        (false, Some(only), None) if only.contains_key("id") => Some(only),
        _ => None,
    }
}

/// A time as it may be told: RFC 3339, without an offset in UTC, or seconds since 1970. What is none is no reason to refuse
/// a delivery that is signed: Administrate would not tell it again. Such a one is as late as it came.
fn time(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let epoch = || Timestamp::from_second(text.parse::<f64>().ok()?.floor() as i64).ok();
    text.parse().ok().or_else(local).or_else(epoch)
}

/// A short text, also of a number; PostgreSQL keeps no NUL.
fn text(object: &Map<String, Value>, snake: &str, camel: &str) -> String {
    let mut text = match object.get(snake).or_else(|| object.get(camel)) {
        Some(Value::String(text)) => text.trim().replace('\0', ""),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    while text.len() > LONGEST_ID {
        text.pop();
    }
    text
}

fn content_hash(payload: &Value) -> [u8; 32] {
    let mut payload = payload.clone();
    strip_volatile(&mut payload);
    Sha256::digest(payload.to_string()).into()
}

fn strip_volatile(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| !VOLATILE_KEYS.contains(&key.as_str()));
            fields.values_mut().for_each(strip_volatile);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(strip_volatile);
            // Lists of records have no order of their own.
            if items.iter().all(|item| id_in(item).is_some()) {
                items.sort_by_cached_key(|item| id_in(item).map(Value::to_string));
            }
        }
        _ => {}
    }
}

/// The id of a record in a list.
fn id_in(item: &Value) -> Option<&Value> {
    item.pointer("/node/id").or_else(|| item.get("id"))
}

/// What is to change here because of what is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldChange {
    /// Whether it takes no more bookings.
    pub sold_out: Option<bool>,
    /// Places left.
    pub places_left: Option<i32>,
}

/// Compares what is told with what was last seen. `asked_for`: the places that we last asked Administrate to offer, if the
/// event came from here. What only mirrors our own writing changes nothing.
pub fn change(seen: Option<&LastSeen>, told: &LastSeen, asked_for: Option<i64>) -> FieldChange {
    // An event that we made and that nobody has spoken of is as we asked for.
    let ours = LastSeen { sold_out: Some(false), max_places: asked_for, remaining: asked_for, ..LastSeen::default() };
    let seen = seen.or(asked_for.is_some().then_some(&ours));
    let Some(seen) = seen else {
        return FieldChange { sold_out: told.sold_out, places_left: told.remaining.map(places) };
    };
    let moved = |now: Option<i64>, before: Option<i64>| Some(now? - before?);
    let offered_otherwise = told.max_places.is_some()
        && told.max_places == asked_for
        && moved(told.remaining, seen.remaining).is_some()
        && moved(told.remaining, seen.remaining) == moved(told.max_places, seen.max_places);
    FieldChange {
        sold_out: told.sold_out.filter(|now| Some(*now) != seen.sold_out),
        places_left: told.remaining.filter(|now| Some(*now) != seen.remaining && !offered_otherwise).map(places),
    }
}

/// What is known after something was told: what it leaves out stays.
pub fn seen_after(seen: Option<LastSeen>, told: &LastSeen) -> LastSeen {
    let seen = seen.unwrap_or_default();
    LastSeen {
        lifecycle: told.lifecycle.clone().or(seen.lifecycle),
        sold_out: told.sold_out.or(seen.sold_out),
        max_places: told.max_places.or(seen.max_places),
        remaining: told.remaining.or(seen.remaining),
    }
}

fn places(number: i64) -> i32 {
    i32::try_from(number.max(0)).unwrap_or(i32::MAX)
}
