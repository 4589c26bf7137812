//! Fields, defaults and rules of a lesson, and the list.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, lesson, pointers};

#[tokio::test]
async fn new_lesson_has_the_defaults_and_is_written_back_as_it_was_read() {
    let tutoring = Tutoring::new().await;
    let (status, created) = tutoring.json("POST", "sessions", lesson(tutoring.enrolments[0], json!({}))).await;
    assert_eq!(status, 201, "{created}");
    let mut shown = created.clone();
    for name in ["id", "course_enrollment_id", "created_at", "updated_at", "tutor_id", "student_id"] {
        assert!(!shown.as_object_mut().expect("an object").remove(name).expect(name).is_null(), "{name}");
    }
    assert_eq!(
        shown,
        json!({
            "topics": [], "topics_covered": [], "session_date": "2026-04-07", "start_time": "17:00:00",
            "end_time": "18:00:00", "duration": 60, "session_mode": "online", "location": null, "whiteboard_id": null,
            "student_review_id": null, "tutor_review_id": null, "parent_review_id": null,
            "tutor_attendance_status": null, "student_attendance_status": null, "priority_level": "medium",
            "is_recurring": false, "session_frequency": "one-time", "recurring_pattern": null,
            "notification_enabled": false, "alarm_enabled": false, "alarm_before_minutes": 15, "is_featured": false,
            "status": "scheduled", "tutor_name": "Ada", "student_name": "Ben", "course_name": null, "series_id": null,
            "attendance_marked": { "tutor": false, "student": false }, "recurrence": null, "user_role": "operator",
        })
    );
    let path = format!("/api/sessions/{}", created["id"]);
    let read = tutoring.site.request("GET", &path).bearer_auth(&tutoring.operator).send().await.expect("an answer");
    let tag = read.headers()["etag"].to_str().expect("text").to_owned();
    let put = |tag: &str| {
        let request = tutoring.site.request("PUT", &path).bearer_auth(&tutoring.operator);
        request.header("if-match", tag.to_owned()).json(&created).send()
    };
    assert_eq!(put("\"other\"").await.expect("an answer").status(), 412);
    let written = put(&tag).await.expect("an answer");
    assert_eq!((written.status().as_u16(), &written.headers()["etag"]), (200, &tag.parse().expect("a header")));
    let again = tutoring.site.request("GET", &path).bearer_auth(&tutoring.operator).header("if-none-match", &tag);
    assert_eq!(again.send().await.expect("an answer").status(), 304);
}

#[tokio::test]
async fn rules_are_reported_at_their_fields() {
    let tutoring = Tutoring::new().await;
    let enrolment = tutoring.enrolments[0];
    for (more, status, expected) in [
        (json!({ "end_time": "17:00" }), 422, "/end_time"),
        (json!({ "end_time": "01:00" }), 422, "/end_time"),
        (json!({ "end_time": "24:00" }), 400, "/end_time"),
        (json!({ "duration": 61 }), 422, "/duration"),
        (json!({ "session_mode": "by phone" }), 422, "/session_mode"),
        (json!({ "status": "in_progress" }), 422, "/status"),
        (json!({ "student_attendance_status": "sick" }), 422, "/student_attendance_status"),
        (json!({ "topics": "x" }), 400, "/topics"),
        (json!({ "topics": [1] }), 400, "/topics/0"),
        (json!({ "location": "x".repeat(256) }), 422, "/location"),
        (json!({ "course_enrollment_id": 9999 }), 422, "/course_enrollment_id"),
        (json!({ "subject": "x" }), 400, "/subject"),
        (json!({ "recurring_pattern": { "days": ["Tues"] } }), 422, "/recurring_pattern/days/0"),
        (json!({ "recurring_pattern": { "days": ["Tuesday"] } }), 422, "/session_frequency"),
    ] {
        let (found, problem) = tutoring.json("POST", "sessions", lesson(enrolment, more.clone())).await;
        assert_eq!((found, pointers(&problem)), (status, vec![expected]), "{more}");
    }
    let id = tutoring.lesson(enrolment, json!({ "topics": ["a", "a"], "location": "Room 1" })).await;
    let path = format!("sessions/{id}");
    let (_, changed) =
        tutoring.json("PATCH", &path, json!({ "location": null, "topics": null, "end_time": "18:30" })).await;
    assert_eq!(
        (&changed["location"], &changed["topics"], &changed["duration"]),
        (&Value::Null, &json!([]), &json!(90))
    );
}

#[tokio::test]
async fn status_follows_its_order_and_completed_lessons_stay() {
    let tutoring = Tutoring::new().await;
    let path = format!("sessions/{}", tutoring.lesson(tutoring.enrolments[0], json!({})).await);
    let admin = tutoring.token_of(Role::Admin, 0).await;
    for (status, expected) in [
        ("cancelled", 200),
        ("completed", 409),
        ("scheduled", 200),
        ("in-progress", 200),
        ("scheduled", 409),
        ("completed", 200),
        ("in-progress", 409),
    ] {
        assert_eq!(tutoring.json("PATCH", &path, json!({ "status": status })).await.0, expected, "{status}");
    }
    assert_eq!(tutoring.delete(&path).await.0, 409);
    let back = json!({ "status": "in-progress" });
    assert_eq!(tutoring.send(&admin, "PATCH", &path, Some(&back)).await.0, 200);
    assert_eq!(tutoring.delete(&path).await.0, 204);
}

#[tokio::test]
async fn attendance_counts_when_a_user_set_it() {
    let tutoring = Tutoring::new().await;
    let path = format!("sessions/{}", tutoring.lesson(tutoring.enrolments[0], json!({})).await);
    // A row of another program has the default of the column.
    let stored: i32 = sqlx::query_scalar(
        "INSERT INTO public.sessions (course_enrollment_id, session_date, start_time, end_time)
         VALUES ($1, '2026-04-07', '10:00', '11:00') RETURNING id",
    )
    .bind(tutoring.enrolments[0])
    .fetch_one(&tutoring.db.pool)
    .await
    .expect("a row");
    let (_, of_other) = tutoring.get(&format!("sessions/{stored}")).await;
    assert_eq!(of_other["student_attendance_status"], "present");
    assert_eq!(of_other["attendance_marked"], json!({ "tutor": false, "student": false }));
    let body = json!({ "tutor_attendance_status": "present", "attendance_notes": "on time" });
    let attendance = format!("sessions/{stored}/attendance");
    let (status, of_other) = tutoring.json("PUT", &attendance, body).await;
    assert_eq!(
        (status, &of_other["attendance_marked"]),
        (200, &json!({ "tutor": true, "student": false })),
        "{of_other}"
    );
    let (_, history) = tutoring.get(&attendance).await;
    assert_eq!(
        (&history["results"][0]["person"], &history["results"][0]["notes"]),
        (&json!("tutor"), &json!("on time"))
    );
    let (_, marked) = tutoring.json("PATCH", &path, json!({ "student_attendance_status": "present" })).await;
    assert_eq!(marked["attendance_marked"], json!({ "tutor": false, "student": true }));
    let (_, cleared) = tutoring.json("PATCH", &path, json!({ "student_attendance_status": null })).await;
    assert_eq!(cleared["attendance_marked"], json!({ "tutor": false, "student": false }));
    let history: Vec<(String, Option<String>, String)> = sqlx::query_as(
        "SELECT person, status, marked_by FROM lectern.lesson_attendance WHERE person = 'student' ORDER BY id",
    )
    .fetch_all(&tutoring.db.pool)
    .await
    .expect("a history");
    let entry = |status: Option<&str>| ("student".to_owned(), status.map(str::to_owned), "a test".to_owned());
    assert_eq!(history, [entry(Some("present")), entry(None)]);
}

#[tokio::test]
async fn pages_contain_each_lesson_once_in_every_order() {
    let tutoring = Tutoring::new().await;
    let priorities = ["low", "urgent", "high"];
    for number in 0..7 {
        let more = json!({
            "session_date": format!("2026-04-{:02}", 1 + number / 2), "priority_level": priorities[number % 3],
            "topics": [format!("topic {number} 100%")], "is_featured": number == 3,
        });
        tutoring.lesson(tutoring.enrolments[number % 2], more).await;
    }
    for sort in ["", "session_date", "-priority_level,student_name", "tutor_name,-start_time", "-created_at", "status"]
    {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        let all = tutoring
            .get(&format!(
                "sessions?limit=200&sort={}",
                if sort.is_empty() { "-session_date,-start_time" } else { sort }
            ))
            .await
            .1;
        loop {
            let sort = if sort.is_empty() { String::new() } else { format!("&sort={sort}") };
            let (status, page) = tutoring.get(&format!("sessions?limit=2{sort}{cursor}")).await;
            assert_eq!((status, &page["count"]), (200, &json!(7)), "{page}");
            ids.extend(page["results"].as_array().expect("a list").iter().map(|one| one["id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let whole: Vec<Value> =
            all["results"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, whole, "{sort}");
        assert_eq!(ids.len(), 7);
    }
    for (query, expected) in [
        ("status=scheduled&status=missed", 7),
        ("status=completed", 0),
        ("date_from=2026-04-02&date_to=2026-04-03", 4),
        (&format!("tutor_id={}", tutoring.tutors[0]), 4),
        (&format!("student_id={}", tutoring.students[1]), 3),
        (&format!("course_enrollment_id={}", tutoring.enrolments[1]), 3),
        ("priority_level=urgent", 2),
        ("is_featured=true", 1),
        ("is_featured=false", 6),
        ("is_recurring=true", 0),
        ("q=TOPIC%203", 1),
        ("q=dan", 3),
        ("q=100%25", 7),
        ("q=1_0", 0),
    ] {
        let (status, list) = tutoring.get(&format!("sessions?{query}")).await;
        assert_eq!((status, &list["count"]), (200, &json!(expected)), "{query}");
    }
    assert_eq!(tutoring.get("sessions?page=2").await.0, 400);
}

#[tokio::test]
async fn attendance_is_set_from_the_start_of_the_lesson() {
    let tutoring = Tutoring::new().await;
    let enrolment = tutoring.enrolments[0];
    let past = tutoring.lesson(enrolment, json!({})).await;
    let future = tutoring.lesson(enrolment, json!({ "session_date": "2999-01-01" })).await;
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    let present = json!({ "student_attendance_status": "present" });
    for (id, body, expected) in [
        (past, present.clone(), 200),
        (future, present.clone(), 409),
        (past, json!({}), 400),
        (past, json!({ "attendance_notes": "x" }), 400),
        (past, json!({ "student_attendance_status": "sick" }), 422),
        (past, json!({ "status": "present" }), 400),
        (past, json!([]), 400),
        (9999, present.clone(), 404),
    ] {
        let (status, _) = tutoring.json("POST", &format!("sessions/{id}/attendance"), body.clone()).await;
        assert_eq!(status, expected, "{id} {body}");
    }
    let path = format!("sessions/{past}/attendance");
    assert_eq!(tutoring.send(&student, "POST", &path, Some(&present)).await.0, 403);
    assert_eq!(tutoring.send(&student, "GET", &path, None).await.0, 200);
}

#[tokio::test]
async fn statistics_count_what_the_list_finds() {
    let tutoring = Tutoring::new().await;
    let [one, two] = tutoring.enrolments;
    for (enrolment, status, attendance, end) in [
        (one, "completed", Some("present"), "18:00"),
        (one, "completed", Some("late"), "18:30"),
        (one, "completed", Some("absent"), "18:00"),
        (one, "scheduled", None, "17:20"),
        (two, "cancelled", None, "18:00"),
    ] {
        let more = json!({ "status": status, "student_attendance_status": attendance, "end_time": end });
        tutoring.lesson(enrolment, more).await;
    }
    let (_, list) = tutoring.get("sessions?status=completed").await;
    let topics = json!({ "topics": ["Fractions", "Decimals"], "topics_covered": ["Fractions"] });
    let path = format!("sessions/{}", list["results"][0]["id"]);
    assert_eq!(tutoring.json("PATCH", &path, topics).await.0, 200);
    let tutor = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    let (status, stats) = tutoring.send(&tutor, "GET", "sessions/stats", None).await;
    assert_eq!(
        (status, stats),
        (
            200,
            json!({
                "total": 4,
                "by_status": { "scheduled": 1, "in-progress": 0, "completed": 3, "cancelled": 0, "missed": 0 },
                "hours": { "scheduled": 0.33, "in-progress": 0.0, "completed": 3.5, "cancelled": 0.0, "missed": 0.0 },
                "attendance": { "present": 1, "late": 1, "absent": 1, "not_marked": 1 },
                "attendance_rate": 0.6667,
                "topics": { "planned": 2, "covered": 1 }, "progress": 0.5, "next": [],
            })
        )
    );
    let (_, stats) = tutoring.get("sessions/stats?status=cancelled").await;
    assert_eq!((&stats["total"], &stats["attendance_rate"]), (&json!(1), &Value::Null));
    assert_eq!(tutoring.get("sessions/stats?limit=2").await.0, 400);
    let later = tutoring.lesson(one, json!({ "session_date": "2999-01-02" })).await;
    let sooner = tutoring.lesson(one, json!({ "session_date": "2999-01-01" })).await;
    let (_, stats) = tutoring.send(&tutor, "GET", "sessions/stats", None).await;
    let next: Vec<&Value> = stats["next"].as_array().expect("a list").iter().map(|row| &row["session_id"]).collect();
    assert_eq!(next, [&json!(sooner), &json!(later)]);
}
