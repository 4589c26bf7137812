//! `lectern import`: what a workbook becomes, here and in Administrate.

use std::path::Path;

use lectern::timetable_import::layout::Field as F;

use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{changed, event, fixture_for, fixture_for_file, second_day, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_timetable_arrives_on_both_sides_once() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    let file = file.to_str().expect("a path");

    let (exit, told) = fixture.run(&["import", file, "--dry-run"]).await;
    assert_eq!((exit, &told["run_id"], &told["counts"]["created"]), (0, &serde_json::Value::Null, &1.into()), "{told}");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.runs").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.api_audit_log").await, 0);

    let (exit, told) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["delivery"]["delivered"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(told["counts"]["sessions"], 2);
    assert_eq!(told["problems"], serde_json::json!([]));
    assert_eq!(fixture.count("SELECT count(*) FROM adm.events WHERE external_id IS NOT NULL").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL").await, 2);
    let tenant = fixture.simulator.tenant();
    assert_eq!((tenant.events.len(), tenant.sessions.len()), (1, 2));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_session_instructors").await, 2);

    let (exit, told) = fixture.run(&["import", file]).await;
    assert_eq!(
        (exit, &told["counts"]["unchanged"], &told["delivery"]["delivered"]),
        (0, &1.into(), &0.into()),
        "{told}"
    );

    let edited =
        write(fixture.db.folder(), "t2.xlsx", &[changed(event("A"), F::MaxPlaces, "15"), second_day("A", "16:00")]);
    let (exit, told) = fixture.run(&["import", edited.to_str().expect("a path")]).await;
    assert_eq!((exit, &told["counts"]["updated"], &told["delivery"]["delivered"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(fixture.count("SELECT remain_space::bigint FROM acted.tutorial_events").await, 15);
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
    let (exit, told) = fixture.run(&["import", "show"]).await;
    assert_eq!((exit, &told["events"][0]["outcome"]), (0, &"changed".into()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_blocks_come_back_in_a_workbook_that_can_be_corrected() {
    let sound = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&sound).await;
    let wrong = changed(changed(event("B"), F::Location, "Lndon"), F::StartDate, "14/07/2026");
    let wrong = changed(wrong, F::EndDate, "14/07/2026");
    let later = changed(changed(second_day("B", "17:00"), F::StartDate, "15/07/2026"), F::EndDate, "15/07/2026");
    let file = write(fixture.db.folder(), "t.xlsx", &[sound[0].clone(), sound[1].clone(), wrong, later]);
    let report = fixture.db.folder().join("refused.xlsx");
    let report = report.to_str().expect("a path");
    let (exit, told) = fixture.run(&["import", file.to_str().expect("a path"), "--report", report]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["counts"]["rejected"]), (4, &1.into(), &1.into()), "{told}");
    let problem = &told["problems"][0];
    assert_eq!(
        (&problem["cell"], &problem["code"], &problem["row"]),
        (&"E6".into(), &"unknown_location".into(), &6.into())
    );
    assert_eq!((&problem["suggestions"][0], &told["report"]), (&"London".into(), &report.into()));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_sessions").await, 2);

    let (exit, told) = fixture.run(&["import", report]).await;
    assert_eq!((exit, &told["counts"]["events"], &told["problems"][0]["cell"]), (4, &1.into(), &"E2".into()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_events_are_delivered_when_administrate_is_back() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("approvals");
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let (exit, told) = fixture.run(&["import", file.to_str().expect("a path"), "--deliver", "queue"]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["delivery"]["pending"]), (4, &1.into(), &1.into()), "{told}");
    assert_eq!(fixture.simulator.tenant().events.len(), 0);
    let (_, shown) = fixture.run(&["import", "show"]).await;
    assert_eq!((&shown["events"][0]["delivery"], &shown["delivery"]["pending"]), (&"pending".into(), &1.into()));
    let (exit, told) = fixture.run(&["import", "retry"]).await;
    assert_eq!((exit, &told["delivery"]["delivered"]), (0, &1.into()), "{told}");
    let (_, shown) = fixture.run(&["import", "show"]).await;
    assert_eq!((&shown["events"][0]["delivery"], &shown["delivery"]["delivered"]), (&"delivered".into(), &1.into()));
    assert_eq!(shown["import"]["delivery"]["pending"], 1, "what was told then stays as it was told");
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
    assert_eq!(fixture.run(&["import", "retry"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_with_its_exit_code() {
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
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(told["problems"][0]["code"].as_str(), code, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_stands_in_administrate_is_taken_over_or_refused() {
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
    let (exit, told) = fixture.run(&["import", other.to_str().expect("a path")]).await;
    assert_eq!((exit, &told["problems"][0]["code"]), (4, &"conflicting_event".into()), "{told}");
    assert_eq!(told["counts"]["rejected"], 1);

    let (exit, told) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["delivery"]["delivered"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(
        (&told["problems"][0]["code"], &told["problems"][0]["severity"]),
        (&"duplicate_event".into(), &"warning".into())
    );
    assert_eq!(fixture.simulator.tenant().events.len(), 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_is_known_before_anything_is_done() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    let (exit, told) = fixture.run(&["import", file, "--report", "/proc/nope/x.xlsx"]).await;
    assert_eq!((exit, told["error"].is_string()), (1, true), "{told}");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    // What nobody asked for and cannot be kept ends no import.
    std::fs::write(fixture.db.folder().join("reports"), "in the way").expect("a file");
    let refused =
        write(fixture.db.folder(), "r.xlsx", &[&lines[..], &[changed(event("B"), F::Location, "?")]].concat());
    let (exit, told) = fixture.run(&["import", refused.to_str().expect("a path")]).await;
    assert_eq!((exit, &told["delivery"]["delivered"], told["report"].is_null()), (4, &1.into(), true), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instructors_are_approved_only_when_that_is_asked() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    fixture.simulator.edit(|tenant| {
        if let Some(template) = tenant.templates.get_mut(1) {
            template.approved_instructors.clear();
        }
    });
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    let (exit, told) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &told["problems"][0]["code"]), (4, &"not_approved_instructor".into()), "{told}");
    let (exit, told) = fixture.run(&["import", file, "--approve-instructors", "--dry-run"]).await;
    assert_eq!((exit, &told["counts"]["created"]), (0, &1.into()), "{told}");
    assert!(fixture.simulator.tenant().templates.get(1).is_some_and(|t| t.approved_instructors.is_empty()));
    let (exit, told) = fixture.run(&["import", file, "--approve-instructors"]).await;
    assert_eq!((exit, &told["delivery"]["delivered"]), (0, &1.into()), "{told}");
    assert_eq!(fixture.simulator.tenant().templates.get(1).map(|t| t.approved_instructors.len()), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_administrate_nothing_is_validated_and_nothing_written() {
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
async fn an_empty_workbook_offers_what_is_known() {
    let fixture = fixture_for(&[event("A")]).await;
    let file = fixture.db.folder().join("empty.xlsx");
    let file = file.to_str().expect("a path");
    assert_eq!(fixture.run(&["import", "template", file]).await.0, 0);
    let (exit, told) = fixture.run(&["import", file, "--dry-run"]).await;
    assert_eq!((exit, &told["counts"]["events"], &told["problems"]), (0, &0.into(), &serde_json::json!([])), "{told}");
}

/// The real provider's workbook, names replaced. It stays outside the repository.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_arrives_whole_on_both_sides() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/timetable-sample.xlsx");
    let path = std::env::var_os("LECTERN_SAMPLE").map_or(path, Into::into);
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested with it", path.display());
        return;
    }
    let fixture = fixture_for_file(&path).await;
    let file = path.to_str().expect("a path");
    let (exit, told) = fixture.run(&["import", file]).await;
    assert_eq!(
        (exit, &told["delivery"]["delivered"], &told["counts"]["sessions"]),
        (0, &41.into(), &156.into()),
        "{told}"
    );
    let (exit, told) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &told["counts"]["unchanged"]), (0, &41.into()), "{told}");
}
