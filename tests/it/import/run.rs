//! `lectern import`: from a workbook to local rows and events in Administrate.

use std::path::Path;

use lectern::timetable_import::layout::Field as F;

use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{changed, event, fixture_for, fixture_for_file, outcome, second_day, write};

#[tokio::test(flavor = "multi_thread")]
async fn new_timetable_is_imported_and_delivered_once() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    let file = file.to_str().expect("a path");

    let (exit, document) = fixture.run(&["import", file, "--dry-run"]).await;
    assert_eq!(
        (exit, &document["run_id"], &document["counts"]["created"]),
        (0, &serde_json::Value::Null, &1.into()),
        "{document}"
    );
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.runs").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.api_audit_log").await, 0);

    let (exit, document) = fixture.run(&["import", file]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 0; created 1, events 1, sessions 2; delivered 1");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.events WHERE external_id IS NOT NULL").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL").await, 2);
    let tenant = fixture.simulator.tenant();
    assert_eq!((tenant.events.len(), tenant.sessions.len()), (1, 2));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_session_instructors").await, 2);

    let (exit, document) = fixture.run(&["import", file]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 0; events 1, sessions 2, unchanged 1");

    let edited =
        write(fixture.db.folder(), "t2.xlsx", &[changed(event("A"), F::MaxPlaces, "15"), second_day("A", "16:00")]);
    let (exit, document) = fixture.run(&["import", edited.to_str().expect("a path")]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 0; events 1, sessions 2, updated 1; delivered 1");
    assert_eq!(fixture.count("SELECT remain_space::bigint FROM acted.tutorial_events").await, 15);
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
    let (exit, document) = fixture.run(&["import", "show"]).await;
    assert_eq!((exit, &document["events"][0]["outcome"]), (0, &"changed".into()), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_blocks_are_returned_in_a_correctable_workbook() {
    let sound = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&sound).await;
    let wrong = changed(changed(event("B"), F::Location, "Lndon"), F::StartDate, "14/07/2026");
    let wrong = changed(wrong, F::EndDate, "14/07/2026");
    let later = changed(changed(second_day("B", "17:00"), F::StartDate, "15/07/2026"), F::EndDate, "15/07/2026");
    let file = write(fixture.db.folder(), "t.xlsx", &[sound[0].clone(), sound[1].clone(), wrong, later]);
    let report = fixture.db.folder().join("refused.xlsx");
    let report = report.to_str().expect("a path");
    let (exit, document) = fixture.run(&["import", file.to_str().expect("a path"), "--report", report]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 4; created 1, events 2, rejected 1, sessions 2; delivered 1; error unknown_location E6");
    let problem = &document["problems"][0];
    assert_eq!(
        (&problem["cell"], &problem["code"], &problem["row"]),
        (&"E6".into(), &"unknown_location".into(), &6.into())
    );
    assert_eq!((&problem["suggestions"][0], &document["report"]), (&"London".into(), &report.into()));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_sessions").await, 2);

    let (exit, document) = fixture.run(&["import", report]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 4; events 1, rejected 1; error unknown_location G2");
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_events_are_delivered_after_an_outage() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("approvals");
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let (exit, document) = fixture.run(&["import", file.to_str().expect("a path"), "--deliver", "queue"]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 4; created 1, events 1, sessions 2; pending 1");
    assert_eq!(fixture.simulator.tenant().events.len(), 0);
    let (_, shown) = fixture.run(&["import", "show"]).await;
    assert_eq!((&shown["events"][0]["delivery"], &shown["delivery"]["pending"]), (&"pending".into(), &1.into()));
    let (exit, document) = fixture.run(&["import", "retry"]).await;
    assert_eq!((exit, &document["delivery"]["delivered"]), (0, &1.into()), "{document}");
    let (_, shown) = fixture.run(&["import", "show"]).await;
    assert_eq!((&shown["events"][0]["delivery"], &shown["delivery"]["delivered"]), (&"delivered".into(), &1.into()));
    assert_eq!(shown["import"]["delivery"]["pending"], 1, "the stored document is unchanged");
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
    assert_eq!(fixture.run(&["import", "retry"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_requirement_is_reported_with_its_exit_code() {
    let db = TestDb::new().await;
    let file = write(db.folder(), "t.xlsx", &[event("A")]);
    let broken = db.folder().join("broken.xlsx");
    std::fs::write(&broken, b"PK\x03\x04 no zip").expect("a file");
    let headless = db.folder().join("headless.csv");
    std::fs::write(&headless, "Course template code;Event title\nA;B\n").expect("a file");
    for (file, exit, code) in
        [(&file, 3, None), (&broken, 1, Some("unreadable_file")), (&headless, 1, Some("missing_header"))]
    {
        let output = db.program(&["import", file.to_str().expect("a path"), "--json"]).output().expect("runs");
        assert_eq!(output.status.code(), Some(exit), "{}", String::from_utf8_lossy(&output.stderr));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["problems"][0]["code"].as_str(), code, "{document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_remote_event_is_adopted_or_rejected() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    assert_eq!(fixture.run(&["import", file]).await.0, 0);
    for forget in ["DELETE FROM adm.sessions", "DELETE FROM adm.events", "DELETE FROM acted.tutorial_events"] {
        sqlx::query(forget).execute(&fixture.db.pool).await.expect("forgotten");
    }
    let moved = changed(changed(event("A"), F::StartDate, "14/06/2026"), F::EndDate, "14/06/2026");
    let other = write(fixture.db.folder(), "other.xlsx", &[moved, second_day("A", "17:00")]);
    let (exit, document) = fixture.run(&["import", other.to_str().expect("a path")]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 4; events 1, rejected 1; error conflicting_event B4");

    let (exit, document) = fixture.run(&["import", file]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 0; created 1, events 1, sessions 2; delivered 1; warning duplicate_event B4");
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unwritable_report_path_fails_before_the_import() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    let (exit, document) = fixture.run(&["import", file, "--report", "/proc/nope/x.xlsx"]).await;
    assert_eq!((exit, document["error"].is_string()), (1, true), "{document}");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    // An unwritable default report does not fail the import.
    std::fs::write(fixture.db.folder().join("reports"), "in the way").expect("a file");
    let rejected =
        write(fixture.db.folder(), "r.xlsx", &[&lines[..], &[changed(event("B"), F::Location, "?")]].concat());
    let (exit, document) = fixture.run(&["import", rejected.to_str().expect("a path")]).await;
    assert_eq!(
        (exit, &document["delivery"]["delivered"], document["report"].is_null()),
        (4, &1.into(), true),
        "{document}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn instructor_is_approved_only_on_request() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    fixture.simulator.edit(|tenant| {
        if let Some(template) = tenant.templates.get_mut(1) {
            template.approved_instructors.clear();
        }
    });
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    let (exit, document) = fixture.run(&["import", file]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 4; events 1, rejected 1; error not_approved_instructor R4; error not_approved_instructor S4");
    let (exit, document) = fixture.run(&["import", file, "--approve-instructors", "--dry-run"]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 0; created 1, events 1, sessions 2");
    assert!(fixture.simulator.tenant().templates.get(1).is_some_and(|t| t.approved_instructors.is_empty()));
    let (exit, document) = fixture.run(&["import", file, "--approve-instructors"]).await;
    insta::assert_snapshot!(outcome(exit, &document), @"exit 0; created 1, events 1, sessions 2; delivered 1");
    assert_eq!(fixture.simulator.tenant().templates.get(1).map(|t| t.approved_instructors.len()), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn import_without_administrate_writes_nothing() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let mut command = fixture.program(&["import", file.to_str().expect("a path"), "--json"]);
    // Nothing listens on the discard port of loopback.
    command
        .env("ADMINISTRATE_API_URL", "http://127.0.0.1:9/graphql")
        .env("ADMINISTRATE_AUTH_URL", "http://127.0.0.1:9/oauth");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn template_workbook_imports_without_problems() {
    let fixture = fixture_for(&[event("A")]).await;
    let file = fixture.db.folder().join("empty.xlsx");
    let file = file.to_str().expect("a path");
    assert_eq!(fixture.run(&["import", "template", file]).await.0, 0);
    let (exit, document) = fixture.run(&["import", file, "--dry-run"]).await;
    assert_eq!(
        (exit, &document["counts"]["events"], &document["problems"]),
        (0, &0.into(), &serde_json::json!([])),
        "{document}"
    );
}

/// A real provider's workbook with replaced names. It is stored outside the repository.
#[tokio::test(flavor = "multi_thread")]
async fn sample_timetable_is_delivered_completely() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/timetable-sample.xlsx");
    let path = std::env::var_os("LECTERN_SAMPLE").map_or(path, Into::into);
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested with it", path.display());
        return;
    }
    let fixture = fixture_for_file(&path).await;
    let file = path.to_str().expect("a path");
    let (exit, document) = fixture.run(&["import", file]).await;
    assert_eq!(
        (exit, &document["delivery"]["delivered"], &document["counts"]["sessions"]),
        (0, &41.into(), &156.into()),
        "{document}"
    );
    let (exit, document) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &document["counts"]["unchanged"]), (0, &41.into()), "{document}");
}
