//! Concurrent imports, and commands on a finished import.

use std::process::Stdio;

use administrate_sim::tenant::EventState;
use administrate_sim::{Action, Fault, When};
use lectern::timetable_import::layout::Field as F;
use serde_json::json;

use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_imports_run_one_after_another() {
    let lines: Vec<_> =
        (1..=12).flat_map(|n| [event(&format!("E{n}")), second_day(&format!("E{n}"), "17:00")]).collect();
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines).to_string_lossy().into_owned();
    // The same titles, one of them in another case.
    let mut others: Vec<_> = lines.iter().cloned().map(|line| changed(line, F::TimeZone, "Europe - London")).collect();
    others[0] = changed(event("e1"), F::SessionTitle, "E1-1");
    let other = write(fixture.db.folder(), "u.xlsx", &others).to_string_lossy().into_owned();
    let (same, differing) = (["import", &file], ["import", &other]);
    let all = tokio::join!(fixture.run(&same), fixture.run(&same), fixture.run(&differing));
    let created = |document: &serde_json::Value| document["counts"]["created"].as_u64().unwrap_or_default();
    let mut sum = 0;
    for (exit, document) in [&all.0, &all.1, &all.2] {
        assert_eq!(*exit, 0, "{document}");
        assert_eq!(created(document) + document["counts"]["unchanged"].as_u64().unwrap_or_default(), 12, "{document}");
        sum += created(document);
    }
    assert_eq!(sum, 12);
    let tenant = fixture.simulator.tenant();
    assert_eq!((tenant.events.len(), tenant.sessions.len()), (12, 24));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 12);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn import_publish_publishes_events_once() {
    let lines = [event("A"), second_day("A", "17:00"), event("B"), second_day("B", "17:00")];
    let fixture = fixture_for(&lines).await;
    fixture.expect_undelivered();
    let file = write(fixture.db.folder(), "t.xlsx", &lines).to_string_lossy().into_owned();
    let (_, document) = fixture.run(&["import", &file]).await;
    let run = document["run_id"].to_string();
    let cancelled = write(fixture.db.folder(), "u.xlsx", &[changed(event("B"), F::Cancelled, "Y")]);
    assert_eq!(fixture.run(&["import", &cancelled.to_string_lossy()]).await.0, 0);
    let (exit, document) = fixture.run(&["import", "publish", &run]).await;
    assert_eq!((exit, &document["asked"], &document["already"]), (0, &json!(["A"]), &json!(1)), "{document}");
    assert_eq!(document["delivery"]["delivered"], 1);
    let tenant = fixture.simulator.tenant();
    let states: Vec<EventState> =
        ["A", "B"].iter().filter_map(|t| Some(tenant.events_titled(t).next()?.1.state)).collect();
    assert_eq!(states, [EventState::Published, EventState::Cancelled]);
    let (number, _) = tenant.events_titled("A").next().expect("the event");
    assert!(tenant.sessions_of(number).all(|(_, session)| session.state == EventState::Published));
    let done = || fixture.simulator.mutations().iter().filter(|mutation| mutation.changed).count();
    let before = done();
    let (exit, document) = fixture.run(&["import", "publish", &run]).await;
    assert_eq!((exit, &document["asked"], &document["already"]), (0, &json!([]), &json!(2)), "{document}");
    let (exit, document) = fixture.run(&["import", &file, "--publish"]).await;
    assert_eq!(exit, 4, "B cannot come back: {document}");
    assert_eq!(done(), before, "once");
    assert_eq!(fixture.run(&["import", "publish", "999"]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_change_removes_its_added_session() {
    // Because of the second event the template creates two sessions.
    let lines = [event("A"), event("B"), second_day("B", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines).to_string_lossy().into_owned();
    assert_eq!(fixture.run(&["import", &file]).await.0, 0);
    let longer = [event("A"), second_day("A", "17:00")];
    let longer = write(fixture.db.folder(), "u.xlsx", &longer).to_string_lossy().into_owned();
    let (exit, document) = fixture.run(&["import", &longer]).await;
    assert_eq!((exit, &document["counts"]["updated"]), (0, &json!(1)), "{document}");
    let days = |title: &str| {
        let tenant = fixture.simulator.tenant();
        let (number, _) = tenant.events_titled(title).next().expect("the event");
        tenant.sessions_of(number).map(|(_, session)| session.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(days("A"), ["A-1", "A-2"]);
    let (exit, document) = fixture.run(&["import", "undo", &document["run_id"].to_string(), "--no-prompt"]).await;
    assert_eq!((exit, &document["restored"]), (0, &json!(["A"])), "{document}");
    assert_eq!((days("A"), days("B").len()), (vec!["A-1".to_owned()], 2));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_sessions").await, 3);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.withdrawn_sessions").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_import_stopped_by_a_signal_reports_remaining_work() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    fixture.expect_undelivered();
    let file = write(fixture.db.folder(), "t.xlsx", &lines).to_string_lossy().into_owned();
    fixture.simulator.add_fault(Fault::first("session.update", Action::Hang { when: When::Before }));
    let mut first = fixture.program(&["import", &file]).spawn().expect("it runs");
    while fixture.simulator.requests().of("session.update") == 0 {
        tokio::task::yield_now().await;
    }
    let second = fixture.program(&["import", &file, "--json"]).stdout(Stdio::piped()).spawn().expect("it runs");
    // The second import has opened its run and waits for the first.
    while fixture.count("SELECT count(*) FROM lectern.runs WHERE kind = 'import'").await < 2 {
        tokio::task::yield_now().await;
    }
    let id = nix::unistd::Pid::from_raw(second.id().cast_signed());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).expect("sent");
    let ended = tokio::task::spawn_blocking(move || second.wait_with_output()).await.expect("joined").expect("ended");
    let document: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(ended.status.code(), Some(4), "{document}");
    first.kill().expect("killed");
    first.wait().expect("ended");
}
