//! What a delivery says, and what of it changes anything here.

use serde_json::json;

use super::payload::{EventUpdate, FieldChange, WebhookDelivery, change, seen_after};
use crate::bridges::events::LastSeen;

fn body(node: &serde_json::Value) -> Vec<u8> {
    json!({ "metadata": { "webhook_id": "w", "triggered_at": "2026-05-14T10:00:00Z" }, "payload": { "node": node },
            "configuration": { "secret": "s" } })
    .to_string()
    .into_bytes()
}

#[test]
fn bodies_are_read_or_refused() {
    for refused in ["", "null", "[]", "{}", "{\"metadata\":{},\"payload\":[]}", "{\"payload\":{}}", "\u{feff}{}"] {
        assert!(WebhookDelivery::read(refused.as_bytes()).is_err(), "{refused}");
    }
    assert!(WebhookDelivery::read(b"\xff{}").is_err());
    let read = WebhookDelivery::read(&body(&json!({ "id": "Q291cnNlOjE=" }))).expect("a delivery");
    assert_eq!((read.webhook_id.as_str(), read.entity_id.as_str()), ("w", "Q291cnNlOjE="));
    assert!(read.triggered.is_some() && !read.body.contains("secret"), "the configuration is not kept");
}

#[test]
fn one_edit_told_twice_has_one_content() {
    let hash = |node| WebhookDelivery::read(&body(&node)).expect("a delivery").content_hash;
    let edit = hash(json!({ "id": "1", "title": "A", "updatedAt": "10:00" }));
    assert_eq!(edit, hash(json!({ "id": "1", "title": "A", "updatedAt": "10:01" })));
    assert_ne!(edit, hash(json!({ "id": "1", "title": "B", "updatedAt": "10:00" })));
}

#[test]
fn both_spellings_and_shapes_are_understood() {
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
fn only_what_others_did_changes_anything() {
    let places = |sold_out, max_places, remaining| LastSeen {
        sold_out: Some(sold_out),
        max_places: Some(max_places),
        remaining: Some(remaining),
        ..LastSeen::default()
    };
    let nothing = FieldChange::default();
    let left = |places_left| FieldChange { places_left: Some(places_left), ..FieldChange::default() };
    for (why, seen, told, asked_for, expected) in [
        ("the echo of our creation", None, places(false, 12, 12), Some(12), nothing.clone()),
        ("a booking", Some(places(false, 12, 12)), places(false, 12, 9), Some(12), left(9)),
        ("a booking, first heard of", None, places(false, 12, 9), Some(12), left(9)),
        ("we offer more", Some(places(false, 12, 9)), places(false, 15, 12), Some(15), nothing.clone()),
        ("they offer more", Some(places(false, 12, 9)), places(false, 15, 12), Some(12), left(12)),
        ("told again", Some(places(true, 12, 0)), places(true, 12, 0), Some(12), nothing),
        (
            "an event of theirs",
            None,
            places(true, 12, 0),
            None,
            FieldChange { sold_out: Some(true), places_left: Some(0) },
        ),
        ("overbooked", Some(places(false, 12, 1)), places(false, 12, -1), None, left(0)),
    ] {
        assert_eq!(change(seen.as_ref(), &told, asked_for), expected, "{why}");
    }
}

#[test]
fn what_is_left_out_stays_known() {
    let before = LastSeen { sold_out: Some(true), remaining: Some(3), ..LastSeen::default() };
    let told = LastSeen { remaining: Some(2), ..LastSeen::default() };
    let after = LastSeen { sold_out: Some(true), remaining: Some(2), ..LastSeen::default() };
    assert_eq!(seen_after(Some(before), &told), after);
}
