//! Recurring lessons and their occurrences.

use serde_json::{Value, json};

use super::{Tutoring, lesson, pointers};

async fn days(tutoring: &Tutoring, id: &Value, query: &str) -> String {
    let (status, list) = tutoring.get(&format!("sessions/{id}/occurrences?{query}")).await;
    assert_eq!(status, 200, "{list}");
    let rows = list["results"].as_array().expect("a list").clone();
    let shown = rows.iter().map(|row| {
        let day = row["session_date"].as_str().expect("a day");
        row["exception"].as_str().map_or(day.to_owned(), |what| format!("{day} {what}"))
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn recurring_lesson_has_occurrences_around_holidays() {
    let tutoring = Tutoring::new().await;
    tutoring.create("holidays", json!({ "date": "2026-04-09", "name": "x" })).await;
    tutoring.create("holidays", json!({ "date": "2026-04-14", "name": "x", "tutor_id": tutoring.tutors[1] })).await;
    let pattern = json!({ "days": ["Tuesday", "Thursday"], "months": null, "specific_dates": null });
    let body = lesson(
        tutoring.enrolments[0],
        json!({
            "session_frequency": "weekly", "recurring_pattern": pattern,
            "recurrence": { "until": "2026-04-21", "exceptions": ["2026-04-16"], "holidays": "shift" },
        }),
    );
    let (status, created) = tutoring.json("POST", "sessions", body).await;
    assert_eq!(status, 201, "{created}");
    let id = &created["id"];
    assert_eq!(
        (&created["is_recurring"], &created["series_id"], &created["recurring_pattern"]),
        (&json!(true), id, &pattern)
    );
    assert_eq!(
        created["recurrence"],
        json!({
            "until": "2026-04-21", "count": null, "exceptions": ["2026-04-16"], "holidays": "shift",
            "rrule": "RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20260421T235959",
        })
    );
    assert_eq!(days(&tutoring, id, "").await, "2026-04-07, 2026-04-10 shifted, 2026-04-14, 2026-04-21");
    assert_eq!(days(&tutoring, id, "from=2026-04-08&to=2026-04-10").await, "2026-04-10 shifted");
    let path = format!("sessions/{id}");
    let (status, same) = tutoring.json("PUT", &path, created.clone()).await;
    assert_eq!((status, &same), (200, &created));
    let (_, changed) = tutoring.json("PATCH", &path, json!({ "recurrence": { "holidays": "skip" } })).await;
    assert_eq!(changed["recurrence"]["until"], "2026-04-21");
    assert_eq!(days(&tutoring, id, "").await, "2026-04-07, 2026-04-14, 2026-04-21");
    let (_, single) = tutoring.json("PATCH", &path, json!({ "is_recurring": false })).await;
    assert_eq!((&single["recurrence"], &single["series_id"]), (&Value::Null, &Value::Null));
    assert_eq!(days(&tutoring, id, "").await, "2026-04-07");
}

#[tokio::test]
async fn rule_is_given_as_text_where_a_pattern_expresses_it() {
    let tutoring = Tutoring::new().await;
    let body = |recurrence: Value| lesson(tutoring.enrolments[0], json!({ "recurrence": recurrence }));
    let text = "RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU;COUNT=3\nRDATE:20260409T170000";
    let (status, created) = tutoring.json("POST", "sessions", body(json!({ "rrule": text }))).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!((&created["session_frequency"], &created["recurrence"]["count"]), (&json!("bi-weekly"), &json!(3)));
    assert_eq!(created["recurrence"]["rrule"], text);
    assert_eq!(days(&tutoring, &created["id"], "").await, "2026-04-07, 2026-04-09, 2026-04-21, 2026-05-05");
    for (recurrence, status, pointer) in [
        (json!({ "rrule": "FREQ=HOURLY" }), 422, "/recurrence/rrule"),
        (json!({ "rrule": 1 }), 400, "/recurrence/rrule"),
        (json!({ "until": "2026-04-01", "rrule": null }), 422, "/recurrence/until"),
        (json!({ "count": 0 }), 422, "/recurrence/count"),
        (json!({ "holidays": "move" }), 422, "/recurrence/holidays"),
        (json!({ "every": 2 }), 400, "/recurrence/every"),
        (json!({ "exceptions": ["x"] }), 400, "/recurrence/exceptions/0"),
    ] {
        let mut body = body(recurrence.clone());
        if recurrence.get("rrule").is_none_or(Value::is_null) {
            body["session_frequency"] = "weekly".into();
        }
        let (found, problem) = tutoring.json("POST", "sessions", body).await;
        assert_eq!((found, pointers(&problem)), (status, vec![pointer]), "{recurrence}");
    }
}

#[tokio::test]
async fn occurrences_are_limited() {
    let tutoring = Tutoring::new().await;
    let all = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let more = json!({ "session_frequency": "weekly", "recurring_pattern": { "days": all } });
    let id = tutoring.lesson(tutoring.enrolments[0], more).await;
    for (query, status) in [
        ("to=2026-12-31", 200),
        ("to=2060-01-01", 422),
        ("from=2026-05-01&to=2026-04-01", 422),
        ("to=soon", 400),
        ("until=2026-12-31", 400),
    ] {
        assert_eq!(tutoring.get(&format!("sessions/{id}/occurrences?{query}")).await.0, status, "{query}");
    }
}
