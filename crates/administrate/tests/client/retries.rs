//! Which calls are retried, how often and after which wait, and which errors are in doubt.

use std::time::Duration;

use administrate::{Client, Error, Id, SessionChanges, WaitReason, is_control_character};

use crate::environment::{ScriptedEnvironment, Step, data, errors, location, ok, page, status};
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
        ("no JSON", Step::Respond(200, None, "<html>".into())),
    ]
}

#[tokio::test]
async fn query_is_retried_after_every_transient_fault() {
    for (name, fault) in faults() {
        let env = ScriptedEnvironment::new(vec![fault.clone(), fault, one_location()]);
        let found = env.client().locations().await;
        assert_eq!(found.map(|found| found.len()).ok(), Some(1), "{name}");
        assert_eq!(env.unused_steps(), 0, "{name}");
    }
}

#[tokio::test]
async fn write_is_retried_only_if_it_had_no_effect() {
    for (name, fault) in faults() {
        let env = ScriptedEnvironment::new(vec![fault, updated()]);
        let result = update(&env.client()).await;
        match name {
            "429" | "refused" => assert!(result.is_ok(), "{name}: {result:?}"),
            _ => {
                let error = result.expect_err(name);
                assert!(error.is_in_doubt(), "{name}: {error}");
                assert!(error.to_string().contains("may have taken effect"), "{error}");
                assert_eq!(env.unused_steps(), 1, "{name} was repeated");
            }
        }
    }
}

#[tokio::test]
async fn refused_write_is_not_in_doubt() {
    for (name, step) in [
        ("404", status(404)),
        ("400", status(400)),
        ("validation", errors(&["Unknown field"])),
        (
            "rejection in the body of a 400",
            Step::Respond(400, None, json!({"errors": [{"message": "no"}]}).to_string()),
        ),
        (
            "payload",
            data(
                json!({"session": {"update": {"session": null, "errors": [{"label": "title", "message": "too long"}]}}}),
            ),
        ),
    ] {
        let env = ScriptedEnvironment::new(vec![step]);
        let error = update(&env.client()).await.expect_err(name);
        assert!(!error.is_in_doubt() && !error.is_transient(), "{name}: {error}");
    }
    let boom = json!({"data": {"session": {"update": null}}, "errors": [{"message": "boom", "path": ["session"]}]});
    let error = update(&ScriptedEnvironment::new(vec![ok(boom)]).client()).await.expect_err("boom");
    assert!(error.is_in_doubt(), "{error}");
}

#[tokio::test]
async fn attempts_are_limited_and_waits_double() {
    let env = ScriptedEnvironment::new(vec![status(503); 9]);
    let error = env.client().locations().await.expect_err("down");
    assert!(matches!(error, Error::Status { status: 503, .. }), "{error}");
    assert_eq!(env.unused_steps(), 3, "six attempts");
    let waits = env.waits();
    assert_eq!(waits.len(), 5);
    for (wait, longest) in waits.iter().zip([500, 1000, 2000, 4000, 8000]) {
        assert!(*wait <= longest, "{waits:?}");
    }
    assert!(error.is_transient() && error.is_outage());
}

#[tokio::test]
async fn retry_after_is_honoured_and_pauses_the_rate_limiter() {
    for (header, seconds) in [("7", 7), ("Sun, 01 Mar 2026 12:00:09 GMT", 9)] {
        let limited = Step::Respond(429, Some(header), String::new());
        let env = ScriptedEnvironment::new(vec![limited, one_location()]);
        env.client().locations().await.expect("found");
        let requested = Duration::from_secs(seconds);
        assert_eq!(*env.pauses.lock().expect("pauses"), [requested]);
        let wait = env.waits()[0];
        assert!((seconds * 1000..=seconds * 1000 + 500).contains(&u64::try_from(wait).expect("ms")), "{wait}");
    }
    let env = ScriptedEnvironment::new(vec![Step::Respond(429, Some("86400"), String::new())]);
    let error = env.client().locations().await.expect_err("a day");
    assert!(matches!(error, Error::RateLimited { attempts: 1, .. }), "{error}");
}

#[tokio::test]
async fn permanent_rate_limit_is_an_error() {
    let env = ScriptedEnvironment::new(vec![status(429); 20]);
    let error = update(&env.client()).await.expect_err("limited");
    assert!(matches!(error, Error::RateLimited { attempts: 12, .. }), "{error}");
    assert!(!error.is_in_doubt() && error.is_transient());
}

#[tokio::test]
async fn breaker_stops_calls_and_probes_after_cooldown() {
    let env = ScriptedEnvironment::new([vec![status(500); 4], vec![one_location()]].concat());
    let client = env.client_with(|settings| settings.breaker_threshold = 4);
    let error = client.locations().await.expect_err("down");
    assert!(matches!(error, Error::BreakerOpen { failures: 4, .. }), "{error}");
    let error = client.locations().await.expect_err("still open");
    assert!(error.to_string().contains("4 times in a row"), "{error}");
    assert_eq!(env.unused_steps(), 1, "nothing was sent");
    env.advance(Duration::from_secs(30));
    assert_eq!(client.locations().await.expect("up").len(), 1);
}

#[tokio::test]
async fn wall_clock_set_back_does_not_hold_breaker_limit_or_token() {
    let env = ScriptedEnvironment::new([vec![status(500); 4], vec![status(429), one_location()]].concat());
    let client = env.client_with(|settings| settings.breaker_threshold = 4);
    client.locations().await.expect_err("down");
    env.set_back(Duration::from_secs(86_400));
    env.advance(Duration::from_secs(30));
    assert_eq!(client.locations().await.expect("up").len(), 1);
    assert!(env.waits().iter().all(|wait| *wait <= 30_000), "{:?}", env.waits());
    assert_eq!(env.logins_sent.lock().expect("logins").len(), 1);
}

#[tokio::test]
async fn every_wait_is_reported_with_its_reason_and_attempt() {
    let limited = Step::Respond(429, Some("7"), String::new());
    let env = ScriptedEnvironment::new(vec![limited, status(503), Step::Silence, one_location()]);
    env.client().locations().await.expect("found");
    let reported = env.reported.lock().expect("waits").clone();
    let causes: Vec<_> = reported.iter().map(|wait| (wait.reason, wait.attempts)).collect();
    assert_eq!(
        causes,
        [
            (WaitReason::Status(429), Some((2, 12))),
            (WaitReason::Status(503), Some((2, 6))),
            (WaitReason::NoAnswer, Some((3, 6))),
        ]
    );
    // The timeout is a wait too, but not for another attempt.
    let waits = env.waits();
    assert!(reported.iter().all(|wait| waits.contains(&wait.duration.as_millis())), "{reported:?} {waits:?}");
}

#[tokio::test]
async fn server_message_is_one_bounded_line_of_plain_text() {
    let message = format!("bad\0thing\r\n\u{1b}[2J\u{202e}evil{}", "x".repeat(5_000));
    let many = vec![json!({"label": "a\0b", "message": message, "value": "\u{2066}v"}); 1000];
    let payload = data(json!({"session": {"update": {"session": null, "errors": many}}}));
    let env = ScriptedEnvironment::new(vec![payload, errors(&[&message])]);
    let client = env.client();
    for _ in 0..2 {
        let error = update(&client).await.expect_err("refused").to_string();
        assert!(error.contains("bad\u{fffd}thing  \u{fffd}[2Jevil"), "{error}");
        assert!(!error.contains(is_control_character) && error.chars().count() < 10_000, "{error}");
    }
    let calls = env.calls.lock().expect("calls");
    let stored = calls.iter().filter_map(|call| call.error.as_deref());
    assert!(stored.clone().count() > 0 && stored.clone().all(|error| !error.contains(is_control_character)));
}

#[tokio::test]
async fn every_request_takes_a_permit_and_counts_towards_the_budget() {
    let env = ScriptedEnvironment::new(vec![status(500), one_location(), one_location()]);
    let client = env.client_with(|settings| settings.budget = Some(4));
    client.locations().await.expect("login, introspection, failure, response");
    assert_eq!(*env.permits.lock().expect("permits"), 4);
    let error = client.locations().await.expect_err("used up");
    assert!(matches!(error, Error::Budget { budget: 4, .. }), "{error}");
    assert_eq!(env.unused_steps(), 1);
}

#[tokio::test]
async fn every_attempt_is_logged_without_secrets() {
    let env = ScriptedEnvironment::new(vec![status(500), one_location()]);
    let client = env.client();
    client.locations().await.expect("found");
    let calls = env.calls.lock().expect("calls").clone();
    let logged: Vec<_> = calls.iter().map(|call| (call.operation, call.attempt, call.status, call.succeeded)).collect();
    assert_eq!(
        logged,
        [
            ("login", 1, Some(200), true),
            ("introspection", 1, Some(200), false),
            ("locations", 1, Some(500), false),
            ("locations", 2, Some(200), true),
        ]
    );
    let printed = format!("{calls:?} {client:?}");
    assert!(!printed.contains("the secret") && !printed.contains("tok-1"), "{printed}");
}

#[tokio::test]
async fn write_with_expired_token_is_sent_again() {
    let env = ScriptedEnvironment::new(vec![status(401), updated()]);
    update(&env.client()).await.expect("written after a new login");
    assert_eq!(env.unused_steps(), 0);
}

#[tokio::test]
async fn call_futures_are_send() {
    fn is_send<T: Send>(call: T) -> T {
        call
    }
    let env = ScriptedEnvironment::new(vec![one_location(), updated()]);
    let client = env.client();
    is_send(client.locations()).await.expect("found");
    is_send(update(&client)).await.expect("written");
}

#[tokio::test]
async fn secrets_and_addresses_in_server_messages_are_redacted() {
    let message = "denied for jane.smith@example.org: the secret, Bearer token-of-today";
    let issued = ok(json!({"access_token": "token-of-today"}));
    let env = ScriptedEnvironment::new(vec![errors(&[message]), status(500)]).logins(vec![issued]);
    let client = env.client_with(|settings| settings.attempts = 1);
    let error = client.locations().await.expect_err("denied");
    assert!(error.to_string().contains("denied for …: …, Bearer …"), "{error}");
    let calls = format!("{:?}", env.calls.lock().expect("calls"));
    assert!(!calls.contains("the secret") && !calls.contains("token-of-today"), "{calls}");

    let refusal = json!([{"label": "contactId", "message": "no jane@example.org", "value": "jane@example.org"}]);
    let payload = json!({"session": {"update": {"session": null, "errors": refusal}}});
    let error = update(&ScriptedEnvironment::new(vec![data(payload)]).client()).await.expect_err("refused");
    assert!(error.to_string().contains("no …") && !error.to_string().contains('@'), "{error}");
}

#[tokio::test]
async fn unsent_requests_are_not_counted() {
    let env = ScriptedEnvironment::new(vec![one_location()]);
    let client = env.client_with(|settings| settings.budget = Some(3));
    client.locations().await.expect("login, introspection, response");
    for _ in 0..5 {
        client.locations().await.expect_err("used up");
    }
    assert_eq!(client.requests(), 3);
}
