//! Planned lessons of series in lists, and alarms.

use jiff::ToSpan;
use lectern::identity::Role;
use serde_json::{Value, json};

use super::Tutoring;

/// Returns the day, the id and the day of the series of each lesson.
fn rows(list: &Value) -> Vec<String> {
    let row = |row: &Value| {
        let planned = row["occurrence"].as_str().map_or("", |_| " planned");
        format!("{} {}{planned}", &row["session_date"].as_str().expect("a day")[5..], row["id"])
    };
    list["results"].as_array().unwrap_or_else(|| panic!("{list}")).iter().map(row).collect()
}

#[tokio::test]
async fn list_contains_planned_lessons_on_request() {
    let tutoring = Tutoring::new().await;
    tutoring.create("holidays", json!({ "date": "2026-04-21", "name": "x" })).await;
    let rule = json!({ "session_frequency": "weekly", "recurrence": { "holidays": "shift" }, "topics": ["Fractions"] });
    let series = tutoring.lesson(tutoring.enrolments[0], rule).await;
    let single = tutoring.lesson(tutoring.enrolments[1], json!({ "session_date": "2026-04-20" })).await;
    let edit = json!({ "session_date": "2026-04-30" });
    let path = format!("sessions/{series}?occurrence=2026-04-28");
    let (_, edited) = tutoring.json("PATCH", &path, edit).await;
    let edited = edited["id"].as_i64().expect("an id");
    let days = "expand=occurrences&date_from=2026-04-07&date_to=2026-05-05";
    let all = [
        format!("05-05 {series} planned"),
        format!("04-30 {edited}"),
        format!("04-22 {series} planned"),
        format!("04-20 {single}"),
        format!("04-14 {series} planned"),
        format!("04-07 {series}"),
    ];
    let (_, list) = tutoring.get(&format!("sessions?{days}")).await;
    assert_eq!((rows(&list), &list["count"]), (all.to_vec(), &json!(6)));
    let planned = &list["results"][2];
    assert_eq!((&planned["occurrence"], &planned["series_id"]), (&json!("2026-04-21"), &json!(series)));
    assert_eq!(
        (&planned["is_recurring"], &planned["topics"], &planned["status"]),
        (&json!(false), &json!(["Fractions"]), &json!("scheduled"))
    );
    pages_contain_each_lesson_once(&tutoring, days).await;
    for (query, expected) in [
        ("&status=scheduled", 6),
        ("&status=cancelled", 0),
        ("&q=fractions", 5),
        ("&is_recurring=true", 1),
        (&format!("&tutor_id={}", tutoring.tutors[1]), 1),
    ] {
        assert_eq!(tutoring.get(&format!("sessions?{days}{query}")).await.1["count"], expected, "{query}");
    }
    for (query, status) in [
        ("expand=occurrences", 422),
        ("expand=occurrences&date_from=2026-04-07", 422),
        ("expand=occurrences&date_from=2026-01-01&date_to=2027-01-02", 422),
        ("expand=occurrences&date_from=2026-01-01&date_to=2027-01-01", 200),
        ("expand=all&date_from=2026-01-01&date_to=2026-01-02", 400),
    ] {
        assert_eq!(tutoring.get(&format!("sessions?{query}")).await.0, status, "{query}");
    }
    let stranger = tutoring.token_of(Role::Tutor, tutoring.tutors[1]).await;
    let (_, list) = tutoring.send(&stranger, "GET", &format!("sessions?{days}"), None).await;
    assert_eq!(rows(&list), [format!("04-20 {single}")]);
    // Made lessons take the place of planned ones.
    let until = json!({ "until": "2026-05-05" });
    assert_eq!(tutoring.json("POST", &format!("sessions/{series}/materialise"), until).await.0, 200);
    let (_, list) = tutoring.get(&format!("sessions?{days}")).await;
    assert!(rows(&list).iter().all(|row| !row.ends_with("planned")) && list["count"] == 6, "{list}");
}

async fn pages_contain_each_lesson_once(tutoring: &Tutoring, days: &str) {
    for sort in ["-session_date,-start_time", "start_time", "student_name,-session_date", "-status"] {
        let (_, whole) = tutoring.get(&format!("sessions?{days}&sort={sort}")).await;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let (_, page) = tutoring.get(&format!("sessions?{days}&sort={sort}&limit=1{cursor}")).await;
            found.extend(rows(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, rows(&whole), "{sort}");
        assert_eq!(found.len(), 6, "{sort}");
    }
}

#[tokio::test]
async fn alarms_are_due_before_lessons_and_planned_ones() {
    let tutoring = Tutoring::new().await;
    let today = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date();
    let day = |days: i64| today.checked_add(days.days()).expect("a day").to_string();
    let alarm = |days: i64, more: Value| {
        let mut lesson = json!({ "session_date": day(days), "alarm_enabled": true });
        lesson.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        lesson
    };
    let [own, other] = tutoring.enrolments;
    let single = tutoring.lesson(own, alarm(2, json!({ "alarm_before_minutes": 30 }))).await;
    let rule = json!({ "session_frequency": "weekly", "recurrence": { "count": 2 } });
    let series = tutoring.lesson(own, alarm(3, rule)).await;
    tutoring.lesson(other, alarm(2, json!({}))).await;
    tutoring.lesson(own, alarm(2, json!({ "status": "cancelled" }))).await;
    tutoring.lesson(own, alarm(2, json!({ "alarm_enabled": false }))).await;
    tutoring.lesson(own, alarm(-3, json!({}))).await;
    let student = tutoring.token_of(Role::Student, tutoring.students[0]).await;
    let (status, list) = tutoring.send(&student, "GET", &format!("sessions/alarms?until={}", day(12)), None).await;
    let found: Vec<String> = list["results"]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter()
        .map(|row| format!("{} {} {}", row["session_id"], row["occurrence"], row["minutes"]).replace('"', ""))
        .collect();
    let expected = [format!("{single} null 30"), format!("{series} {} 15", day(3)), format!("{series} {} 15", day(10))];
    assert_eq!((status, found), (200, expected.to_vec()));
    let due = list["results"][0]["due_at"].as_str().expect("a time");
    assert!(due.starts_with(&day(2)) && due[11..].starts_with("16:30:00"), "{due}");
    let (_, none) = tutoring.send(&student, "GET", "sessions/alarms", None).await;
    assert_eq!(none["results"], json!([]));
    for (until, status) in [("soon", 400), ("2199-01-01", 422), ("2020-01-01", 200)] {
        assert_eq!(tutoring.get(&format!("sessions/alarms?until={until}")).await.0, status, "{until}");
    }
}
