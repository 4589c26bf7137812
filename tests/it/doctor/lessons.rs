//! Lessons that only staff see.

use lectern::identity::{self, NewToken, Role};
use serde_json::{Value, json};

use crate::doctor::examine;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn lesson_without_enrolment_is_counted_and_seen_by_staff_only() {
    let db = TestDb::new().await;
    sqlx::raw_sql(
        "INSERT INTO public.users (first_name, father_name) VALUES ('Ada', ''), ('Ben', ''), ('Eve', '');
         INSERT INTO public.tutor_profiles (id, user_id) VALUES (1, 1);
         INSERT INTO public.student_profiles (id, user_id, parent_id) VALUES (1, 2, '{1}');
         INSERT INTO public.parent_profiles (id, user_id, children_ids) VALUES (1, 3, '{1}');
         INSERT INTO public.enrolled_students (id, tutor_id, student_id) VALUES (1, 1, 1);
         INSERT INTO public.sessions (id, course_enrollment_id, session_date, start_time, end_time) VALUES
             (1, 1, '2026-04-07', '17:00', '18:00'), (2, NULL, '2026-04-08', '17:00', '18:00')",
    )
    .execute(&db.pool)
    .await
    .expect("lessons");
    let found = examine(db.program(&["doctor"])).await;
    assert_eq!(found.exit, 4);
    assert_eq!(found.detail("lessons"), "2 lessons in all; 1 without enrolment");
    assert!(found.fix("lessons").contains("PATCH /api/sessions/ID"), "{}", found.check("lessons"));

    let site = Site::serve(&db).await;
    let mut operator = String::new();
    for (role, all, status) in [
        (Role::Admin, 2, 200),
        (Role::Operator, 2, 200),
        (Role::Reader, 1, 404),
        (Role::Tutor, 1, 404),
        (Role::Student, 1, 404),
        (Role::Parent, 1, 404),
    ] {
        let subject_id = role.has_subject().then_some(1);
        let new_token = NewToken { name: format!("{role:?}"), role, subject_id, days: None };
        let (_, secret) = identity::create(&db.pool, &new_token).await.expect("a token");
        let get = async |path: &str| {
            let request = site.request("GET", path).bearer_auth(secret.reveal());
            let response = request.send().await.expect("an answer");
            (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
        };
        assert_eq!(get("/api/sessions/2").await.0, status, "{role:?}");
        let (_, list) = get("/api/sessions").await;
        assert_eq!((&list["count"], list["results"].as_array().map(Vec::len)), (&json!(all), Some(all)), "{role:?}");
        assert_eq!(get("/api/sessions/stats").await.1["total"], all, "{role:?}");
        if role == Role::Operator {
            operator = secret.reveal().to_owned();
        }
    }
    // What is printed makes it a lesson that its people see.
    let request = site.request("PATCH", "/api/sessions/2").bearer_auth(operator);
    let fixed = request.json(&json!({ "course_enrollment_id": 1 })).send().await.expect("an answer");
    assert_eq!(fixed.status(), 200);
    let found = examine(db.program(&["doctor"])).await;
    assert_eq!(found.detail("lessons"), "2 lessons in all; 0 without enrolment");
    assert!(!found.failed().contains(&"lessons"), "{:#}", found.document);
}
