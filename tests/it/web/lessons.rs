//! The pages of lessons: the list, one lesson, its series and attendance, and the children of a parent.

use lectern::identity::Role;
use lectern::identity::logins::Rights;
use serde_json::{Value, json};

use super::visitor::{Browser, message, text, to};
use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

/// A tutor, a student with a parent, their enrolment, and another tutor.
pub async fn enrolment(db: &TestDb, site: &Site) -> i64 {
    let operator = token(db, Role::Operator).await;
    let create = async |path: &str, body: Value| {
        let request = site.request("POST", &format!("/api/{path}")).bearer_auth(&operator).json(&body);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 201, "{path}");
        response.json::<Value>().await.expect("JSON")["id"].as_i64().expect("an id")
    };
    let tutor = create("people/tutors", json!({ "first_name": "Ada" })).await;
    let student = create("people/students", json!({ "first_name": "Ben" })).await;
    create("people/parents", json!({ "first_name": "Pat", "children_ids": [student] })).await;
    create("people/tutors", json!({ "first_name": "Eve" })).await;
    create("enrolments", json!({ "tutor_id": tutor, "student_id": student })).await
}

fn weekly<'a>(enrolment: &'a str, day: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("course_enrollment_id", enrolment),
        ("session_date", day),
        ("start_time", "17:00"),
        ("end_time", "18:00"),
        ("topics", "Fractions\r\nDecimals"),
        ("session_mode", "online"),
        ("priority_level", "high"),
        ("session_frequency", "weekly"),
        ("count", "4"),
        ("holidays", "ignore"),
    ]
}

#[tokio::test]
async fn weekly_lesson_is_planned_marked_changed_and_deleted_on_pages() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let enrolment = enrolment(&db, &site).await.to_string();
    let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
    assert!(ann.page("/lessons").await.contains("No lessons."));

    let wrong = ann
        .submit(
            "/lessons",
            &[
                ("course_enrollment_id", enrolment.as_str()),
                ("session_date", "2026-06-01"),
                ("start_time", "18:00"),
                ("end_time", "17:00"),
                ("topics", "Typed text"),
                ("session_mode", "online"),
                ("priority_level", "low"),
                ("session_frequency", "one-time"),
                ("holidays", "ignore"),
            ],
        )
        .await;
    assert_eq!(wrong.status(), 422);
    let shown = text(wrong).await;
    assert!(shown.contains("Is before “Begins”") && shown.contains("Typed text"), "{shown}");

    // The days of the series, before anything is saved.
    let fields = weekly(&enrolment, "2026-06-01");
    let part =
        ann.page("/lessons/preview?session_date=2026-06-01&session_frequency=weekly&count=4&holidays=ignore").await;
    assert!(part.contains("Mon 22 Jun 2026") && !part.contains("29 Jun") && !part.contains("<html"), "{part}");
    let mut asked = fields.clone();
    asked.push(("preview", "1"));
    let preview = ann.submit("/lessons", &asked).await;
    assert_eq!(preview.status(), 200);
    assert!(text(preview).await.contains("Mon 15 Jun 2026"));
    let count = async || {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM public.sessions").fetch_one(&db.pool).await.expect("counted")
    };
    assert_eq!(count().await, 0, "only a preview");

    let created = ann.submit("/lessons", &fields).await;
    let lesson = to(&created).to_owned();
    let shown = ann.page(&lesson).await;
    for expected in
        ["Ben with Ada", "Mon 1 Jun 2026", "17:00 to 18:00", "Fractions", "Every week, 4 lessons", "Mon 22 Jun 2026"]
    {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
    // Attendance in two taps: from the list to the suggestion, and one button.
    let listed = ann.page("/lessons").await;
    assert!(listed.contains(&format!("href=\"{lesson}#attendance\"")), "{listed}");
    assert!(shown.contains("Both were present"), "{shown}");
    ann.submit(&format!("{lesson}/attendance"), &[("accept", "1")]).await;
    ann.submit(
        &format!("{lesson}/attendance"),
        &[("student_attendance_status", "late"), ("tutor_attendance_status", "present"), ("attendance_notes", "Bus")],
    )
    .await;
    let shown = ann.page(&lesson).await;
    assert!(shown.contains("student: late") && shown.contains("Bus"), "{shown}");
    assert!(!ann.page("/lessons").await.contains("#attendance"));

    // One later lesson of the series moves; the others stay.
    let later = format!("{lesson}?occurrence=2026-06-15");
    assert!(ann.page(&later).await.contains("planned by its series"));
    let form = ann.page(&format!("{lesson}/edit?occurrence=2026-06-15")).await;
    assert!(form.contains("value=\"2026-06-15\"") && !form.contains("session_frequency"), "{form}");
    let version =
        form.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    let mut moved = vec![
        ("course_enrollment_id", enrolment.as_str()),
        ("session_date", "2026-06-15"),
        ("start_time", "19:00"),
        ("end_time", "20:00"),
        ("topics", "Fractions\r\nDecimals"),
        ("session_mode", "online"),
        ("priority_level", "high"),
        ("alarm_before_minutes", "15"),
        ("scope", "one"),
        ("occurrence", "2026-06-15"),
    ];
    moved.push(("version", version));
    let saved = ann.submit(&lesson, &moved).await;
    if saved.status() != 303 {
        panic!("{}", text(saved).await);
    }
    let hours = "SELECT to_char(start_time, 'HH24:MI') FROM public.sessions ORDER BY session_date";
    let hours: Vec<String> = sqlx::query_scalar(hours).fetch_all(&db.pool).await.expect("lessons");
    assert_eq!(hours, ["17:00", "19:00"]);

    let switched = ann.submit(&format!("{lesson}/set"), &[("status", "completed")]).await;
    assert!(message(&switched).contains("completed now"), "{}", message(&switched));
    let refused = ann.submit(&format!("{lesson}/delete"), &[("scope", "all")]).await;
    assert!(message(&refused).contains("completed lessons are not deleted"));
    let deleted = ann.submit(&format!("{lesson}/delete"), &[("scope", "one"), ("occurrence", "2026-06-22")]).await;
    assert_eq!(to(&deleted), "/lessons");
    assert!(!ann.page(&lesson).await.contains("22 Jun"));
    for path in ["/lessons/99", "/lessons/x", &format!("{lesson}?occurrence=2026-06-16")] {
        assert_eq!(ann.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn everybody_sees_and_changes_their_own_lessons() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let enrolment = enrolment(&db, &site).await.to_string();
    let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
    let today = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date().to_string();
    let lesson = to(&ann.submit("/lessons", &weekly(&enrolment, &today)).await).to_owned();
    let person = async |name: &str, role: Role, id: i64| {
        Browser::sign_in_as(&db, &site, name, Rights { role, subject_id: Some(id) }).await
    };
    let (tutor, student) = (person("ada", Role::Tutor, 1).await, person("ben", Role::Student, 1).await);
    let (parent, stranger) = (person("pat", Role::Parent, 1).await, person("eve", Role::Tutor, 2).await);
    for (browser, can_change) in [(&tutor, true), (&student, false), (&parent, false)] {
        let list = browser.page("/lessons").await;
        assert!(list.contains("Ben") && list.contains("As tutor"), "{list}");
        assert_eq!(list.contains("href=\"/lessons/new\""), can_change);
        let shown = browser.page(&lesson).await;
        assert_eq!(shown.contains(&format!("action=\"{lesson}/delete\"")), can_change, "{shown}");
        let status = browser.get(&format!("{lesson}/edit")).await.status();
        assert_eq!(status, if can_change { 200 } else { 403 });
        assert_eq!(browser.get("/timetable").await.status(), 403);
    }
    assert_eq!(stranger.get(&lesson).await.status(), 404);
    assert!(message(&student.submit(&format!("{lesson}/set"), &[("status", "cancelled")]).await).starts_with('p'));
    assert!(
        message(&tutor.submit(&format!("{lesson}/set"), &[("is_featured", "on")]).await).contains("Featured is on")
    );
    assert!(student.page("/lessons?as=tutor").await.contains("No lessons."));
    let family = parent.page("/lessons/children").await;
    for expected in ["Ben", "Hours learned", "Attendance", "Fractions, Decimals"] {
        assert!(family.contains(expected), "{expected} is missing in {family}");
    }
    assert_eq!(to(&tutor.get("/lessons/children").await), "/lessons");
    let week = tutor.page("/lessons?when=today&sort=student_name&q=fractions&status=scheduled").await;
    assert!(week.contains("1 lesson") && week.contains("aria-sort=\"ascending\""), "{week}");
}
