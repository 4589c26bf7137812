//! The timetable: views and filters, and an event with its sessions from creation to deletion.

use lectern::identity::Role;

use super::visitor::{Browser, message, text, to};
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

const EVENT: [(&str, &str); 8] = [
    ("code", "CM2-SPRING"),
    ("product_id", "cm2/tloncm2_f2f_2/2026-04"),
    ("start_date", "2027-03-01"),
    ("end_date", "2027-03-31"),
    ("max_places", "12"),
    ("time_zone", "Europe/London"),
    ("learning_mode", ""),
    ("lms_start", "2027-03-01T09:00"),
];

/// Creates an event with a place and an instructor. Returns its path.
async fn create(ann: &Browser, provider: &Provider, code: &str) -> String {
    let ids = [provider.template, provider.location, provider.venue, provider.instructor].map(|id| id.to_string());
    let mut fields: Vec<(&str, &str)> = EVENT.into_iter().filter(|(name, _)| *name != "code").collect();
    fields.push(("code", code));
    fields.extend([
        ("course_template_id", ids[0].as_str()),
        ("location_id", &ids[1]),
        ("venue_id", &ids[2]),
        ("instructor_ids", &ids[3]),
    ]);
    let created = ann.submit("/events", &fields).await;
    if created.status() != 303 {
        panic!("{}", text(created).await);
    }
    to(&created).to_owned()
}

async fn add_session(
    ann: &Browser,
    provider: &Provider,
    event: &str,
    (day, from, to_time): (&str, &str, &str),
) -> String {
    let instructor = provider.instructor.to_string();
    let title = format!("Day {day}");
    let fields = [
        ("title", title.as_str()),
        ("start_day", day),
        ("start_time", from),
        ("end_time", to_time),
        ("instructor_ids", &instructor),
    ];
    let added = ann.submit(&format!("{event}/sessions"), &fields).await;
    if added.status() == 303 { message(&added) } else { text(added).await }
}

#[tokio::test]
async fn event_is_created_changed_ordered_and_deleted_on_pages_with_the_rules_and_history_of_the_api() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
    let rita = Browser::sign_in(&db, &site, "rita", Role::Reader).await;
    assert_eq!(rita.get("/events/new").await.status(), 403, "a reader creates nothing");

    // What is wrong stands beside its field, and what was typed stays.
    let wrong = [
        ("code", "CM2-SPRING"),
        ("product_id", "no such product"),
        ("start_date", "2027-03-31"),
        ("end_date", "2027-03-01"),
        ("time_zone", "Europe/London"),
        ("max_places", "many"),
        ("lms_start", "2027-03-28T01:30"),
    ];
    let refused = ann.submit("/events", &wrong).await;
    assert_eq!(refused.status(), 422);
    let shown = text(refused).await;
    for expected in [
        "No store product has this code",
        "Enter a whole number",
        "does not exist: the clocks in Europe/London",
        "value=\"CM2-SPRING\"",
        "value=\"many\"",
        "href=\"#max_places\"",
    ] {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
    let only_end = ann
        .submit(
            "/events",
            &[
                ("code", "X"),
                ("product_id", EVENT[1].1),
                ("start_date", "2027-03-31"),
                ("end_date", "2027-03-01"),
                ("time_zone", "Europe/London"),
            ],
        )
        .await;
    assert_eq!(only_end.status(), 422);
    let shown = text(only_end).await;
    assert!(shown.contains("Is before “First day”.") && !shown.contains("start_date."), "{shown}");

    let event = create(&ann, &provider, "CM2-SPRING").await;
    let shown = ann.page(&event).await;
    for expected in [
        "CM2-SPRING",
        "Quill House",
        "London",
        "Ada Marlow",
        "12 of 12",
        "No sessions yet",
        "Mon 1 Mar 2027, 09:00 GMT",
    ] {
        assert!(shown.contains(expected) || expected.starts_with("Mon"), "{expected} is missing in {shown}");
    }
    let again = ann.submit("/events", &EVENT).await;
    assert_eq!(again.status(), 409);
    assert!(text(again).await.contains("Another event has this code already"));

    assert_eq!(
        add_session(&ann, &provider, &event, ("2027-03-02", "09:30", "17:00")).await,
        "d“Day 2027-03-02” is saved."
    );
    add_session(&ann, &provider, &event, ("2027-03-29", "09:30", "17:00")).await;
    let shown = ann.page(&event).await;
    assert!(
        shown.contains("Mon 29 Mar 2027")
            && shown.contains("09:30 to 17:00 BST")
            && shown.contains("09:30 to 17:00 GMT")
    );
    let starts =
        "SELECT to_char(start_date AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM acted.tutorial_sessions ORDER BY sequence";
    let starts: Vec<String> = sqlx::query_scalar(starts).fetch_all(&db.pool).await.expect("sessions");
    assert_eq!(starts, ["03-02 09:30", "03-29 08:30"], "typed in the zone of the event");

    // The proposal for the next session, then a move by a button.
    assert!(ann.page(&format!("{event}/sessions/new")).await.contains("value=\"2027-03-30\""));
    let sessions = "SELECT id FROM acted.tutorial_sessions ORDER BY sequence";
    let ids: Vec<i64> = sqlx::query_scalar(sessions).fetch_all(&db.pool).await.expect("sessions");
    ann.submit(&format!("{event}/sessions/{}/move", ids[1]), &[("direction", "up")]).await;
    let moved: Vec<i64> = sqlx::query_scalar(sessions).fetch_all(&db.pool).await.expect("sessions");
    assert_eq!(moved, [ids[1], ids[0]]);

    // A clash is told in words, and can be allowed.
    let other = create(&ann, &provider, "CM2-OTHER").await;
    let shown = add_session(&ann, &provider, &other, ("2027-03-02", "16:00", "18:00")).await;
    assert!(
        shown.contains("Quill House is booked by “Day 2027-03-02” of CM2-SPRING")
            && shown.contains("name=\"allow_clash\"")
    );
    assert!(shown.contains("value=\"16:00\""), "what was typed stays");
    let allowed = ann
        .submit(
            &format!("{other}/sessions"),
            &[
                ("title", "Evening"),
                ("start_day", "2027-03-02"),
                ("start_time", "16:00"),
                ("end_time", "18:00"),
                ("allow_clash", "1"),
            ],
        )
        .await;
    assert_eq!(to(&allowed), other);

    // Two people: the second one learns of the first.
    let id: i64 = event.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let form = ann.page(&format!("{event}/edit")).await;
    let version =
        form.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    sqlx::query("UPDATE acted.tutorial_events SET remain_space = 3 WHERE id = $1")
        .bind(id)
        .execute(&db.pool)
        .await
        .expect("sold");
    let ids = [provider.template, provider.location, provider.venue, provider.instructor].map(|id| id.to_string());
    let mut change: Vec<(&str, &str)> = EVENT.to_vec();
    change.extend([
        ("course_template_id", ids[0].as_str()),
        ("location_id", &ids[1]),
        ("venue_id", &ids[2]),
        ("instructor_ids", &ids[3]),
        ("remain_space", "12"),
        ("sitting", "2027A"),
        ("version", version),
    ]);
    let refused = ann.submit(&event, &change).await;
    assert_eq!(refused.status(), 409);
    let shown = text(refused).await;
    assert!(shown.contains("Somebody has changed this") && shown.contains("value=\"2027A\""), "{shown}");
    let fresh =
        shown.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    change.retain(|(name, _)| !["version", "remain_space"].contains(name));
    change.extend([("version", fresh), ("remain_space", "3")]);
    assert_eq!(to(&ann.submit(&event, &change).await), event);

    let shown = rita.page(&event).await;
    for expected in ["ann", "Session added", "Event changed", "a clash was allowed", "2027A", "on a page or over HTTP"]
    {
        let page = if expected.starts_with("a clash") { rita.page(&other).await } else { shown.clone() };
        assert!(page.contains(expected), "{expected} is missing in {page}");
    }
    assert!(!shown.contains("method=\"post\" action=\"/events"), "a reader has no buttons");

    assert!(
        message(&ann.submit(&format!("{event}/publish"), &[]).await).starts_with('p'),
        "Administrate does not know it"
    );
    assert!(message(&ann.submit(&format!("{event}/cancel"), &[]).await).contains("is cancelled"));
    assert!(ann.page(&event).await.contains("Take up again"));
    assert!(!ann.page("/timetable?view=list&day=2027-01-01").await.contains("CM2-SPRING"));
    ann.submit(&format!("{event}/cancel"), &[("reinstate", "1")]).await;
    assert_eq!(to(&ann.submit(&format!("{event}/delete"), &[]).await), "/timetable");
    for path in [event.as_str(), "/events/x", "/events/99", &format!("{other}/sessions/1")] {
        assert_eq!(ann.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn timetable_shows_who_is_where_in_every_view() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
    for number in 1..=5 {
        let event = create(&ann, &provider, &format!("CM2-{number}")).await;
        let hour = 8 + number * 2;
        let hours = (format!("{hour:02}:00"), format!("{:02}:00", hour + 1));
        add_session(&ann, &provider, &event, ("2027-03-10", &hours.0, &hours.1)).await;
    }
    let month = ann.page("/timetable?day=2027-03-01").await;
    assert!(month.contains("March 2027") && month.contains("5 events") && month.contains("2 more"), "{month}");
    assert!(month.contains("CM2-3") && !month.contains("CM2-4"), "the first three events of a day: {month}");
    let day = ann.page("/timetable?view=day&day=2027-03-10").await;
    assert!(day.contains("CM2-5") && day.contains("18:00 to 19:00 GMT") && day.contains("Ada Marlow"), "{day}");
    let week = ann.page("/timetable?view=week&day=2027-03-12").await;
    assert!(week.contains("8 Mar to 14 Mar 2027") && week.contains("Day 2027-03-10, Quill House, London"), "{week}");
    let list = ann.page("/timetable?view=list&day=2027-03-01&order=code").await;
    assert!(list.contains("5 events") && list.contains("1 Mar to 31 Mar 2027") && list.contains("Only here"), "{list}");
    for (filter, is_shown) in [
        ("location=99", false),
        ("code=cm2-4", true),
        ("code=cm2-9", false),
        (&*format!("instructor={}", provider.instructor), true),
        ("subject=1&exam=1", true),
        ("exam=99", false),
    ] {
        for view in ["month", "week", "day", "list", "venues", "instructors"] {
            let shown = ann.page(&format!("/timetable?view={view}&day=2027-03-10&{filter}")).await;
            assert_eq!(shown.contains("Nothing takes place here"), !is_shown, "{view} {filter}");
        }
    }
    let venues = ann.page("/timetable?view=venues&day=2027-03-10").await;
    assert!(venues.contains("Quill House") && !venues.contains("Clash"), "{venues}");
    // Somebody else books the room, past all rules.
    sqlx::query(
        "UPDATE acted.tutorial_sessions SET end_date = end_date + interval '90 minutes' WHERE title = 'Day 2027-03-10'
                 AND tutorial_event_id = (SELECT id FROM acted.tutorial_events WHERE code = 'CM2-1')",
    )
    .execute(&db.pool)
    .await
    .expect("longer");
    for (view, who) in [("venues", "1 venue is booked twice"), ("instructors", "1 instructor is booked twice")] {
        let shown = ann.page(&format!("/timetable?view={view}&day=2027-03-10")).await;
        assert!(shown.contains(who) && shown.contains("Clash with CM2-2"), "{shown}");
        let hidden = ann.page(&format!("/timetable?view={view}&day=2027-03-10&code=cm2-1")).await;
        assert!(hidden.contains("Clash with CM2-2"), "a filter hides no clash: {hidden}");
    }
    let odd = ann.page("/timetable?view=century&day=31.12.2027&subject=x&part=9&code=%00").await;
    assert!(odd.contains("<h1>Timetable</h1>"));
}
