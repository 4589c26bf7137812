//! People, their families, enrolments and holidays.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, named, pointers};

#[tokio::test]
async fn families_are_written_on_both_sides() {
    let tutoring = Tutoring::new().await;
    let [one, two] = tutoring.students;
    let parents =
        async |student: i64| tutoring.get(&format!("people/students/{student}")).await.1["parent_ids"].clone();
    assert_eq!(parents(one).await, json!([tutoring.parent]));

    let other = tutoring.create("people/parents", named("Fay")).await;
    let (status, _) = tutoring.json("PATCH", &format!("people/students/{two}"), json!({ "parent_ids": [other] })).await;
    assert_eq!(status, 200);
    let path = format!("people/parents/{other}");
    assert_eq!(tutoring.get(&path).await.1["children_ids"], json!([two]));
    let (_, changed) = tutoring.json("PATCH", &path, json!({ "children_ids": [two, one] })).await;
    assert_eq!(changed["children_ids"], json!([one, two]));
    assert_eq!(parents(one).await, json!([tutoring.parent, other]));
    let columns: (Vec<i32>, Vec<i32>) = sqlx::query_as(
        "SELECT children_ids, (SELECT parent_id FROM student_profiles WHERE id = $2) FROM parent_profiles WHERE id = $1",
    )
    .bind(other)
    .bind(two)
    .fetch_one(&tutoring.db.pool)
    .await
    .expect("both sides");
    assert_eq!(columns, (vec![one as i32, two as i32], vec![other as i32]));

    assert_eq!(tutoring.delete(&path).await.0, 204);
    assert_eq!(parents(two).await, json!([]));
    let (status, problem) =
        tutoring.json("POST", "people/parents", json!({ "first_name": "G", "children_ids": [99] })).await;
    assert_eq!((status, pointers(&problem)), (422, vec!["/children_ids/0"]));
}

#[tokio::test]
async fn people_are_named_and_their_address_is_unique_regardless_of_case() {
    let tutoring = Tutoring::new().await;
    let body = json!({ "first_name": "Gil", "father_name": "Marlow", "email": "gil@example.org", "phone": "1", "username": "g" });
    let (status, tutor) = tutoring.json("POST", "people/tutors/", body.clone()).await;
    assert_eq!(status, 201, "{tutor}");
    for (field, value) in body.as_object().expect("an object") {
        assert_eq!(tutor[field], *value);
    }
    assert_eq!((&tutor["last_name"], &tutor["is_active"]), (&json!(""), &json!(true)));
    let taken = json!([{ "first_name": "H" }, { "first_name": "I", "email": "GIL@example.org" }]);
    let (status, problem) = tutoring.json("POST", "people/parents", taken).await;
    assert_eq!((status, pointers(&problem)), (409, vec!["/1/email"]));
    // One person can be a tutor and a parent.
    let parent = tutoring.create("people/parents", json!({ "user_id": tutor["user_id"] })).await;
    let (_, parent) = tutoring.get(&format!("people/parents/{parent}")).await;
    assert_eq!((&parent["first_name"], &parent["email"]), (&tutor["first_name"], &tutor["email"]));
    let path = format!("people/tutors/{}", tutor["id"]);
    let (status, changed) = tutoring.json("PATCH", &path, json!({ "email": null, "is_active": false })).await;
    assert_eq!((status, &changed["email"], &changed["is_active"]), (200, &Value::Null, &json!(false)));
    let (status, same) = tutoring.json("PUT", &path, changed.clone()).await;
    assert_eq!((status, &same), (200, &changed));
    for (body, status, pointer) in [
        (json!({}), 400, "/first_name"),
        (json!({ "first_name": "x", "nickname": "y" }), 400, "/nickname"),
        (json!({ "first_name": "x", "email": "y" }), 422, "/email"),
        (json!({ "user_id": 99 }), 422, "/user_id"),
        (json!({ "user_id": tutor["user_id"] }), 409, "/user_id"),
    ] {
        let (found, problem) = tutoring.json("POST", "people/tutors", body.clone()).await;
        assert_eq!((found, pointers(&problem)), (status, vec![pointer]), "{body}");
    }
}

#[tokio::test]
async fn enrolment_is_unique_and_stays_with_its_completed_lessons() {
    let tutoring = Tutoring::new().await;
    let body = json!({ "tutor_id": tutoring.tutors[0], "student_id": tutoring.students[0] });
    assert_eq!(tutoring.json("POST", "enrolments", body.clone()).await.0, 409);
    let mut other = body;
    other["package_id"] = 5.into();
    let other = tutoring.create("enrolments", other).await;
    let path = format!("enrolments/{other}");
    let (status, problem) = tutoring.json("PATCH", &path, json!({ "package_id": null })).await;
    assert_eq!((status, pointers(&problem)), (409, vec!["/student_id"]));
    assert_eq!(tutoring.json("PATCH", &path, json!({ "status": "paused" })).await.0, 422);
    assert_eq!(tutoring.delete(&path).await.0, 204);

    let path = format!("enrolments/{}", tutoring.enrolments[0]);
    let lesson = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let admin = tutoring.token_of(Role::Admin, 0).await;
    let (status, problem) = tutoring.delete(&path).await;
    assert_eq!((status, &problem["cascades"][0]["id"]), (409, &json!(lesson)));
    tutoring.json("PATCH", &format!("sessions/{lesson}"), json!({ "status": "completed" })).await;
    for path in [path.as_str(), &format!("people/tutors/{}", tutoring.tutors[0])] {
        let (status, _) = tutoring.send(&admin, "DELETE", &format!("{path}?cascade=1"), None).await;
        assert_eq!(status, 409, "{path}");
    }
}

#[tokio::test]
async fn tables_of_people_are_for_staff() {
    let tutoring = Tutoring::new().await;
    let reader = tutoring.token_of(Role::Reader, 0).await;
    let tokens = [
        tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await,
        tutoring.token_of(Role::Student, tutoring.students[0]).await,
        tutoring.token_of(Role::Parent, tutoring.parent).await,
    ];
    for path in ["people/tutors", "people/students", "people/parents", "enrolments", "holidays"] {
        let (status, list) = tutoring.send(&reader, "GET", path, None).await;
        assert_eq!(status, 200, "{path}");
        assert!(list["results"].as_array().expect("a list").iter().all(|row| row.get("email").is_none()), "{path}");
        assert_eq!(tutoring.send(&reader, "POST", path, Some(&json!({}))).await.0, 403, "{path}");
        for token in &tokens {
            for (method, body) in [("GET", None), ("POST", Some(json!({})))] {
                assert_eq!(tutoring.send(token, method, path, body.as_ref()).await.0, 403, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn holiday_is_of_everyone_or_of_a_tutor() {
    let tutoring = Tutoring::new().await;
    let tutor = tutoring.tutors[0];
    let day = json!({ "date": "2026-05-04", "name": "Early May" });
    let (_, holiday) = tutoring.json("POST", "holidays", day.clone()).await;
    assert_eq!((&holiday["scope"], &holiday["tutor_id"]), (&json!("all"), &Value::Null));
    assert_eq!(tutoring.json("POST", "holidays", day).await.0, 409);
    for (more, expected) in [
        (json!({ "tutor_id": tutor }), 201),
        (json!({ "scope": "tutor" }), 422),
        (json!({ "scope": "all", "tutor_id": tutor }), 422),
        (json!({ "tutor_id": 99 }), 422),
    ] {
        let mut body = json!({ "date": "2026-05-05", "name": "x" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        assert_eq!(tutoring.json("POST", "holidays", body).await.0, expected, "{more}");
    }
}
