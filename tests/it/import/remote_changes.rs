//! `lectern import` after values were changed in Administrate alone.

use administrate_sim::Tenant;
use administrate_sim::tenant::{EventState, SessionState};
use jiff::Span;
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write::RowValues;
use serde_json::{Value, json};

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

/// Returns a timetable that fills every field that an import delivers.
fn full() -> [RowValues; 2] {
    let first = [
        (F::OcrMoodleCode, "MC-1"),
        (F::EventUrl, "https://a.example.org/"),
        (F::SessionUrl, "https://a.example.org/1"),
        (F::FinalisationDate, "01/05/2026"),
        (F::WebSale, "N"),
    ];
    let first = first.into_iter().fold(event("A"), |row, (field, text)| changed(row, field, text));
    [first, second_day("A", "17:00")]
}

/// Returns a fixture with a second place and a second instructor, in which the full timetable is delivered.
async fn delivered() -> (ImportFixture, String) {
    let [first, second] = full();
    let elsewhere = changed(changed(event("Z"), F::Location, "Leeds"), F::Venue, "Hall");
    let elsewhere = changed(changed(elsewhere, F::Instructor, "Bo Li"), F::SessionInstructor, "Bo Li");
    let fixture = fixture_for(&[first, second, elsewhere]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &full()).to_str().expect("a path").to_owned();
    assert_eq!(fixture.run(&["import", &file]).await.0, 0);
    (fixture, file)
}

/// Returns code and cell of each problem.
fn problems(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let problems = document["problems"].as_array().expect("problems").iter();
    problems.map(|problem| (text(&problem["code"]), text(&problem["cell"]))).collect()
}

/// Returns what an import delivers: without times of changes, and people as pairs.
fn delivered_state(tenant: &Tenant) -> Value {
    let mut events = serde_json::to_value(&tenant.events).expect("JSON");
    let mut sessions = serde_json::to_value(&tenant.sessions).expect("JSON");
    for row in
        [&mut events, &mut sessions].into_iter().flat_map(|rows| rows.as_object_mut().expect("rows").values_mut())
    {
        row.as_object_mut().expect("a row").remove("updated_at");
    }
    let mut staff: Vec<_> =
        tenant.staff.iter().map(|(_, staff)| (staff.course, staff.contact, staff.is_administrator)).collect();
    staff.sort_unstable();
    json!([events, sessions, staff])
}

type Edit = fn(&mut Tenant);

/// Every field that an import delivers, with its cell and an edit of it in Administrate.
const EDITS: [(&str, &str, Edit); 16] = [
    ("B4", "title: A locally; Administrate has B", |t| the_event(t).title = "B".into()),
    ("C4", "day 1: title: A-1 locally; Administrate has First", |t| the_session(t, 0).title = "First".into()),
    ("C5", "day 2: title", |t| the_session(t, 1).title = "Second".into()),
    ("E4", "place: London, King's Cross locally; Administrate has Leeds, Hall", |t| {
        let (location, venue) = elsewhere(t);
        (the_event(t).location, the_event(t).venue) = (location, venue);
    }),
    ("E5", "day 2: place", |t| {
        let (location, venue) = elsewhere(t);
        (the_session(t, 1).location, the_session(t, 1).venue) = (location, venue);
    }),
    ("H4", "day 1: time", |t| {
        let session = the_session(t, 0);
        session.end = session.end.and_then(|end| end.checked_add(Span::new().minutes(5)).ok());
    }),
    ("H5", "day 2: time", |t| {
        let session = the_session(t, 1);
        session.start = session.start.and_then(|start| start.checked_add(Span::new().hours(1)).ok());
    }),
    ("L4", "LMS window", |t| {
        let event = the_event(t);
        event.lms_end = event.lms_end.and_then(|end| end.checked_add(Span::new().days(1)).ok());
    }),
    ("P4", "max places: 12 locally; Administrate has 20", |t| the_event(t).max_places = Some(20)),
    ("R4", "instructors: Ada Marlow locally; Administrate has Bo Li", |t| swap_instructor(t, false)),
    ("S4", "day 1: instructors: Ada Marlow locally; Administrate has Bo Li", |t| swap_instructor(t, true)),
    ("V4", "url", |t| set_field(t, 3, "https://b.example.org/")),
    ("W4", "day 1: url", |t| drop(the_session(t, 0).custom_fields.insert(7, "https://b.example.org/1".into()))),
    ("X4", "finalisation date", |t| set_field(t, 2, "2026-05-02")),
    ("Y4", "web sale: false locally; Administrate has true", |t| set_field(t, 4, "True")),
    ("AA4", "OCR moodle code: MC-1 locally; Administrate has MC-2", |t| set_field(t, 5, "MC-2")),
];

fn the_event(tenant: &mut Tenant) -> &mut administrate_sim::tenant::Event {
    tenant.events.values_mut().next().expect("an event")
}

fn the_session(tenant: &mut Tenant, at: usize) -> &mut administrate_sim::tenant::Session {
    tenant.sessions.values_mut().nth(at).expect("a session")
}

fn set_field(tenant: &mut Tenant, key: u64, value: &str) {
    the_event(tenant).custom_fields.insert(key, value.to_owned());
}

fn elsewhere(tenant: &Tenant) -> (Option<u64>, Option<u64>) {
    let number = |name: &str| tenant.locations.iter().find(|(_, location)| location.name == name).map(|(id, _)| id);
    let leeds = number("Leeds");
    (leeds, tenant.venues.iter().find(|(_, venue)| venue.location == leeds).map(|(id, _)| id))
}

/// Replaces the instructor of the event, or of its first session, by the other one.
fn swap_instructor(tenant: &mut Tenant, of_session: bool) {
    let course = match of_session {
        true => *tenant.sessions.keys().next().expect("a session"),
        false => *tenant.events.keys().next().expect("an event"),
    };
    let other = tenant.contacts.iter().find(|(_, contact)| contact.full_name() == "Bo Li").expect("Bo").0;
    let staff = tenant.staff.iter().find(|(_, staff)| staff.course == course).expect("staff").0;
    tenant.staff.get_mut(staff).expect("a row").contact = other;
}

#[tokio::test(flavor = "multi_thread")]
async fn value_changed_in_administrate_alone_is_shown_and_stays_unless_local_values_win() {
    let (fixture, file) = delivered().await;
    let original = delivered_state(&fixture.simulator.tenant());
    fixture.simulator.edit(|tenant| EDITS.iter().for_each(|(.., edit)| edit(tenant)));
    let edited = delivered_state(&fixture.simulator.tenant());
    let cells: Vec<_> =
        EDITS.iter().map(|(cell, ..)| ("changed_in_administrate".to_owned(), (*cell).to_owned())).collect();
    for arguments in [&["import", &file, "--dry-run"][..], &["import", &file], &["import", &file]] {
        let (exit, document) = fixture.run(arguments).await;
        let mut found = problems(&document);
        found.sort_by_key(|(_, cell)| EDITS.iter().position(|(known, ..)| known == cell));
        assert_eq!((exit, found), (0, cells.clone()), "{document:#}");
        assert_eq!((&document["counts"]["unchanged"], &document["conflicts"]), (&json!(1), &json!(0)));
        for (cell, message, _) in EDITS {
            let problem = document["problems"].as_array().expect("problems").iter().find(|p| p["cell"] == cell);
            let found = problem.map(|p| (p["message"].as_str().unwrap_or_default(), &p["severity"]));
            assert!(found.is_some_and(|(m, s)| m.starts_with(message) && s == "warning"), "{message}: {found:?}");
        }
    }
    assert_eq!(delivered_state(&fixture.simulator.tenant()), edited);

    let (exit, document) = fixture.run(&["import", &file, "--ours"]).await;
    assert_eq!((exit, problems(&document), &document["counts"]["updated"]), (0, vec![], &json!(1)), "{document:#}");
    let now = delivered_state(&fixture.simulator.tenant());
    assert_eq!((&now[0], &now[1]), (&original[0], &original[1]));
    // The instructor of the file is back; the one who was added in Administrate stays.
    let people = |state: &Value| state[2].as_array().expect("people").clone();
    assert!(people(&original).iter().all(|known| people(&now).contains(known)), "{now:#}");
    let (_, shown) = fixture.run(&["import", "show"]).await;
    let changes = shown["events"][0]["changes"].as_array().expect("changes");
    let places = json!({ "field": "max places in Administrate", "old": "20", "new": "12" });
    assert!(changes.contains(&places), "{shown:#}");

    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, problems(&document), &document["counts"]["unchanged"]), (0, vec![], &json!(1)), "{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_change_stays_when_other_values_of_the_event_are_delivered() {
    let (fixture, _) = delivered().await;
    fixture.simulator.edit(|tenant| {
        the_event(tenant).max_places = Some(20);
        the_session(tenant, 1).title = "Second".into();
        set_field(tenant, 5, "MC-2");
    });
    let [first, second] = full();
    let lines = [changed(changed(first, F::OcrMoodleCode, "MC-3"), F::EventUrl, "https://c.example.org/"), second];
    let file = write(fixture.db.folder(), "other.xlsx", &lines).to_str().expect("a path").to_owned();
    let (exit, document) = fixture.run(&["import", &file]).await;
    let expected = [("changed_in_administrate", "P4"), ("conflicting_value", "AA4"), ("changed_in_administrate", "C5")];
    let expected: Vec<_> = expected.iter().map(|(code, cell)| ((*code).to_owned(), (*cell).to_owned())).collect();
    assert_eq!((exit, problems(&document), &document["counts"]["updated"]), (4, expected, &json!(1)), "{document:#}");
    let mut tenant = fixture.simulator.tenant();
    assert_eq!((the_event(&mut tenant).max_places, &*the_session(&mut tenant, 1).title), (Some(20), "Second"));
    let fields = &the_event(&mut tenant).custom_fields;
    assert_eq!((&*fields[&3], &*fields[&5]), ("https://c.example.org/", "MC-2"));
    let (exit, document) = fixture.run(&["import", &file, "--ours"]).await;
    assert_eq!((exit, problems(&document)), (0, vec![]), "{document:#}");
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, problems(&document), &document["counts"]["unchanged"]), (0, vec![], &json!(1)), "{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_cancelled_or_deleted_in_administrate_alone_is_shown() {
    let (fixture, file) = delivered().await;
    fixture.simulator.edit(|tenant| the_session(tenant, 1).state = SessionState::Cancelled);
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, problems(&document)), (0, vec![("changed_in_administrate".into(), "U5".into())]), "{document:#}");
    fixture.simulator.edit(|tenant| {
        tenant.can_reinstate_cancelled = true;
        the_event(tenant).state = EventState::Cancelled;
    });
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!(
        (exit, problems(&document)),
        (0, vec![("changed_in_administrate".into(), "AF4".into())]),
        "{document:#}"
    );
    let (exit, document) = fixture.run(&["import", &file, "--ours"]).await;
    assert_eq!((exit, problems(&document), &document["counts"]["updated"]), (0, vec![], &json!(1)), "{document:#}");
    let mut tenant = fixture.simulator.tenant();
    assert_eq!(
        (the_event(&mut tenant).state, the_session(&mut tenant, 1).state),
        (EventState::Draft, SessionState::Draft)
    );
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, problems(&document)), (0, vec![]), "{document:#}");

    fixture.expect_undelivered();
    fixture.simulator.edit(|tenant| tenant.sessions.retain(|_, session| session.title != "A-2"));
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, problems(&document)), (0, vec![("changed_in_administrate".into(), "U5".into())]), "{document:#}");
    fixture.simulator.edit(|tenant| tenant.events.clear());
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, problems(&document)), (0, vec![("changed_in_administrate".into(), "B4".into())]), "{document:#}");
    let (exit, document) = fixture.run(&["import", &file, "--ours"]).await;
    assert_eq!((exit, &document["delivery"]["unknown"]), (4, &json!(1)), "{document:#}");
    assert!(
        document["undelivered"][0]["error"].as_str().is_some_and(|error| error.contains("--recreate")),
        "{document:#}"
    );
}

/// A queued import cannot read Administrate: its delivery compares and overwrites.
#[tokio::test(flavor = "multi_thread")]
async fn queued_import_overwrites_remote_changes_when_it_is_delivered() {
    let (fixture, file) = delivered().await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("approvals");
    let original = delivered_state(&fixture.simulator.tenant());
    fixture.simulator.edit(|tenant| {
        the_event(tenant).max_places = Some(20);
        the_session(tenant, 0).title = "First".into();
    });
    let (exit, document) = fixture.run(&["import", &file, "--deliver", "queue", "--ours"]).await;
    assert_eq!((exit, &document["delivery"]["pending"]), (4, &json!(1)), "{document:#}");
    assert_eq!(fixture.run(&["import", "retry"]).await.0, 0);
    assert_eq!(delivered_state(&fixture.simulator.tenant()), original);
}
