//! Every fault, as a client sees it.

use administrate_sim::{Action, Fault, Profile, Tenant, When};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, field_of_nodes, nodes};

const LIST: &str = "{ locations { edges { node { id name } } pageInfo { hasNextPage totalRecords } } }";
const RENAME: &str = "mutation { contact { update(input: { contactId: \"UGVyc29uOjE=\", emailAddress: \"new@example.org\" }) \
                      { contact { emailAddress } errors { label message } } } }";

async fn email(client: &Client) -> Option<String> {
    client.simulator.tenant().contacts.get(1).and_then(|contact| contact.email.clone())
}

#[tokio::test]
async fn status_fault_returns_the_status_once_with_retry_after() {
    let client = Client::sample().await;
    for (status, retry_after) in [(429, Some(7)), (429, None), (500, None), (503, Some(1))] {
        client.simulator.add_fault(Fault::first("locations", Action::Status { status, retry_after }));
        let request =
            client.http.post(client.simulator.graphql_url()).bearer_auth(&client.token).json(&json!({ "query": LIST }));
        let response = request.send().await.expect("a response");
        let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        assert_eq!((response.status().as_u16(), header), (status, retry_after));
        assert_eq!(client.send(LIST, json!({})).await.status, 200, "once only");
    }
    assert_eq!((client.simulator.requests().of("locations"), client.simulator.requests().faulted), (8, 4));
}

#[tokio::test]
async fn status_fault_on_the_token_endpoint_fails_one_login() {
    let client = Client::sample().await;
    client.simulator.add_fault(Fault::first("token", Action::Status { status: 500, retry_after: None }));
    assert_eq!(client.request_token(&[("grant_type", "client_credentials")]).await.0, 500);
    assert_eq!(client.request_token(&[("grant_type", "client_credentials")]).await.0, 200);
}

#[tokio::test]
async fn reset_before_or_after_the_commit_breaks_the_connection() {
    for (when, committed) in [(When::Before, None), (When::After, Some("new@example.org".to_owned()))] {
        let client = Client::sample().await;
        client.simulator.add_fault(Fault::first("contact.update", Action::Reset { when }));
        assert!(client.try_send(RENAME, json!({})).await.is_err(), "{when:?}");
        assert_eq!(email(&client).await, committed, "{when:?}");
        assert_eq!(client.send(RENAME, json!({})).await.status, 200);
    }
}

#[tokio::test]
async fn reset_connection_sends_no_byte() {
    let client = Client::sample().await;
    client.simulator.add_fault(Fault::first("*", Action::Reset { when: When::Before }));
    let body = json!({ "query": LIST }).to_string();
    let mut stream = TcpStream::connect(client.simulator.address()).await.expect("a connection");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        client.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the request is sent");
    let mut received = Vec::new();
    let end = stream.read_to_end(&mut received).await;
    assert_eq!(received, b"");
    assert_eq!(end.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn hanging_request_ends_when_the_simulator_stops() {
    for (when, committed) in [(When::Before, None), (When::After, Some("new@example.org".to_owned()))] {
        let client = Client::sample().await;
        client.simulator.add_fault(Fault::first("contact.update", Action::Hang { when }));
        let (sender, address, token) = (client.http.clone(), client.simulator.graphql_url(), client.token.clone());
        let hanging = tokio::spawn(async move {
            sender.post(address).bearer_auth(token).json(&json!({ "query": RENAME })).send().await
        });
        while client.simulator.requests().of("contact.update") == 0
            || (committed.is_some() && email(&client).await.is_none())
        {
            tokio::task::yield_now().await;
        }
        assert!(!hanging.is_finished());
        assert_eq!(email(&client).await, committed, "{when:?}");
        client.simulator.stop().await;
        assert!(hanging.await.expect("no panic").is_err());
    }
}

#[tokio::test]
async fn empty_errors_fault_adds_an_empty_list_to_the_data() {
    let client = Client::sample().await;
    client.simulator.add_fault(Fault::first("locations", Action::EmptyErrors));
    let reply = client.send(LIST, json!({})).await;
    assert_eq!(reply.body["errors"], json!([]));
    assert_eq!(nodes(&reply.body["data"]["locations"]).len(), 2);
}

#[tokio::test]
async fn error_fault_returns_null_data_and_changes_nothing() {
    let client = Client::sample().await;
    client.simulator.add_fault(Fault::first("contact.update", Action::Error { message: "deadlock".to_owned() }));
    let reply = client.send(RENAME, json!({})).await;
    assert_eq!((reply.error(), &reply.body["data"]), ("deadlock", &Value::Null));
    assert_eq!(email(&client).await, None);
}

#[tokio::test]
async fn payload_error_faults_return_an_error_with_or_without_the_object() {
    let client = Client::sample().await;
    client.simulator.add_fault(Fault::first(
        "contact.update",
        Action::PayloadError { label: Some("emailAddress".to_owned()), message: "no".to_owned() },
    ));
    let refused = client.send(RENAME, json!({})).await;
    let expected = json!({ "contact": null, "errors": [{ "label": "emailAddress", "message": "no" }] });
    assert_eq!(*refused.data("/contact/update"), expected);
    assert_eq!(email(&client).await, None);
    client
        .simulator
        .add_fault(Fault::first("contact.update", Action::ObjectAndError { message: "mail not checked".to_owned() }));
    let partly_failed = client.send(RENAME, json!({})).await;
    let expected = json!({ "contact": { "emailAddress": "new@example.org" }, "errors": [{ "label": null, "message": "mail not checked" }] });
    assert_eq!(*partly_failed.data("/contact/update"), expected);
    assert_eq!(email(&client).await.as_deref(), Some("new@example.org"));
}

#[tokio::test]
async fn page_faults_corrupt_one_page() {
    let client = Client::sample().await;
    let next = async |action: Action| {
        client.simulator.add_fault(Fault::first("locations", action));
        client.query(LIST, "/locations").await
    };
    let null = next(Action::NullNode { index: 1 }).await;
    assert_eq!((nodes(&null)[1], &null["pageInfo"]["totalRecords"]), (&Value::Null, &json!(2)));
    let short = next(Action::TruncatedPage { keep: 1 }).await;
    assert_eq!((nodes(&short).len(), &short["pageInfo"]), (1, &json!({ "hasNextPage": false, "totalRecords": 2 })));
    assert_eq!(next(Action::WrongTotal { by: 3 }).await["pageInfo"]["totalRecords"], 5);
    assert_eq!(field_of_nodes(&next(Action::DuplicateRow).await, "name"), ["London", "London"]);
    assert_eq!(field_of_nodes(&client.query(LIST, "/locations").await, "name"), ["London", "Live Online"]);
}

#[tokio::test]
async fn expire_tokens_fault_gives_401_until_the_next_login() {
    let mut client = Client::sample().await;
    client.simulator.add_fault(Fault::nth("locations", 2, Action::ExpireTokens));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.send(LIST, json!({})).await.status);
    }
    assert_eq!(statuses, [200, 401, 401]);
    client.log_in().await;
    assert_eq!(client.send(LIST, json!({})).await.status, 200);
}

#[tokio::test]
async fn control_routes_add_and_clear_faults_and_reset_the_tenant() {
    let client = Client::for_profile(Profile::CURRENT, Tenant::sample()).await;
    let control = |path: &str| format!("{}/control/{path}", client.simulator.instance_url());
    let faults = json!([
        { "on": "locations", "every": 2, "times": 0, "action": { "do": "status", "status": 503 } },
        { "on": "venues", "skip": 1, "action": { "do": "reset", "when": "after" } },
    ]);
    let response = client.http.post(control("faults")).json(&faults).send().await.expect("a response");
    assert_eq!(response.status().as_u16(), 200);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.send(LIST, json!({})).await.status);
    }
    assert_eq!(statuses, [503, 200, 503, 200]);
    for wrong in [
        json!({ "on": "locations", "action": { "do": "explode" } }),
        json!({ "on": "locations", "action": { "do": "status", "status": 429, "retryAfter": 1 } }),
        json!({ "at": "locations", "action": { "do": "empty_errors" } }),
    ] {
        let response = client.http.post(control("faults")).json(&wrong).send().await.expect("a response");
        assert_eq!(response.status().as_u16(), 400, "{wrong}");
    }
    client.http.delete(control("faults")).send().await.expect("a response");
    assert_eq!(client.send(LIST, json!({})).await.status, 200);
    client.send(RENAME, json!({})).await;
    let state: Value = client.http.get(control("state")).send().await.expect("a response").json().await.expect("JSON");
    assert_eq!(state["requests"]["by_operation"]["locations"], 5);
    assert_eq!(state["mutations"][0]["operation"], "contact.update");
    let tenant: Tenant = serde_json::from_value(state["tenant"].clone()).expect("a tenant");
    assert_eq!(tenant, client.simulator.tenant());
    client.http.post(control("reset")).send().await.expect("a response");
    assert_eq!((client.simulator.tenant(), client.simulator.mutations()), (Tenant::sample(), vec![]));
}
