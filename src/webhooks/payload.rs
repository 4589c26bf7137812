//! The content of a delivery, read from its body without trusting its shape.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::bridges::events::{LastSeen, LifecycleState};
use crate::text::json_contains_nul;

/// Keys whose values differ between two deliveries of one edit.
const VOLATILE_KEYS: &[&str] = &["updatedAt", "updated_at"];

/// The longest id that is stored, in bytes.
const MAX_ID_BYTES: usize = 255;

/// A delivery as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The registration that it belongs to; empty if not given.
    pub webhook_id: String,
    /// The external id of the record that it is about; empty if not given.
    pub entity_id: String,
    /// Time of the change, as given; may be empty.
    pub triggered_at: String,
    /// The same time, if it is readable.
    pub triggered: Option<Timestamp>,
    /// SHA-256 of the payload without values that differ between two deliveries of one edit.
    pub content_hash: [u8; 32],
    /// The body without its configuration, which contains secrets.
    pub body: String,
}

/// The values of an event in a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventUpdate {
    /// The title, which is the code of the local event.
    pub title: Option<String>,
    pub seen: LastSeen,
}

/// The body is not a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery must be a JSON object with metadata and payload, without NUL characters")]
pub struct InvalidPayload;

impl WebhookDelivery {
    /// Parses a body.
    ///
    /// # Errors
    /// It is not a JSON object with `metadata` and `payload`, or contains NUL, which PostgreSQL cannot store.
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

    /// Returns the values of an event in a stored body.
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
                // A number outside the range of the column counts as not reported.
                remaining: number("remainingPlaces", "remaining_places").filter(|left| i32::try_from(*left).is_ok()),
            },
        }
    }
}

/// The keys that a complete event has. An event with truncated sessions or staff is not complete.
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

/// Returns the event in a stored body if it has every value that a sync of events reads.
///
/// Registrations made by Lectern request all of them.
pub fn full_event(body: &str) -> Option<administrate::Event> {
    let body: Value = serde_json::from_str(body).ok()?;
    let node = node(&body["payload"])?;
    let is_complete = |key: &str| {
        let listed = node[key]["edges"].as_array().map(Vec::len);
        listed.is_some_and(|count| node[key]["pageInfo"]["totalRecords"].as_u64().is_none_or(|all| all == count as u64))
    };
    let has_all =
        FULL_EVENT.iter().all(|key| node.contains_key(*key)) && is_complete("sessions") && is_complete("staff");
    serde_json::from_value(Value::Object(node.clone())).ok().filter(|_| has_all)
}

/// Returns the record in a payload: `node`, the only object in it, or the payload itself.
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

/// Parses a time: RFC 3339, a local time taken as UTC, or seconds since 1970.
///
/// A delivery with an unreadable time is accepted, because Administrate would not repeat it; the time of arrival counts.
/// Times outside these years cannot be when something was changed; PostgreSQL cannot even store all of them.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9998;

fn time(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let epoch = || {
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite())?;
        Timestamp::from_second(seconds.floor() as i64).ok()
    };
    let time: Option<Timestamp> = text.parse().ok().or_else(local).or_else(epoch);
    time.filter(|time| YEARS.contains(&time.to_zoned(TimeZone::UTC).year()))
}

/// Returns a text or number as a short text without NUL, empty if it is missing.
fn text(object: &Map<String, Value>, snake: &str, camel: &str) -> String {
    let mut text = match object.get(snake).or_else(|| object.get(camel)) {
        Some(Value::String(text)) => text.trim().replace('\0', ""),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    while text.len() > MAX_ID_BYTES {
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
            // The order of records in a list has no meaning.
            if items.iter().all(|item| id_in(item).is_some()) {
                items.sort_by_cached_key(|item| id_in(item).map(Value::to_string));
            }
        }
        _ => {}
    }
}

/// Returns the id of a record in a list.
fn id_in(item: &Value) -> Option<&Value> {
    item.pointer("/node/id").or_else(|| item.get("id"))
}

/// The local change that a delivery causes; `None` means unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldChange {
    pub sold_out: Option<bool>,
    pub places_left: Option<i32>,
}

/// Compares reported values with the last seen ones.
///
/// `sent_places` is the number of places that Lectern last sent for the event. A report that only reflects this change
/// has no effect.
pub fn diff(seen: Option<&LastSeen>, reported: &LastSeen, sent_places: Option<i64>) -> FieldChange {
    // Without an earlier report, an event that Lectern created has the values that were sent.
    let sent =
        LastSeen { sold_out: Some(false), max_places: sent_places, remaining: sent_places, ..LastSeen::default() };
    let seen = seen.or(sent_places.is_some().then_some(&sent));
    let Some(seen) = seen else {
        return FieldChange { sold_out: reported.sold_out, places_left: reported.remaining.map(places) };
    };
    let increase = |now: Option<i64>, before: Option<i64>| Some(now? - before?);
    let is_own_change = reported.max_places.is_some()
        && reported.max_places == sent_places
        && increase(reported.remaining, seen.remaining).is_some()
        && increase(reported.remaining, seen.remaining) == increase(reported.max_places, seen.max_places);
    FieldChange {
        sold_out: reported.sold_out.filter(|now| Some(*now) != seen.sold_out),
        places_left: reported.remaining.filter(|now| Some(*now) != seen.remaining && !is_own_change).map(places),
    }
}

/// Returns the last seen values updated by reported ones. Values that are not reported stay.
pub fn seen_after(seen: Option<LastSeen>, reported: &LastSeen) -> LastSeen {
    let seen = seen.unwrap_or_default();
    LastSeen {
        lifecycle: reported.lifecycle.clone().or(seen.lifecycle),
        sold_out: reported.sold_out.or(seen.sold_out),
        max_places: reported.max_places.or(seen.max_places),
        remaining: reported.remaining.or(seen.remaining),
    }
}

fn places(number: i64) -> i32 {
    i32::try_from(number.max(0)).unwrap_or(i32::MAX)
}
