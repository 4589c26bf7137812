//! Webhooks in: signed deliveries over a real socket, kept, applied once, and left to a person where they have to be.

use administrate_sim::{Options, Simulator, Tenant};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use lectern::tutorials::create_events;
use lectern::webhooks::purge_applied;
use lectern::webhooks::worker::apply_due;
use reqwest::Response;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::provider::Provider;
use crate::site::{Site, problem};
use crate::world::World;

const SECRET: &str = "a key that only the two know";
const EVENT: &str = "Q291cnNlOjE=";

/// A site that is told about one event, which is linked.
struct Told {
    world: World,
    site: Site,
}

impl Told {
    async fn new() -> Told {
        let world = World::new().await;
        let provider = Provider::settle(&world).await;
        let mut tx = world.pool.begin().await.expect("begin");
        create_events(&mut tx, None, &[provider.event("A")], false).await.expect("announced");
        tx.commit().await.expect("commit");
        execute(&world, "INSERT INTO adm.events (external_id, tutorial_event_id) SELECT 'Q291cnNlOjE=', id FROM acted.tutorial_events").await;
        execute(&world, "INSERT INTO lectern.agreed VALUES ('event', 'Q291cnNlOjE=', '{\"max_places\": 12}')").await;
        let config = world.config(&[("ADMINISTRATE_WEBHOOK_SECRET", SECRET)]);
        let site = Site::serve_with(&world, &config).await;
        Told { world, site }
    }

    async fn send(&self, body: &str) -> Response {
        let request =
            self.site.request("POST", "/webhooks/administrate").header("x-administrate-signature", sign(body));
        let request = request.header("x-administrate-signature-timestamp", Timestamp::now().as_second().to_string());
        request.body(body.to_owned()).send().await.expect("an answer")
    }

    async fn tell(&self, at: &str, node: &Value) -> u16 {
        let metadata = json!({ "webhook_id": "T3V0Ym91bmRIb29rOjE=", "triggered_at": at, "is_retry": false });
        self.send(&json!({ "metadata": metadata, "payload": { "node": node } }).to_string()).await.status().as_u16()
    }

    async fn apply(&self) -> usize {
        apply_due(&self.world.pool, &self.world.config(&[("LECTERN_RETRY_BASE_MS", "1")])).await.expect("applied")
    }

    /// Whether it is sold out, places left, and the transaction that wrote it last.
    async fn event(&self) -> (bool, i32, String) {
        sqlx::query_as("SELECT is_soldout, remain_space, xmin::text FROM acted.tutorial_events")
            .fetch_one(&self.world.pool)
            .await
            .expect("the event")
    }

    async fn lectern(&self, arguments: &[&str]) -> (i32, Value) {
        run(&self.world, arguments, &[]).await
    }
}

async fn run(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, Value) {
    let mut command = world.program(arguments);
    command.arg("--json").envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    (output.status.code().unwrap_or(-1), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

async fn execute(world: &World, sql: &'static str) {
    sqlx::query(sql).execute(&world.pool).await.expect(sql);
}

fn sign(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn node(remaining: i64, updated: &str) -> Value {
    json!({ "id": EVENT, "title": "A", "lifecycleState": "published", "isSoldOut": remaining == 0, "maxPlaces": 12,
            "remainingPlaces": remaining, "updatedAt": updated })
}

#[tokio::test]
async fn what_is_told_is_applied_once() {
    let told = Told::new().await;
    let before = told.event().await;
    assert_eq!(told.tell("2026-05-14T10:00:00Z", &node(12, "1")).await, 202);
    assert_eq!((told.apply().await, told.event().await), (1, before), "the echo of our own writing changes nothing");

    assert_eq!(told.tell("2026-05-14T10:01:00Z", &node(0, "2")).await, 202);
    assert_eq!(told.tell("2026-05-14T10:01:00Z", &node(0, "2")).await, 200, "sent again");
    assert_eq!(told.tell("2026-05-14T10:01:01Z", &node(0, "3")).await, 200, "one edit that fires twice");
    assert_eq!(told.apply().await, 1);
    let (sold_out, left, _) = told.event().await;
    assert_eq!((sold_out, left), (true, 0));
    let lifecycle: String = sqlx::query_scalar("SELECT lifecycle_state FROM adm.events")
        .fetch_one(&told.world.pool)
        .await
        .expect("a state");
    assert_eq!(lifecycle, "PUBLISHED", "as the field writes it in this column");

    assert_eq!(told.tell("2026-05-14T10:00:30Z", &node(5, "4")).await, 202, "late, and overtaken");
    assert_eq!(told.tell("2026-05-14T10:02:00Z", &node(2, "5")).await, 202);
    assert_eq!(told.apply().await, 2);
    let (sold_out, left, _) = told.event().await;
    assert_eq!((sold_out, left), (false, 2));
    let (exit, listed) = told.lectern(&["webhooks", "list", "--all"]).await;
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
async fn what_is_not_administrates_is_refused() {
    let told = Told::new().await;
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
        let mut request = told.site.request("POST", "/webhooks/administrate").body(body.clone());
        if let Some(signature) = signature {
            request = request.header("x-administrate-signature", signature);
        }
        if let Some(timestamp) = timestamp {
            request = request.header("x-administrate-signature-timestamp", timestamp.to_string());
        }
        let refused = problem(request.send().await.expect("an answer")).await;
        assert_eq!(refused.0, 401, "{signature:?} {timestamp:?}");
    }
    for broken in ["", "{", "[]", "{\"metadata\":1,\"payload\":{}}", "{\"metadata\":{}}", "null", "\u{0}"] {
        assert_eq!(problem(told.send(broken).await).await.0, 400, "{broken}");
    }
    let odd = "{\"metadata\":{\"webhook_id\":\"\\u0000\"},\"payload\":{\"node\":{\"id\":\"x\"}}}";
    assert_eq!(told.send(odd).await.status(), 202, "nothing that is signed and well-formed brings us down");
    let unkept = "{\"metadata\":{},\"payload\":{\"node\":{\"id\":\"x\",\"title\":\"\\u0000\"}}}";
    assert_eq!(problem(told.send(unkept).await).await.0, 400, "what cannot be kept is said at once");
    let unset = Site::serve(&told.world).await;
    let request = unset.request("POST", "/webhooks/administrate").header("x-administrate-signature", &good);
    let request = request.header("x-administrate-signature-timestamp", now.to_string()).body(body);
    assert_eq!(problem(request.send().await.expect("an answer")).await.0, 401, "without a secret nobody is known");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM lectern.webhook_inbox")
        .fetch_one(&told.world.pool)
        .await
        .expect("a count");
    assert_eq!(kept, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_applied_waits_and_is_replayed() {
    let told = Told::new().await;
    execute(&told.world, "UPDATE acted.tutorial_events SET code = 'B'").await;
    execute(&told.world, "DELETE FROM adm.events").await;
    assert_eq!(told.tell("2026-05-14T10:00:00Z", &node(7, "1")).await, 202);
    told.apply().await;
    let (exit, listed) = told.lectern(&["webhooks"]).await;
    assert_eq!((exit, &listed["items"][0]["state"]), (4, &json!("dead")), "{listed}");
    assert_eq!(
        told.tell("2026-05-14T10:05:00Z", &node(7, "2")).await,
        202,
        "a dead letter says nothing about the next"
    );
    told.apply().await;
    let (exit, shown) = told.lectern(&["webhooks", "show", "1"]).await;
    assert_eq!((exit, &shown["body"]["payload"]["node"]["title"]), (0, &json!("A")), "{shown}");

    execute(&told.world, "UPDATE acted.tutorial_events SET code = 'A'").await;
    assert_eq!(told.lectern(&["webhooks", "replay", "99"]).await.0, 2);
    let (exit, replayed) = told.lectern(&["webhooks", "replay"]).await;
    assert_eq!((exit, &replayed["items"]), (0, &json!([])), "{replayed}");
    assert_eq!(told.event().await.1, 7);
}

#[tokio::test]
async fn another_event_of_the_same_title_is_not_ours() {
    let told = Told::new().await;
    let before = told.event().await;
    let mut twin = node(0, "1");
    twin["id"] = "Q291cnNlOjk5".into();
    assert_eq!(told.tell("2026-05-14T10:00:00Z", &twin).await, 202);
    told.apply().await;
    assert_eq!(told.event().await, before);
    let state: String = sqlx::query_scalar("SELECT state FROM lectern.webhook_inbox")
        .fetch_one(&told.world.pool)
        .await
        .expect("the delivery");
    assert_eq!(state, "dead", "a person decides which of the two is meant");
}

#[tokio::test]
async fn after_five_failures_a_person_is_asked() {
    let told = Told::new().await;
    assert_eq!(told.tell("2026-05-14T10:00:00Z", &node(7, "1")).await, 202);
    execute(&told.world, "ALTER TABLE acted.tutorial_events ADD CONSTRAINT never CHECK (remain_space <> 7)").await;
    let mut tries = 0;
    while tries < 5 {
        tries += told.apply().await;
    }
    assert_eq!(told.apply().await, 0);
    let (state, attempts): (String, i32) = sqlx::query_as("SELECT state, attempts FROM lectern.webhook_inbox")
        .fetch_one(&told.world.pool)
        .await
        .expect("the delivery");
    assert_eq!((state.as_str(), attempts), ("dead", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn administrate_is_asked_to_tell_once() {
    let world = World::new().await;
    assert_eq!(run(&world, &["webhooks", "register"], &[]).await.0, 3);
    let simulator = Simulator::start(Options::default(), Tenant::new()).await.expect("a simulator");
    let (api, auth) = (simulator.graphql_url(), simulator.auth_url());
    let environment = [
        ("LECTERN_PUBLIC_URL", "https://lectern.example.org/"),
        ("ADMINISTRATE_API_URL", api.as_str()),
        ("ADMINISTRATE_AUTH_URL", auth.as_str()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
    ];
    let (exit, made) = run(&world, &["webhooks", "register"], &environment).await;
    assert_eq!((exit, made["registered"].as_array().map(Vec::len)), (0, Some(4)), "{made}");
    assert_eq!(made["url"], "https://lectern.example.org/webhooks/administrate");
    let (exit, again) = run(&world, &["webhooks", "register"], &environment).await;
    assert_eq!((exit, again["registered"].as_array().map(Vec::len)), (0, Some(0)), "{again}");
    assert_eq!(simulator.tenant().webhooks.len(), 4);

    let mut elsewhere = environment;
    elsewhere[0].1 = "https://other.example.org";
    let (exit, moved) = run(&world, &["webhooks", "register"], &elsewhere).await;
    assert_eq!((exit, moved["moved"].as_array().map(Vec::len)), (0, Some(4)), "{moved}");
    let tenant = simulator.tenant();
    let addresses: Vec<&str> = tenant.webhooks.iter().map(|(_, webhook)| webhook.url.as_str()).collect();
    assert_eq!(addresses, ["https://other.example.org/webhooks/administrate"; 4]);
}

#[tokio::test]
async fn what_is_told_whole_goes_the_way_of_a_sync() {
    let told = Told::new().await;
    let session = |id: &str, title: &str| json!({ "node": { "id": id, "title": title, "lifecycleState": "draft" } });
    let node = |remaining: i64| {
        json!({ "id": EVENT, "title": "A", "lifecycleState": "published", "isSoldOut": false, "maxPlaces": 12,
                "remainingPlaces": remaining, "timeZoneName": "Europe/London", "lmsStart": null, "lmsEnd": null,
                "courseTemplate": null, "location": null, "staff": { "edges": [] },
                "sessions": { "pageInfo": { "totalRecords": 2 },
                              "edges": [session("Q291cnNlOjI=", "A-1"), session("Q291cnNlOjM=", "A-2")] } })
    };
    assert_eq!(told.tell("2026-05-14T10:00:00Z", &node(9)).await, 202);
    told.apply().await;
    assert_eq!(told.event().await.1, 12, "ours is on its way: what is told may be older");
    execute(&told.world, "UPDATE lectern.outbox SET state = 'delivered', next_attempt_at = NULL").await;
    assert_eq!(told.tell("2026-05-14T10:01:00Z", &node(8)).await, 202);
    told.apply().await;
    assert_eq!(told.event().await.1, 8);
    // What was told whole is seen as well: the same telling later on is news again.
    assert_eq!(told.tell("2026-05-14T10:02:00Z", &node(7)).await, 202);
    told.apply().await;
    assert_eq!(told.tell("2026-05-14T11:00:00Z", &node(8)).await, 202);
    told.apply().await;
    assert_eq!(told.event().await.1, 8);
    assert_eq!(told.tell("2026-05-14T12:00:00Z", &node(8)).await, 202, "an hour later it is no edit that fires twice");
    told.apply().await;
    assert_eq!(told.event().await.1, 8);
    let linked: i64 = sqlx::query_scalar("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL")
        .fetch_one(&told.world.pool)
        .await
        .expect("a count");
    assert_eq!(linked, 2);
}

#[tokio::test]
async fn what_was_applied_long_ago_is_forgotten_but_for_the_latest() {
    let told = Told::new().await;
    for (at, left) in [("2026-05-14T10:00:00Z", 9), ("2026-05-14T10:01:00Z", 8), ("2026-05-14T10:02:00Z", 7)] {
        assert_eq!(told.tell(at, &node(left, at)).await, 202);
    }
    assert_eq!(told.apply().await, 3);
    assert_eq!(purge_applied(&told.world.pool, 30).await.expect("nothing is old"), 0);
    execute(&told.world, "UPDATE lectern.webhook_inbox SET received_at = now() - interval '31 days'").await;
    assert_eq!(purge_applied(&told.world.pool, 30).await.expect("forgotten"), 2);
    assert_eq!(told.tell("2026-05-14T10:02:01Z", &node(7, "again")).await, 200, "the latest is known by its content");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_say_when_it_came_about_is_as_late_as_it_came() {
    let told = Told::new().await;
    let node =
        |left: i64| json!({ "id": EVENT, "title": "A", "isSoldOut": false, "maxPlaces": 12, "remainingPlaces": left });
    assert_eq!(told.tell("yesterday", &node(9)).await, 202, "it is signed, and would not be told again");
    assert_eq!(told.tell("", &node(8)).await, 202);
    assert_eq!(told.apply().await, 2);
    assert_eq!(told.event().await.1, 8, "the later one holds");
    let (_, listed) = told.lectern(&["webhooks", "list", "--all"]).await;
    let first = listed["items"][0]["id"].to_string();
    assert_eq!(told.lectern(&["webhooks", "replay", &first]).await.0, 0);
    told.apply().await;
    assert_eq!(told.event().await.1, 8, "an older one that is applied again changes nothing");
    let soon = Timestamp::now().as_second() + 60;
    assert_eq!(told.tell(&soon.to_string(), &node(5)).await, 202, "seconds since 1970 are a time");
    assert_eq!(told.tell("2020-01-01T00:00:00", &node(6)).await, 202, "and so is one without an offset");
    told.apply().await;
    assert_eq!(told.event().await.1, 5, "the one of 2020 is overtaken");
}
