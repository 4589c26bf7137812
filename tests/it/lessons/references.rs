//! Whiteboards and reviews to which lessons refer, and texts that other programs wrote.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, lesson, named, pointers};

async fn execute(tutoring: &Tutoring, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&tutoring.db.pool).await.expect(sql);
}

#[tokio::test]
async fn reference_is_checked_where_its_table_exists() {
    let tutoring = Tutoring::new().await;
    let id = tutoring.lesson(tutoring.enrolments[0], json!({ "whiteboard_id": 7, "tutor_review_id": 7 })).await;
    sqlx::raw_sql(
        "CREATE TABLE public.tutor_reviews (id serial PRIMARY KEY); INSERT INTO public.tutor_reviews DEFAULT VALUES;
         CREATE TABLE public.student_reviews (id integer PRIMARY KEY); INSERT INTO public.student_reviews VALUES (3)",
    )
    .execute(&tutoring.db.pool)
    .await
    .expect("tables");
    let path = format!("sessions/{id}");
    for (body, expected) in [
        (json!({ "student_review_id": 1, "tutor_review_id": 3, "parent_review_id": 1 }), 200),
        (json!({ "student_review_id": 3 }), 422),
        (json!({ "tutor_review_id": 1 }), 422),
        (json!({ "parent_review_id": 3 }), 422),
        (json!({ "student_review_id": null }), 200),
    ] {
        assert_eq!(tutoring.json("PATCH", &path, body.clone()).await.0, expected, "{body}");
    }
}

/// Returns the user of a profile.
async fn user(tutoring: &Tutoring, path: &str, id: i64) -> i64 {
    tutoring.get(&format!("people/{path}/{id}")).await.1["user_id"].as_i64().expect("a user")
}

/// Creates reviews of tutors and students, which name users and a profile. Returns another parent of the first student.
async fn insert_reviews(tutoring: &Tutoring) -> i64 {
    let ([ada, cleo], [ben, dan]) = (tutoring.tutors, tutoring.students);
    let fay = tutoring.create("people/parents", json!({ "first_name": "Fay", "children_ids": [ben] })).await;
    let of_ben = user(tutoring, "students", ben).await;
    let of_dan = user(tutoring, "students", dan).await;
    let of_eve = user(tutoring, "parents", tutoring.parent).await;
    let of_fay = user(tutoring, "parents", fay).await;
    execute(
        tutoring,
        &format!(
            "CREATE TABLE public.tutor_reviews (id serial PRIMARY KEY, tutor_id integer, reviewer_id integer, user_role text,
                 session_id integer);
             INSERT INTO public.tutor_reviews (tutor_id, reviewer_id, user_role) VALUES
                 ({ada}, {of_ben}, 'student'), ({cleo}, {of_ben}, 'student'), ({ada}, {of_dan}, 'student'),
                 ({ada}, {of_ben}, 'tutor'), ({ada}, {of_eve}, 'parent'), ({ada}, {of_fay}, 'Parent'), (NULL, NULL, NULL);
             CREATE TABLE public.student_reviews (id serial PRIMARY KEY, student_id integer, reviewer_id integer
                 REFERENCES public.tutor_profiles, reviewer_role text);
             INSERT INTO public.student_reviews (student_id, reviewer_id, reviewer_role) VALUES
                 ({ben}, {ada}, 'teacher'), ({ben}, {cleo}, 'tutor'), ({dan}, {ada}, 'tutor'), ({ben}, {ada}, 'parent')"
        ),
    )
    .await;
    fay
}

#[tokio::test]
async fn review_is_of_the_people_of_the_lesson() {
    let tutoring = Tutoring::new().await;
    let fay = insert_reviews(&tutoring).await;
    let id = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let path = format!("sessions/{id}");
    for (field, accepted, refused) in [
        ("student_review_id", vec![7, 1], vec![2, 3, 4, 5, 99]),
        ("tutor_review_id", vec![1], vec![2, 3, 4, 99]),
        ("parent_review_id", vec![7, 6, 5], vec![1, 2, 99]),
    ] {
        for review in refused {
            let (status, problem) = tutoring.json("PATCH", &path, json!({ field: review })).await;
            assert_eq!((status, pointers(&problem)), (422, vec![format!("/{field}").as_str()]), "{field} {review}");
            let body = lesson(tutoring.enrolments[0], json!({ field: review }));
            assert_eq!(tutoring.json("POST", "sessions", body).await.0, 422, "{field} {review}");
        }
        for review in accepted {
            let (status, changed) = tutoring.json("PATCH", &path, json!({ field: review })).await;
            assert_eq!((status, &changed[field]), (200, &json!(review)), "{field} {review}");
        }
    }
    // A parent refers to a review of their own.
    let of_other = tutoring.token_of(Role::Parent, fay).await;
    for (review, expected) in [(1, 422), (6, 200)] {
        let body = json!({ "parent_review_id": review });
        assert_eq!(tutoring.send(&of_other, "PATCH", &path, Some(&body)).await.0, expected, "{review}");
    }
    let body = json!({ "parent_review_id": 5 });
    assert_eq!(tutoring.send(&of_other, "PATCH", &path, Some(&body)).await.0, 422);
    // A review that names a lesson is one of that lesson.
    execute(&tutoring, &format!("UPDATE public.tutor_reviews SET session_id = {id} + (id - 1)")).await;
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    for (review, expected) in [(json!(7), 422), (Value::Null, 200), (json!(1), 200)] {
        let body = json!({ "student_review_id": review });
        assert_eq!(tutoring.send(&student, "PATCH", &path, Some(&body)).await.0, expected, "{review}");
    }
    // A lesson of other people has none of these reviews.
    let moved = json!({ "course_enrollment_id": tutoring.enrolments[1] });
    let (status, problem) = tutoring.json("PATCH", &path, moved.clone()).await;
    let fields = ["student_review_id", "tutor_review_id", "parent_review_id"];
    assert_eq!(
        (status, pointers(&problem)),
        (422, fields.map(|field| format!("/{field}")).iter().map(String::as_str).collect())
    );
    let mut cleared = moved;
    for field in fields {
        cleared[field] = Value::Null;
    }
    assert_eq!(tutoring.json("PATCH", &path, cleared).await.0, 200);
}

#[tokio::test]
async fn lesson_with_any_json_text_is_read_changed_and_recorded() {
    let tutoring = Tutoring::new().await;
    for (text, shown) in [
        (r#"["a\\u0000b"]"#, json!(["a\\u0000b"])),
        (r#"["a\u0000b\u0000\u0000"]"#, json!(["a\u{fffd}b\u{fffd}\u{fffd}"])),
        (
            r#"["\\\u0000", "\uD83D\ude00 \\\"", "\ud83d", "\ude00\ud83d\u0041"]"#,
            json!(["\\\u{fffd}", "\u{1f600} \\\"", "\u{fffd}", "\u{fffd}\u{fffd}A"]),
        ),
        (r#"["x", 1e999999]"#, json!(["x", null])),
    ] {
        let id = tutoring.lesson(tutoring.enrolments[0], json!({ "location": "Room 1" })).await;
        let path = format!("sessions/{id}");
        sqlx::query("UPDATE public.sessions SET topics = $1::json, topics_covered = $1::json WHERE id = $2")
            .bind(text)
            .bind(id)
            .execute(&tutoring.db.pool)
            .await
            .expect(text);
        let (status, read) = tutoring.get(&path).await;
        assert_eq!((status, &read["topics"], &read["topics_covered"]), (200, &shown, &shown), "{text}");
        assert_eq!(tutoring.get("sessions?q=x").await.0, 200, "{text}");
        assert_eq!(tutoring.get("sessions/stats").await.0, 200, "{text}");
        let (status, changed) = tutoring.json("PATCH", &path, json!({ "location": "Room 2" })).await;
        assert_eq!((status, &changed["location"]), (200, &json!("Room 2")), "{changed}");
        let stored: String = sqlx::query_scalar("SELECT topics::text FROM public.sessions WHERE id = $1")
            .bind(id)
            .fetch_one(&tutoring.db.pool)
            .await
            .expect("topics");
        assert_eq!(stored, text, "a text that no change names stays as it is");
        assert_eq!(tutoring.json("PATCH", &path, json!({ "topics": ["y"] })).await.0, 200);
        assert_eq!(tutoring.delete(&path).await.0, 204);
        let entries: Vec<Value> = sqlx::query_scalar(
            "SELECT jsonb_build_array(action, old->'topics', new->'topics') FROM lectern.history
             WHERE table_name = 'public.sessions' AND row_key = $1 AND (old ? 'topics' OR new ? 'topics') ORDER BY id",
        )
        .bind(id.to_string())
        .fetch_all(&tutoring.db.pool)
        .await
        .expect("the history");
        let expected = [
            json!(["insert", null, []]),
            json!(["update", [], shown]),
            json!(["update", shown, ["y"]]),
            json!(["delete", ["y"], null]),
        ];
        assert_eq!(entries, expected, "{text}");
    }
}

#[tokio::test]
async fn person_of_a_table_that_requires_a_password_is_an_existing_one() {
    let tutoring = Tutoring::new().await;
    execute(&tutoring, "ALTER TABLE public.users ADD COLUMN password_hash text NOT NULL DEFAULT ''").await;
    execute(&tutoring, "ALTER TABLE public.users ALTER COLUMN password_hash DROP DEFAULT").await;
    let (status, problem) = tutoring.json("POST", "people/tutors", named("Gil")).await;
    assert_eq!(status, 422);
    let message = problem["errors"][0]["message"].as_str().expect("a message");
    for part in ["password_hash", "public.users", "default", "user_id"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let known = user(&tutoring, "tutors", tutoring.tutors[0]).await;
    tutoring.create("people/parents", json!({ "user_id": known })).await;
    execute(&tutoring, "ALTER TABLE public.users ALTER COLUMN password_hash SET DEFAULT '!'").await;
    tutoring.create("people/tutors", named("Gil")).await;
}
