//! The login: what is sent, when the token is renewed, how often the login is tried.

use std::time::Duration;

use administrate::Error;
use serde_json::json;

use crate::environment::{ScriptedEnvironment, Step, location, ok, page, status};

fn one_location() -> Step {
    page("locations", vec![location(1)], 1, false)
}

#[tokio::test]
async fn concurrent_calls_share_one_login_with_credentials_in_form_body() {
    let env = ScriptedEnvironment::new(vec![one_location(), one_location(), one_location()]);
    let client = env.client();
    let (a, b, c) = tokio::join!(client.locations(), client.locations(), client.locations());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let logins = env.logins_sent.lock().expect("logins").clone();
    assert_eq!(logins, ["grant_type=client_credentials&client_id=the-id&client_secret=the+secret"]);
    assert_eq!(env.last().bearer.as_deref(), Some("tok-1"));
}

#[tokio::test]
async fn token_is_renewed_before_it_expires() {
    let lifetimes = [
        (json!(3600), 3299, 3301),
        (json!(60), 53, 55),
        (json!("3600"), 3299, 3301),
        (json!(3600.5), 3299, 3301),
        (json!("3600.5"), 3299, 3301),
    ];
    for (lifetime, still_fresh, renewed) in lifetimes {
        let issued = ok(json!({"access_token": "short", "expires_in": lifetime}));
        let env = ScriptedEnvironment::new(vec![one_location(); 3]).logins(vec![issued]);
        let client = env.client();
        client.locations().await.expect("first");
        env.advance(Duration::from_secs(still_fresh));
        client.locations().await.expect("second");
        assert_eq!(env.logins_sent.lock().expect("logins").len(), 1, "{lifetime}");
        env.advance(Duration::from_secs(renewed - still_fresh));
        client.locations().await.expect("third");
        assert_eq!(env.logins_sent.lock().expect("logins").len(), 2, "{lifetime}");
    }
}

#[tokio::test]
async fn failed_refresh_falls_back_to_credentials() {
    let first = ok(json!({"access_token": "a", "expires_in": "3600", "refresh_token": "keep&on"}));
    let env = ScriptedEnvironment::new(vec![one_location(); 3]).logins(vec![first, status(400)]);
    let client = env.client();
    client.locations().await.expect("first");
    env.advance(Duration::from_secs(3500));
    client.locations().await.expect("second");
    let grants: Vec<_> = env.logins_sent.lock().expect("logins").clone();
    assert!(grants[1].starts_with("grant_type=refresh_token&"), "{grants:?}");
    assert!(grants[1].ends_with("&refresh_token=keep%26on"), "{grants:?}");
    assert!(grants[2].starts_with("grant_type=client_credentials&"), "{grants:?}");
}

#[tokio::test]
async fn expired_token_is_replaced_once() {
    let env = ScriptedEnvironment::new(vec![status(401), one_location(), status(401), status(401)]);
    let client = env.client();
    client.locations().await.expect("after one new login");
    assert_eq!(env.logins_sent.lock().expect("logins").len(), 2);
    let error = client.locations().await.expect_err("refused twice");
    assert!(matches!(error, Error::Unauthorized { operation: "locations" }), "{error}");
    assert_eq!(env.logins_sent.lock().expect("logins").len(), 3);
}

#[tokio::test]
async fn refused_login_names_the_setting_and_is_not_repeated() {
    for (step, setting) in [
        (status(401), "ADMINISTRATE_CLIENT_SECRET"),
        (status(400), "ADMINISTRATE_CLIENT_SECRET"),
        (status(404), "ADMINISTRATE_AUTH_URL"),
        (Step::Respond(200, None, "<html>".into()), "ADMINISTRATE_AUTH_URL"),
    ] {
        let env = ScriptedEnvironment::new(vec![]).logins(vec![step]);
        let client = env.client();
        let error = client.locations().await.expect_err("refused");
        assert!(matches!(error, Error::Login { .. }), "{error}");
        assert!(error.to_string().contains(setting), "{error}");
        assert!(!error.to_string().contains("the secret"), "{error}");
        let again = client.venues().await.expect_err("refused");
        assert!(matches!(again, Error::Login { .. }), "{again}");
        assert_eq!(env.logins_sent.lock().expect("logins").len(), 1, "the refusal is remembered, not requested again");
    }
}

#[tokio::test]
async fn login_is_retried_like_a_query() {
    let env = ScriptedEnvironment::new(vec![one_location()]).logins(vec![status(503), Step::Refuse, status(429)]);
    env.client().locations().await.expect("found");
    let env = ScriptedEnvironment::new(vec![]).logins(vec![Step::Refuse; 6]);
    let error = env.client().locations().await.expect_err("unreachable");
    assert!(error.to_string().contains("ADMINISTRATE_AUTH_URL"), "{error}");
}
