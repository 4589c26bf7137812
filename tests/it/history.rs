//! The history of the provider's tables: who changed what through which interface, and events as they were.

use jiff::Timestamp;
use lectern::history::{self, Interface};
use lectern::identity::Role;
use lectern::tutorials;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::fixtures::api::answer;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{event, fixture_for, write};

async fn execute(db: &TestDb, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&db.pool)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

async fn history_of(db: &TestDb, table: &str) -> Vec<Value> {
    let sql = "SELECT to_jsonb(h) FROM lectern.history AS h WHERE table_name = $1 ORDER BY id";
    sqlx::query_scalar(sql).bind(table).fetch_all(&db.pool).await.expect("the history")
}

/// Creates an event with two sessions, as a program of the provider would.
async fn create_event(db: &TestDb, provider: &Provider, code: &str) -> i64 {
    let mut transaction = db.pool.begin().await.expect("begun");
    let ids = tutorials::create_events(&mut transaction, None, &[provider.event(code)], false).await.expect("created");
    transaction.commit().await.expect("committed");
    db.expect_undelivered();
    ids[0]
}

#[tokio::test]
async fn every_table_of_the_provider_has_a_history() {
    let db = TestDb::new().await;
    let without: Vec<String> = sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relnamespace = 'acted'::regnamespace AND relkind = 'r'
           AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'lectern.record_history'::regproc) <> 4",
    )
    .fetch_all(&db.pool)
    .await
    .expect("the tables");
    assert!(without.is_empty(), "add them to lectern.watch_history: {without:?}");
}

#[tokio::test]
async fn statements_of_other_programs_are_recorded_with_their_role() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let before = history_of(&db, "acted.tutorial_locations").await.len();
    execute(&db, "INSERT INTO acted.tutorial_locations (name) SELECT 'Town ' || n FROM generate_series(1, 3) AS n")
        .await;
    execute(&db, "UPDATE acted.tutorial_locations SET name = name").await;
    execute(&db, "UPDATE acted.tutorial_locations SET name = 'Leeds', code = 'L' WHERE name = 'Town 2'").await;
    execute(&db, "DELETE FROM acted.tutorial_locations WHERE name = 'Town 3'").await;
    let entries = &history_of(&db, "acted.tutorial_locations").await[before..];
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"].as_str().expect("text")).collect();
    assert_eq!(actions, ["insert", "insert", "insert", "update", "delete"], "an equal value is no change");
    let changed = &entries[3];
    let role: String = sqlx::query_scalar("SELECT session_user::text").fetch_one(&db.pool).await.expect("a role");
    assert_eq!((&changed["actor"], &changed["interface"]), (&json!(role), &json!("sql")));
    assert_eq!((&changed["old"]["name"], &changed["new"]["name"]), (&json!("Town 2"), &json!("Leeds")));
    assert!(changed["new"].get("is_active").is_none(), "only what has changed: {changed}");
    assert_eq!(entries[4]["old"]["name"], "Town 3");
    let transactions: std::collections::BTreeSet<String> =
        entries[..3].iter().map(|entry| entry["transaction"].to_string()).collect();
    assert_eq!(transactions.len(), 1);
    // One that is rolled back leaves nothing.
    let mut transaction = db.pool.begin().await.expect("begun");
    sqlx::query("DELETE FROM acted.tutorial_sessions").execute(&mut *transaction).await.expect("deleted");
    transaction.rollback().await.expect("rolled back");
    assert!(history_of(&db, "acted.tutorial_sessions").await.is_empty());
}

#[tokio::test]
async fn changes_over_http_name_the_token() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let secret = token(&db, Role::Operator).await;
    let send = async |method: &str, path: &str, body: Value| {
        let request = site.request(method, &format!("/api/catalogue/{path}")).bearer_auth(&secret).json(&body);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap_or_default())
    };
    let (status, created) = send("POST", "subjects", json!({ "code": "CM2" })).await;
    assert_eq!(status, 201, "{created}");
    let item = format!("subjects/{}", created["id"]);
    assert_eq!(send("PATCH", &item, json!({ "code": "CM1" })).await.0, 200);
    assert_eq!(send("PATCH", &item, json!({ "code": "CM1" })).await.0, 200);
    assert_eq!(send("PATCH", &item, json!({ "code": "" })).await.0, 422);
    assert_eq!(send("DELETE", &item, json!({})).await.0, 204);
    let entries = history_of(&db, "acted.catalog_subjects").await;
    let seen: Vec<Value> =
        entries.iter().map(|entry| json!([entry["action"], entry["actor"], entry["interface"]])).collect();
    let expected = ["insert", "update", "delete"].map(|action| json!([action, "a test", "http"]));
    assert_eq!(seen, expected);
    assert_eq!(entries[1]["new"]["code"], "CM1");
}

#[tokio::test(flavor = "multi_thread")]
async fn import_records_its_run_and_a_dry_run_records_nothing() {
    let lines = [event("ELO-CB1-01-26A")];
    let fixture = fixture_for(&lines).await;
    let path = write(fixture.db.folder(), "timetable.xlsx", &lines);
    let count = "SELECT count(*) FROM lectern.history";
    let before = fixture.count(count).await;
    let path = path.to_string_lossy().into_owned();
    assert_eq!(fixture.run(&["import", &path, "--dry-run"]).await.0, 0);
    assert_eq!(fixture.count(count).await, before);
    let (exit, document) = fixture.run(&["import", &path]).await;
    assert_eq!(exit, 0, "{document}");
    let entries = history_of(&fixture.db, "acted.tutorial_events").await;
    assert_eq!((&entries[0]["interface"], &entries[0]["run_id"]), (&json!("import"), &document["run_id"]));
    assert!(!entries[0]["actor"].as_str().expect("a user").is_empty());
    let after = fixture.count(count).await;
    assert_eq!(fixture.run(&["import", &path]).await.0, 0);
    assert_eq!(fixture.count(count).await, after, "a repeated import changes nothing");
}

#[tokio::test]
async fn event_is_shown_as_it_was() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let before = now(&db).await;
    let id = create_event(&db, &provider, "CM2-01").await;
    let created = now(&db).await;
    let mut transaction = db.pool.begin().await.expect("begun");
    history::sign(&mut transaction, "Ann", Interface::Http).await.expect("signed");
    history::note(&mut transaction, "clash allowed").await.expect("noted");
    sqlx::query("UPDATE acted.tutorial_events SET code = 'CM2-02', remain_space = 3 WHERE id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .expect("changed");
    transaction.commit().await.expect("committed");
    execute(&db, "UPDATE acted.tutorial_locations SET name = 'Leeds'").await;
    execute(&db, "UPDATE lectern.event_details SET max_places = 99").await;
    execute(&db, "DELETE FROM acted.tutorial_session_instructors").await;
    execute(&db, "DELETE FROM acted.tutorial_sessions WHERE sequence = 2").await;
    let changed = now(&db).await;
    execute(&db, "DELETE FROM acted.tutorial_events").await;

    let mut connection = db.pool.acquire().await.expect("a connection");
    let mut as_of = async |time: Timestamp| history::as_of(&mut connection, id, time).await.expect("readable");
    assert_eq!(as_of(before).await, None);
    assert_eq!(as_of(now(&db).await).await, None);
    let first = as_of(created).await.expect("it existed");
    assert_eq!(
        (&first["code"], &first["location"], &first["venue"]),
        (&json!("CM2-01"), &json!("London"), &json!("Quill House"))
    );
    assert_eq!((&first["remain_space"], &first["subject_code"]), (&json!(12), &json!("CM2")));
    assert_ne!(first["max_places"], 99);
    let sessions = first["sessions"].as_array().expect("a list");
    assert_eq!(sessions.iter().map(|one| one["sequence"].clone()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(sessions[0]["instructor_ids"], json!([provider.instructor]));
    assert_eq!(
        (&sessions[0]["tutorial_event"], &first["instructors"][0]["display_name"]),
        (&json!(id), &json!("Ada Marlow"))
    );
    let second = as_of(changed).await.expect("it existed");
    assert_eq!(
        (&second["code"], &second["location"], &second["max_places"]),
        (&json!("CM2-02"), &json!("Leeds"), &json!(99))
    );
    assert_eq!(second["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["sessions"][0]["instructor_ids"], json!([]));
}

#[tokio::test]
async fn changes_of_one_event_are_found_by_index() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let id = create_event(&db, &provider, "CM2-01").await;
    let created = now(&db).await;
    execute(
        &db,
        "INSERT INTO lectern.history (table_name, row_key, event_id, session_id, action, new, actor, interface)
         SELECT t, n::text, CASE t WHEN 'acted.tutorial_events' THEN n + 1000 END,
                CASE t WHEN 'lectern.session_details' THEN n + 1000 END, 'insert', '{}', 'a test', 'sql'
         FROM generate_series(1, 5000) AS n,
              unnest(ARRAY['acted.tutorial_events', 'lectern.session_details', 'acted.tutorial_venues']) AS t",
    )
    .await;
    execute(&db, "ANALYZE").await;
    let mut transaction = db.pool.begin().await.expect("begun");
    let (count, _) = history::page(&mut transaction, id, 50, 0).await.expect("readable");
    assert!(count > 2, "{count}");
    history::as_of(&mut transaction, id, created).await.expect("readable").expect("it existed");
    let sql = "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relid = 'lectern.history'::regclass";
    let (whole, by_index): (i64, i64) = sqlx::query_as(sql).fetch_one(&mut *transaction).await.expect("counted");
    assert_eq!(whole, 0, "the whole history is read");
    assert!(by_index > 0);
}

/// Gives an event an administrator and a custom field.
async fn add_details(db: &TestDb, event: i64) {
    let staff = format!(
        "INSERT INTO lectern.event_staff (tutorial_event_id, role, position, name) VALUES ({event}, 'administrator', 0, 'Bo')"
    );
    execute(db, &staff).await;
    let fields = r#"UPDATE lectern.event_details SET custom_fields = '{"Room": "A"}' WHERE tutorial_event_id = "#;
    execute(db, &format!("{fields}{event}")).await;
}

#[tokio::test]
async fn history_of_an_event_contains_its_sessions_and_links() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let (id, other) = (create_event(&db, &provider, "CM2-01").await, create_event(&db, &provider, "CM2-09").await);
    execute(
        &db,
        &format!(
            "UPDATE acted.tutorial_sessions SET tutorial_event_id = {other}, sequence = 3
                           WHERE tutorial_event_id = {id} AND sequence = 2"
        ),
    )
    .await;
    execute(&db, &format!("DELETE FROM acted.tutorial_events WHERE id = {id}")).await;
    let site = Site::serve(&db).await;
    let path = |id: i64| format!("/api/tutorials/events/{id}/history/");
    assert_eq!(site.request("GET", &path(id)).send().await.expect("an answer").status(), 401);
    let secret = token(&db, Role::Reader).await;
    let get = async |path: &str| answer(site.request("GET", path).bearer_auth(&secret)).await;
    assert_eq!(get(&path(other + 1)).await.0, 404);
    add_details(&db, other).await;
    let time = now(&db).await;
    execute(&db, &format!("UPDATE acted.tutorial_events SET code = 'CM2-10' WHERE id = {other}")).await;
    execute(&db, "DELETE FROM lectern.event_staff; UPDATE lectern.event_details SET custom_fields = '{}'").await;
    let past = format!("/api/tutorials/events/{other}/?as_of={time}");
    assert_eq!(site.request("GET", &past).send().await.expect("an answer").status(), 401);
    let (status, event) = get(&format!("{past}&include=sessions")).await;
    assert_eq!((status, &event["code"]), (200, &json!("CM2-09")), "{event}");
    assert_eq!(event["sessions"].as_array().map(Vec::len), Some(3), "{event}");
    assert_eq!(
        (&event["administrators"], &event["custom_fields"]),
        (&json!(["Bo"]), &json!({ "Room": "A" })),
        "{event}"
    );
    assert!(get(&past).await.1.get("sessions").is_none());
    assert_eq!(get(&format!("/api/tutorials/events/{other}?as_of=yesterday")).await.0, 400);
    assert_eq!(get(&format!("/api/tutorials/events/{other}?as_of=2001-01-01T00:00:00Z")).await.0, 404);
    assert_eq!(get(&format!("{}?page=0", path(id))).await.0, 400);
    let (status, all) = get(&format!("{}?page_size=200", path(id))).await;
    assert_eq!(status, 200, "{all}");
    let results = all["results"].as_array().expect("a list");
    assert_eq!(all["count"], results.len());
    let of = |table: &str, action: &str| {
        results.iter().filter(|one| one["table"] == table && one["action"] == action).count()
    };
    assert_eq!((of("acted.tutorial_events", "insert"), of("acted.tutorial_events", "delete")), (1, 1));
    assert_eq!((of("acted.tutorial_sessions", "insert"), of("acted.tutorial_sessions", "delete")), (2, 1));
    assert_eq!(of("acted.tutorial_sessions", "update"), 1, "a session that moved away");
    assert_eq!(of("acted.tutorial_session_instructors", "delete"), 1, "with its session");
    let created = results.iter().find(|one| one["table"] == "acted.tutorial_events" && one["action"] == "insert");
    let code =
        created.expect("it")["changes"].as_array().expect("a list").iter().find(|change| change["field"] == "code");
    assert_eq!(code, Some(&json!({ "field": "code", "old": null, "new": "CM2-01" })));
    let (_, page) = get(&format!("{}?page_size=2&page=2", path(id))).await;
    assert_eq!(page["results"], json!(results[2..4]));
    assert!(page["next"].as_str().expect("an address").contains("page=3"), "{page}");
}

async fn now(db: &TestDb) -> Timestamp {
    let time: jiff_sqlx::Timestamp =
        sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&db.pool).await.expect("a time");
    time.to_jiff()
}
