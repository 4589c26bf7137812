//! The number of requests in a plan equals the number sent.

use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write::RowValues;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

/// Plans and imports a file, asserts that the plan counts the requests sent (without those of planning), and returns
/// their number.
async fn sent_as_planned(fixture: &ImportFixture, what: &str, lines: &[RowValues], more: &[&str]) -> u64 {
    let file = write(fixture.db.folder(), "t.xlsx", lines);
    let import = [&["import", file.to_str().expect("a path")], more].concat();
    let before = fixture.simulator.requests();
    let (_, document) = fixture.run(&[&import[..], &["--dry-run"]].concat()).await;
    let planned = document["plan"]["remote_calls"].as_u64().unwrap_or_else(|| panic!("{document}"));
    let between = fixture.simulator.requests();
    let (exit, document) = fixture.run(&import).await;
    assert_eq!(exit, 0, "{what}: {document}");
    let after = fixture.simulator.requests();
    let reading = between.total - before.total;
    let of =
        |operation: &String| (after.of(operation) + before.of(operation)) as i64 - 2 * between.of(operation) as i64;
    let sent: Vec<_> = after.by_operation.keys().map(|operation| (operation, of(operation))).collect();
    assert_eq!(planned, after.total - between.total - reading, "{what} {more:?}: {sent:?}");
    planned
}

async fn delivered(lines: &[RowValues]) -> ImportFixture {
    let fixture = fixture_for(lines).await;
    sent_as_planned(&fixture, "at first", lines, &[]).await;
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_of_new_and_published_events_counts_the_requests_sent() {
    let days = [event("A"), second_day("A", "17:00")];
    for publish in [&[][..], &["--publish"]] {
        let fixture = fixture_for(&days).await;
        assert!(sent_as_planned(&fixture, "new", &days, publish).await >= 6);
        assert_eq!(sent_as_planned(&fixture, "again", &days, publish).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_of_each_change_counts_the_requests_sent() {
    let days = [event("A"), second_day("A", "17:00")];
    let with = |first: RowValues, second: RowValues| vec![first, second];
    let moved = |line: RowValues, day: &str| changed(changed(line, F::StartDate, day), F::EndDate, day);
    for (what, lines, publish) in [
        ("places", with(changed(days[0].clone(), F::MaxPlaces, "14"), days[1].clone()), &[][..]),
        ("a later end", with(days[0].clone(), second_day("A", "18:00")), &[]),
        ("both days moved", with(moved(days[0].clone(), "14/06/2026"), moved(days[1].clone(), "21/06/2026")), &[]),
        ("another hour inside", with(changed(days[0].clone(), F::EndTime, "16:00"), days[1].clone()), &[]),
        ("a title", with(changed(days[0].clone(), F::SessionTitle, "First"), days[1].clone()), &[]),
        ("no venue", with(changed(days[0].clone(), F::Venue, "TBC"), days[1].clone()), &[]),
        ("a local field", with(changed(days[0].clone(), F::Tutors, "Somebody"), days[1].clone()), &[]),
        ("a URL", with(changed(days[0].clone(), F::SessionUrl, "https://a.example.org/"), days[1].clone()), &[]),
        (
            "all of it",
            with(moved(changed(days[0].clone(), F::MaxPlaces, "9"), "14/06/2026"), days[1].clone()),
            &["--publish"],
        ),
        ("called off", with(changed(days[0].clone(), F::Cancelled, "Y"), days[1].clone()), &[]),
    ] {
        let fixture = delivered(&days).await;
        let sent = sent_as_planned(&fixture, what, &lines, publish).await;
        assert_eq!(sent == 0, what == "a local field", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_of_staff_changes_counts_the_requests_sent() {
    let line = |names: &str| changed(changed(event("A"), F::Instructor, names), F::SessionInstructor, "Ada Marlow");
    let all = [line("Ada Marlow/Bo Li/Cy Doe"), changed(event("B"), F::SessionInstructor, "Bo Li/Cy Doe")];
    let fixture = fixture_for(&all).await;
    for names in ["Ada Marlow", "Ada Marlow/Bo Li", "Cy Doe", "Bo Li/Ada Marlow"] {
        assert!(sent_as_planned(&fixture, names, &[line(names)], &[]).await > 0);
    }
    let taught = |names: &str| [changed(line("Bo Li/Ada Marlow"), F::SessionInstructor, names)];
    sent_as_planned(&fixture, "another day's instructor", &taught("Ada Marlow/Cy Doe"), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_of_an_adopted_event_counts_the_requests_sent() {
    let days = [event("A"), second_day("A", "17:00")];
    let fixture = delivered(&days).await;
    for forget in [
        "DELETE FROM lectern.agreed",
        "DELETE FROM adm.sessions",
        "DELETE FROM adm.events",
        "DELETE FROM acted.tutorial_events",
    ] {
        sqlx::query(forget).execute(&fixture.db.pool).await.expect("forgotten");
    }
    assert!(sent_as_planned(&fixture, "adopted", &days, &["--publish"]).await > 0);
}

/// Delivery of a queued import reads Administrate once more.
#[tokio::test(flavor = "multi_thread")]
async fn plan_of_a_queued_import_counts_the_requests_of_its_delivery() {
    let days = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&days).await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("approvals");
    let larger = [changed(event("A"), F::MaxPlaces, "14"), second_day("A", "18:00")];
    for lines in [&days, &larger] {
        let file = write(fixture.db.folder(), "t.xlsx", lines);
        let import = ["import", file.to_str().expect("a path"), "--deliver", "queue"];
        let (_, document) = fixture.run(&[&import[..], &["--dry-run"]].concat()).await;
        let planned = document["plan"]["remote_calls"].as_u64().expect("a number");
        let before = fixture.simulator.requests();
        assert_eq!(fixture.run(&import).await.0, 4);
        assert_eq!(fixture.simulator.requests().total, before.total, "nothing is sent yet");
        assert_eq!(fixture.run(&["import", "retry"]).await.0, 0);
        let after = fixture.simulator.requests();
        let once = |operation: &str| after.of(operation) - before.of(operation);
        let of_the_process = once("token") + once("__schema") + once("courseTemplates");
        assert_eq!(planned, after.total - before.total - of_the_process, "{:?}", after.by_operation);
    }
}

/// A template with too few sessions is a warning in the plan and an error of the row after delivery.
#[tokio::test(flavor = "multi_thread")]
async fn template_with_too_few_sessions_is_planned_and_reported() {
    let days = [event("A"), second_day("A", "17:00")];
    let third = |title: &str| {
        let line = changed(changed(second_day(title, "17:00"), F::Day, "3"), F::SessionTitle, &format!("{title}-3"));
        changed(changed(line, F::StartDate, "27/06/2026"), F::EndDate, "27/06/2026")
    };
    let fixture = delivered(&days).await;
    fixture.expect_undelivered();
    let moved = |line: RowValues| changed(changed(line, F::StartDate, "14/06/2026"), F::EndDate, "14/06/2026");
    let other = [moved(event("B")), changed(second_day("B", "17:00"), F::Venue, "TBC"), third("B")];
    for (lines, row) in [(&[days[0].clone(), days[1].clone(), third("A")], "U6"), (&other, "U6")] {
        let file = write(fixture.db.folder(), "t.xlsx", lines);
        let import = ["import", file.to_str().expect("a path")];
        let before = fixture.simulator.requests().total;
        let (_, document) = fixture.run(&[&import[..], &["--dry-run"]].concat()).await;
        let reading = fixture.simulator.requests().total - before;
        let codes = |document: &serde_json::Value| {
            let problems = document["problems"].as_array().expect("problems").iter();
            let place = |p: &serde_json::Value| format!("{} {}", p["code"], p["cell"]).replace('"', "");
            problems.map(place).filter(|document| !document.starts_with("double")).collect::<Vec<_>>()
        };
        assert_eq!(codes(&document), ["too_few_template_sessions A4"], "{document}");
        let planned = document["plan"]["remote_calls"].as_u64().expect("a number");
        let (exit, document) = fixture.run(&import).await;
        let missing = format!("missing_session {row}");
        assert_eq!(
            (exit, codes(&document)),
            (4, vec!["too_few_template_sessions A4".to_owned(), missing]),
            "{document}"
        );
        assert_eq!(planned, fixture.simulator.requests().total - before - 2 * reading);
    }
}
