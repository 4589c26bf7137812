//! The addresses and shapes of front ends that were written before this API.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, lesson};

/// What the front end of a tutor reads of a lesson.
#[rustfmt::skip]
const ITEM: [&str; 28] = [
    "id", "enrolled_courses_id", "student_name", "tutor_name", "course_name", "parent_id", "topics", "topics_covered",
    "session_date", "start_time", "end_time", "duration", "session_mode", "location", "whiteboard_id",
    "student_review_id", "tutor_review_id", "parent_review_id", "tutor_attendance_status",
    "student_attendance_status", "priority_level", "notification_enabled", "alarm_enabled", "alarm_before_minutes",
    "is_featured", "status", "created_at", "updated_at",
];

/// Sends a request to an older address, follows it, and returns what it leads to and its answer.
async fn follow(
    tutoring: &Tutoring,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> (String, u16, Value) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let method_name = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let address = format!("http://{}/api/{path}", tutoring.site.address);
    let answer = client.request(method_name, address).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), 308, "{path}");
    assert!(answer.headers().contains_key("deprecation"), "{path}");
    let target = answer.headers()["location"].to_str().expect("text").trim_start_matches("/api/").to_owned();
    let (status, answer) = tutoring.send(token, method, &target, body).await;
    (target, status, answer)
}

#[tokio::test]
async fn front_end_of_a_tutor_works_with_its_older_addresses() {
    let tutoring = Tutoring::new().await;
    let tutor = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    let done = json!({ "status": "completed", "topics": ["Fractions"], "student_attendance_status": "present" });
    let id = tutoring.lesson(tutoring.enrolments[0], done).await;
    tutoring.lesson(tutoring.enrolments[1], json!({})).await;
    let (target, status, list) =
        follow(&tutoring, &tutor, "GET", "tutor/sessions?status_filter=&date_from=2026-04-01", None).await;
    assert_eq!(target, "sessions?status_filter=&date_from=2026-04-01&as=tutor&shape=array&legacy=1");
    assert_eq!((status, list.as_array().map(Vec::len)), (200, Some(1)), "{list}");
    let item = &list[0];
    for name in ITEM {
        assert!(item.get(name).is_some(), "{name}: {item}");
    }
    assert_eq!(
        (&item["parent_id"], &item["enrolled_courses_id"]),
        (&json!(tutoring.parent), &json!(tutoring.enrolments[0]))
    );
    let (_, _, one) = follow(&tutoring, &tutor, "GET", &format!("tutor/sessions/{id}"), None).await;
    assert_eq!(&one, item);
    let (_, _, none) = follow(&tutoring, &tutor, "GET", "tutor/sessions?status_filter=in_progress", None).await;
    assert_eq!(none, json!([]));
    let (_, _, summary) = follow(&tutoring, &tutor, "GET", "tutor/sessions/stats/summary", None).await;
    assert_eq!(
        summary,
        json!({
            "total_sessions": 1, "completed_sessions": 1, "scheduled_sessions": 0, "cancelled_sessions": 0,
            "in_progress_sessions": 0, "missed_sessions": 0, "total_hours": 1.0,
        })
    );
    toggles_set_their_flag(&tutoring, &tutor, id).await;
    lessons_are_written(&tutoring, &tutor).await;
    let attendance = json!({ "tutor_attendance_status": "late", "attendance_notes": "bus", "use_suggestion": false });
    let path = format!("tutor/sessions/{id}/attendance");
    let (_, status, marked) = follow(&tutoring, &tutor, "PUT", &path, Some(&attendance)).await;
    assert_eq!((status, &marked["success"], &marked["attendance_source"]), (200, &json!(true), &json!("manual")));
    let path = format!("tutor/sessions/{id}/attendance-suggestion");
    let (_, status, suggested) = follow(&tutoring, &tutor, "GET", &path, None).await;
    assert_eq!(
        (status, &suggested["has_whiteboard"], &suggested["tutor_confidence"]),
        (200, &json!(false), &json!("low"))
    );
}

async fn toggles_set_their_flag(tutoring: &Tutoring, tutor: &str, id: i64) {
    for (name, field) in
        [("notification", "notification_enabled"), ("alarm", "alarm_enabled"), ("featured", "is_featured")]
    {
        let path = format!("tutor/sessions/{id}/toggle-{name}");
        let (_, status, set) = follow(tutoring, tutor, "PATCH", &path, Some(&json!({ field: true }))).await;
        assert_eq!((status, &set[field], &set["session_id"]), (200, &json!(true), &json!(id)), "{set}");
        assert_eq!(tutoring.get(&format!("sessions/{id}")).await.1[field], true);
        let wrong = follow(tutoring, tutor, "PATCH", &path, Some(&json!({ field: "yes" }))).await.1;
        assert_eq!(wrong, 400);
    }
}

async fn lessons_are_written(tutoring: &Tutoring, tutor: &str) {
    let body = json!({
        "enrolled_courses_id": tutoring.enrolments[0], "session_date": "2026-05-01", "start_time": "10:00",
        "end_time": "11:30", "topics": [], "session_mode": "online",
    });
    let (_, status, made) = follow(tutoring, tutor, "POST", "tutor/sessions", Some(&body)).await;
    assert_eq!((status, &made["success"], &made["duration"]), (201, &json!(true), &json!(90)), "{made}");
    let path = format!("tutor/sessions/{}", made["session_id"]);
    let change = json!({ "location": "Room 1", "topics": null, "status": null });
    let (_, status, changed) = follow(tutoring, tutor, "PUT", &path, Some(&change)).await;
    assert_eq!((status, &changed["status"]), (200, &json!("scheduled")), "{changed}");
    let (_, status, gone) = follow(tutoring, tutor, "DELETE", &path, None).await;
    assert_eq!((status, &gone["session_id"]), (200, &made["session_id"]));
}

#[tokio::test]
async fn front_ends_of_students_and_parents_work_with_their_older_addresses() {
    let tutoring = Tutoring::new().await;
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    let parent = tutoring.token_of(Role::Parent, tutoring.parent).await;
    let done = json!({ "status": "completed", "student_attendance_status": "late" });
    tutoring.lesson(tutoring.enrolments[0], done).await;
    let today = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date().to_string();
    tutoring.lesson(tutoring.enrolments[0], json!({ "session_date": today })).await;
    tutoring.lesson(tutoring.enrolments[1], json!({})).await;
    let (target, _, mine) = follow(&tutoring, &student, "GET", "student/my-sessions?status=all", None).await;
    assert_eq!(target, "sessions?status=all&as=student&shape=array&legacy=1");
    assert_eq!(mine.as_array().map(Vec::len), Some(2));
    assert_eq!((&mine[0]["tutor_name"], &mine[0]["course_names"]), (&json!("Ada"), &json!([])));
    let counts = json!({ "total": 2, "scheduled": 1, "in_progress": 0, "completed": 1, "cancelled": 0, "missed": 0 });
    assert_eq!(follow(&tutoring, &student, "GET", "student/my-sessions/counts", None).await.2, counts);
    let (_, _, of_child) = follow(&tutoring, &parent, "GET", "parent/sessions?status_filter=completed", None).await;
    assert_eq!((of_child.as_array().map(Vec::len), &of_child[0]["child_name"]), (Some(1), &json!("Ben")));
    assert_eq!(follow(&tutoring, &parent, "GET", "parent/sessions/counts", None).await.2, counts);
    let (_, status, dashboard) = follow(&tutoring, &parent, "GET", "parent/dashboard-stats", None).await;
    assert_eq!(
        (status, dashboard),
        (
            200,
            json!({
                "children_enrolled": 1, "active_tutors": 1, "total_study_hours": 1.0, "sessions_this_month": 1,
                "tutor_satisfaction": null, "attendance_rate": 100.0, "family_progress": null, "monthly_investment": null,
            })
        )
    );
    assert_eq!(tutoring.get("sessions/dashboard-stats").await.0, 403);
}

#[tokio::test]
async fn attendance_is_suggested_from_the_times_of_a_whiteboard() {
    let tutoring = Tutoring::new().await;
    // The lesson begins at 16:00 UTC.
    sqlx::raw_sql(
        "CREATE TABLE public.whiteboard_sessions (id integer PRIMARY KEY, tutor_connected_at timestamptz,
             tutor_disconnected_at timestamptz, tutor_total_active_seconds integer, student_connected_at timestamptz,
             student_disconnected_at timestamptz, student_total_active_seconds integer);
         INSERT INTO public.whiteboard_sessions VALUES
             (7, '2026-04-07 16:00Z', '2026-04-07 17:00Z', 3000, '2026-04-07 16:08Z', '2026-04-07 16:30Z', 2000),
             (8, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .execute(&tutoring.db.pool)
    .await
    .expect("a table");
    let id = tutoring.lesson(tutoring.enrolments[0], json!({ "whiteboard_id": 7 })).await;
    let (status, found) = tutoring.get(&format!("sessions/{id}/attendance-suggestion")).await;
    assert_eq!(
        (status, &found["tutor_status_suggestion"], &found["tutor_confidence"]),
        (200, &json!("present"), &json!("high")),
        "{found}"
    );
    assert_eq!((&found["student_status_suggestion"], &found["student_confidence"]), (&json!("late"), &json!("high")));
    assert_eq!(
        (&found["student_metrics"]["lateness_minutes"], &found["student_metrics"]["left_early"]),
        (&json!(8), &json!(true))
    );
    let body = json!({ "use_suggestion": true, "student_attendance_status": "absent" });
    let (status, marked) = tutoring.json("PUT", &format!("sessions/{id}/attendance"), body).await;
    assert_eq!((status, &marked["attendance_source"]), (200, &json!("whiteboard_auto")), "{marked}");
    assert_eq!(
        (&marked["tutor_attendance_status"], &marked["student_attendance_status"]),
        (&json!("present"), &json!("absent"))
    );
    let absent = tutoring.lesson(tutoring.enrolments[0], json!({ "whiteboard_id": 8 })).await;
    let (_, found) = tutoring.get(&format!("sessions/{absent}/attendance-suggestion")).await;
    assert_eq!((&found["student_status_suggestion"], &found["student_confidence"]), (&json!("absent"), &json!("high")));
    let stranger = tutoring.token_of(Role::Tutor, tutoring.tutors[1]).await;
    assert_eq!(tutoring.send(&stranger, "GET", &format!("sessions/{id}/attendance-suggestion"), None).await.0, 404);
    let unknown = lesson(tutoring.enrolments[0], json!({ "whiteboard_id": 9 }));
    assert_eq!(tutoring.json("POST", "sessions", unknown).await.0, 422);
}
