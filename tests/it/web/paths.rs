//! A person's path through the pages in a browser, one test each.

use administrate_sim::{Options, Profile};
use lectern::identity::Role;
use lectern::identity::logins::{self, Rights};
use lectern::identity::passwords::Password;
use lectern::timetable_import::layout::Field;
use serde_json::json;

use super::second_person::with_worker;
use super::today::session_in;
use crate::fixtures::api::ApiFixture;
use crate::fixtures::browser::{login_link, walk};
use crate::fixtures::delivery::DeliveryFixture;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::sync::SyncFixture;
use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{changed, event, write};
use crate::fixtures::workbook::{SheetTexts, write as write_sheets};
use crate::sync::conflicts::conflicting;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_signs_in_and_reaches_every_page_by_keyboard() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let mut config = db.config(&[]);
    (config.login.argon2_memory_kib, config.login.argon2_iterations) = (64, 1);
    let rights = Rights { role: Role::Admin, subject_id: None };
    logins::add(&db.pool, "ann", rights, Password::typed("correct horse"), &config.login).await.expect("added");
    let site = Site::serve_with(&db, &config).await;
    walk(&site, "sign_in", &["ann", "correct horse"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_imports_a_timetable_with_a_correction() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let lines = [event("A"), changed(event("B"), Field::Location, "Lndon")];
    let workbook = write(fixture.import.db.folder(), "autumn.xlsx", &lines);
    let link = login_link(&fixture.import.db, "ann", Role::Operator).await;
    walk(&fixture.site, "import_with_correction", &[&link, &workbook.display().to_string()]).await;
    let delivered = fixture.import.count("SELECT count(*) FROM lectern.outbox WHERE state = 'delivered'").await;
    assert_eq!((delivered, fixture.import.simulator.tenant().events.len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_applies_a_sync_and_links_two_records() {
    let fixture = SyncFixture::new().await;
    let (site, _worker) = with_worker(&fixture, false).await;
    let link = login_link(&fixture.db, "ann", Role::Operator).await;
    walk(&site, "sync_with_link", &[&link, "Edinburgh", "Manchester"]).await;
    let linked = "SELECT count(*) FROM adm.locations AS bridge JOIN acted.tutorial_locations AS local
                  ON local.id = bridge.tutorial_location_id WHERE local.name = 'Edinburgh'";
    assert_eq!(fixture.count(linked).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_two_people_plan_and_approve_what_a_sync_creates_and_undoes() {
    let fixture = SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    let rename = "UPDATE acted.tutorial_locations SET name = 'Manchestr' WHERE name = 'Edinburgh'";
    sqlx::query(rename).execute(&fixture.db.pool).await.expect("renamed");
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    let (site, _worker) = with_worker(&fixture, true).await;
    let ann = login_link(&fixture.db, "ann", Role::Operator).await;
    let bob = login_link(&fixture.db, "bob", Role::Operator).await;
    let again = login_link(&fixture.db, "ann", Role::Operator).await;
    walk(&site, "second_person", &[&ann, &bob, &report["run_id"].to_string(), &again]).await;
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.sync_plans WHERE approver = 'bob'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_decides_conflicts() {
    let fixture = conflicting().await;
    fixture.sync(&[]).await;
    let fixture = fixture.base;
    let site = Site::serve_with(&fixture.db, &fixture.config()).await;
    let link = login_link(&fixture.db, "ann", Role::Operator).await;
    walk(&site, "conflicts", &[&link]).await;
    let title = "SELECT count(*) FROM acted.tutorial_sessions WHERE title = 'Theirs'";
    assert_eq!(fixture.count(title).await, 1, "the value of Administrate is taken over");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_works_by_keyboard_alone() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    for code in ["ALPHA", "BETA"] {
        session_in(&db, &provider, code, (3, 9), json!({})).await;
    }
    let site = Site::serve(&db).await;
    let enrolment = super::lessons::enrolment(&db, &site).await;
    let day = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date();
    let day = day.saturating_add(jiff::Span::new().days(2)).to_string();
    let lesson = json!({ "course_enrollment_id": enrolment, "session_date": day, "start_time": "17:00",
                         "end_time": "18:00", "topics": ["Surds"] });
    let request = site.request_as(&db, Role::Operator, "POST", "/api/sessions").await.json(&lesson);
    assert_eq!(request.send().await.expect("an answer").status(), 201);
    let link = login_link(&db, "ann", Role::Admin).await;
    walk(&site, "keyboard", &[&link]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_delivers_a_failed_change_again() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.create_events(&[fixture.provider.event("CB1-AUTUMN"), fixture.provider.event("CB1-WINTER")]).await;
    let failed = "UPDATE lectern.outbox SET attempts = 1, next_attempt_at = NULL,
                         state = CASE subject WHEN 'CB1-AUTUMN' THEN 'failed' ELSE 'unknown' END,
                         in_doubt = subject <> 'CB1-AUTUMN',
                         sent = CASE subject WHEN 'CB1-AUTUMN' THEN sent ELSE
                             '[{\"title\": \"CB1-WINTER\", \"template\": \"T1\", \"time_zone\": \"Europe/London\",
                                \"classroom\": null, \"lms\": null}]' END,
                         last_error = CASE subject WHEN 'CB1-AUTUMN'
                             THEN 'Administrate refused it: the course template is archived'
                             ELSE 'no answer came within 30 s' END";
    sqlx::query(failed).execute(&fixture.db.pool).await.expect("failed");
    let dead = "INSERT INTO lectern.webhook_inbox
                    (webhook_id, entity_id, triggered_at, content_hash, body, state, attempts, note)
                VALUES ('V2ViaG9vazox', 'RXZlbnQ6Nw==', '2026-05-14T10:00:00Z', '\\x00',
                        '{\"payload\":{\"event\":{\"id\":\"RXZlbnQ6Nw==\"}}}', 'dead', 5, 'the event is not known here')";
    sqlx::query(dead).execute(&fixture.db.pool).await.expect("a dead letter");
    let site = Site::serve_with(&fixture.db, &fixture.administrate.config(&fixture.db)).await;
    let link = login_link(&fixture.db, "ann", Role::Operator).await;
    walk(&site, "outbox_retry", &[&link, "CB1-AUTUMN", "CB1-WINTER"]).await;
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [lectern::outbox::DeliveryState::Delivered; 2]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_creates_an_event_finds_it_plans_a_lesson_and_marks_its_attendance() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    super::lessons::enrolment(&db, &site).await;
    let link = login_link(&db, "ann", Role::Operator).await;
    let today = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date().to_string();
    walk(&site, "event_to_attendance", &[&link, "CM2/TLONCM2_f2f_2/2026-04", &today]).await;
    let count =
        "SELECT (SELECT count(*) FROM acted.tutorial_sessions) * 10 + (SELECT count(*) FROM lectern.lesson_attendance)";
    let count: i64 = sqlx::query_scalar(count).fetch_one(&db.pool).await.expect("counted");
    assert_eq!(count, 22, "two sessions, and the attendance of two people");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_person_keeps_the_records_in_order() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    super::lessons::enrolment(&db, &site).await;
    let more = "
        INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
        VALUES ('2028-04', '2028-04-01', '2028-04-30');
        INSERT INTO acted.catalog_products (fullname, shortname)
        SELECT 'Course Notes ' || n, 'Notes ' || n FROM generate_series(1, 120) AS n;
        INSERT INTO adm.custom_fields (external_id, entity_type, label, field_type, is_required)
        VALUES ('1', 'Event', 'Room code', 'String', false);
        INSERT INTO acted.tutorial_events (code, product_id, start_date, end_date)
        SELECT 'CM2-' || n, product.id, '2027-03-10', '2027-03-10' FROM acted.products AS product, generate_series(1, 5) AS n";
    sqlx::raw_sql(more).execute(&db.pool).await.expect("more rows");
    let workbook = db.folder().join("autumn.xlsx");
    let sheets: [SheetTexts; 2] =
        [("Subjects", &[&["Code"], &["CS9"], &["A code that is too long"]]), ("Locations", &[&["Name"], &["Derby"]])];
    write_sheets(&workbook, &sheets);
    let link = login_link(&db, "ann", Role::Admin).await;
    walk(&site, "records", &[&link, &workbook.display().to_string()]).await;
    let copied = "SELECT count(*) FROM acted.products WHERE id <> $1";
    let copied: i64 = sqlx::query_scalar(copied).bind(provider.product).fetch_one(&db.pool).await.expect("counted");
    assert_eq!(copied, 1, "the store product of the next exam session");
}
