//! Incoming webhooks: signed deliveries over a real socket are stored, applied once, or left for a decision.

use administrate_sim::{Options, Simulator, Tenant};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use lectern::tutorials::create_events;
use lectern::webhooks::worker::apply_due;
use reqwest::Response;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;

const SECRET: &str = "a key that only the two know";
pub(super) const EVENT: &str = "Q291cnNlOjE=";

/// A server with one linked event that receives webhooks.
pub(super) struct WebhookFixture {
    pub(super) db: TestDb,
    pub(super) site: Site,
}

impl WebhookFixture {
    pub(super) async fn new() -> WebhookFixture {
        let db = TestDb::new().await;
        let provider = Provider::insert(&db).await;
        let mut tx = db.pool.begin().await.expect("begin");
        create_events(&mut tx, None, &[provider.event("A")], false).await.expect("created");
        tx.commit().await.expect("commit");
        execute(&db, "INSERT INTO adm.events (external_id, tutorial_event_id) SELECT 'Q291cnNlOjE=', id FROM acted.tutorial_events").await;
        execute(&db, "INSERT INTO lectern.agreed VALUES ('event', 'Q291cnNlOjE=', '{\"max_places\": 12}')").await;
        let config = db.config(&[("ADMINISTRATE_WEBHOOK_SECRET", SECRET)]);
        let site = Site::serve_with(&db, &config).await;
        WebhookFixture { db, site }
    }

    pub(super) async fn send(&self, body: &str) -> Response {
        let request =
            self.site.request("POST", "/webhooks/administrate").header("x-administrate-signature", sign(body));
        let request = request.header("x-administrate-signature-timestamp", Timestamp::now().as_second().to_string());
        request.body(body.to_owned()).send().await.expect("an answer")
    }

    pub(super) async fn deliver_webhook(&self, at: &str, node: &Value) -> u16 {
        let metadata = json!({ "webhook_id": "T3V0Ym91bmRIb29rOjE=", "triggered_at": at, "is_retry": false });
        self.send(&json!({ "metadata": metadata, "payload": { "node": node } }).to_string()).await.status().as_u16()
    }

    pub(super) async fn apply_received(&self) -> usize {
        apply_due(&self.db.pool, &self.db.config(&[("LECTERN_RETRY_BASE_MS", "1")])).await.expect("applied")
    }

    /// Returns whether the event is sold out, its remaining places, and the transaction that wrote it last.
    pub(super) async fn event(&self) -> (bool, i32, String) {
        sqlx::query_as("SELECT is_soldout, remain_space, xmin::text FROM acted.tutorial_events")
            .fetch_one(&self.db.pool)
            .await
            .expect("the event")
    }

    pub(super) async fn lectern(&self, arguments: &[&str]) -> (i32, Value) {
        run(&self.db, arguments, &[]).await
    }
}

async fn run(db: &TestDb, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, Value) {
    let mut command = db.program(arguments);
    command.arg("--json").envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    (output.status.code().unwrap_or(-1), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

pub(super) async fn execute(db: &TestDb, sql: &'static str) {
    sqlx::query(sql).execute(&db.pool).await.expect(sql);
}

pub(super) fn sign(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn node(remaining: i64, updated: &str) -> Value {
    json!({ "id": EVENT, "title": "A", "lifecycleState": "published", "isSoldOut": remaining == 0, "maxPlaces": 12,
            "remainingPlaces": remaining, "updatedAt": updated })
}

#[tokio::test]
async fn webhook_is_applied_once() {
    let fixture = WebhookFixture::new().await;
    let before = fixture.event().await;
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:00:00Z", &node(12, "1")).await, 202);
    assert_eq!(
        (fixture.apply_received().await, fixture.event().await),
        (1, before),
        "the echo of our own writing changes nothing"
    );

    assert_eq!(fixture.deliver_webhook("2026-05-14T10:01:00Z", &node(0, "2")).await, 202);
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:01:00Z", &node(0, "2")).await, 200, "sent again");
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:01:01Z", &node(0, "3")).await, 200, "one edit that fires twice");
    assert_eq!(fixture.apply_received().await, 1);
    let (sold_out, left, _) = fixture.event().await;
    assert_eq!((sold_out, left), (true, 0));
    let lifecycle: String = sqlx::query_scalar("SELECT lifecycle_state FROM adm.events")
        .fetch_one(&fixture.db.pool)
        .await
        .expect("a state");
    assert_eq!(lifecycle, "PUBLISHED", "as the field writes it in this column");

    assert_eq!(fixture.deliver_webhook("2026-05-14T10:00:30Z", &node(5, "4")).await, 202, "late, and overtaken");
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:02:00Z", &node(2, "5")).await, 202);
    assert_eq!(fixture.apply_received().await, 2);
    let (sold_out, left, _) = fixture.event().await;
    assert_eq!((sold_out, left), (false, 2));
    let (exit, listed) = fixture.lectern(&["webhooks", "list", "--all"]).await;
    let notes: Vec<_> = listed["items"].as_array().expect("items").iter().map(|item| item["note"].as_str()).collect();
    let expected = [
        "published in Administrate",
        "sold out, 0 places left",
        "superseded by a later delivery",
        "no longer sold out, 2 places left",
    ];
    assert_eq!((exit, notes), (0, expected.map(Some).to_vec()));
}

#[tokio::test]
async fn unsigned_or_malformed_webhook_is_rejected() {
    let fixture = WebhookFixture::new().await;
    let body = json!({ "metadata": {}, "payload": { "node": { "id": EVENT } } }).to_string();
    let now = Timestamp::now().as_second();
    let good = sign(&body);
    for (signature, timestamp) in [
        (None, Some(now)),
        (Some(good.as_str()), None),
        (Some(good.as_str()), Some(now - 3600)),
        (Some("00ff"), Some(now)),
        (Some("no hex"), Some(now)),
        (Some(""), Some(now)),
    ] {
        let mut request = fixture.site.request("POST", "/webhooks/administrate").body(body.clone());
        if let Some(signature) = signature {
            request = request.header("x-administrate-signature", signature);
        }
        if let Some(timestamp) = timestamp {
            request = request.header("x-administrate-signature-timestamp", timestamp.to_string());
        }
        let rejected = problem(request.send().await.expect("an answer")).await;
        assert_eq!(rejected.0, 401, "{signature:?} {timestamp:?}");
    }
    for broken in ["", "{", "[]", "{\"metadata\":1,\"payload\":{}}", "{\"metadata\":{}}", "null", "\u{0}"] {
        assert_eq!(problem(fixture.send(broken).await).await.0, 400, "{broken}");
    }
    let odd = "{\"metadata\":{\"webhook_id\":\"\\u0000\"},\"payload\":{\"node\":{\"id\":\"x\"}}}";
    assert_eq!(fixture.send(odd).await.status(), 202, "nothing that is signed and well-formed brings us down");
    let unstorable = "{\"metadata\":{},\"payload\":{\"node\":{\"id\":\"x\",\"title\":\"\\u0000\"}}}";
    assert_eq!(problem(fixture.send(unstorable).await).await.0, 400, "an unstorable payload is rejected");
    let unset = Site::serve(&fixture.db).await;
    let request = unset.request("POST", "/webhooks/administrate").header("x-administrate-signature", &good);
    let request = request.header("x-administrate-signature-timestamp", now.to_string()).body(body);
    assert_eq!(
        problem(request.send().await.expect("an answer")).await.0,
        401,
        "without a secret every signature is rejected"
    );
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM lectern.webhook_inbox")
        .fetch_one(&fixture.db.pool)
        .await
        .expect("a count");
    assert_eq!(stored, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unapplicable_webhook_is_dead_until_replayed() {
    let fixture = WebhookFixture::new().await;
    execute(&fixture.db, "UPDATE acted.tutorial_events SET code = 'B'").await;
    execute(&fixture.db, "DELETE FROM adm.events").await;
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:00:00Z", &node(7, "1")).await, 202);
    fixture.apply_received().await;
    let (exit, listed) = fixture.lectern(&["webhooks"]).await;
    assert_eq!((exit, &listed["items"][0]["state"]), (4, &json!("dead")), "{listed}");
    assert_eq!(
        fixture.deliver_webhook("2026-05-14T10:05:00Z", &node(7, "2")).await,
        202,
        "a dead letter says nothing about the next"
    );
    fixture.apply_received().await;
    let (exit, shown) = fixture.lectern(&["webhooks", "show", "1"]).await;
    assert_eq!((exit, &shown["body"]["payload"]["node"]["title"]), (0, &json!("A")), "{shown}");

    execute(&fixture.db, "UPDATE acted.tutorial_events SET code = 'A'").await;
    assert_eq!(fixture.lectern(&["webhooks", "replay", "99"]).await.0, 2);
    let (exit, replayed) = fixture.lectern(&["webhooks", "replay"]).await;
    assert_eq!((exit, &replayed["items"]), (0, &json!([])), "{replayed}");
    assert_eq!(fixture.event().await.1, 7);
}

#[tokio::test]
async fn webhook_of_another_event_with_equal_title_is_dead() {
    let fixture = WebhookFixture::new().await;
    let before = fixture.event().await;
    let mut duplicate = node(0, "1");
    duplicate["id"] = "Q291cnNlOjk5".into();
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:00:00Z", &duplicate).await, 202);
    fixture.apply_received().await;
    assert_eq!(fixture.event().await, before);
    let state: String = sqlx::query_scalar("SELECT state FROM lectern.webhook_inbox")
        .fetch_one(&fixture.db.pool)
        .await
        .expect("the delivery");
    assert_eq!(state, "dead", "a user decides which event is meant");
}

#[tokio::test]
async fn webhook_is_dead_after_five_failures() {
    let fixture = WebhookFixture::new().await;
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:00:00Z", &node(7, "1")).await, 202);
    execute(&fixture.db, "ALTER TABLE acted.tutorial_events ADD CONSTRAINT never CHECK (remain_space <> 7)").await;
    let mut tries = 0;
    while tries < 5 {
        tries += fixture.apply_received().await;
    }
    assert_eq!(fixture.apply_received().await, 0);
    let (state, attempts): (String, i32) = sqlx::query_as("SELECT state, attempts FROM lectern.webhook_inbox")
        .fetch_one(&fixture.db.pool)
        .await
        .expect("the delivery");
    assert_eq!((state.as_str(), attempts), ("dead", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_registered_once() {
    let db = TestDb::new().await;
    assert_eq!(run(&db, &["webhooks", "register"], &[]).await.0, 3);
    let simulator = Simulator::start(Options::default(), Tenant::new()).await.expect("a simulator");
    let (api, auth) = (simulator.graphql_url(), simulator.auth_url());
    let environment = [
        ("LECTERN_PUBLIC_URL", "https://lectern.example.org/"),
        ("ADMINISTRATE_API_URL", api.as_str()),
        ("ADMINISTRATE_AUTH_URL", auth.as_str()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
    ];
    let (exit, registered) = run(&db, &["webhooks", "register"], &environment).await;
    assert_eq!((exit, registered["registered"].as_array().map(Vec::len)), (0, Some(4)), "{registered}");
    assert_eq!(registered["url"], "https://lectern.example.org/webhooks/administrate");
    let (exit, again) = run(&db, &["webhooks", "register"], &environment).await;
    assert_eq!((exit, again["registered"].as_array().map(Vec::len)), (0, Some(0)), "{again}");
    assert_eq!(simulator.tenant().webhooks.len(), 4);

    let mut elsewhere = environment;
    elsewhere[0].1 = "https://other.example.org";
    let (exit, moved) = run(&db, &["webhooks", "register"], &elsewhere).await;
    assert_eq!((exit, moved["moved"].as_array().map(Vec::len)), (0, Some(4)), "{moved}");
    let tenant = simulator.tenant();
    let addresses: Vec<&str> = tenant.webhooks.iter().map(|(_, webhook)| webhook.url.as_str()).collect();
    assert_eq!(addresses, ["https://other.example.org/webhooks/administrate"; 4]);
}

#[tokio::test]
async fn webhook_with_a_full_event_is_applied_like_a_sync() {
    let fixture = WebhookFixture::new().await;
    let session = |id: &str, title: &str| json!({ "node": { "id": id, "title": title, "lifecycleState": "draft" } });
    let node = |remaining: i64| {
        json!({ "id": EVENT, "title": "A", "lifecycleState": "published", "isSoldOut": false, "maxPlaces": 12,
                "remainingPlaces": remaining, "timeZoneName": "Europe/London", "lmsStart": null, "lmsEnd": null,
                "courseTemplate": null, "location": null, "staff": { "edges": [] },
                "sessions": { "pageInfo": { "totalRecords": 2 },
                              "edges": [session("Q291cnNlOjI=", "A-1"), session("Q291cnNlOjM=", "A-2")] } })
    };
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:00:00Z", &node(9)).await, 202);
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 12, "a local change is pending: the payload may be older");
    execute(&fixture.db, "UPDATE lectern.outbox SET state = 'delivered', next_attempt_at = NULL").await;
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:01:00Z", &node(8)).await, 202);
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 8);
    // A full payload counts as seen too: the same payload later is a new change.
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:02:00Z", &node(7)).await, 202);
    fixture.apply_received().await;
    assert_eq!(fixture.deliver_webhook("2026-05-14T11:00:00Z", &node(8)).await, 202);
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 8);
    assert_eq!(
        fixture.deliver_webhook("2026-05-14T12:00:00Z", &node(8)).await,
        202,
        "an hour later it is no edit that fires twice"
    );
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 8);
    let linked: i64 = sqlx::query_scalar("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL")
        .fetch_one(&fixture.db.pool)
        .await
        .expect("a count");
    assert_eq!(linked, 2);
}
