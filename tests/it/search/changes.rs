//! How changes reach the read model, whichever way they are written.

use std::time::Duration;

use lectern::identity::Role;
use lectern::search::read_model::follow::Follower;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::create_event;
use super::read_model::version;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// The longest wait for a condition.
const PATIENCE: Duration = Duration::from_secs(60);

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.expect(sql);
}

/// Returns everything that searches show, without what differs between equal models.
pub async fn shown(site: &Site) -> Value {
    let mut document = site.search(&json!({ "pagination": { "page_size": 100 } })).await;
    document["performance"] = Value::Null;
    document
}

/// Waits until a search of a server contains a text.
async fn wait_for_text(site: &Site, text: &str) {
    let found = async {
        while !shown(site).await.to_string().contains(text) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{text} is not shown"));
}

/// Further rows of every table that search shows.
pub const CATALOGUE: &str = "
    INSERT INTO acted.catalog_subjects (code, description) VALUES ('CS1', 'Statistics');
    INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
    SELECT exam.id, subject.id FROM acted.catalog_exam_sessions exam, acted.catalog_subjects subject WHERE subject.code = 'CS1';
    INSERT INTO acted.catalog_products (code, shortname, fullname) VALUES ('CN', 'Course Notes', 'Course Notes'), ('MK', 'Mock', 'Mock');
    INSERT INTO acted.catalog_product_variations (variation_type, name, code) VALUES ('Printed', 'Print', 'P'), ('eBook', 'eBook', 'E');
    INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
    SELECT product.id, variation.id FROM acted.catalog_products product, acted.catalog_product_variations variation
    WHERE product.code IN ('CN', 'MK') AND variation.code IN ('P', 'E');
    INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
    SELECT sitting.id, form.id, concat('X', sitting.id, '-', form.id)
    FROM acted.catalog_exam_session_subjects sitting, acted.catalog_product_product_variations form ON CONFLICT DO NOTHING;
    INSERT INTO acted.product_productvariation_recommendations
        (product_product_variation_id, recommended_product_product_variation_id)
    SELECT min(id), max(id) FROM acted.catalog_product_product_variations;
    INSERT INTO acted.prices (product_id, amount) SELECT id, 10 + id FROM acted.products;
    INSERT INTO acted.catalog_product_bundles (bundle_name, subject_id) SELECT 'Pack ' || code, id FROM acted.catalog_subjects;
    INSERT INTO acted.bundles (bundle_template_id, exam_session_subject_id)
    SELECT template.id, sitting.id FROM acted.catalog_product_bundles template
    JOIN acted.catalog_exam_session_subjects sitting ON sitting.subject_id = template.subject_id;
    INSERT INTO acted.bundle_products (bundle_id, product_id)
    SELECT bundle.id, sold.id FROM acted.bundles bundle
    JOIN acted.products sold ON sold.exam_session_subject_id = bundle.exam_session_subject_id;
    INSERT INTO acted.filter_groups (name) VALUES ('Material'), ('Tutorial');
    INSERT INTO acted.filter_configurations (name, filter_type, filter_key) VALUES ('c', 'filter_group', 'categories');
    INSERT INTO acted.filter_configuration_groups (filter_configuration_id, filter_group_id)
    SELECT 1, id FROM acted.filter_groups;
    INSERT INTO acted.tutorial_venues (name) VALUES ('Inkwell Hall'), ('Rose Court');
    INSERT INTO public.auth_user (username, first_name, last_name) VALUES ('bea', 'Bea', 'Thorne');
    INSERT INTO acted.staff (user_id) SELECT id FROM public.auth_user WHERE username = 'bea';
    INSERT INTO acted.tutorial_instructors (staff_id) SELECT max(id) FROM acted.staff;";

/// Writes of other programs. `$1` is a random number; each picks a random row by it.
const WRITES: [&str; 27] = [
    "UPDATE acted.tutorial_events SET remain_space = $1 WHERE id % 3 = $1 % 3",
    "UPDATE acted.tutorial_events SET start_date = start_date + ($1 % 5), end_date = end_date + 5 WHERE id % 4 = $1 % 4",
    "UPDATE acted.tutorial_events SET code = code || '-' || $1 WHERE id % 5 = $1 % 5 AND length(code) < 60",
    "UPDATE acted.tutorial_events SET venue_id = (SELECT id FROM acted.tutorial_venues ORDER BY md5((id + $1)::text) LIMIT 1)
     WHERE id % 3 = $1 % 3",
    "UPDATE acted.tutorial_events SET product_id = (SELECT id FROM acted.products ORDER BY md5((id + $1)::text) LIMIT 1)
     WHERE id % 4 = $1 % 4",
    "INSERT INTO acted.tutorial_events (code, product_id, start_date, end_date)
     SELECT 'N-' || $1, id, '2027-01-01', '2027-02-01' FROM acted.products ORDER BY md5((id + $1)::text) LIMIT 1 ON CONFLICT DO NOTHING",
    "DELETE FROM acted.tutorial_events WHERE id % 7 = $1 % 7",
    "INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, start_date, end_date, sequence)
     SELECT id, 'day ' || $1, '2027-01-03', '2027-01-04',
            1 + (SELECT coalesce(max(sequence), 0) FROM acted.tutorial_sessions WHERE tutorial_event_id = event.id)
     FROM acted.tutorial_events event WHERE id % 3 = $1 % 3",
    "UPDATE acted.tutorial_sessions SET title = 'title ' || $1 WHERE id % 3 = $1 % 3",
    "UPDATE acted.tutorial_sessions SET tutorial_event_id = (SELECT min(id) FROM acted.tutorial_events), sequence = 1000 + id
     WHERE id = (SELECT max(id) FROM acted.tutorial_sessions)",
    "DELETE FROM acted.tutorial_sessions WHERE id % 5 = $1 % 5",
    "INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
     SELECT session.id, instructor.id FROM acted.tutorial_sessions session, acted.tutorial_instructors instructor
     WHERE (session.id + instructor.id) % 3 = $1 % 3 ON CONFLICT DO NOTHING",
    "DELETE FROM acted.tutorial_session_instructors WHERE id % 3 = $1 % 3",
    "UPDATE acted.tutorial_venues SET name = 'House ' || $1 WHERE id % 3 = $1 % 3",
    "UPDATE acted.tutorial_locations SET name = 'Town ' || $1",
    "UPDATE public.auth_user SET last_name = 'Name' || $1 WHERE id % 2 = $1 % 2",
    "UPDATE acted.products SET is_active = NOT is_active WHERE id % 5 = $1 % 5",
    "UPDATE acted.prices SET amount = $1 WHERE id % 4 = $1 % 4",
    "DELETE FROM acted.prices WHERE id % 9 = $1 % 9",
    "UPDATE acted.catalog_products SET shortname = 'Short ' || $1 WHERE id % 3 = $1 % 3",
    "UPDATE acted.catalog_subjects SET description = 'Subject ' || $1 WHERE id % 2 = $1 % 2",
    "UPDATE acted.bundles SET is_active = $1 % 3 > 0, override_name = 'Bundle ' || $1 WHERE id % 2 = $1 % 2",
    "UPDATE acted.bundle_products SET sort_order = (id * $1) % 7",
    "UPDATE acted.filter_groups SET name = 'Group ' || $1 || ' ' || id",
    "INSERT INTO acted.filter_product_product_groups (product_id, product_group_id)
     SELECT product.id, category.id FROM acted.catalog_products product, acted.filter_groups category
     WHERE (product.id + category.id) % 2 = $1 % 2 ON CONFLICT DO NOTHING",
    "UPDATE acted.product_productvariation_recommendations
     SET recommended_product_product_variation_id = (SELECT id FROM acted.catalog_product_product_variations
         WHERE id <> product_product_variation_id ORDER BY md5((id + $1)::text) LIMIT 1)",
    "INSERT INTO lectern.event_details (tutorial_event_id, cancelled) SELECT id, true FROM acted.tutorial_events WHERE id % 6 = $1 % 6
     ON CONFLICT (tutorial_event_id) DO UPDATE SET cancelled = NOT event_details.cancelled",
];

/// Random numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(limit).expect("a limit")).expect("a number")
    }
}

/// Checks that a server shows what one shows that has just started.
async fn assert_shown_as_new(db: &TestDb, site: &Site, what: &str) {
    site.follower.reload_now().await.expect("reloaded");
    let new = Site::serve(db).await;
    assert_eq!(shown(site).await, shown(&new).await, "{what}");
    assert_eq!(site.follower.current().version, new.follower.current().version, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn random_writes_are_shown_as_a_new_process_shows_them() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    for number in 0..8 {
        create_event(&db, &provider, &format!("CM2-{number}")).await;
    }
    sqlx::raw_sql(CATALOGUE).execute(&db.pool).await.expect("the catalogue");
    let site = Site::serve(&db).await;
    for (number, sql) in WRITES.into_iter().enumerate() {
        let value = i32::try_from(number).expect("small") * 37;
        sqlx::query(sql).bind(value).execute(&db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_shown_as_new(&db, &site, sql).await;
    }
    let mut random = Random(7);
    let mut open = None;
    for round in 0..8 {
        for _ in 0..=random.below(6) {
            let (sql, value) = (WRITES[random.below(WRITES.len())], i32::try_from(random.below(1000)).expect("small"));
            // Some transactions end later than others that began after them, or not at all.
            let result = sqlx::query(sql).bind(value).execute(&db.pool).await;
            result.unwrap_or_else(|error| panic!("{sql} with {value}: {error}"));
        }
        if open.is_none() {
            let mut tx = db.pool.begin().await.expect("begin");
            let sql = "INSERT INTO acted.tutorial_venues (name) VALUES ('Late'); SAVEPOINT s;
                       UPDATE acted.catalog_exam_sessions SET session_code = session_code || 'L';";
            sqlx::raw_sql(sql).execute(&mut *tx).await.expect(sql);
            open = Some(tx);
        } else if let Some(tx) = open.take() {
            if round % 4 == 1 { tx.commit().await.expect("commit") } else { tx.rollback().await.expect("rollback") }
        }
        assert_shown_as_new(&db, &site, &format!("round {round}")).await;
        let shown = shown(&site).await.to_string();
        let codes: Vec<String> = sqlx::query_scalar(
            "SELECT code FROM acted.tutorial_events JOIN acted.products ON products.id = product_id WHERE is_active
             AND NOT EXISTS (SELECT FROM lectern.event_details WHERE tutorial_event_id = tutorial_events.id AND cancelled)",
        )
        .fetch_all(&db.pool)
        .await
        .expect("codes");
        assert!(codes.iter().all(|code| shown.contains(&format!("\"{code}\""))), "round {round}: {codes:?} {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn write_over_http_is_in_the_next_search_and_soon_in_other_processes() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let (own, other) = (Site::serve(&db).await, Site::serve(&db).await);
    let event: i64 =
        sqlx::query_scalar("SELECT id FROM acted.tutorial_events").fetch_one(&db.pool).await.expect("an id");
    for places in 101..121 {
        let request = own.request_as(&db, Role::Operator, "PATCH", &format!("/api/tutorials/events/{event}/")).await;
        let response = request.json(&json!({ "remain_space": places })).send().await.expect("a response");
        assert_eq!(response.status(), 200);
        let expected = format!("\"remain_space\":{places}");
        assert!(shown(&own).await.to_string().contains(&expected), "{places}");
        wait_for_text(&other, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_that_commits_late_is_not_missed() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    create_event(&db, &provider, "CM2-02").await;
    let site = Site::serve(&db).await;
    let mut early = db.pool.begin().await.expect("begin");
    let sql = "UPDATE acted.tutorial_events SET remain_space = 777 WHERE code = 'CM2-01'";
    sqlx::query(sql).execute(&mut *early).await.expect(sql);
    execute(&db.pool, "UPDATE acted.tutorial_events SET remain_space = 888 WHERE code = 'CM2-02'").await;
    site.follower.reload_now().await.expect("reloaded");
    let before = shown(&site).await.to_string();
    assert!(before.contains("888") && !before.contains("777"), "{before}");
    early.commit().await.expect("commit");
    wait_for_text(&site, "777").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_without_triggers_are_found() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    execute(&db.pool, "SET session_replication_role = replica; UPDATE acted.tutorial_venues SET name = 'Replica House'; RESET session_replication_role").await;
    wait_for_text(&site, "Replica House").await;
    let version = site.follower.current().version;
    execute(
        &db.pool,
        "ALTER TABLE acted.tutorial_venues DISABLE TRIGGER ALL; UPDATE acted.tutorial_venues SET name = 'Restored House';
         ALTER TABLE acted.tutorial_venues ENABLE TRIGGER ALL",
    )
    .await;
    wait_for_text(&site, "Restored House").await;
    assert!(site.follower.current().version > version, "another content has another version");
    execute(&db.pool, "TRUNCATE acted.tutorial_events CASCADE").await;
    site.follower.reload_now().await.expect("reloaded");
    assert!(!shown(&site).await.to_string().contains("CM2-01"));
}

#[tokio::test(flavor = "multi_thread")]
async fn write_of_what_search_does_not_show_changes_no_version() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    let version = site.follower.current().version;
    for sql in [
        "UPDATE acted.tutorial_events SET remain_space = remain_space, created_at = now()",
        "UPDATE acted.tutorial_venues SET description = 'by the river'",
        "UPDATE public.auth_user SET email = 'ada@example.org', last_login = now()",
        "UPDATE lectern.event_details SET recording_pin = '1234'",
        "DELETE FROM acted.tutorial_events WHERE false",
    ] {
        execute(&db.pool, sql).await;
        assert_eq!(site.follower.reload_now().await.expect("a look"), version, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sleeping_process_is_notified() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let sleepers = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1279480659
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let asleep =
        async { while sqlx::query_scalar::<_, i64>(sleepers).fetch_one(&db.pool).await.expect("locks") == 0 {} };
    tokio::time::timeout(PATIENCE, asleep).await.expect("the process sleeps without changes");
    create_event(&db, &provider, "CM2-01").await;
    wait_for_text(&site, "CM2-01").await;
}

/// Stops or continues the server of a private cluster with all its processes.
async fn signal_server(pids: &[i32], signal: &str) {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    let status = std::process::Command::new("kill").arg(signal).args(pids).status().expect("kill");
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn search_goes_on_while_the_database_is_silent() {
    let db = TestDb::private().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    let file = std::fs::read_to_string(db.folder().join("postgres/postmaster.pid")).expect("the pid file");
    let server: i32 = file.lines().next().expect("a line").trim().parse().expect("a pid");
    let others = sqlx::query_scalar("SELECT pid FROM pg_stat_activity").fetch_all(&db.pool).await.expect("processes");
    let pids: Vec<i32> = std::iter::once(server).chain(others).collect();
    signal_server(&pids, "-STOP").await;
    let noticed = async {
        while site.follower.outage_age().is_none() {
            assert!(shown(&site).await.to_string().contains("CM2-01"));
        }
        for path in ["/api/search/unified?q=cm2", "/api/search/fuzzy?q=cm2", "/api/tutorials/list"] {
            let response = site.request("GET", path).send().await.expect("a response");
            let age = response.headers().get("age").expect(path).to_str().expect("text").parse::<u64>();
            assert!(age.is_ok() && response.status() == 200, "{path}: {response:?}");
        }
    };
    let result = tokio::time::timeout(PATIENCE, noticed).await;
    signal_server(&pids, "-CONT").await;
    result.expect("the outage is noticed");
    execute(&db.pool, "UPDATE acted.tutorial_events SET code = 'CM2-02'").await;
    wait_for_text(&site, "CM2-02").await;
    assert_eq!(site.follower.outage_age(), None);
    let response = site.request("GET", "/api/search/unified?q=cm2").send().await.expect("a response");
    assert!(!response.headers().contains_key("age"));
}

/// Reads a stream of events until one of a name; returns its id and data.
async fn next_event(stream: &mut reqwest::Response, text: &mut String, name: &str) -> (i64, Value) {
    let read = async {
        loop {
            while let Some((event, rest)) = text.clone().split_once("\n\n") {
                *text = rest.to_owned();
                let field = |key: &str| event.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
                if field("event") == Some(name) {
                    let data = serde_json::from_str(field("data").expect("data")).expect("JSON");
                    return (field("id").expect("an id").parse().expect("a version"), data);
                }
            }
            let chunk = stream.chunk().await.expect("the stream is open").expect("the stream is open");
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no {name} event"))
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_of_changes_names_ids_and_resumes() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let open = async |site: &Site, last: Option<&str>| {
        let request = site.request("GET", "/api/changes");
        let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        (response, String::new())
    };
    let (mut stream, mut text) = open(&site, None).await;
    let before = site.follower.current().version;
    create_event(&db, &provider, "CM2-01").await;
    let (first, data) = next_event(&mut stream, &mut text, "catalogue").await;
    let event: i64 =
        sqlx::query_scalar("SELECT id FROM acted.tutorial_events").fetch_one(&db.pool).await.expect("an id");
    assert_eq!(data, json!({ "version": first, "events": [event], "products": [provider.product] }));
    assert!(first > before);
    assert_eq!(first, version(&db).await, "a reader that adds counts like one that counts all");
    execute(&db.pool, "UPDATE acted.tutorial_venues SET name = 'Inkwell'").await;
    let (second, data) = next_event(&mut stream, &mut text, "catalogue").await;
    assert_eq!(data, json!({ "version": second, "events": [event], "products": [provider.product] }));
    drop(stream);
    // The same process, and one that has started since.
    let other = Site::serve(&db).await;
    for site in [&site, &other] {
        let (mut stream, mut text) = open(site, Some(&first.to_string())).await;
        let (id, data) = next_event(&mut stream, &mut text, "catalogue").await;
        assert_eq!((id, &data["events"]), (second, &json!([event])));
        for unknown in ["0", "99999999", "x"] {
            let (mut stream, mut text) = open(site, Some(unknown)).await;
            assert_eq!(next_event(&mut stream, &mut text, "reset").await, (second, json!({ "version": second })));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_of_a_sleeping_process_are_replaced() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let follower = Follower::open(db.pool.clone()).await.expect("the catalogue");
    let stop = CancellationToken::new();
    let following = tokio::spawn(follower.clone().follow(stop.clone()));
    let mut changes = follower.changes();
    for code in ["CM2-01", "CM2-02", "CM2-03"] {
        let mut admin = PgConnection::connect(&db.url).await.expect("the database");
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(sql).execute(&mut admin).await.expect("ended");
        admin.close().await.expect("closed");
        let version = follower.current().version;
        let created = async {
            while sqlx::query("SELECT 1").execute(&db.pool).await.is_err() {}
            create_event(&db, &provider, code).await;
        };
        tokio::time::timeout(PATIENCE, created).await.expect("written");
        let newer = changes.wait_for(|model| model.version > version);
        tokio::time::timeout(PATIENCE, newer).await.expect("the change is read").expect("the follower runs");
    }
    stop.cancel();
    following.await.expect("it stops");
}
