//! The rules of the tables, through the API and directly in SQL.

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Tutorials, pointers, session, with};
use crate::fixtures::test_db::TestDb;

/// Returns the code of PostgreSQL's refusal and the rule that it names.
async fn refusal(pool: &PgPool, sql: &'static str) -> (String, String) {
    let error = sqlx::query(sql).execute(pool).await.expect_err(sql);
    let error = error.into_database_error().expect("a refusal");
    (error.code().expect("a code").into_owned(), error.constraint().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn sessions_belong_to_their_event() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let sessions = json!([
        with(session("One", 1, (9, 17)), json!({ "instructor_ids": [tutorials.provider.instructor] })),
        session("Two", 2, (9, 17)),
    ]);
    let body = with(tutorials.event("CM2-01"), json!({ "sessions": sessions }));
    let event = tutorials.create("events", body).await;
    let first = event["sessions"][0].clone();
    let doubled = with(session("Three", 3, (9, 17)), json!({ "tutorial_event": event["id"], "sequence": 2 }));
    let (status, problem) = tutorials.json("POST", "sessions", doubled.clone()).await;
    assert_eq!((status, pointers(&problem)), (409, vec![("/sequence", "not_unique")]), "{problem}");
    let twice = json!([with(doubled.clone(), json!({ "sequence": 7 })), with(doubled, json!({ "sequence": 7 }))]);
    let (status, problem) = tutorials.json("POST", "sessions", twice).await;
    let expected = vec![("/0/sequence", "not_unique"), ("/1/sequence", "not_unique")];
    let found = pointers(&problem);
    assert!(status == 409 && (found == expected || found == expected[1..]), "{problem}");
    let path = format!("sessions/{}", first["id"]);
    let (status, problem) = tutorials.json("PATCH", &path, json!({ "sequence": 2 })).await;
    assert_eq!((status, pointers(&problem)), (409, vec![("/sequence", "not_unique")]), "{problem}");
    let sql = "INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, start_date, end_date, sequence)
               SELECT tutorial_event_id, 'x', now(), now(), sequence FROM acted.tutorial_sessions LIMIT 1";
    assert_eq!(refusal(&db.pool, sql).await, ("23505".into(), "tutorial_sessions_event_seq_unique".into()));

    // A swap in one statement is no repetition.
    sqlx::query("UPDATE acted.tutorial_sessions SET sequence = 3 - sequence").execute(&db.pool).await.expect("swapped");
    let titles: Vec<String> = sqlx::query_scalar("SELECT title FROM acted.tutorial_sessions ORDER BY sequence")
        .fetch_all(&db.pool)
        .await
        .expect("read");
    assert_eq!(titles, ["Two", "One"]);

    assert_eq!(tutorials.delete(&format!("events/{}", event["id"])).await.0, 204);
    for table in ["acted.tutorial_sessions", "acted.tutorial_session_instructors", "lectern.event_details"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&db.pool).await.expect("counted");
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn broken_rules_are_named_at_their_field() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let event = tutorials.create_id("events", tutorials.event("CM2-01")).await;
    let one = with(session("One", 1, (9, 17)), json!({ "tutorial_event": event }));
    let id = tutorials.create_id("sessions", one.clone()).await;
    for (change, status, pointer) in [
        (json!({ "end_date": "2026-06-01T08:59:59+01:00" }), 422, "/end_date"),
        (json!({ "title": "  " }), 422, "/title"),
        (json!({ "title": "é".repeat(256) }), 422, "/title"),
        (json!({ "title": 1 }), 400, "/title"),
        (json!({ "sequence": 0 }), 422, "/sequence"),
        (json!({ "sequence": "1" }), 400, "/sequence"),
        (json!({ "url": "rooms/1" }), 422, "/url"),
        (json!({ "url": format!("https://example.org/{}", "a".repeat(481)) }), 422, "/url"),
        (json!({ "start_date": "2026-06-01" }), 400, "/start_date"),
        (json!({ "start_date": "2026-06-01T09:00:00" }), 400, "/start_date"),
        (json!({ "start_date": null }), 400, "/start_date"),
        (json!({ "venue_id": 999_999 }), 422, "/venue_id"),
        (json!({ "location_id": 999_999 }), 422, "/location_id"),
        (json!({ "instructor_ids": [999_999] }), 422, "/instructor_ids/0"),
    ] {
        for (method, path) in [("POST", "sessions".to_owned()), ("PATCH", format!("sessions/{id}"))] {
            let body = if method == "POST" { with(one.clone(), change.clone()) } else { change.clone() };
            let (found, problem) = tutorials.json(method, &path, body).await;
            assert_eq!(found, status, "{method} {change}: {problem}");
            assert_eq!(pointers(&problem)[0].0, pointer, "{method} {change}: {problem}");
        }
    }
    let limits = json!({ "title": "é".repeat(255), "url": format!("https://example.org/{}", "a".repeat(480)),
                         "end_date": "2026-06-01T09:00:00+01:00" });
    let (status, document) = tutorials.json("PATCH", &format!("sessions/{id}"), limits).await;
    assert_eq!((status, &document["start_date"]), (200, &document["end_date"]), "{document}");
    let (status, document) = tutorials.json("PATCH", &format!("sessions/{id}"), json!({ "url": "" })).await;
    assert_eq!((status, &document["url"]), (200, &Value::Null));

    for (change, status, pointer) in [
        (json!({ "end_date": "2026-05-31" }), 422, "/end_date"),
        (json!({ "end_date": "2026-06-30T00:00:00Z" }), 400, "/end_date"),
        (json!({ "lms_start": "2026-06-02", "lms_end": "2026-06-01" }), 422, "/lms_end"),
        (json!({ "code": "x".repeat(101) }), 422, "/code"),
        (json!({ "product_id": 999_999 }), 422, "/product_id"),
        (json!({ "remain_space": -1 }), 422, "/remain_space"),
        (json!({ "time_zone": "Mars/North" }), 422, "/time_zone"),
        (json!({ "learning_mode": "dreaming" }), 422, "/learning_mode"),
        (json!({ "administrators": ["Unknown Person"] }), 422, "/administrators/0"),
        (json!({ "custom_fields": { "Colour": "red" } }), 422, "/custom_fields/Colour"),
    ] {
        let (found, problem) = tutorials.json("PATCH", &format!("events/{event}"), change.clone()).await;
        assert_eq!(found, status, "{change}: {problem}");
        assert_eq!(pointers(&problem)[0].0, pointer, "{change}: {problem}");
    }
    let (status, problem) = tutorials.json("POST", "events", tutorials.event("CM2-01")).await;
    assert_eq!((status, pointers(&problem)), (409, vec![("/code", "not_unique")]), "{problem}");
    let sql = "UPDATE acted.tutorial_sessions SET end_date = start_date - interval '1 second'";
    assert_eq!(refusal(&db.pool, sql).await, ("23514".into(), "tutorial_sessions_date_valid".into()));
}

#[tokio::test]
async fn deleted_references_leave_events_and_sessions_in_place() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    for sql in [false, true] {
        let location = tutorials.create_id("locations", json!({ "name": "Leeds" })).await;
        let venue = tutorials.create_id("venues", json!({ "name": "Mill", "location_id": location })).await;
        let instructor =
            tutorials.create_id("instructors", json!({ "first_name": "Tom", "last_name": "Okafor" })).await;
        let code = format!("T{sql}");
        let template = tutorials.create_id("course-templates", json!({ "code": code, "title": "x" })).await;
        let place = json!({ "location_id": location, "venue_id": venue, "instructor_ids": [instructor] });
        let one = with(session("One", 1, (9, 17)), place.clone());
        let body = with(tutorials.event(&code), json!({ "sessions": [one], "course_template_id": template }));
        let event = tutorials.create("events", with(body, place)).await;
        assert_eq!(event["instructors"][0]["display_name"], "Tom Okafor");
        for (path, table, id) in [
            ("venues", "acted.tutorial_venues", venue),
            ("locations", "acted.tutorial_locations", location),
            ("instructors", "acted.tutorial_instructors", instructor),
            ("course-templates", "acted.tutorial_course_templates", template),
        ] {
            if sql {
                let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE id = $1"));
                sqlx::query(delete).bind(id).execute(&db.pool).await.expect(path);
            } else {
                assert_eq!(tutorials.delete(&format!("{path}/{id}")).await, (204, Value::Null), "{path}");
            }
        }
        let (status, left) = tutorials.get(&format!("events/{}?include=sessions", event["id"])).await;
        assert_eq!(status, 200);
        let session = &left["sessions"][0];
        for name in ["venue_id", "venue", "location_id", "location"] {
            assert_eq!((&left[name], &session[name]), (&Value::Null, &Value::Null), "{name}");
        }
        assert_eq!((&left["instructor_ids"], &session["instructor_ids"]), (&json!([]), &json!([])));
        assert_eq!((&left["instructors"], &left["course_template_id"]), (&json!([]), &Value::Null));
    }
}

#[tokio::test]
async fn people_are_users_staff_and_instructors() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let names = json!({ "first_name": "Tom", "last_name": "Okafor", "email": "tom@example.org" });
    let tom = tutorials.create("instructors", names.clone()).await;
    let namesake = tutorials.create("instructors", names).await;
    assert_ne!(tom["staff_id"], namesake["staff_id"]);
    let (_, staff) = tutorials.get(&format!("staff/{}", tom["staff_id"])).await;
    let expected = (&json!("Tom"), &json!("tom.okafor"), &tom["id"]);
    assert_eq!((&staff["first_name"], &staff["username"], &staff["instructor_id"]), expected, "{staff}");
    let path = format!("instructors/{}", tom["id"]);
    let (status, changed) = tutorials.json("PATCH", &path, json!({ "last_name": "Obi", "email": null })).await;
    assert_eq!((status, &changed["last_name"], &changed["email"]), (200, &json!("Obi"), &Value::Null));
    assert_eq!(tutorials.get(&format!("staff/{}", tom["staff_id"])).await.1["last_name"], "Obi");

    // A user is staff once, staff is an instructor once.
    let (status, problem) = tutorials.json("POST", "staff", json!({ "user_id": staff["user_id"] })).await;
    assert_eq!((status, pointers(&problem)), (409, vec![("/user_id", "not_unique")]), "{problem}");
    let (status, problem) = tutorials.json("POST", "instructors", json!({ "staff_id": tom["staff_id"] })).await;
    assert_eq!((status, pointers(&problem)), (409, vec![("/staff_id", "not_unique")]), "{problem}");
    let (status, problem) = tutorials.json("POST", "instructors", json!({ "first_name": "A", "email": "a" })).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/email", "invalid_value")]), "{problem}");
    let kit = tutorials.create("staff", json!({ "first_name": "Kit" })).await;
    let teaching = tutorials.create("instructors", json!({ "staff_id": kit["id"] })).await;
    assert_eq!((&teaching["first_name"], &teaching["last_name"]), (&json!("Kit"), &json!("")));

    // The deletion of staff leaves the instructor without a name; a user who is staff stays.
    assert_eq!(tutorials.delete(&format!("staff/{}", kit["id"])).await.0, 204);
    let (_, left) = tutorials.get(&format!("instructors/{}", teaching["id"])).await;
    assert_eq!((&left["staff_id"], &left["first_name"]), (&Value::Null, &json!("")));
    let (status, named) =
        tutorials.json("PATCH", &format!("instructors/{}", teaching["id"]), json!({ "first_name": "Kit" })).await;
    assert_eq!((status, &named["first_name"]), (200, &json!("Kit")), "{named}");
    assert_ne!(named["staff_id"], Value::Null);
    let (code, _) = refusal(&db.pool, "DELETE FROM public.auth_user WHERE username = 'tom.okafor'").await;
    assert!(["23503", "23001"].contains(&code.as_str()), "{code}");
    let sql = "INSERT INTO acted.tutorial_course_templates (code, title) SELECT code, 'x' FROM acted.tutorial_course_templates";
    assert_eq!(refusal(&db.pool, sql).await.0, "23505");
    let (status, problem) =
        tutorials.json("POST", "course-templates", json!({ "code": "CM2_f2f_2", "title": "x" })).await;
    assert_eq!((status, pointers(&problem)), (409, vec![("/code", "not_unique")]));
}
