//! The login: what is sent, when it is renewed, how often it is tried.

use std::time::Duration;

use administrate::Error;
use serde_json::json;

use crate::environment::{Step, World, location, ok, page, status};

fn found() -> Step {
    page("locations", vec![location(1)], 1, false)
}

#[tokio::test]
async fn credentials_go_in_the_form_body_and_concurrent_calls_share_one_login() {
    let world = World::new(vec![found(), found(), found()]);
    let client = world.client();
    let (a, b, c) = tokio::join!(client.locations(), client.locations(), client.locations());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let logins = world.logins_sent.lock().expect("logins").clone();
    assert_eq!(logins, ["grant_type=client_credentials&client_id=the-id&client_secret=the+secret"]);
    assert_eq!(world.last().bearer.as_deref(), Some("tok-1"));
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end() {
    for (lifetime, still_fresh, renewed) in [(3600, 3299, 3301), (60, 53, 55)] {
        let issued = ok(json!({"access_token": "short", "expires_in": lifetime}));
        let world = World::new(vec![found(); 3]).logins(vec![issued]);
        let client = world.client();
        client.locations().await.expect("first");
        world.pass(Duration::from_secs(still_fresh));
        client.locations().await.expect("second");
        assert_eq!(world.logins_sent.lock().expect("logins").len(), 1, "{lifetime}");
        world.pass(Duration::from_secs(renewed - still_fresh));
        client.locations().await.expect("third");
        assert_eq!(world.logins_sent.lock().expect("logins").len(), 2, "{lifetime}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_and_credentials_where_it_fails() {
    let first = ok(json!({"access_token": "a", "expires_in": "3600", "refresh_token": "keep&on"}));
    let world = World::new(vec![found(); 3]).logins(vec![first, status(400)]);
    let client = world.client();
    client.locations().await.expect("first");
    world.pass(Duration::from_secs(3500));
    client.locations().await.expect("second");
    let grants: Vec<_> = world.logins_sent.lock().expect("logins").clone();
    assert!(grants[1].starts_with("grant_type=refresh_token&"), "{grants:?}");
    assert!(grants[1].ends_with("&refresh_token=keep%26on"), "{grants:?}");
    assert!(grants[2].starts_with("grant_type=client_credentials&"), "{grants:?}");
}

#[tokio::test]
async fn an_expired_token_is_replaced_once() {
    let world = World::new(vec![status(401), found(), status(401), status(401)]);
    let client = world.client();
    client.locations().await.expect("after one new login");
    assert_eq!(world.logins_sent.lock().expect("logins").len(), 2);
    let error = client.locations().await.expect_err("refused twice");
    assert!(matches!(error, Error::Unauthorized { operation: "locations" }), "{error}");
    assert_eq!(world.logins_sent.lock().expect("logins").len(), 3);
}

#[tokio::test]
async fn a_refused_login_names_the_setting_and_is_not_repeated() {
    for (step, setting) in [
        (status(401), "ADMINISTRATE_CLIENT_SECRET"),
        (status(400), "ADMINISTRATE_CLIENT_SECRET"),
        (status(404), "ADMINISTRATE_AUTH_URL"),
        (Step::Answer(200, None, "<html>".into()), "ADMINISTRATE_AUTH_URL"),
    ] {
        let world = World::new(vec![]).logins(vec![step]);
        let client = world.client();
        let error = client.locations().await.expect_err("refused");
        assert!(matches!(error, Error::Login { .. }), "{error}");
        assert!(error.to_string().contains(setting), "{error}");
        assert!(!error.to_string().contains("the secret"), "{error}");
        let again = client.venues().await.expect_err("refused");
        assert!(matches!(again, Error::Login { .. }), "{again}");
        assert_eq!(world.logins_sent.lock().expect("logins").len(), 1, "told, not provoked again");
    }
}

#[tokio::test]
async fn a_login_is_retried_like_a_query() {
    let world = World::new(vec![found()]).logins(vec![status(503), Step::Refuse, status(429)]);
    world.client().locations().await.expect("found");
    let world = World::new(vec![]).logins(vec![Step::Refuse; 6]);
    let error = world.client().locations().await.expect_err("unreachable");
    assert!(error.to_string().contains("ADMINISTRATE_AUTH_URL"), "{error}");
}
