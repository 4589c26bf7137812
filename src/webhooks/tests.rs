//! Parsing of deliveries, and the local changes that they cause.

use serde_json::json;

use super::payload::{EventUpdate, FieldChange, WebhookDelivery, diff, seen_after};
use crate::bridges::events::LastSeen;

fn body(node: &serde_json::Value) -> Vec<u8> {
    json!({ "metadata": { "webhook_id": "w", "triggered_at": "2026-05-14T10:00:00Z" }, "payload": { "node": node },
            "configuration": { "secret": "s" } })
    .to_string()
    .into_bytes()
}

#[test]
fn invalid_body_is_refused_and_valid_body_is_read() {
    for refused in ["", "null", "[]", "{}", "{\"metadata\":{},\"payload\":[]}", "{\"payload\":{}}", "\u{feff}{}"] {
        assert!(WebhookDelivery::read(refused.as_bytes()).is_err(), "{refused}");
    }
    assert!(WebhookDelivery::read(b"\xff{}").is_err());
    let read = WebhookDelivery::read(&body(&json!({ "id": "Q291cnNlOjE=" }))).expect("a delivery");
    assert_eq!((read.webhook_id.as_str(), read.entity_id.as_str()), ("w", "Q291cnNlOjE="));
    assert!(read.triggered.is_some() && !read.body.contains("secret"), "the configuration is not stored");
}

#[test]
fn repeated_edit_has_the_same_content_hash() {
    let hash = |node| WebhookDelivery::read(&body(&node)).expect("a delivery").content_hash;
    let edit = hash(json!({ "id": "1", "title": "A", "updatedAt": "10:00" }));
    assert_eq!(edit, hash(json!({ "id": "1", "title": "A", "updatedAt": "10:01" })));
    assert_ne!(edit, hash(json!({ "id": "1", "title": "B", "updatedAt": "10:00" })));
}

#[test]
fn event_is_read_from_every_spelling_and_shape() {
    let expected = EventUpdate {
        title: Some("A".into()),
        seen: LastSeen {
            lifecycle: Some("published".into()),
            sold_out: Some(true),
            max_places: Some(12),
            remaining: Some(0),
        },
    };
    for payload in [
        json!({ "node": { "id": "1", "title": " A ", "lifecycleState": "PUBLISHED", "isSoldOut": true, "maxPlaces": 12,
                          "remainingPlaces": 0 } }),
        json!({ "event": { "id": "1", "title": "A", "lifecycle_state": "published", "is_sold_out": "True",
                           "max_places": "12", "remaining_places": "0" } }),
        json!({ "id": "1", "title": "A", "lifecycleState": "published", "isSoldOut": true, "maxPlaces": 12,
                "remainingPlaces": 0 }),
    ] {
        assert_eq!(WebhookDelivery::event_update(&json!({ "payload": payload }).to_string()), expected, "{payload}");
    }
    assert_eq!(WebhookDelivery::event_update("{\"payload\":{\"node\":null}}"), EventUpdate::default());
}

#[test]
fn only_changes_by_others_have_an_effect() {
    let places = |sold_out, max_places, remaining| LastSeen {
        sold_out: Some(sold_out),
        max_places: Some(max_places),
        remaining: Some(remaining),
        ..LastSeen::default()
    };
    let nothing = FieldChange::default();
    let left = |places_left| FieldChange { places_left: Some(places_left), ..FieldChange::default() };
    for (case, seen, reported, sent_places, expected) in [
        ("own creation reported", None, places(false, 12, 12), Some(12), nothing.clone()),
        ("a booking", Some(places(false, 12, 12)), places(false, 12, 9), Some(12), left(9)),
        ("a booking, first report", None, places(false, 12, 9), Some(12), left(9)),
        ("own change of places", Some(places(false, 12, 9)), places(false, 15, 12), Some(15), nothing.clone()),
        ("remote change of places", Some(places(false, 12, 9)), places(false, 15, 12), Some(12), left(12)),
        ("repeated report", Some(places(true, 12, 0)), places(true, 12, 0), Some(12), nothing),
        (
            "an event created in Administrate",
            None,
            places(true, 12, 0),
            None,
            FieldChange { sold_out: Some(true), places_left: Some(0) },
        ),
        ("overbooked", Some(places(false, 12, 1)), places(false, 12, -1), None, left(0)),
    ] {
        assert_eq!(diff(seen.as_ref(), &reported, sent_places), expected, "{case}");
    }
}

#[test]
fn value_that_is_not_reported_stays_seen() {
    let before = LastSeen { sold_out: Some(true), remaining: Some(3), ..LastSeen::default() };
    let reported = LastSeen { remaining: Some(2), ..LastSeen::default() };
    let after = LastSeen { sold_out: Some(true), remaining: Some(2), ..LastSeen::default() };
    assert_eq!(seen_after(Some(before), &reported), after);
}
