//! What is tried again, how often, after which wait, and what is left in doubt.

use std::time::Duration;

use administrate::{Client, Error, Id, SessionChanges};

use crate::environment::{Step, World, data, errors, location, ok, page, status};
use serde_json::json;

fn one_location() -> Step {
    page("locations", vec![location(1)], 1, false)
}

fn updated() -> Step {
    data(json!({"session": {"update": {"session": {"id": "S1"}, "errors": []}}}))
}

async fn update(client: &Client) -> Result<(), Error> {
    let changes = SessionChanges { title: Some("Day 1".into()), ..SessionChanges::default() };
    client.update_session(&Id::from("S1"), &changes).await.map(drop)
}

fn faults() -> Vec<(&'static str, Step)> {
    vec![
        ("429", status(429)),
        ("500", status(500)),
        ("503", status(503)),
        ("refused", Step::Refuse),
        ("reset", Step::Reset),
        ("timeout", Step::Silence),
        ("no JSON", Step::Answer(200, None, "<html>".into())),
    ]
}

#[tokio::test]
async fn a_query_survives_every_passing_fault() {
    for (name, fault) in faults() {
        let world = World::new(vec![fault.clone(), fault, one_location()]);
        let found = world.client().locations().await;
        assert_eq!(found.map(|found| found.len()).ok(), Some(1), "{name}");
        assert_eq!(world.left(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_write_is_repeated_only_where_it_certainly_did_nothing() {
    for (name, fault) in faults() {
        let world = World::new(vec![fault, updated()]);
        let result = update(&world.client()).await;
        match name {
            "429" | "refused" => assert!(result.is_ok(), "{name}: {result:?}"),
            _ => {
                let error = result.expect_err(name);
                assert!(error.is_doubtful(), "{name}: {error}");
                assert!(error.to_string().contains("may have taken effect"), "{error}");
                assert_eq!(world.left(), 1, "{name} was repeated");
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_was_refused_is_in_no_doubt() {
    for (name, step) in [
        ("404", status(404)),
        ("400", status(400)),
        ("validation", errors(&["Unknown field"])),
        ("rejection in the body of a 400", Step::Answer(400, None, json!({"errors": [{"message": "no"}]}).to_string())),
        (
            "payload",
            data(
                json!({"session": {"update": {"session": null, "errors": [{"label": "title", "message": "too long"}]}}}),
            ),
        ),
    ] {
        let world = World::new(vec![step]);
        let error = update(&world.client()).await.expect_err(name);
        assert!(!error.is_doubtful() && !error.is_transient(), "{name}: {error}");
    }
    let boom = json!({"data": {"session": {"update": null}}, "errors": [{"message": "boom", "path": ["session"]}]});
    let error = update(&World::new(vec![ok(boom)]).client()).await.expect_err("boom");
    assert!(error.is_doubtful(), "{error}");
}

#[tokio::test]
async fn attempts_are_bounded_and_waits_double() {
    let world = World::new(vec![status(503); 9]);
    let error = world.client().locations().await.expect_err("down");
    assert!(matches!(error, Error::Status { status: 503, .. }), "{error}");
    assert_eq!(world.left(), 3, "six attempts");
    let waits = world.waits();
    assert_eq!(waits.len(), 5);
    for (wait, longest) in waits.iter().zip([500, 1000, 2000, 4000, 8000]) {
        assert!(*wait <= longest, "{waits:?}");
    }
    assert!(error.is_transient() && error.is_outage());
}

#[tokio::test]
async fn retry_after_is_honoured_and_told_to_everybody() {
    for (header, seconds) in [("7", 7), ("Sun, 01 Mar 2026 12:00:09 GMT", 9)] {
        let limited = Step::Answer(429, Some(header), String::new());
        let world = World::new(vec![limited, one_location()]);
        world.client().locations().await.expect("found");
        let asked = Duration::from_secs(seconds);
        assert_eq!(*world.pauses.lock().expect("pauses"), [asked]);
        let wait = world.waits()[0];
        assert!((seconds * 1000..=seconds * 1000 + 500).contains(&u64::try_from(wait).expect("ms")), "{wait}");
    }
    let world = World::new(vec![Step::Answer(429, Some("86400"), String::new())]);
    let error = world.client().locations().await.expect_err("a day");
    assert!(matches!(error, Error::RateLimited { attempts: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_limit_that_never_lifts_is_an_error() {
    let world = World::new(vec![status(429); 20]);
    let error = update(&world.client()).await.expect_err("limited");
    assert!(matches!(error, Error::RateLimited { attempts: 12, .. }), "{error}");
    assert!(!error.is_doubtful() && error.is_transient());
}

#[tokio::test]
async fn the_breaker_stops_the_hammering_and_probes_after_a_rest() {
    let world = World::new([vec![status(500); 4], vec![one_location()]].concat());
    let client = world.client_with(|settings| settings.breaker_after = 4);
    let error = client.locations().await.expect_err("down");
    assert!(matches!(error, Error::BreakerOpen { failures: 4, .. }), "{error}");
    let error = client.locations().await.expect_err("still open");
    assert!(error.to_string().contains("4 times in a row"), "{error}");
    assert_eq!(world.left(), 1, "nothing was sent");
    world.pass(Duration::from_secs(30));
    assert_eq!(client.locations().await.expect("up").len(), 1);
}

#[tokio::test]
async fn a_budget_is_kept_and_every_request_takes_a_permit() {
    let world = World::new(vec![status(500), one_location(), one_location()]);
    let client = world.client_with(|settings| settings.budget = Some(4));
    client.locations().await.expect("login, introspection, failure, answer");
    assert_eq!(*world.permits.lock().expect("permits"), 4);
    let error = client.locations().await.expect_err("used up");
    assert!(matches!(error, Error::Budget { budget: 4, .. }), "{error}");
    assert_eq!(world.left(), 1);
}

#[tokio::test]
async fn every_attempt_stands_in_the_ledger_without_secrets() {
    let world = World::new(vec![status(500), one_location()]);
    let client = world.client();
    client.locations().await.expect("found");
    let calls = world.calls.lock().expect("calls").clone();
    let told: Vec<_> = calls.iter().map(|call| (call.operation, call.attempt, call.status, call.succeeded)).collect();
    assert_eq!(
        told,
        [
            ("login", 1, Some(200), true),
            ("introspection", 1, Some(200), false),
            ("locations", 1, Some(500), false),
            ("locations", 2, Some(200), true),
        ]
    );
    let shown = format!("{calls:?} {client:?}");
    assert!(!shown.contains("the secret") && !shown.contains("tok-1"), "{shown}");
}

#[tokio::test]
async fn an_expired_token_does_not_lose_a_write() {
    let world = World::new(vec![status(401), updated()]);
    update(&world.client()).await.expect("written after a new login");
    assert_eq!(world.left(), 0);
}

#[tokio::test]
async fn calls_can_be_spawned() {
    fn is_send<T: Send>(call: T) -> T {
        call
    }
    let world = World::new(vec![one_location(), updated()]);
    let client = world.client();
    is_send(client.locations()).await.expect("found");
    is_send(update(&client)).await.expect("written");
}

#[tokio::test]
async fn what_a_server_repeats_of_secrets_and_addresses_is_not_passed_on() {
    let said = "denied for jane.smith@example.org: the secret, Bearer token-of-today";
    let issued = ok(json!({"access_token": "token-of-today"}));
    let world = World::new(vec![errors(&[said]), status(500)]).logins(vec![issued]);
    let client = world.client_with(|settings| settings.attempts = 1);
    let error = client.locations().await.expect_err("denied");
    assert!(error.to_string().contains("denied for …: …, Bearer …"), "{error}");
    let calls = format!("{:?}", world.calls.lock().expect("calls"));
    assert!(!calls.contains("the secret") && !calls.contains("token-of-today"), "{calls}");

    let refusal = json!([{"label": "contactId", "message": "no jane@example.org", "value": "jane@example.org"}]);
    let payload = json!({"session": {"update": {"session": null, "errors": refusal}}});
    let error = update(&World::new(vec![data(payload)]).client()).await.expect_err("refused");
    assert!(error.to_string().contains("no …") && !error.to_string().contains('@'), "{error}");
}

#[tokio::test]
async fn what_was_not_sent_does_not_count() {
    let world = World::new(vec![one_location()]);
    let client = world.client_with(|settings| settings.budget = Some(3));
    client.locations().await.expect("login, introspection, answer");
    for _ in 0..5 {
        client.locations().await.expect_err("used up");
    }
    assert_eq!(client.requests(), 3);
}
