//! Tokens: created by the command, used over HTTP, and rejected when revoked, expired or invalid.

use lectern::identity::Role;
use serde_json::{Value, json};

use crate::fixtures::site::{Site, problem, token};
use crate::fixtures::test_db::TestDb;

async fn lectern(db: &TestDb, arguments: &[&str]) -> (i32, Value) {
    let mut command = db.program(arguments);
    let output = tokio::task::spawn_blocking(move || command.arg("--json").output()).await;
    let output = output.expect("joined").expect("the program runs");
    (output.status.code().unwrap_or(-1), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_accepted_until_revoked() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let (exit, made) = lectern(&db, &["token", "create", "--name", "cron", "--role", "operator"]).await;
    assert_eq!((exit, &made["id"]), (0, &json!(1)), "{made}");
    let secret = made["token"].as_str().expect("a secret");
    let ask = || site.request("GET", "/api/outbox/").bearer_auth(secret).send();
    let answer = ask().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({ "items": [] }));

    let (_, listed) = lectern(&db, &["token", "list"]).await;
    let listed = &listed["tokens"][0];
    assert_eq!(
        (&listed["name"], &listed["role"], &listed["revoked_at"]),
        (&json!("cron"), &json!("operator"), &Value::Null)
    );
    assert!(listed["last_used_at"].is_string(), "{listed}");
    let stored: String =
        sqlx::query_scalar("SELECT t::text FROM lectern.tokens t").fetch_one(&db.pool).await.expect("a row");
    assert!(!stored.contains(&secret["lectern_".len()..]), "the secret is not stored");

    assert_eq!(lectern(&db, &["token", "revoke", "1"]).await.0, 0);
    assert_eq!(problem(ask().await.expect("an answer")).await.0, 401);
    assert_eq!(lectern(&db, &["token", "revoke", "7"]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn subject_is_required_for_roles_with_subject_and_rejected_for_others() {
    let db = TestDb::new().await;
    for (arguments, expected) in [
        (&["--role", "tutor"][..], 2),
        (&["--role", "student", "--subject", "3"], 0),
        (&["--role", "reader", "--subject", "3"], 2),
        (&["--role", "owner"], 2),
        (&["--role", "admin", "--expires-in", "0"], 2),
        (&["--role", "admin", "--expires-in", "30"], 0),
    ] {
        let arguments = [&["token", "create", "--name", "n"], arguments].concat();
        assert_eq!(lectern(&db, &arguments).await.0, expected, "{arguments:?}");
    }
    // As soon as there are people, the subject must be one of them.
    let people = "INSERT INTO public.tutor_profiles (id) VALUES (7)";
    sqlx::query(people).execute(&db.pool).await.expect(people);
    for (subject, expected) in [("7", 0), ("8", 2)] {
        let arguments = ["token", "create", "--name", "n", "--role", "tutor", "--subject", subject];
        assert_eq!(lectern(&db, &arguments).await.0, expected, "{subject}");
    }
}

#[tokio::test]
async fn missing_token_is_unauthorized_and_wrong_role_is_forbidden() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    for (role, expected) in [
        (Role::Admin, 200),
        (Role::Operator, 200),
        (Role::Reader, 200),
        (Role::Tutor, 403),
        (Role::Student, 403),
        (Role::Parent, 403),
    ] {
        let answer = site.request_as(&db, role, "GET", "/api/outbox").await.send().await.expect("an answer");
        assert_eq!(answer.status(), expected, "{role:?}");
    }
    let expired = token(&db, Role::Admin).await;
    sqlx::query("UPDATE lectern.tokens SET expires_at = now() - interval '1 second' WHERE id = 7")
        .execute(&db.pool)
        .await
        .expect("expired");
    let bearer = |secret: &str| format!("Bearer {secret}");
    for shown in ["", "Basic YTpi", "Bearer", "Bearer x", "Bearer lectern_00", "Bearer \u{e9}", &bearer(&expired)] {
        let request = site.request("GET", "/api/outbox");
        let request = if shown.is_empty() { request } else { request.header("authorization", shown) };
        let answer = request.send().await.expect("an answer");
        let challenge = answer.headers().get("www-authenticate").cloned();
        assert!(challenge.is_some_and(|value| value.to_str().is_ok_and(|text| text.starts_with("Bearer"))), "{shown}");
        assert_eq!(problem(answer).await.0, 401, "{shown}");
    }
}

#[tokio::test]
async fn outbox_is_listed_and_retried() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    sqlx::query(
        "INSERT INTO lectern.outbox (effect, subject_kind, subject_id, subject, state, next_attempt_at)
         VALUES ('create_event', 'event', 1, 'A', 'failed', NULL), ('create_event', 'event', 2, 'B', 'delivered', NULL)",
    )
    .execute(&db.pool)
    .await
    .expect("rows");
    let secret = token(&db, Role::Operator).await;
    let send = |method: &'static str, path: &'static str, body: Option<Value>| {
        let request = site.request(method, path).bearer_auth(&secret);
        body.map_or(request.try_clone(), |body| Some(request.json(&body))).expect("a request").send()
    };
    let listed: Value = send("GET", "/api/outbox/", None).await.expect("sent").json().await.expect("JSON");
    assert_eq!((listed["items"].as_array().map(Vec::len), &listed["items"][0]["state"]), (Some(1), &json!("failed")));
    let all: Value = send("GET", "/api/outbox?all=true", None).await.expect("sent").json().await.expect("JSON");
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(send("GET", "/api/outbox?all=perhaps", None).await.expect("sent").status(), 400);

    let retried = send("POST", "/api/outbox/retry", Some(json!({ "ids": [1] }))).await.expect("sent");
    assert_eq!(retried.status(), 202);
    assert_eq!(retried.json::<Value>().await.expect("JSON"), json!({ "due": 1 }));
    for (path, body, expected) in [
        ("/api/outbox/retry", json!({ "ids": "1" }), 400),
        ("/api/outbox/99/resolve", json!({ "recreate": true }), 404),
        ("/api/outbox/1/resolve", json!({ "recreate": true }), 409),
        ("/api/outbox/1/resolve", json!({}), 400),
    ] {
        let answer = send("POST", path, Some(body)).await.expect("sent");
        assert_eq!(problem(answer).await.0, expected, "{path}");
    }
}
