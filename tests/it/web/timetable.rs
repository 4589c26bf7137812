//! The timetable: views and filters, and an event with its sessions from creation to deletion.

use lectern::identity::Role;

use super::visitor::{Browser, message, text, to, version};
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// A provider, and an operator who works on the pages.
struct Office {
    db: TestDb,
    provider: Provider,
    site: Site,
    ann: Browser,
}

impl Office {
    async fn open() -> Office {
        let db = TestDb::new().await;
        let provider = Provider::insert(&db).await;
        let site = Site::serve(&db).await;
        let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
        Office { db, provider, site, ann }
    }

    /// Returns what the form of an event contains.
    fn fields(&self, code: &str) -> Vec<(&'static str, String)> {
        let Provider { template, location, venue, instructor, .. } = self.provider;
        let texts = [
            ("code", code),
            ("product_id", "cm2/tloncm2_f2f_2/2026-04"),
            ("start_date", "2027-03-01"),
            ("end_date", "2027-03-31"),
            ("max_places", "12"),
            ("time_zone", "Europe/London"),
            ("lms_start", "2027-03-01T09:00"),
        ];
        let ids = [
            ("course_template_id", template),
            ("location_id", location),
            ("venue_id", venue),
            ("instructor_ids", instructor),
        ];
        let texts = texts.map(|(name, value)| (name, value.to_owned()));
        texts.into_iter().chain(ids.map(|(name, id)| (name, id.to_string()))).collect()
    }

    async fn send(&self, path: &str, fields: &[(&'static str, String)]) -> reqwest::Response {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.ann.submit(path, &fields).await
    }

    /// Creates an event. Returns its path.
    async fn create(&self, code: &str) -> String {
        let created = self.send("/events", &self.fields(code)).await;
        if created.status() != 303 {
            panic!("{}", text(created).await);
        }
        to(&created).to_owned()
    }

    /// Adds a session. Returns the message, or the page that refuses it.
    async fn add_session(&self, event: &str, day: &str, (from, until): (&str, &str)) -> String {
        let instructor = self.provider.instructor.to_string();
        let title = format!("Day {day}");
        let fields = [
            ("title", title.as_str()),
            ("start_day", day),
            ("start_time", from),
            ("end_time", until),
            ("instructor_ids", &instructor),
        ];
        let added = self.ann.submit(&format!("{event}/sessions"), &fields).await;
        if added.status() == 303 { message(&added) } else { text(added).await }
    }

    async fn ids(&self) -> Vec<i64> {
        let sql = "SELECT id FROM acted.tutorial_sessions ORDER BY sequence";
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.expect("sessions")
    }
}

fn contains(shown: &str, expected: &[&str]) {
    for text in expected {
        assert!(shown.contains(text), "{text} is missing in {shown}");
    }
}

#[tokio::test]
async fn wrong_form_of_an_event_shows_what_is_wrong_beside_the_field_and_what_was_typed() {
    let office = Office::open().await;
    let wrong = [
        ("code", "CM2-SPRING"),
        ("product_id", "no such product"),
        ("start_date", "2027-03-31"),
        ("end_date", "2027-03-01"),
        ("time_zone", "Europe/London"),
        ("max_places", "many"),
        ("lms_start", "2027-03-28T01:30"),
    ];
    let refused = office.ann.submit("/events", &wrong).await;
    assert_eq!(refused.status(), 422);
    let own = ["No store product has this code", "Enter a whole number", "does not exist: the clocks in Europe/London"];
    let shown = text(refused).await;
    contains(&shown, &own);
    contains(&shown, &["value=\"CM2-SPRING\"", "value=\"many\"", "href=\"#max_places\""]);
    let mut fields = office.fields("CM2-SPRING");
    fields.iter_mut().filter(|(name, _)| *name == "end_date").for_each(|(_, value)| *value = "2027-02-01".into());
    let refused = office.send("/events", &fields).await;
    assert_eq!(refused.status(), 422);
    contains(&text(refused).await, &["Is before “First day”."]);
    office.create("CM2-SPRING").await;
    let again = office.send("/events", &office.fields("CM2-SPRING")).await;
    assert_eq!(again.status(), 409);
    contains(&text(again).await, &["Another event has this code already."]);
    let rita = Browser::sign_in(&office.db, &office.site, "rita", Role::Reader).await;
    assert_eq!(rita.get("/events/new").await.status(), 403, "a reader creates nothing");
}

#[tokio::test]
async fn sessions_are_typed_in_the_zone_of_their_event_and_ordered_by_buttons() {
    let office = Office::open().await;
    let event = office.create("CM2-SPRING").await;
    let facts = ["CM2-SPRING", "Quill House", "Ada Marlow", "12 of 12", "No sessions yet", "1 Mar 2027, 09:00 GMT"];
    contains(&office.ann.page(&event).await, &facts);
    assert_eq!(office.add_session(&event, "2027-03-02", ("09:30", "17:00")).await, "d“Day 2027-03-02” is saved.");
    office.add_session(&event, "2027-03-29", ("09:30", "17:00")).await;
    contains(&office.ann.page(&event).await, &["Mon 29 Mar 2027", "09:30 to 17:00 BST", "09:30 to 17:00 GMT"]);
    let sql =
        "SELECT to_char(start_date AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM acted.tutorial_sessions ORDER BY sequence";
    let starts: Vec<String> = sqlx::query_scalar(sql).fetch_all(&office.db.pool).await.expect("sessions");
    assert_eq!(starts, ["03-02 09:30", "03-29 08:30"]);
    let proposed = office.ann.page(&format!("{event}/sessions/new")).await;
    contains(&proposed, &["value=\"2027-03-30\"", "value=\"Day 3\""]);
    let ids = office.ids().await;
    office.ann.submit(&format!("{event}/sessions/{}/move", ids[1]), &[("direction", "up")]).await;
    assert_eq!(office.ids().await, [ids[1], ids[0]]);
    office.ann.submit(&format!("{event}/sessions/{}/move", ids[0]), &[("direction", "down")]).await;
    assert_eq!(office.ids().await, [ids[1], ids[0]], "the last one stays");
    office.ann.submit(&format!("{event}/sessions/{}/delete", ids[1]), &[]).await;
    assert_eq!(office.ids().await, [ids[0]]);
    assert_eq!(office.ann.get(&format!("{event}/sessions/{}", ids[1])).await.status(), 404);
}

#[tokio::test]
async fn clash_is_shown_in_words_and_can_be_allowed() {
    let office = Office::open().await;
    let event = office.create("CM2-SPRING").await;
    office.add_session(&event, "2027-03-02", ("09:30", "17:00")).await;
    let other = office.create("CM2-OTHER").await;
    let shown = office.add_session(&other, "2027-03-02", ("16:00", "18:00")).await;
    let booked = "Quill House is booked by “Day 2027-03-02” of CM2-SPRING: Tue 2 Mar 2027, 09:30 to 17:00 GMT";
    contains(&shown, &[booked, "Ada Marlow is booked by", "name=\"allow_clash\"", "value=\"16:00\""]);
    let fields = [
        ("title", "Evening"),
        ("start_day", "2027-03-02"),
        ("start_time", "16:00"),
        ("end_time", "18:00"),
        ("allow_clash", "1"),
    ];
    let allowed = office.ann.submit(&format!("{other}/sessions"), &fields).await;
    assert_eq!(to(&allowed), other);
    contains(&office.ann.page(&other).await, &["Evening", "a clash was allowed"]);
}

#[tokio::test]
async fn second_of_two_changes_learns_of_the_first() {
    let office = Office::open().await;
    let event = office.create("CM2-SPRING").await;
    let opened = version(&office.ann.page(&format!("{event}/edit")).await);
    let sold = "UPDATE acted.tutorial_events SET remain_space = 3";
    sqlx::query(sold).execute(&office.db.pool).await.expect("sold");
    let change = |version: &str, places: &str| {
        let mut fields = office.fields("CM2-SPRING");
        let more = [("remain_space", places), ("sitting", "2027A"), ("version", version)];
        fields.extend(more.map(|(name, value)| (name, value.to_owned())));
        fields
    };
    let refused = office.send(&event, &change(&opened, "12")).await;
    assert_eq!(refused.status(), 409);
    let shown = text(refused).await;
    contains(&shown, &["has changed this", "value=\"2027A\""]);
    assert_eq!(to(&office.send(&event, &change(&version(&shown), "3")).await), event);
    let stored = "SELECT (remain_space, sitting)::text FROM acted.tutorial_events
                  JOIN lectern.event_details ON tutorial_event_id = id";
    let stored: String = sqlx::query_scalar(stored).fetch_one(&office.db.pool).await.expect("an event");
    assert_eq!(stored, "(3,2027A)");
}

#[tokio::test]
async fn event_is_cancelled_and_deleted_and_readers_see_its_history() {
    let office = Office::open().await;
    let event = office.create("CM2-SPRING").await;
    office.add_session(&event, "2027-03-02", ("09:30", "17:00")).await;
    let rita = Browser::sign_in(&office.db, &office.site, "rita", Role::Reader).await;
    let shown = rita.page(&event).await;
    contains(&shown, &["ann", "Session added", "Event added", "on a page or over HTTP", "Only here"]);
    assert!(!shown.contains("method=\"post\" action=\"/events"), "a reader has no buttons");
    assert_eq!(rita.submit(&format!("{event}/delete"), &[]).await.status(), 403);
    let act =
        async |action: &str, fields: &[(&str, &str)]| office.ann.submit(&format!("{event}/{action}"), fields).await;
    assert!(message(&act("publish", &[]).await).starts_with('p'), "Administrate does not know it");
    assert!(message(&act("cancel", &[]).await).contains("is cancelled"));
    contains(&office.ann.page(&event).await, &["Take up again", "Cancelled"]);
    assert!(!office.ann.page("/timetable?view=list&day=2027-01-01").await.contains("CM2-SPRING"));
    contains(&office.ann.page("/timetable?view=list&day=2027-01-01&cancelled=1").await, &["CM2-SPRING"]);
    act("cancel", &[("reinstate", "1")]).await;
    contains(&office.ann.page("/timetable?view=list&day=2027-01-01").await, &["CM2-SPRING"]);
    assert_eq!(to(&act("delete", &[]).await), "/timetable");
    for path in [event.as_str(), "/events/x", "/events/99", "/events/1/sessions/1"] {
        assert_eq!(office.ann.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn timetable_shows_who_is_where_in_every_view() {
    let office = Office::open().await;
    for number in 1..=5 {
        let event = office.create(&format!("CM2-{number}")).await;
        let hour = 8 + number * 2;
        let hours = (format!("{hour:02}:00"), format!("{:02}:00", hour + 1));
        office.add_session(&event, "2027-03-10", (&hours.0, &hours.1)).await;
    }
    let ann = &office.ann;
    let month = ann.page("/timetable?day=2027-03-01").await;
    contains(&month, &["March 2027", "5 events", "2 more", "CM2-3"]);
    assert!(!month.contains("CM2-4"), "the first three events of a day: {month}");
    let unfolded =
        month.split("hx-get=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the rest of the day");
    let cell = ann.page(&unfolded.replace("&amp;", "&").replace("&#38;", "&")).await;
    contains(&cell, &["CM2-1", "CM2-5", "18:00"]);
    assert!(!cell.contains("<html") && cell.matches("<li>").count() == 5, "{cell}");
    let day = ann.page("/timetable?view=day&day=2027-03-10").await;
    contains(&day, &["CM2-5", "18:00 to 19:00 GMT", "Ada Marlow"]);
    let week = ann.page("/timetable?view=week&day=2027-03-12").await;
    contains(&week, &["8 Mar to 14 Mar 2027", "Day 2027-03-10, Quill House, London"]);
    let list = ann.page("/timetable?view=list&day=2027-03-01&order=code").await;
    contains(&list, &["5 events", "1 Mar to 31 Mar 2027", "Only here"]);
    let own = format!("instructor={}", office.provider.instructor);
    let filters = [
        ("location=99", false),
        ("code=cm2-4", true),
        ("code=cm2-9", false),
        (own.as_str(), true),
        ("subject=1&exam=1", true),
        ("exam=99", false),
    ];
    for (filter, is_shown) in filters {
        for view in ["month", "week", "day", "list", "venues", "instructors"] {
            let shown = ann.page(&format!("/timetable?view={view}&day=2027-03-10&{filter}")).await;
            assert_eq!(shown.contains("Nothing takes place here"), !is_shown, "{view} {filter}");
        }
    }
    let odd = ann.page("/timetable?view=century&day=31.12.2027&subject=x&part=9&code=%00").await;
    contains(&odd, &["<h1>Timetable</h1>"]);
}

#[tokio::test]
async fn timeline_marks_what_another_program_has_booked_twice() {
    let office = Office::open().await;
    for (code, hours) in [("CM2-1", ("10:00", "11:00")), ("CM2-2", ("12:00", "13:00"))] {
        let event = office.create(code).await;
        office.add_session(&event, "2027-03-10", hours).await;
    }
    let venues = office.ann.page("/timetable?view=venues&day=2027-03-10").await;
    assert!(venues.contains("Quill House") && !venues.contains("Clash"), "{venues}");
    let longer = "UPDATE acted.tutorial_sessions SET end_date = end_date + interval '90 minutes'
                  WHERE tutorial_event_id = (SELECT id FROM acted.tutorial_events WHERE code = 'CM2-1')";
    sqlx::query(longer).execute(&office.db.pool).await.expect("longer");
    for (view, who) in [("venues", "1 venue is booked twice"), ("instructors", "1 instructor is booked twice")] {
        let shown = office.ann.page(&format!("/timetable?view={view}&day=2027-03-10")).await;
        contains(&shown, &[who, "Clash with CM2-2", "Clash with CM2-1"]);
        let filtered = office.ann.page(&format!("/timetable?view={view}&day=2027-03-10&code=cm2-1")).await;
        contains(&filtered, &["Clash with CM2-2"]);
    }
}

#[tokio::test]
async fn month_counts_an_event_once_a_day_on_the_day_of_its_zone() {
    let office = Office::open().await;
    let twice = office.create("CM2-TWICE").await;
    office.add_session(&twice, "2027-03-10", ("12:00", "13:00")).await;
    office.add_session(&twice, "2027-03-10", ("15:00", "16:00")).await;
    office.create("CM2-WITHOUT").await;
    let mut fields = office.fields("CM2-AWAY");
    fields.iter_mut().filter(|(name, _)| *name == "time_zone").for_each(|(_, zone)| *zone = "America/New_York".into());
    let away = to(&office.send("/events", &fields).await).to_owned();
    // It begins at 03:00 UTC of the next day.
    office.add_session(&away, "2027-03-10", ("22:00", "23:30")).await;
    let month = office.ann.page("/timetable?day=2027-03-01").await;
    contains(&month, &["Wed 10 Mar, 2 events", "Mon 1 Mar, 1 event\"", "12:00", "22:00"]);
    assert!(!month.contains("15:00") && !month.contains("Thu 11 Mar, "), "{month}");
    let (tenth, eleventh) =
        month.split_once("Wed 10 Mar").and_then(|(_, rest)| rest.split_once("</td>")).expect("a day");
    let place = |code: &str| tenth.find(code).unwrap_or_else(|| panic!("{code} is missing in {tenth}"));
    assert!(place("CM2-TWICE") < place("CM2-AWAY") && !eleventh.contains("CM2-"), "{month}");
}

#[tokio::test]
async fn custom_fields_of_administrate_are_edited_with_the_event() {
    let office = Office::open().await;
    let define = "INSERT INTO adm.custom_fields (external_id, entity_type, label, field_type, is_required)
                  VALUES ('1', 'Event', 'Room / code', 'String', false),
                         ('2', 'Event', 'Recorded', 'Boolean', false), ('3', 'Event', 'Sitting', 'String', false),
                         ('4', 'Event', 'Seats', 'Integer', false)";
    sqlx::raw_sql(define).execute(&office.db.pool).await.expect("custom fields");
    let event = office.create("CM2-SPRING").await;
    let form = office.ann.page(&format!("{event}/edit")).await;
    contains(&form, &["Room / code", "Recorded", "Seats"]);
    assert_eq!(form.matches(">Sitting ").count(), 1, "it is a field of the event");
    let name = |label: &str| {
        let before = form.split(&format!(">{label}")).next().expect("a label");
        before.rsplit("for=\"").next().and_then(|rest| rest.split('"').next()).expect("a name").to_owned()
    };
    let send = async |values: [&str; 3], version: &str| {
        let mut fields: Vec<(String, String)> =
            office.fields("CM2-SPRING").into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let more = ["Room / code", "Recorded", "Seats"].into_iter().zip(values);
        fields.extend(more.map(|(label, value)| (name(label), value.to_owned())));
        fields.push(("version".to_owned(), version.to_owned()));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        office.ann.submit(&event, &fields).await
    };
    let wrong = send(["R1", "true", "many"], &version(&form)).await;
    assert_eq!(wrong.status(), 422);
    contains(&text(wrong).await, &["value=\"R1\"", "value=\"many\"", "Must be a whole number"]);
    assert_eq!(to(&send(["R1", "false", "12"], &version(&form)).await), event);
    contains(&office.ann.page(&event).await, &["Room / code", "R1", "Recorded", "Seats"]);
    let again = version(&office.ann.page(&format!("{event}/edit")).await);
    assert_eq!(to(&send(["", "false", "12"], &again).await), event);
    let stored = "SELECT custom_fields::text FROM lectern.event_details";
    let stored: String = sqlx::query_scalar(stored).fetch_one(&office.db.pool).await.expect("values");
    assert!(!stored.contains("Room") && stored.contains("Recorded") && stored.contains("12"), "{stored}");
}
