//! Interrupted imports: termination, resumption, undo, and delivery by several processes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use administrate_sim::tenant::EventState;
use administrate_sim::{Action, Fault, When};
use lectern::timetable_import::sheet::write;
use lectern::timetable_import::sheet::write::RowValues;
use serde_json::Value;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day};
use lectern::timetable_import::layout::Field as F;

fn write(folder: &Path, name: &str, lines: &[RowValues]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, write::timetable(lines).expect("a workbook")).expect("a file");
    path
}

async fn fixture(titles: &[&str]) -> (ImportFixture, String) {
    let lines: Vec<RowValues> = titles.iter().flat_map(|title| [event(title), second_day(title, "17:00")]).collect();
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines).to_string_lossy().into_owned();
    (fixture, file)
}

fn start(fixture: &ImportFixture, arguments: &[&str]) -> tokio::process::Child {
    let mut command = fixture.program(arguments);
    command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null());
    tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("the program starts")
}

fn terminate(child: &tokio::process::Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).expect("it runs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM).expect("sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_import_stops_between_steps_and_reports_remaining_work() {
    let (fixture, file) = fixture(&["A", "B", "C"]).await;
    // The creation in flight gets its response; the next step is not begun.
    fixture.simulator.add_fault(Fault::first("event.createBlended", Action::Hang { when: When::Before }));
    let child = start(&fixture, &["import", &file, "--no-prompt"]);
    fixture.simulator.wait_for_hanging(1).await;
    terminate(&child);
    let output = child.wait_with_output().await.expect("it ends");
    let document: Value = serde_json::from_slice(&output.stdout).expect("the document is printed");
    assert_eq!(output.status.code(), Some(4), "{document}");
    assert!(document["delivery"]["pending"].as_i64() >= Some(1), "{document}");
    assert_eq!((&document["counts"]["created"], &document["stopped"]), (&3.into(), &true.into()));
    let next = document["next_steps"][0].as_str().unwrap_or_default();
    assert!(next.ends_with(&format!("lectern import retry {}", document["run_id"])), "{document}");

    // Importing the same file resumes delivery, although nothing in it is new.
    fixture.simulator.clear_faults();
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, &document["counts"]["unchanged"]), (0, &3.into()), "{document}");
    assert!(document["delivery"]["delivered"].as_i64() >= Some(1), "{document}");
    assert_eq!(fixture.simulator.tenant().events.len(), 3);
    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, &document["delivery"]["delivered"]), (0, &0.into()), "{document}");
}

/// Returns the states of all imports, the latest first.
async fn listed_states(fixture: &ImportFixture) -> Vec<String> {
    let (_, document) = fixture.run(&["import", "list"]).await;
    let imports = document["imports"].as_array().expect("a list");
    imports.iter().map(|import| import["state"].as_str().expect("a state").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_import_with_undelivered_events_needs_attention() {
    let (fixture, file) = fixture(&["A"]).await;
    let rejected = Action::PayloadError { label: None, message: "not today".into() };
    fixture.simulator.add_fault(Fault::always("session.update", rejected));
    for created in [1, 0] {
        let (exit, document) = fixture.run(&["import", &file]).await;
        let found = (exit, &document["counts"]["created"], &document["delivery"]["failed"]);
        assert_eq!(found, (4, &created.into(), &1.into()), "{document}");
    }
    assert_eq!(listed_states(&fixture).await, ["needs attention", "needs attention"]);
    fixture.simulator.clear_faults();
    assert_eq!(fixture.run(&["import", &file]).await.0, 0);
    assert_eq!(listed_states(&fixture).await, ["done", "done", "done"], "all is delivered");
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_deliver_pending_events_once_after_an_outage() {
    let (fixture, file) = fixture(&["A", "B", "C", "D"]).await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("approvals");
    fixture.simulator.add_fault(Fault::always("*", Action::Status { status: 503, retry_after: None }));
    let (exit, document) = fixture.run(&["import", &file, "--deliver", "queue"]).await;
    assert_eq!((exit, &document["delivery"]["pending"]), (4, &4.into()), "{document}");
    let (one, other) = (start(&fixture, &["serve", "--worker-only"]), start(&fixture, &["serve", "--worker-only"]));
    // Both servers have seen the outage.
    fixture.simulator.wait_for_arrived(20).await;
    let attempts = "SELECT count(*) FROM lectern.outbox WHERE state = 'pending' AND last_error IS NOT NULL";
    while fixture.count(attempts).await == 0 {
        tokio::task::yield_now().await;
    }
    fixture.simulator.clear_faults();
    let undelivered = "SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'";
    let delivered = async {
        while fixture.count(undelivered).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), delivered).await.expect("delivered in the end");
    for child in [one, other] {
        terminate(&child);
        assert!(child.wait_with_output().await.expect("it ends").status.success());
    }
    let tenant = fixture.simulator.tenant();
    assert_eq!((tenant.events.len(), tenant.sessions.len()), (4, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn import_publishes_only_on_request() {
    let (fixture, file) = fixture(&["A"]).await;
    let states = || {
        let tenant = fixture.simulator.tenant();
        let events = tenant.events.values().map(|event| event.state).collect::<Vec<_>>();
        let sessions = tenant.sessions.values().map(|session| session.state).collect::<Vec<_>>();
        [events, sessions].concat()
    };
    assert_eq!(fixture.run(&["import", &file]).await.0, 0);
    assert_eq!(states(), [EventState::Draft; 3]);
    let (exit, document) = fixture.run(&["import", &file, "--publish"]).await;
    assert_eq!((exit, &document["counts"]["unchanged"], &document["delivery"]["delivered"]), (0, &1.into(), &1.into()));
    assert_eq!(states(), [EventState::Published; 3]);
    let (exit, document) = fixture.run(&["import", &file, "--publish"]).await;
    assert_eq!((exit, &document["delivery"]["delivered"]), (0, &0.into()), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn import_undo_removes_events_locally_and_remotely() {
    let (fixture, file) = fixture(&["A", "B"]).await;
    let (_, document) = fixture.run(&["import", &file]).await;
    let first = document["run_id"].to_string();
    let lines = [changed(event("A"), F::MaxPlaces, "15"), second_day("A", "16:00")];
    let edited = write(fixture.db.folder(), "t2.xlsx", &lines).to_string_lossy().into_owned();
    let (_, document) = fixture.run(&["import", &edited]).await;
    let second = document["run_id"].to_string();

    let (exit, document) = fixture.run(&["import", "undo", &first, "--no-prompt"]).await;
    assert_eq!((exit, &document["refused"][0]["event"]), (4, &"A".into()), "a later import has changed it: {document}");
    let (exit, document) = fixture.run(&["import", "undo", &second, "--no-prompt"]).await;
    assert_eq!((exit, &document["restored"]), (0, &serde_json::json!(["A"])), "{document}");
    let tenant = fixture.simulator.tenant();
    let (number, event) = tenant.events_titled("A").next().expect("it stays");
    assert_eq!(event.max_places, Some(12));
    let end = tenant.sessions_of(number).nth(1).and_then(|(_, session)| session.end).expect("an end");
    assert_eq!(end.hour(), 17);
    assert_eq!(fixture.count("SELECT sum(remain_space) FROM acted.tutorial_events").await, 24);

    sqlx::query("UPDATE acted.tutorial_events SET remain_space = 11 WHERE code = 'B'")
        .execute(&fixture.db.pool)
        .await
        .expect("sold");
    let (exit, document) = fixture.run(&["import", "undo", &first, "--no-prompt"]).await;
    assert_eq!((exit, &document["refused"][0]["event"]), (4, &"B".into()), "a place is sold: {document}");
    assert_eq!(fixture.simulator.tenant().events.len(), 2);
    sqlx::query("UPDATE acted.tutorial_events SET remain_space = 12")
        .execute(&fixture.db.pool)
        .await
        .expect("given back");
    let (exit, document) = fixture.run(&["import", "undo", &first, "--no-prompt"]).await;
    assert_eq!((exit, &document["removed"]), (0, &serde_json::json!(["A", "B"])), "{document}");
    assert_eq!(fixture.simulator.tenant().events.len(), 0);
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.events").await, 0);

    let (exit, document) = fixture.run(&["import", &file]).await;
    assert_eq!((exit, &document["counts"]["created"]), (0, &2.into()), "it can be imported again: {document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn extra_draft_sessions_are_deleted_only_on_request() {
    // Because of the second event the template creates two sessions: one more than the first event has.
    let lines = [event("A"), event("B"), second_day("B", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines).to_string_lossy().into_owned();
    let (exit, document) = fixture.run(&["import", &file]).await;
    let extra_drafts = |document: &Value| {
        let problems = document["problems"].as_array().expect("a list");
        problems.iter().filter(|problem| problem["code"] == "leftover_session").count()
    };
    assert_eq!((exit, extra_drafts(&document)), (0, 1), "{document}");
    assert_eq!(fixture.simulator.tenant().sessions.len(), 4);
    let (exit, document) = fixture.run(&["import", &file, "--delete-drafts"]).await;
    assert_eq!((exit, &document["delivery"]["delivered"], extra_drafts(&document)), (0, &1.into(), 0), "{document}");
    assert_eq!(fixture.simulator.tenant().sessions.len(), 3);
}
