//! The page of today: what needs a person and what comes next.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::visitor::Browser;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

/// Inserts an event with one session of two hours in some days. Its code is the title of the session.
pub async fn session_in(db: &TestDb, provider: &Provider, code: &str, (days, hour): (i32, i32), more: Value) {
    let sql = "WITH event AS (
             INSERT INTO acted.tutorial_events (code, product_id, location_id, venue_id, start_date, end_date, remain_space)
             VALUES ($1, $2, $3, $4, current_date + $5, current_date + $5, 5) RETURNING id),
         details AS (
             INSERT INTO lectern.event_details (tutorial_event_id, time_zone, cancelled)
             SELECT id, 'Europe/London', $7 FROM event),
         session AS (
             INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, sequence, start_date, end_date)
             SELECT id, $1 || ' day', 1, (current_date + $5 + make_interval(hours => $6)) AT TIME ZONE 'UTC',
                    (current_date + $5 + make_interval(hours => $6 + 2)) AT TIME ZONE 'UTC' FROM event RETURNING id)
         INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
         SELECT id, $8 FROM session WHERE $8 IS NOT NULL";
    sqlx::query(sql)
        .bind(code)
        .bind(provider.product)
        .bind(provider.location)
        .bind(more["venue"].as_i64().unwrap_or(provider.venue))
        .bind(days)
        .bind(hour)
        .bind(more["cancelled"] == true)
        .bind(more["instructor"].as_i64())
        .execute(&db.pool)
        .await
        .expect("an event");
}

#[tokio::test]
async fn today_names_what_is_booked_twice_and_what_comes_next() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let room =
        |name: &str| format!("INSERT INTO acted.tutorial_venues (name, location_id) VALUES ('{name}', 1) RETURNING id");
    let (hall, virtual_room): (i64, i64) = (
        sqlx::query_scalar(sqlx::AssertSqlSafe(room("Hall"))).fetch_one(&db.pool).await.expect("a venue"),
        sqlx::query_scalar(sqlx::AssertSqlSafe(room("ＬＯＮＤＯＮ"))).fetch_one(&db.pool).await.expect("a venue"),
    );
    let ada = provider.instructor;
    session_in(&db, &provider, "ALPHA", (3, 9), json!({})).await;
    session_in(&db, &provider, "BETA", (3, 10), json!({})).await;
    // These touch, are cancelled, are in a virtual room, or are over.
    session_in(&db, &provider, "GAMMA", (3, 12), json!({})).await;
    session_in(&db, &provider, "DELTA", (3, 9), json!({ "cancelled": true })).await;
    session_in(&db, &provider, "EPSILON", (3, 9), json!({ "venue": virtual_room })).await;
    session_in(&db, &provider, "ZETA", (3, 9), json!({ "venue": virtual_room })).await;
    session_in(&db, &provider, "ETA", (-3, 9), json!({})).await;
    session_in(&db, &provider, "THETA", (-3, 9), json!({})).await;
    // One person in two rooms.
    session_in(&db, &provider, "IOTA", (5, 9), json!({ "venue": hall, "instructor": ada })).await;
    session_in(&db, &provider, "KAPPA", (5, 10), json!({ "instructor": ada })).await;
    let site = Site::serve(&db).await;
    let reader = Browser::sign_in(&db, &site, "rita", Role::Reader).await;
    let shown = reader.page("/today").await;
    let tasks: Vec<&str> =
        shown.split("<span class=\"what\">").skip(1).filter_map(|part| part.split("</span>").next()).collect();
    let clashes: Vec<&&str> = tasks.iter().filter(|task| task.contains(" and ")).collect();
    assert_eq!(clashes.len(), 2, "{tasks:?}");
    assert!(clashes[0].starts_with("Quill House, ") && clashes[0].ends_with(": ALPHA (ALPHA day) and BETA (BETA day)"));
    assert!(clashes[1].starts_with("Ada Marlow, ") && clashes[1].ends_with(": IOTA (IOTA day) and KAPPA (KAPPA day)"));
    let beta: i64 = sqlx::query_scalar("SELECT id FROM acted.tutorial_events WHERE code = 'BETA'")
        .fetch_one(&db.pool)
        .await
        .expect("an event");
    assert_eq!(shown.matches(&format!("href=\"/events/{beta}\"")).count(), 2, "the clash and the session: {shown}");
    assert!(!shown.contains("DELTA") && !shown.contains("THETA"), "{shown}");
    // A room for each: the catalogue has another version then.
    sqlx::query("UPDATE acted.tutorial_events SET venue_id = $1 WHERE code = 'BETA'")
        .bind(hall)
        .execute(&db.pool)
        .await
        .expect("moved");
    site.follower.reload_now().await.expect("reloaded");
    let shown = reader.page("/today").await;
    assert!(!shown.contains("BETA (BETA day)") && shown.contains("KAPPA (KAPPA day)"), "{shown}");
}

#[tokio::test]
async fn today_shows_the_lessons_of_the_next_days_with_those_of_series() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let operator = token(&db, Role::Operator).await;
    let create = async |path: &str, body: Value| {
        let request = site.request("POST", &format!("/api/{path}")).bearer_auth(&operator).json(&body);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 201, "{path}");
        response.json::<Value>().await.expect("JSON")["id"].as_i64().expect("an id")
    };
    let tutor = create("people/tutors", json!({ "first_name": "Ada" })).await;
    let student = create("people/students", json!({ "first_name": "Ben" })).await;
    let enrolment = create("enrolments", json!({ "tutor_id": tutor, "student_id": student })).await;
    let today = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date();
    let lesson = async |days: i64, topic: &str, more: Value| {
        let day = today.saturating_add(jiff::Span::new().days(days)).to_string();
        let mut body = json!({ "course_enrollment_id": enrolment, "session_date": day, "start_time": "17:00",
                               "end_time": "18:00", "topics": [topic] });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        create("sessions", body).await
    };
    let surds = lesson(2, "Surds", json!({})).await;
    lesson(2, "Called off", json!({ "status": "cancelled" })).await;
    lesson(20, "Much later", json!({})).await;
    let series =
        lesson(-18, "Vectors", json!({ "session_frequency": "weekly", "recurrence": { "holidays": "skip" } })).await;
    let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
    let shown = ann.page("/today").await;
    let (_, lessons) = shown.split_once("Next lessons").expect("lessons");
    let rows = lessons.split("</section>").next().unwrap_or_default().matches("<th scope=\"row\">").count();
    assert_eq!(rows, 2, "{lessons}");
    assert!(lessons.contains("Surds") && lessons.contains("Vectors") && lessons.contains("Ada"), "{lessons}");
    let day = today.saturating_add(jiff::Span::new().days(3));
    for path in [format!("/lessons/{surds}"), format!("/lessons/{series}?occurrence={day}")] {
        assert!(lessons.contains(&format!("href=\"{path}\"")), "{path}: {lessons}");
        assert_eq!(ann.get(&path).await.status(), 200, "{path}");
    }
    assert!(!lessons.contains("Called off") && !lessons.contains("Much later"), "{lessons}");
    assert!(lessons.contains("17:00 GMT") || lessons.contains("17:00 BST"), "with the zone: {lessons}");
}
