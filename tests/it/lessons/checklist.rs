//! The checklist for lesson sessions, one test for each item.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, lesson, pointers};

#[tokio::test]
async fn checklist_get_sessions_lists_all_sessions() {
    let tutoring = Tutoring::new().await;
    let older = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let newer = tutoring.lesson(tutoring.enrolments[1], json!({ "session_date": "2026-04-08" })).await;
    let (status, list) = tutoring.get("sessions/").await;
    let ids: Vec<&Value> = list["results"].as_array().expect("a list").iter().map(|row| &row["id"]).collect();
    assert_eq!((status, ids), (200, vec![&json!(newer), &json!(older)]));
    assert_eq!((&list["count"], &list["next_cursor"]), (&json!(2), &Value::Null));
}

#[tokio::test]
async fn checklist_get_session_returns_a_single_session() {
    let tutoring = Tutoring::new().await;
    let id = tutoring.lesson(tutoring.enrolments[0], json!({ "topics": ["Fractions"] })).await;
    let (status, one) = tutoring.get(&format!("sessions/{id}")).await;
    assert_eq!(
        (status, &one["topics"], &one["course_enrollment_id"]),
        (200, &json!(["Fractions"]), &json!(tutoring.enrolments[0]))
    );
    for unknown in ["999999", "0", "x", "99999999999999999999"] {
        assert_eq!(tutoring.get(&format!("sessions/{unknown}")).await.0, 404, "{unknown}");
    }
}

#[tokio::test]
async fn checklist_post_sessions_creates_a_session() {
    let tutoring = Tutoring::new().await;
    let body = lesson(tutoring.enrolments[0], json!({ "topics": ["Fractions"], "priority_level": "high" }));
    let post = || {
        let request = tutoring.site.request("POST", "/api/sessions").bearer_auth(&tutoring.operator);
        request.header("idempotency-key", "a-lesson").json(&body).send()
    };
    let first = post().await.expect("an answer");
    assert_eq!(first.status(), 201);
    let place = first.headers()["location"].to_str().expect("text").to_owned();
    let created: Value = first.json().await.expect("JSON");
    assert_eq!(place, format!("/api/sessions/{}", created["id"]));
    assert_eq!((&created["duration"], &created["status"]), (&json!(60), &json!("scheduled")));
    // The same key again is the same lesson.
    let second: Value = post().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(second["id"], created["id"]);
    // A list is created as a whole or not at all.
    let two =
        json!([lesson(tutoring.enrolments[0], json!({})), lesson(tutoring.enrolments[0], json!({ "duration": 5 }))]);
    let (status, problem) = tutoring.json("POST", "sessions", two).await;
    assert_eq!((status, pointers(&problem)), (422, vec!["/1/duration"]));
    assert_eq!(tutoring.get("sessions").await.1["count"], 1);
}

#[tokio::test]
async fn checklist_put_session_updates_it() {
    let tutoring = Tutoring::new().await;
    let id = tutoring.lesson(tutoring.enrolments[0], json!({ "location": "Room 1", "priority_level": "high" })).await;
    let (status, changed) = tutoring
        .json("PUT", &format!("sessions/{id}"), lesson(tutoring.enrolments[1], json!({ "end_time": "18:30" })))
        .await;
    assert_eq!((status, &changed["location"], &changed["priority_level"]), (200, &Value::Null, &json!("medium")));
    assert_eq!((&changed["duration"], &changed["student_name"]), (&json!(90), &json!("Dan")));
}

#[tokio::test]
async fn checklist_delete_session_removes_it() {
    let tutoring = Tutoring::new().await;
    let id = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let done = tutoring.lesson(tutoring.enrolments[0], json!({ "status": "completed" })).await;
    for (id, status) in [(id, 204), (id, 404), (done, 409)] {
        assert_eq!(tutoring.delete(&format!("sessions/{id}")).await.0, status, "{id}");
    }
}

#[tokio::test]
async fn checklist_sessions_are_filtered_by_status_and_date_range() {
    let tutoring = Tutoring::new().await;
    for (day, status) in [("01", "completed"), ("02", "completed"), ("03", "scheduled"), ("04", "cancelled")] {
        let more = json!({ "session_date": format!("2026-04-{day}"), "status": status });
        tutoring.lesson(tutoring.enrolments[0], more).await;
    }
    for (query, count) in [
        ("status=completed", 2),
        ("status=completed&status=cancelled", 3),
        ("date_from=2026-04-02", 3),
        ("date_to=2026-04-02", 2),
        ("date_from=2026-04-02&date_to=2026-04-03&status=scheduled", 1),
        ("date_from=2026-04-03&date_to=2026-04-02", 0),
    ] {
        assert_eq!(tutoring.get(&format!("sessions?{query}")).await.1["count"], count, "{query}");
    }
    assert_eq!(tutoring.get("sessions?status=done").await.0, 400);
}

#[tokio::test]
async fn checklist_recurring_session_patterns_repeat() {
    let tutoring = Tutoring::new().await;
    let pattern = json!({ "days": ["Tuesday", "Thursday"], "months": null, "specific_dates": null });
    let more = json!({ "session_frequency": "weekly", "recurring_pattern": pattern });
    let id = tutoring.lesson(tutoring.enrolments[0], more).await;
    let (_, list) = tutoring.get(&format!("sessions/{id}/occurrences?from=2026-04-07&to=2026-04-16")).await;
    let days: Vec<&Value> =
        list["results"].as_array().expect("a list").iter().map(|row| &row["session_date"]).collect();
    assert_eq!(days, ["2026-04-07", "2026-04-09", "2026-04-14", "2026-04-16"]);
}

#[tokio::test]
async fn checklist_attendance_status_is_updated() {
    let tutoring = Tutoring::new().await;
    let id = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let path = format!("sessions/{id}/attendance");
    for status in ["present", "absent", "late"] {
        let body = json!({ "tutor_attendance_status": "present", "student_attendance_status": status });
        let (code, marked) = tutoring.json("POST", &path, body).await;
        assert_eq!((code, &marked["student_attendance_status"]), (200, &json!(status)));
    }
    let (_, history) = tutoring.get(&path).await;
    assert_eq!(history["results"].as_array().map(Vec::len), Some(4), "{history}");
}

#[tokio::test]
async fn checklist_review_references_are_set_and_cleared() {
    let tutoring = Tutoring::new().await;
    sqlx::raw_sql(
        "CREATE TABLE public.tutor_reviews (id serial PRIMARY KEY); INSERT INTO public.tutor_reviews DEFAULT VALUES;
         CREATE TABLE public.student_reviews (id integer PRIMARY KEY); INSERT INTO public.student_reviews VALUES (3)",
    )
    .execute(&tutoring.db.pool)
    .await
    .expect("tables");
    let path = format!("sessions/{}", tutoring.lesson(tutoring.enrolments[0], json!({})).await);
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    let parent = tutoring.token_of(Role::Parent, tutoring.parent).await;
    let tutor = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    for (token, field, id) in
        [(&student, "student_review_id", 1), (&tutor, "tutor_review_id", 3), (&parent, "parent_review_id", 1)]
    {
        for (value, status) in [(json!(id), 200), (json!(99), 422), (Value::Null, 200)] {
            let (found, one) = tutoring.send(token, "PATCH", &path, Some(&json!({ field: value }))).await;
            assert_eq!(found, status, "{field} {value}: {one}");
            assert!(status != 200 || one[field] == value, "{one}");
        }
    }
}

#[tokio::test]
async fn checklist_whiteboard_is_referred_to() {
    let tutoring = Tutoring::new().await;
    sqlx::raw_sql(
        "CREATE TABLE public.whiteboard_sessions (id integer PRIMARY KEY); INSERT INTO public.whiteboard_sessions VALUES (7)",
    )
    .execute(&tutoring.db.pool)
    .await
    .expect("a table");
    let path = format!("sessions/{}", tutoring.lesson(tutoring.enrolments[0], json!({ "whiteboard_id": 7 })).await);
    for (value, status) in [(json!(8), 422), (json!("7"), 400), (Value::Null, 200), (json!(7), 200)] {
        assert_eq!(tutoring.json("PATCH", &path, json!({ "whiteboard_id": value })).await.0, status, "{value}");
    }
    let (status, suggestion) = tutoring.get(&format!("{path}/attendance-suggestion")).await;
    assert_eq!((status, &suggestion["has_whiteboard"]), (200, &json!(false)));
}

/// What the panel of a front end shows: cards, a search, and rows with the names of the other person.
#[tokio::test]
async fn checklist_front_end_displays_sessions() {
    let tutoring = Tutoring::new().await;
    for status in ["completed", "in-progress", "scheduled"] {
        tutoring
            .lesson(tutoring.enrolments[0], json!({ "status": status, "topics": [format!("Topic {status}")] }))
            .await;
    }
    let parent = tutoring.token_of(Role::Parent, tutoring.parent).await;
    let (_, cards) = tutoring.send(&parent, "GET", "sessions/stats", None).await;
    assert_eq!(
        (&cards["total"], &cards["by_status"]["in-progress"], &cards["hours"]["completed"]),
        (&json!(3), &json!(1), &json!(1.0))
    );
    let (_, list) =
        tutoring.send(&parent, "GET", "sessions?q=topic+sched&limit=10&sort=student_name,-session_date", None).await;
    let row = &list["results"][0];
    assert_eq!((&list["count"], &row["student_name"], &row["tutor_name"]), (&json!(1), &json!("Ben"), &json!("Ada")));
    assert_eq!((&row["user_role"], &row["attendance_marked"]["student"]), (&json!("parent"), &json!(false)));
}

#[tokio::test]
async fn checklist_session_creation_flow() {
    let tutoring = Tutoring::new().await;
    let tutor = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    for (wrong, at) in [
        (json!({ "priority_level": "top", "session_mode": "phone" }), vec!["/session_mode", "/priority_level"]),
        (json!({ "end_time": "16:00" }), vec!["/end_time"]),
    ] {
        let wrong = lesson(tutoring.enrolments[0], wrong);
        let (status, problem) = tutoring.send(&tutor, "POST", "sessions", Some(&wrong)).await;
        assert_eq!((status, pointers(&problem)), (422, at));
    }
    let right = lesson(tutoring.enrolments[0], json!({ "session_mode": "hybrid" }));
    let (status, created) = tutoring.send(&tutor, "POST", "sessions", Some(&right)).await;
    assert_eq!((status, &created["user_role"]), (201, &json!("tutor")));
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    let (_, list) = tutoring.send(&student, "GET", "sessions", None).await;
    assert_eq!((&list["count"], &list["results"][0]["id"]), (&json!(1), &created["id"]));
}

#[tokio::test]
async fn checklist_session_editing_flow() {
    let tutoring = Tutoring::new().await;
    let tutor = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    let path = format!("/api/sessions/{}", tutoring.lesson(tutoring.enrolments[0], json!({})).await);
    let read = tutoring.site.request("GET", &path).bearer_auth(&tutor).send().await.expect("an answer");
    let tag = read.headers()["etag"].clone();
    let patch = |tag: &reqwest::header::HeaderValue, body: Value| {
        let request = tutoring.site.request("PATCH", &path).bearer_auth(&tutor).header("if-match", tag.clone());
        request.json(&body).send()
    };
    let moved = patch(&tag, json!({ "start_time": "16:00", "topics": ["Decimals"] })).await.expect("an answer");
    assert_eq!(moved.status(), 200);
    let tag_then = moved.headers()["etag"].clone();
    // Another user has changed it meanwhile.
    assert_eq!(patch(&tag, json!({ "location": "Room 1" })).await.expect("an answer").status(), 412);
    let done =
        patch(&tag_then, json!({ "status": "completed", "topics_covered": ["Decimals"] })).await.expect("an answer");
    let done: Value = done.json().await.expect("JSON");
    assert_eq!((&done["duration"], &done["topics_covered"]), (&json!(120), &json!(["Decimals"])));
    // The history knows what was changed.
    let changes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM lectern.history WHERE table_name = 'public.sessions' AND action = 'update'",
    )
    .fetch_one(&tutoring.db.pool)
    .await
    .expect("a number");
    assert_eq!(changes, 2);
}
