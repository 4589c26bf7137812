//! One, the following or all lessons of a series: changed, deleted, and made into lessons of their own.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, pointers};

/// Creates a series on Tuesdays from 7 April 2026 with six lessons.
async fn series(tutoring: &Tutoring) -> i64 {
    let more = json!({ "session_frequency": "weekly", "recurrence": { "count": 6 }, "topics": ["Fractions"] });
    tutoring.lesson(tutoring.enrolments[0], more).await
}

/// Returns the lessons of a series: day, start, and what is special.
async fn shown(tutoring: &Tutoring, id: i64) -> Vec<String> {
    let (status, list) = tutoring.get(&format!("sessions/{id}/occurrences")).await;
    assert_eq!(status, 200, "{list}");
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let word = format!("{} {} {}", &text("session_date")[5..], &text("start_time")[..2], text("exception"));
        word.trim_end().to_owned()
    };
    list["results"].as_array().expect("a list").iter().map(row).collect()
}

async fn materialise(tutoring: &Tutoring, id: i64, until: &str) -> Value {
    let (status, made) = tutoring.json("POST", &format!("sessions/{id}/materialise"), json!({ "until": until })).await;
    assert_eq!(status, 200, "{made}");
    made
}

fn counts(made: &Value) -> [i64; 4] {
    ["created", "updated", "deleted", "kept"].map(|name| made[name].as_i64().expect(name))
}

#[tokio::test]
async fn one_lesson_of_a_series_is_changed_and_deleted_alone() {
    let tutoring = Tutoring::new().await;
    let id = series(&tutoring).await;
    let path = |query: &str| format!("sessions/{id}?{query}");
    let moved = json!({ "session_date": "2026-04-15", "start_time": "09:00", "end_time": "10:00" });
    let (status, one) = tutoring.json("PATCH", &path("occurrence=2026-04-14"), moved).await;
    assert_eq!((status, &one["series_id"], &one["duration"]), (200, &json!(id), &json!(60)), "{one}");
    assert_eq!((&one["is_recurring"], &one["topics"]), (&json!(false), &json!(["Fractions"])));
    assert_eq!(tutoring.delete(&path("scope=one&occurrence=2026-04-28")).await.0, 204);
    let expected = ["04-07 17", "04-15 09 edited", "04-21 17", "05-05 17", "05-12 17"];
    assert_eq!(shown(&tutoring, id).await, expected);
    // Again: the same lesson, found by the day of the rule.
    let again = json!({ "topics": ["Decimals"] });
    let (_, same) = tutoring.json("PATCH", &path("scope=one&occurrence=2026-04-14"), again.clone()).await;
    assert_eq!((&same["id"], &same["topics"]), (&one["id"], &json!(["Decimals"])));
    // A lesson of its own is one lesson, unless the request says otherwise.
    let own = format!("sessions/{}", one["id"]);
    assert_eq!(tutoring.json("PATCH", &own, json!({ "location": "Room 2" })).await.1["id"], one["id"]);
    let (status, problem) = tutoring.json("PATCH", &own, json!({ "recurring_pattern": { "days": ["Monday"] } })).await;
    assert_eq!((status, pointers(&problem)), (422, vec!["/recurring_pattern"]));
    assert_eq!(tutoring.delete(&own).await.0, 204);
    assert_eq!(shown(&tutoring, id).await, ["04-07 17", "04-21 17", "05-05 17", "05-12 17"]);
    for (query, body, status) in [
        ("occurrence=2026-04-08", again.clone(), 404),
        ("occurrence=2026-04-28", again.clone(), 404),
        ("occurrence=soon", again.clone(), 400),
        ("scope=some", again.clone(), 400),
        ("scope=one&occurrence=2026-05-05", json!({ "session_frequency": "monthly" }), 422),
    ] {
        assert_eq!(tutoring.json("PATCH", &path(query), body).await.0, status, "{query}");
    }
}

#[tokio::test]
async fn first_lesson_of_a_series_is_changed_and_deleted_alone() {
    let tutoring = Tutoring::new().await;
    let id = series(&tutoring).await;
    let path = format!("sessions/{id}?scope=one");
    // What is of one lesson leaves the series as it is.
    let (_, first) = tutoring.json("PATCH", &path, json!({ "topics_covered": ["Fractions"] })).await;
    assert_eq!((&first["is_recurring"], shown(&tutoring, id).await.len()), (&json!(true), 6));
    let (status, first) = tutoring.json("PATCH", &path, json!({ "location": "Room 1" })).await;
    assert_eq!((status, &first["id"], &first["is_recurring"]), (200, &json!(id), &json!(false)), "{first}");
    let next = first["series_id"].as_i64().expect("a series");
    assert_ne!(next, id);
    let (_, head) = tutoring.get(&format!("sessions/{next}")).await;
    assert_eq!((&head["session_date"], &head["recurrence"]["count"]), (&json!("2026-04-14"), &json!(5)), "{head}");
    assert_eq!((&head["location"], &head["topics_covered"]), (&Value::Null, &json!([])));
    assert_eq!(shown(&tutoring, next).await.len(), 5);
    assert_eq!(tutoring.delete(&format!("sessions/{next}?scope=one")).await.0, 204);
    let (_, list) = tutoring.get("sessions?is_recurring=true").await;
    let last = list["results"][0]["id"].as_i64().expect("a series");
    assert_eq!(shown(&tutoring, last).await, ["04-21 17", "04-28 17", "05-05 17", "05-12 17"]);
}

#[tokio::test]
async fn following_lessons_are_a_series_of_their_own() {
    let tutoring = Tutoring::new().await;
    let id = series(&tutoring).await;
    materialise(&tutoring, id, "2026-05-05").await;
    let path = |query: &str| format!("sessions/{id}?scope=following&occurrence={query}");
    let later = json!({ "start_time": "18:00", "end_time": "19:30", "recurring_pattern": { "days": ["Wednesday", "Tuesday"] } });
    let (status, new) = tutoring.json("PATCH", &path("2026-04-21"), later).await;
    assert_eq!((status, &new["session_date"]), (200, &json!("2026-04-21")), "{new}");
    let new_id = new["id"].as_i64().expect("an id");
    assert_eq!(shown(&tutoring, id).await, ["04-07 17", "04-14 17"]);
    assert_eq!(shown(&tutoring, new_id).await, ["04-21 18", "04-22 18", "04-28 18", "04-29 18"]);
    let (_, old) = tutoring.get(&format!("sessions/{id}")).await;
    assert_eq!(old["recurrence"]["until"], "2026-04-20");
    // Lessons that existed follow, and the one that the rule has no longer is gone.
    let (_, list) = tutoring.get("sessions?sort=session_date").await;
    let rows = list["results"].as_array().expect("a list").clone();
    let days: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row["session_date"].as_str().expect("a day"), row["series_id"]))
        .collect();
    let day = |day: &str, series: i64| format!("2026-{day} {series}");
    assert_eq!(days, [day("04-07", id), day("04-14", id), day("04-21", new_id), day("04-28", new_id)]);
    assert_eq!(tutoring.delete(&format!("sessions/{new_id}?scope=following&occurrence=2026-04-28")).await.0, 204);
    assert_eq!(shown(&tutoring, new_id).await, ["04-21 18", "04-22 18"]);
    // From the first lesson on it is the whole series.
    assert_eq!(tutoring.delete(&path("2026-04-07")).await.0, 204);
    assert_eq!(tutoring.get("sessions").await.1["count"], 1);
}

#[tokio::test]
async fn materialisation_is_idempotent_and_keeps_edited_and_attended_lessons() {
    let tutoring = Tutoring::new().await;
    let id = series(&tutoring).await;
    let made = materialise(&tutoring, id, "2026-05-05").await;
    assert_eq!(counts(&made), [4, 0, 0, 0], "{made}");
    assert_eq!(counts(&materialise(&tutoring, id, "2026-05-05").await), [0, 0, 0, 0]);
    let of = |place: usize| format!("sessions/{}", made["results"][place]["session_id"]);
    let present = json!({ "student_attendance_status": "present" });
    assert_eq!(tutoring.json("PATCH", &of(0), present).await.0, 200);
    assert_eq!(tutoring.json("PATCH", &of(1), json!({ "location": "Room 2" })).await.0, 200);
    let path = format!("sessions/{id}");
    let change = json!({ "start_time": "16:00", "recurrence": { "count": 4 } });
    assert_eq!(tutoring.json("PATCH", &path, change).await.0, 200);
    assert_eq!(counts(&materialise(&tutoring, id, "2026-06-30").await), [0, 0, 0, 2]);
    let (_, list) = tutoring.get("sessions?sort=session_date").await;
    let rows = list["results"].as_array().expect("a list").clone();
    let shown = |row: &Value| format!("{} {}", row["session_date"], row["start_time"]).replace('"', "");
    assert_eq!(
        rows.iter().map(shown).collect::<Vec<_>>(),
        ["2026-04-07 16:00:00", "2026-04-14 17:00:00", "2026-04-21 17:00:00", "2026-04-28 16:00:00"]
    );
    // Facts of the first lesson are its own, but a series is cancelled as a whole.
    for (status, expected) in [("cancelled", ["cancelled", "scheduled", "scheduled", "cancelled"])] {
        assert_eq!(tutoring.json("PATCH", &path, json!({ "status": status })).await.0, 200);
        let (_, list) = tutoring.get("sessions?sort=session_date").await;
        let rows = list["results"].as_array().expect("a list").clone();
        assert_eq!(rows.iter().map(|row| row["status"].clone()).collect::<Vec<_>>(), expected);
    }
    // A completed lesson is never deleted with its series.
    assert_eq!(tutoring.json("PATCH", &of(0), json!({ "status": "completed" })).await.0, 200);
    assert_eq!(tutoring.delete(&path).await.0, 409);
    assert_eq!(tutoring.get("sessions").await.1["count"], 4);
    assert_eq!(tutoring.delete(&format!("{path}?scope=following&occurrence=2026-04-21")).await.0, 204);
    assert_eq!(tutoring.get("sessions").await.1["count"], 2);
}

#[tokio::test]
async fn tag_of_a_made_lesson_is_enough_to_change_all() {
    let tutoring = Tutoring::new().await;
    let id = series(&tutoring).await;
    let made = materialise(&tutoring, id, "2026-05-05").await;
    let path = format!("/api/sessions/{}", made["results"][2]["session_id"]);
    let read = async || {
        let read = tutoring.site.request("GET", &path).bearer_auth(&tutoring.operator).send().await.expect("an answer");
        read.headers()["etag"].to_str().expect("a tag").to_owned()
    };
    let tag = read().await;
    let send = async |method: &str, tag: &str| {
        let request = tutoring.site.request(method, &format!("{path}?scope=all")).bearer_auth(&tutoring.operator);
        let request = request.header("if-match", tag.to_owned()).json(&json!({ "location": "Room 4" }));
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(send("PATCH", &tag).await, 200);
    assert_eq!((send("PATCH", "\"old\"").await, send("DELETE", "\"old\"").await), (412, 412));
    assert_eq!(send("DELETE", &read().await).await, 204);
    assert_eq!(tutoring.get("sessions").await.1["count"], 0);
}

#[tokio::test]
async fn series_are_changed_by_those_who_may_and_with_current_tags() {
    let tutoring = Tutoring::new().await;
    let id = series(&tutoring).await;
    let path = format!("sessions/{id}?scope=following&occurrence=2026-04-21");
    let change = json!({ "location": "Room 3" });
    for (role, subject, status) in [
        (Role::Student, tutoring.students[0], 403),
        (Role::Parent, tutoring.parent, 403),
        (Role::Reader, 0, 403),
        (Role::Tutor, tutoring.tutors[1], 404),
    ] {
        let token = tutoring.token_of(role, subject).await;
        assert_eq!(tutoring.send(&token, "PATCH", &path, Some(&change)).await.0, status, "{role:?}");
        assert_eq!(tutoring.send(&token, "DELETE", &path, None).await.0, status, "{role:?}");
        let until = json!({ "until": "2026-05-05" });
        let made = tutoring.send(&token, "POST", &format!("sessions/{id}/materialise"), Some(&until)).await.0;
        assert_eq!(made, status, "{role:?}");
    }
    let request = tutoring.site.request("PATCH", &format!("/api/{path}")).bearer_auth(&tutoring.operator);
    let refused = request.header("if-match", "\"other\"").json(&change).send().await.expect("an answer");
    assert_eq!(refused.status(), 412);
    // A student sets their review of one lesson of the series.
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    let review = json!({ "student_review_id": 7 });
    let (status, one) =
        tutoring.send(&student, "PATCH", &format!("sessions/{id}?occurrence=2026-04-21"), Some(&review)).await;
    assert_eq!(
        (status, &one["session_date"], &one["user_role"]),
        (200, &json!("2026-04-21"), &json!("student")),
        "{one}"
    );
    let tutor = tutoring.token_of(Role::Tutor, tutoring.tutors[0]).await;
    assert_eq!(tutoring.send(&tutor, "PATCH", &path, Some(&change)).await.0, 200);
    for (body, status, pointer) in [
        (json!({}), 400, "/until"),
        (json!({ "until": "soon" }), 400, "/until"),
        (json!({ "until": "2026-04-01" }), 422, "/until"),
        (json!({ "until": "2026-05-01", "all": true }), 400, "/all"),
    ] {
        let (found, problem) = tutoring.json("POST", &format!("sessions/{id}/materialise"), body.clone()).await;
        assert_eq!((found, pointers(&problem)), (status, vec![pointer]), "{body}");
    }
    let single = tutoring.lesson(tutoring.enrolments[0], json!({})).await;
    let until = json!({ "until": "2026-05-01" });
    assert_eq!(tutoring.json("POST", &format!("sessions/{single}/materialise"), until).await.0, 422);
}
