//! What an import refuses, and with which exit code and words.

use lectern::timetable_import::layout::Field as F;

use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_none_is_wrong_usage_everywhere() {
    let fixture = fixture_for(&[event("A")]).await;
    for what in ["show", "retry", "publish", "undo"] {
        let (exit, told) = fixture.run(&["import", what, "999", "--no-prompt"]).await;
        let expected = "there is no import 999; `lectern import show` shows the last";
        assert_eq!((exit, told["error"].as_str()), (2, Some(expected)), "{what}: {told}");
    }
    assert_eq!(fixture.run(&["import", "show"]).await.0, 3, "nothing was imported yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_back_where_nobody_can_be_asked() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let (_, told) = fixture.run(&["import", file.to_str().expect("a path")]).await;
    let run = told["run_id"].to_string();
    assert_eq!(fixture.run(&["import", "undo", &run]).await.0, 2);
    assert_eq!(fixture.run(&["import", "undo", &run, "--dry-run"]).await.0, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 1);
    assert_eq!(fixture.run(&["import", "undo", &run, "--no-prompt"]).await.0, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_never_takes_the_place_of_the_timetable() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), event("?")]);
    let before = std::fs::read(&file).expect("readable");
    let name = file.to_str().expect("a path");
    let (exit, told) = fixture.run(&["import", name, "--report", "./t.xlsx", "--dry-run"]).await;
    assert_eq!((exit, std::fs::read(&file).expect("readable") == before), (2, true), "{told}");
}

/// Each limit of the settings, and the document that tells it.
#[tokio::test(flavor = "multi_thread")]
async fn every_limit_is_told_in_the_document() {
    let db = TestDb::new().await;
    let lines: Vec<_> = (1..=30).map(|n| event(&format!("E{n}"))).collect();
    let xlsx = write(db.folder(), "t.xlsx", &lines);
    let xls = db.folder().join("t.xls");
    std::fs::write(&xls, include_bytes!("../../../crates/spreadsheet/tests/data/timetable.xls")).expect("a file");
    for (limit, file, told_of) in [
        ("max_rows = 3", &xlsx, "it has over 3 rows"),
        ("max_file_bytes = 1000", &xlsx, "1000 bytes are accepted"),
        ("max_unpacked_bytes = 5000", &xlsx, "over 5 kB unpacked"),
        ("max_shared_strings_bytes = 500", &xlsx, "over 500 bytes"),
        ("max_xls_bytes = 100", &xls, "100 bytes are accepted"),
    ] {
        std::fs::write(db.folder().join("lectern.toml"), format!("[import]\n{limit}\n")).expect("a file");
        let output = db.program(&["import", file.to_str().expect("a path"), "--json"]).output().expect("runs");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let problem = &told["problems"][0];
        assert_eq!((output.status.code(), problem["code"].as_str()), (Some(1), Some("too_large")), "{limit}: {told}");
        assert!(problem["message"].as_str().is_some_and(|message| message.contains(told_of)), "{limit}: {problem}");
        assert_eq!((&told["run_id"], &told["counts"]["events"]), (&serde_json::Value::Null, &0.into()));
    }
}

/// An orphan of the file stays one in the report, whatever stands above it there.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_report_attaches_no_orphan() {
    let sound = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&sound).await;
    let wrong = changed(changed(event("B"), F::Location, "Lndon"), F::StartDate, "14/07/2026");
    let wrong = changed(wrong, F::EndDate, "14/07/2026");
    let online = vec![
        (F::Template, "OC_CB1".into()),
        (F::EventTitle, "OC".into()),
        (F::Location, "London".into()),
        (F::LmsStartDate, "01/09/2025".into()),
        (F::LmsStartTime, "00:00".into()),
        (F::LmsEndDate, "30/04/2026".into()),
        (F::LmsEndTime, "00:00".into()),
        (F::Sitting, "2026A".into()),
    ];
    let file = write(fixture.db.folder(), "t.xlsx", &[wrong, online, second_day("Z", "17:00")]);
    let report = fixture.db.folder().join("refused.xlsx");
    let report = report.to_str().expect("a path");
    let (_, told) = fixture.run(&["import", file.to_str().expect("a path"), "--dry-run", "--report", report]).await;
    let orphan = |told: &serde_json::Value, cell: &str| {
        let problems = told["problems"].as_array().expect("problems");
        problems.iter().any(|problem| problem["code"] == "orphan_session" && problem["cell"] == cell)
    };
    assert!(orphan(&told, "A6"), "{told}");
    let (exit, told) = fixture.run(&["import", report, "--dry-run"]).await;
    assert!(exit == 4 && orphan(&told, "A2"), "{told}");
}
