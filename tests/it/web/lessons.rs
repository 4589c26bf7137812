//! The pages of lessons: the list, one lesson, its series and attendance, and the children of a parent.

use lectern::identity::Role;
use lectern::identity::logins::Rights;
use serde_json::{Value, json};

use super::visitor::{Browser, message, text, to, version};
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

/// An operator with one enrolment.
struct School {
    db: TestDb,
    site: Site,
    enrolment: String,
    ann: Browser,
}

impl School {
    async fn open() -> School {
        let db = TestDb::new().await;
        let site = Site::serve(&db).await;
        let enrolment = enrolment(&db, &site).await.to_string();
        let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
        School { db, site, enrolment, ann }
    }

    /// Plans four lessons, one a week. Returns the path of the first one.
    async fn plan(&self, day: &str) -> String {
        let created = self.ann.submit("/lessons", &weekly(&self.enrolment, day)).await;
        if created.status() != 303 {
            panic!("{}", text(created).await);
        }
        to(&created).to_owned()
    }

    async fn values(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.expect("values")
    }
}

#[tokio::test]
async fn days_of_a_series_are_shown_while_it_is_typed_and_what_is_wrong_beside_its_field() {
    let school = School::open().await;
    assert!(school.ann.page("/lessons").await.contains("No lessons."));
    let mut fields = weekly(&school.enrolment, "2026-06-01");
    fields.iter_mut().filter(|(name, _)| *name == "end_time").for_each(|(_, value)| *value = "16:00");
    let refused = school.ann.submit("/lessons", &fields).await;
    assert_eq!(refused.status(), 422);
    let shown = text(refused).await;
    assert!(shown.contains("Is before “Begins”") && shown.contains("Fractions\nDecimals</textarea>"), "{shown}");
    let address = "/lessons/preview?session_date=2026-06-01&session_frequency=weekly&count=4&holidays=ignore";
    let part = school.ann.page(address).await;
    assert!(part.contains("Mon 22 Jun 2026") && !part.contains("29 Jun") && !part.contains("<html"), "{part}");
    let mut fields = weekly(&school.enrolment, "2026-06-01");
    fields.push(("preview", "1"));
    let preview = school.ann.submit("/lessons", &fields).await;
    assert_eq!(preview.status(), 200);
    assert!(text(preview).await.contains("Mon 15 Jun 2026"));
    assert_eq!(school.values("SELECT count(*)::text FROM public.sessions").await, ["0"], "only a preview");
    let shown = school.ann.page(&school.plan("2026-06-01").await).await;
    for expected in
        ["Ben with Ada", "Mon 1 Jun 2026", "17:00 to 18:00", "Fractions", "Every week, 4 lessons", "Mon 22 Jun 2026"]
    {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
}

#[tokio::test]
async fn attendance_is_marked_in_two_taps_and_by_hand() {
    let school = School::open().await;
    let lesson = school.plan("2026-06-01").await;
    let listed = school.ann.page("/lessons").await;
    assert!(listed.contains(&format!("href=\"{lesson}#attendance\"")), "{listed}");
    assert!(school.ann.page(&lesson).await.contains("Both were present"));
    school.ann.submit(&format!("{lesson}/attendance"), &[("accept", "1")]).await;
    let stored = "SELECT person || ' ' || status FROM lectern.lesson_attendance ORDER BY id";
    assert_eq!(school.values(stored).await.len(), 2);
    let by_hand =
        [("student_attendance_status", "late"), ("tutor_attendance_status", "present"), ("attendance_notes", "Bus")];
    school.ann.submit(&format!("{lesson}/attendance"), &by_hand).await;
    let shown = school.ann.page(&lesson).await;
    assert!(shown.contains("student: late") && shown.contains("Bus"), "{shown}");
    assert!(!school.ann.page("/lessons").await.contains("#attendance"));
    let tomorrow = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date().tomorrow().expect("a day");
    let later = school.plan(&tomorrow.to_string()).await;
    let refused = school.ann.submit(&format!("{later}/attendance"), &[("accept", "1")]).await;
    assert!(message(&refused).contains("lesson has not started"));
    let refused = school.ann.submit(&format!("{later}/attendance"), &by_hand).await;
    assert!(refused.status().is_client_error(), "{}", refused.status());
    let shown = text(refused).await;
    for typed in ["lesson has not started", "<option selected>late", "Bus</textarea>"] {
        assert!(shown.contains(typed), "{typed} is missing in {shown}");
    }
}

#[tokio::test]
async fn one_lesson_of_a_series_is_changed_and_deleted_alone() {
    let school = School::open().await;
    let lesson = school.plan("2026-06-01").await;
    assert!(school.ann.page(&format!("{lesson}?occurrence=2026-06-15")).await.contains("planned by its series"));
    let form = school.ann.page(&format!("{lesson}/edit?occurrence=2026-06-15")).await;
    assert!(form.contains("value=\"2026-06-15\"") && !form.contains("session_frequency"), "{form}");
    let opened = version(&form);
    let mut moved = weekly(&school.enrolment, "2026-06-15");
    moved.retain(|(name, _)| !["session_frequency", "count", "holidays", "start_time", "end_time"].contains(name));
    moved.extend([("start_time", "19:00"), ("end_time", "20:00"), ("alarm_before_minutes", "15")]);
    moved.extend([("scope", "one"), ("occurrence", "2026-06-15"), ("version", opened.as_str())]);
    let saved = school.ann.submit(&lesson, &moved).await;
    if saved.status() != 303 {
        panic!("{}", text(saved).await);
    }
    let hours = "SELECT to_char(start_time, 'HH24:MI') FROM public.sessions ORDER BY session_date";
    assert_eq!(school.values(hours).await, ["17:00", "19:00"]);
    let deleted = [("scope", "one"), ("occurrence", "2026-06-22")];
    assert_eq!(to(&school.ann.submit(&format!("{lesson}/delete"), &deleted).await), "/lessons");
    assert!(!school.ann.page(&lesson).await.contains("22 Jun"));
    let switched = school.ann.submit(&format!("{lesson}/set"), &[("status", "completed")]).await;
    assert!(message(&switched).contains("completed now"), "{}", message(&switched));
    let refused = school.ann.submit(&format!("{lesson}/delete"), &[("scope", "all")]).await;
    assert!(message(&refused).contains("completed lessons are not deleted"));
    for path in ["/lessons/99", "/lessons/x", &format!("{lesson}?occurrence=2026-06-16")] {
        assert_eq!(school.ann.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn everybody_sees_and_changes_their_own_lessons() {
    let school = School::open().await;
    let today = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date().to_string();
    let lesson = school.plan(&today).await;
    let person = async |name: &str, role: Role, id: i64| {
        Browser::sign_in_as(&school.db, &school.site, name, Rights { role, subject_id: Some(id) }).await
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
    let refused = student.submit(&format!("{lesson}/set"), &[("student_review_id", "12x")]).await;
    assert_eq!(refused.status(), 422);
    let shown = text(refused).await;
    assert!(shown.contains("Enter a whole number.") && shown.contains("value=\"12x\""), "{shown}");
    assert!(student.page("/lessons?as=tutor").await.contains("No lessons."));
    let family = parent.page("/lessons/children").await;
    for expected in ["Ben", "Hours learned", "Attendance", "Fractions, Decimals"] {
        assert!(family.contains(expected), "{expected} is missing in {family}");
    }
    assert_eq!(to(&tutor.get("/lessons/children").await), "/lessons");
    let week = tutor.page("/lessons?when=today&sort=student_name&q=fractions&status=scheduled").await;
    assert!(tutor.page("/lessons/week").await.contains("17:00 to 18:00"), "a calendar");
    assert!(week.contains("1 lesson") && week.contains("aria-sort=\"ascending\""), "{week}");
}
