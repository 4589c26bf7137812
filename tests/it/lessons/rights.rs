//! Who reads and writes which lesson.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, lesson};

#[tokio::test]
async fn every_role_sees_and_changes_its_own_lessons_only() {
    let tutoring = Tutoring::new().await;
    let own = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let foreign = tutoring.lesson(tutoring.enrolments[1], json!({})).await;
    let (_, orphan) = tutoring
        .json("POST", "sessions", {
            let mut body = lesson(0, json!({}));
            body["course_enrollment_id"] = Value::Null;
            body
        })
        .await;
    let orphan = orphan["id"].as_i64().expect("an id");
    let mut number = 0_i64;
    // For each role: GET, PATCH of topics, PATCH of the student's and of the parent's review, DELETE; then POST and count.
    for (role, subject, on_own, on_foreign, on_orphan, post, count) in [
        (Role::Admin, 0, [200, 200, 200, 200], [200, 200, 200, 200], [200, 200, 200, 200], 201, 3),
        (Role::Operator, 0, [200, 200, 200, 200], [200, 200, 200, 200], [200, 200, 200, 200], 201, 3),
        (Role::Reader, 0, [200, 403, 403, 403], [200, 403, 403, 403], [404, 404, 404, 404], 403, 2),
        (Role::Tutor, tutoring.tutors[0], [200, 200, 200, 200], [404; 4], [404; 4], 201, 1),
        (Role::Student, tutoring.students[0], [200, 403, 200, 403], [404; 4], [404; 4], 403, 1),
        (Role::Parent, tutoring.parent, [200, 403, 403, 200], [404; 4], [404; 4], 403, 1),
    ] {
        let token = tutoring.token_of(role, subject).await;
        for (id, expected) in [(own, on_own), (foreign, on_foreign), (orphan, on_orphan)] {
            let path = format!("sessions/{id}");
            let mut found = vec![tutoring.send(&token, "GET", &path, None).await.0];
            for field in ["topics", "student_review_id", "parent_review_id"] {
                // A value that is stored already changes nothing, and is allowed.
                number += 1;
                let body =
                    if field == "topics" { json!({ field: [number.to_string()] }) } else { json!({ field: number }) };
                found.push(tutoring.send(&token, "PATCH", &path, Some(&body)).await.0);
            }
            assert_eq!(found, expected, "{role:?} {id}");
            // A wrong body says nothing about a lesson of another person.
            let wrong = tutoring.send(&token, "PUT", &path, Some(&json!({ "nonsense": 1 }))).await.0;
            assert_eq!(wrong == 404, expected[0] == 404, "{role:?} {id}");
            if expected[1] != 200 {
                let refused = if expected[0] == 404 { 404 } else { 403 };
                assert_eq!(tutoring.send(&token, "DELETE", &path, None).await.0, refused, "{role:?} {id}");
            }
        }
        let (status, list) = tutoring.send(&token, "GET", "sessions", None).await;
        assert_eq!((status, &list["count"]), (200, &json!(count)), "{role:?}");
        let word = format!("{role:?}").to_lowercase();
        assert!(list["results"].as_array().expect("a list").iter().all(|one| one["user_role"] == word), "{list}");
        let (status, created) =
            tutoring.send(&token, "POST", "sessions", Some(&lesson(tutoring.enrolments[0], json!({})))).await;
        assert_eq!(status, post, "{role:?}: {created}");
        if status == 201 {
            let path = format!("sessions/{}", created["id"]);
            assert_eq!(tutoring.send(&token, "DELETE", &path, None).await.0, 204, "{role:?}");
        }
    }
    assert_eq!(tutoring.site.request("GET", "/api/sessions").send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn tutor_does_not_reach_enrolments_of_others() {
    let tutoring = Tutoring::new().await;
    let token = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    let own = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    for enrolment in [tutoring.enrolments[1], 9999] {
        let (status, _) = tutoring.send(&token, "POST", "sessions", Some(&lesson(enrolment, json!({})))).await;
        assert_eq!(status, 404);
        let moved = json!({ "course_enrollment_id": enrolment });
        assert_eq!(tutoring.send(&token, "PATCH", &format!("sessions/{own}"), Some(&moved)).await.0, 404);
    }
    let mut unenrolled = lesson(0, json!({}));
    unenrolled["course_enrollment_id"] = Value::Null;
    assert_eq!(tutoring.send(&token, "POST", "sessions", Some(&unenrolled)).await.0, 400);
}

#[tokio::test]
async fn person_with_several_roles_sees_all_lessons_and_can_filter_them() {
    let tutoring = Tutoring::new().await;
    let (_, tutor) = tutoring.get(&format!("people/tutors/{}", tutoring.tutors[0])).await;
    // The first tutor is a parent of the second tutor's student.
    let family = json!({ "user_id": tutor["user_id"], "children_ids": [tutoring.students[1]] });
    tutoring.create("people/parents", family).await;
    let taught = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let attended = tutoring.lesson(tutoring.enrolments[1], json!({ "start_time": "09:00", "end_time": "10:00" })).await;
    let token = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    let roles = async |query: &str| {
        let (_, list) = tutoring.send(&token, "GET", &format!("sessions{query}"), None).await;
        let rows = list["results"].as_array().expect("a list").clone();
        rows.iter().map(|row| format!("{} {}", row["id"], row["user_role"])).collect::<Vec<_>>()
    };
    assert_eq!(roles("").await, [format!("{taught} \"tutor\""), format!("{attended} \"parent\"")]);
    assert_eq!(roles("?as=parent").await, [format!("{attended} \"parent\"")]);
    assert_eq!(roles("?as=student").await, Vec::<String>::new());
    let topics = json!({ "topics": ["x"] });
    assert_eq!(tutoring.send(&token, "PATCH", &format!("sessions/{attended}"), Some(&topics)).await.0, 403);
    assert_eq!(tutoring.send(&token, "PATCH", &format!("sessions/{taught}"), Some(&topics)).await.0, 200);
}
