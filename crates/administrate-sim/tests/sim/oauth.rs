//! OAuth logins and tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use administrate_sim::{Options, Tenant};
use jiff::Timestamp;
use serde_json::json;

use crate::client::Client;

const QUERY: &str = "{ locations(first: 1) { __typename } }";

#[tokio::test]
async fn login_by_each_of_three_grants_succeeds() {
    let client = Client::sample().await;
    let (status, response) = client.request_token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(
        (status, &response["token_type"], &response["expires_in"], &response["scope"]),
        (200, &json!("Bearer"), &json!(3600), &json!("instance"))
    );
    let back = "http://127.0.0.1:9/back";
    let authorize = format!(
        "{}/authorize?response_type=code&client_id={}&redirect_uri={back}&state=abc",
        client.simulator.auth_url(),
        client.simulator.client_id()
    );
    let no_redirects =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let redirect = no_redirects.get(authorize).send().await.expect("a response");
    let target = redirect.headers()["location"].to_str().unwrap_or_default().to_owned();
    let code = target.strip_prefix(&format!("{back}?code=")).and_then(|rest| rest.strip_suffix("&state=abc"));
    let code = code.unwrap_or_else(|| panic!("no code in {target}"));
    let (status, response) =
        client.request_token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", back)]).await;
    assert_eq!(status, 200, "{response}");
    let refresh = response["refresh_token"].as_str().unwrap_or_default();
    let (status, response) = client.request_token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!((status, response["refresh_token"].as_str()), (200, Some(refresh)));
}

#[tokio::test]
async fn token_parameters_in_the_query_string_are_accepted() {
    let client = Client::sample().await;
    let address = format!(
        "{}/token?grant_type=client_credentials&client_id={}&client_secret={}",
        client.simulator.auth_url(),
        client.simulator.client_id(),
        client.simulator.client_secret()
    );
    assert_eq!(client.http.post(address).send().await.expect("a response").status().as_u16(), 200);
}

#[tokio::test]
async fn wrong_login_gets_the_oauth_error() {
    let client = Client::sample().await;
    for (pairs, status, error) in [
        (vec![("grant_type", "client_credentials"), ("client_secret", "wrong")], 401, "invalid_client"),
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "unknown")], 400, "invalid_grant"),
        (vec![], 400, "invalid_request"),
    ] {
        let (actual_status, response) = client.request_token(&pairs).await;
        assert_eq!((actual_status, &response["error"]), (status, &json!(error)), "{pairs:?}");
    }
}

#[tokio::test]
async fn expired_or_unknown_token_gets_401() {
    let seconds = Arc::new(AtomicI64::new(1_000));
    let clock = Arc::clone(&seconds);
    let options = Options {
        token_lifetime: Duration::from_secs(60),
        clock: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap_or_default()),
        ..Options::default()
    };
    let mut client = Client::start(options, Tenant::sample()).await;
    assert_eq!(client.send(QUERY, json!({})).await.status, 200);
    seconds.store(1_060, Ordering::SeqCst);
    assert_eq!(client.send(QUERY, json!({})).await.status, 401);
    client.log_in().await;
    assert_eq!(client.send(QUERY, json!({})).await.status, 200);
    client.simulator.expire_tokens();
    assert_eq!(client.send(QUERY, json!({})).await.status, 401);
    client.token = "made-up".to_owned();
    assert_eq!(client.send(QUERY, json!({})).await.status, 401);
    assert_eq!(client.simulator.requests().refused, 3);
}
