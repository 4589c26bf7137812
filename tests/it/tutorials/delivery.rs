//! Two systems: what the API writes is in Administrate once, and only what should be there.

use administrate_sim::tenant::{EventState, FieldKind, SessionState};
use lectern::outbox::{self, DeliveryState};
use serde_json::{Value, json};

use super::{Tutorials, pointers, session, with};
use crate::fixtures::delivery::DeliveryFixture;

/// A server over a provider whose records are linked with a simulated Administrate.
struct BothSides {
    fixture: DeliveryFixture,
    tutorials: Tutorials,
}

impl BothSides {
    async fn new() -> BothSides {
        let fixture = DeliveryFixture::new(2).await;
        let tutorials = Tutorials::of(&fixture.db, fixture.provider).await;
        BothSides { fixture, tutorials }
    }

    /// Returns the body of an event that can be delivered.
    fn event(&self, code: &str) -> Value {
        let provider = self.tutorials.provider;
        let taught = json!({ "instructor_ids": [provider.instructor] });
        let fields = json!({
            "course_template_id": provider.template, "location_id": provider.location, "venue_id": provider.venue,
            "max_places": 12,
            "sessions": [with(session("One", 1, (9, 17)), taught.clone()), with(session("Two", 2, (9, 17)), taught)],
        });
        with(self.tutorials.event(code), fields)
    }

    /// Creates an event, delivers it and returns its path.
    async fn delivered(&self, code: &str) -> (String, Value) {
        let event = self.tutorials.create("events", self.event(code)).await;
        self.fixture.deliver().await;
        (format!("events/{}", event["id"]), event)
    }

    async fn administrate(&self, path: &str) -> Value {
        self.tutorials.get(path).await.1["administrate"].clone()
    }

    /// Delivers and returns the operations that Administrate executed.
    async fn deliver(&self) -> Vec<String> {
        let simulator = &self.fixture.administrate.simulator;
        let before = simulator.mutations().len();
        self.fixture.deliver().await;
        simulator.mutations()[before..].iter().map(|mutation| mutation.operation.clone()).collect()
    }

    /// Returns state, maximum and titles of the sessions of the only event with this title in Administrate.
    fn remote(&self, code: &str) -> (EventState, Option<i32>, Vec<String>) {
        let tenant = self.fixture.administrate.simulator.tenant();
        assert_eq!(tenant.events_titled(code).count(), 1, "{code}");
        let (number, event) = tenant.events_titled(code).next().expect("the event");
        let sessions = tenant.sessions_of(number).filter(|(_, session)| session.state != SessionState::Cancelled);
        (event.state, event.max_places, sessions.map(|(_, session)| session.title.clone()).collect())
    }

    fn remote_count(&self) -> usize {
        self.fixture.administrate.simulator.tenant().events.len()
    }
}

#[tokio::test]
async fn new_and_changed_events_are_delivered_once() {
    let sides = BothSides::new().await;
    let tutorials = &sides.tutorials;
    let event = tutorials.create("events", sides.event("CM2-01")).await;
    let path = format!("events/{}", event["id"]);
    let pending =
        json!({ "external_id": null, "state": "pending", "lifecycle": null, "last_error": null, "reason": null });
    assert_eq!(event["administrate"], pending);
    let items = outbox::list(&sides.fixture.db.pool, false).await.expect("listed");
    let items: Vec<(&str, &str)> = items.iter().map(|item| (item.effect.as_str(), item.subject.as_str())).collect();
    assert_eq!(items, [("create_event", "CM2-01")]);
    assert!(sides.deliver().await.contains(&"event.createBlended".to_owned()));
    let titles = |titles: &[&str]| titles.iter().map(|title| (*title).to_owned()).collect::<Vec<String>>();
    assert_eq!(sides.remote("CM2-01"), (EventState::Draft, Some(12), titles(&["One", "Two"])));
    let administrate = sides.administrate(&path).await;
    assert_eq!((&administrate["state"], &administrate["lifecycle"]), (&json!("delivered"), &json!("draft")));
    assert!(administrate["external_id"].is_string(), "{administrate}");

    // Each change is one effect in its transaction, and one delivery.
    let first = format!("sessions/{}", event["sessions"][0]["id"]);
    let ids = [&event["sessions"][1]["id"], &event["sessions"][0]["id"]];
    for (method, path, body, expected) in [
        ("PATCH", path.clone(), json!({ "max_places": 14 }), vec!["event.update"]),
        ("PATCH", first.clone(), json!({ "title": "Uno" }), vec!["session.update"]),
        ("PATCH", first.clone(), json!({ "title": "Uno" }), vec![]),
        ("PUT", format!("{path}/sessions/order"), json!({ "ids": ids }), vec!["session.update", "session.update"]),
    ] {
        let (status, document) = tutorials.json(method, &path, body.clone()).await;
        assert_eq!(status, 200, "{document}");
        let open = outbox::list(&sides.fixture.db.pool, false).await.expect("listed").len();
        assert_eq!(open, usize::from(!expected.is_empty()), "{body}");
        assert_eq!(sides.deliver().await, expected, "{body}");
        assert_eq!(sides.deliver().await, [""; 0], "{body}: once");
    }
    assert_eq!(sides.remote("CM2-01").1, Some(14));
    // A refused change is no effect.
    assert_eq!(tutorials.json("PATCH", &first, json!({ "title": "" })).await.0, 422);
    assert!(outbox::list(&sides.fixture.db.pool, false).await.expect("listed").is_empty());
    // A deleted session is deleted in Administrate too.
    assert_eq!(tutorials.delete(&first).await.0, 204);
    sides.deliver().await;
    assert_eq!(sides.remote("CM2-01").2, titles(&["Two"]));
    // So is what other records change.
    assert_eq!(tutorials.delete(&format!("venues/{}", tutorials.provider.venue)).await.0, 204);
    assert!(sides.deliver().await.contains(&"session.update".to_owned()));
}

#[tokio::test]
async fn event_waits_for_its_links_unless_it_stays_local() {
    let sides = BothSides::new().await;
    let tutorials = &sides.tutorials;
    let leeds = tutorials.create_id("locations", json!({ "name": "Leeds" })).await;
    let bare = tutorials.create("events", tutorials.event("CM2-01")).await;
    let place = json!({ "location_id": leeds, "venue_id": null });
    let waiting = tutorials.create("events", with(sides.event("CM2-02"), place)).await;
    let sessions = json!({ "sessions": [] });
    let local = with(with(sides.event("CM2-03"), sessions), json!({ "local_only": true }));
    let local = tutorials.create("events", local).await;
    for (event, reason) in [(&bare, "no course template"), (&waiting, "Leeds is not linked"), (&local, "local_only")] {
        let administrate = &event["administrate"];
        assert_eq!(administrate["state"], "local", "{event}");
        assert!(administrate["reason"].as_str().expect("a sentence").contains(reason), "{administrate}");
    }
    assert_eq!(sides.deliver().await, [""; 0]);
    // A link that a sync finds.
    let number = sides.fixture.administrate.simulator.edit(|tenant| tenant.add_location("Leeds", "LDS"));
    sqlx::query("INSERT INTO adm.locations (external_id, tutorial_location_id) VALUES ($1, $2)")
        .bind(administrate_sim::Tenant::location_id(number))
        .bind(leeds)
        .execute(&sides.fixture.db.pool)
        .await
        .expect("a link");
    assert!(sides.deliver().await.contains(&"event.createBlended".to_owned()));
    assert_eq!(sides.remote("CM2-02").0, EventState::Draft);
    // What was missing is given.
    let provider = tutorials.provider;
    let fields = json!({ "course_template_id": provider.template, "location_id": provider.location });
    let (_, event) = tutorials.json("PATCH", &format!("events/{}", bare["id"]), fields).await;
    assert_eq!(event["administrate"]["state"], "pending", "{event}");
    let path = format!("events/{}", local["id"]);
    assert_eq!(tutorials.json("PATCH", &path, json!({ "max_places": 5 })).await.1["administrate"]["state"], "local");
    let body = with(tutorials.event("CM2-03"), json!({ "course_template_id": provider.template }));
    let body = with(body, json!({ "location_id": provider.location, "max_places": 5 }));
    let (_, event) = tutorials.json("PUT", &path, body).await;
    assert_eq!((&event["local_only"], &event["administrate"]["state"]), (&json!(true), &json!("local")), "{event}");
    let (_, event) = tutorials.json("PATCH", &path, json!({ "local_only": false })).await;
    assert_eq!(event["administrate"]["state"], "pending", "{event}");
    sides.deliver().await;
    assert_eq!(sides.remote_count(), 3);
    assert_eq!(tutorials.json("PATCH", &path, json!({ "local_only": true })).await.0, 409);
    // A cancelled event is not created.
    let event =
        tutorials.create("events", with(sides.event("CM2-04"), json!({ "cancelled": true, "sessions": [] }))).await;
    assert_eq!(event["administrate"]["reason"], "the event is cancelled");
    sides.deliver().await;
    assert_eq!(sides.remote_count(), 3);
}

#[tokio::test]
async fn event_is_published_and_cancelled() {
    let sides = BothSides::new().await;
    let tutorials = &sides.tutorials;
    let unlinked = tutorials.create_id("events", tutorials.event("CM2-09")).await;
    for action in ["publish", "cancel"] {
        let (status, problem) = tutorials.json("POST", &format!("events/{unlinked}/{action}"), json!({})).await;
        assert_eq!(status, 409, "{problem}");
        assert_eq!(tutorials.json("POST", &format!("events/999999/{action}"), json!({})).await.0, 404);
        let anonymous = tutorials.anonymous("POST", &format!("events/{unlinked}/{action}"));
        assert_eq!(super::answer(anonymous).await.0, 401);
    }
    let (path, _) = sides.delivered("CM2-01").await;
    let post = async |action: &str| {
        let response = tutorials.request("POST", &format!("{path}/{action}")).send().await.expect("an answer");
        super::status_and_document(response).await
    };
    let (status, event) = post("publish").await;
    assert_eq!((status, &event["administrate"]["state"]), (202, &json!("pending")), "{event}");
    sides.deliver().await;
    assert_eq!(sides.remote("CM2-01").0, EventState::Published);
    assert_eq!(sides.administrate(&path).await["lifecycle"], "published");
    assert_eq!(post("publish").await.0, 202);
    assert_eq!(sides.deliver().await, [""; 0], "it is published already");

    let (status, problem) = tutorials.json("PATCH", &path, json!({ "cancelled": true })).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().expect("text").contains("/cancel"), "{problem}");
    let (status, problem) = tutorials.json("PATCH", &path, json!({ "learning_mode": "classroom" })).await;
    assert_eq!(status, 409, "{problem}");
    let (status, event) = post("cancel").await;
    assert_eq!((status, &event["cancelled"]), (202, &json!(true)));
    sides.deliver().await;
    assert_eq!(sides.remote("CM2-01").0, EventState::Cancelled);
    assert_eq!(sides.administrate(&path).await["lifecycle"], "cancelled");
    assert_eq!(post("cancel").await.0, 202);
    assert_eq!(post("publish").await.0, 409);
    assert_eq!(sides.deliver().await, [""; 0]);
}

#[tokio::test]
async fn deletion_says_what_happens_in_administrate() {
    let sides = BothSides::new().await;
    let tutorials = &sides.tutorials;
    // Not there yet: the event and its effect go.
    let pending = tutorials.create_id("events", with(sides.event("CM2-00"), json!({ "sessions": [] }))).await;
    assert_eq!(tutorials.delete(&format!("events/{pending}")).await.0, 204);
    assert!(outbox::list(&sides.fixture.db.pool, false).await.expect("listed").is_empty());
    let mut day = 1;
    for (remote, state) in
        [("keep", Some(EventState::Draft)), ("cancel", Some(EventState::Cancelled)), ("delete", None)]
    {
        let code = format!("CM2-{remote}");
        let sessions = json!([session("One", day, (9, 17)), session("Two", day + 1, (9, 17))]);
        day += 2;
        let body = with(sides.event(&code), json!({ "sessions": sessions }));
        let path = format!("events/{}", tutorials.create_id("events", body).await);
        sides.deliver().await;
        let (status, problem) = tutorials.delete(&path).await;
        assert_eq!((status, &problem["remote"]), (409, &json!(["keep", "cancel", "delete"])), "{problem}");
        assert_eq!(tutorials.delete(&format!("{path}?remote=forget")).await.0, 400);
        let (status, document) = tutorials.delete(&format!("{path}?remote={remote}")).await;
        assert_eq!(status, if remote == "keep" { 204 } else { 202 }, "{document}");
        if remote != "keep" {
            assert_eq!(document["administrate"]["state"], "pending");
            assert_eq!(tutorials.json("PATCH", &path, json!({ "max_places": 1 })).await.0, 409, "it is being removed");
        }
        sides.deliver().await;
        assert_eq!(tutorials.get(&path).await.0, 404);
        match state {
            Some(state) => assert_eq!(sides.remote(&code).0, state),
            None => assert_eq!(sides.fixture.administrate.simulator.tenant().events_titled(&code).count(), 0),
        }
    }
    // Administrate deletes drafts only; the user chooses again.
    let (path, _) = sides.delivered("CM2-01").await;
    tutorials.json("POST", &format!("{path}/publish"), json!({})).await;
    sides.deliver().await;
    assert_eq!(tutorials.delete(&format!("{path}?remote=delete")).await.0, 202);
    sides.deliver().await;
    let administrate = sides.administrate(&path).await;
    assert_eq!(administrate["state"], "failed");
    assert!(administrate["last_error"].as_str().expect("a sentence").contains("remote=cancel"), "{administrate}");
    assert_eq!(tutorials.delete(&format!("{path}?remote=cancel")).await.0, 202);
    sides.deliver().await;
    assert_eq!(sides.remote("CM2-01").0, EventState::Cancelled);
    assert_eq!(tutorials.get(&path).await.0, 404);
    assert!(sides.fixture.states().await.iter().all(|state| *state == DeliveryState::Delivered));
}

/// Defines custom fields and an administrator on both sides. Returns the numbers of the fields in Administrate.
async fn define_fields(sides: &BothSides) -> [administrate_sim::tenant::Number; 3] {
    let simulator = &sides.fixture.administrate.simulator;
    let keys = simulator.edit(|tenant| {
        [("Room set-up", FieldKind::String), ("Recorded", FieldKind::Boolean), ("Rating", FieldKind::Number)]
            .map(|(label, kind)| tenant.add_custom_field(&["Event"], label, kind))
    });
    let client = &sides.fixture.client;
    let fields = client.custom_fields(administrate::SupportsCustomField::Event).await.expect("fields").expect("sent");
    for field in fields.iter().filter(|field| ["Room set-up", "Recorded", "Rating"].contains(&field.label.as_str())) {
        let insert =
            "INSERT INTO adm.custom_fields (external_id, label, field_type, entity_type) VALUES ($1, $2, $3, 'Event')";
        let kind = match field.label.as_str() {
            "Recorded" => "boolean",
            "Rating" => "number",
            _ => "string",
        };
        let query = sqlx::query(insert).bind(field.key.as_str()).bind(&field.label).bind(kind);
        query.execute(&sides.fixture.db.pool).await.expect("a definition");
    }
    sqlx::query("INSERT INTO lectern.administrators (external_id, first_name, last_name) VALUES ($1, 'Opal', 'Finch')")
        .bind(administrate_sim::Tenant::contact_id(sides.fixture.administrate.administrator))
        .execute(&sides.fixture.db.pool)
        .await
        .expect("an administrator");
    keys
}

#[tokio::test]
async fn custom_fields_and_administrators_reach_administrate() {
    let sides = BothSides::new().await;
    let tutorials = &sides.tutorials;
    let simulator = &sides.fixture.administrate.simulator;
    let keys = define_fields(&sides).await;
    let values = json!({ "room SET-UP": "theatre", "Recorded": "yes", "Rating": 4.5, "Sitting": "2026A" });
    let fields = json!({ "custom_fields": values, "administrators": ["opal  finch"] });
    let event = tutorials.create("events", with(sides.event("CM2-01"), fields)).await;
    let expected =
        json!({ "Room set-up": "theatre", "Recorded": true, "Rating": 4.5, "Sitting": "2026A", "Web sale": false });
    assert_eq!((&event["custom_fields"], &event["sitting"]), (&expected, &json!("2026A")));
    assert_eq!(event["administrators"], json!(["Opal Finch"]));
    sides.deliver().await;
    let stored = |number: usize| {
        let tenant = simulator.tenant();
        let (_, event) = tenant.events_titled("CM2-01").next().expect("the event");
        event.custom_fields.get(&keys[number]).cloned()
    };
    assert_eq!([stored(0), stored(1), stored(2)].map(Option::unwrap_or_default), ["theatre", "True", "4.5"]);
    let tenant = simulator.tenant();
    let (number, _) = tenant.events_titled("CM2-01").next().expect("the event");
    assert_eq!(tenant.staff_of(number).count(), 1);
    drop(tenant);

    let path = format!("events/{}", event["id"]);
    for (change, status, pointer) in [
        (json!({ "Recorded": "perhaps" }), 422, "/custom_fields/Recorded"),
        (json!({ "Rating": "high" }), 422, "/custom_fields/Rating"),
        (json!({ "Rating": [] }), 400, "/custom_fields/Rating"),
        (json!({ "Colour/~": "red" }), 422, "/custom_fields/Colour~1~0"),
        (json!({ "Finalisation date": "soon" }), 422, "/custom_fields/Finalisation date"),
    ] {
        let (found, problem) = tutorials.json("PATCH", &path, json!({ "custom_fields": change })).await;
        assert_eq!((found, pointers(&problem)[0].0), (status, pointer), "{problem}");
    }
    // A change keeps the other labels, a replacement does not.
    let (_, event) =
        tutorials.json("PATCH", &path, json!({ "custom_fields": { "Rating": null, "Recorded": false } })).await;
    let expected = json!({ "Room set-up": "theatre", "Recorded": false, "Sitting": "2026A", "Web sale": false });
    assert_eq!(event["custom_fields"], expected);
    assert_eq!(tutorials.json("PUT", &path, event.clone()).await, (200, event.clone()));
    sides.deliver().await;
    assert_eq!([stored(0), stored(1), stored(2)].map(Option::unwrap_or_default), ["theatre", "False", ""]);
    let (_, event) = tutorials.json("PUT", &path, with(event, json!({ "custom_fields": { "Rating": 1 } }))).await;
    assert_eq!(event["custom_fields"], json!({ "Rating": 1, "Sitting": "2026A", "Web sale": false }));
    sides.deliver().await;
}
