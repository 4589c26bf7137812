//! Errors of imports: exit codes, messages and limits.

use lectern::timetable_import::layout::Field as F;

use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

#[tokio::test(flavor = "multi_thread")]
async fn unknown_run_id_is_invalid_usage() {
    let fixture = fixture_for(&[event("A")]).await;
    for what in ["show", "retry", "publish", "undo"] {
        let (exit, document) = fixture.run(&["import", what, "999", "--no-prompt"]).await;
        let expected = "there is no import 999; `lectern import show` shows the last";
        assert_eq!((exit, document["error"].as_str()), (2, Some(expected)), "{what}: {document}");
    }
    assert_eq!(fixture.run(&["import", "show"]).await.0, 3, "nothing was imported yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_without_terminal_requires_no_prompt_option() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let (_, document) = fixture.run(&["import", file.to_str().expect("a path")]).await;
    let run = document["run_id"].to_string();
    assert_eq!(fixture.run(&["import", "undo", &run]).await.0, 2);
    assert_eq!(fixture.run(&["import", "undo", &run, "--dry-run"]).await.0, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 1);
    assert_eq!(fixture.run(&["import", "undo", &run, "--no-prompt"]).await.0, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn report_path_equal_to_the_timetable_is_rejected() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), event("?")]);
    let before = std::fs::read(&file).expect("readable");
    let name = file.to_str().expect("a path");
    let (exit, document) = fixture.run(&["import", name, "--report", "./t.xlsx", "--dry-run"]).await;
    assert_eq!((exit, std::fs::read(&file).expect("readable") == before), (2, true), "{document}");
}

/// Checks each limit of the settings and the document that reports it.
#[tokio::test(flavor = "multi_thread")]
async fn exceeded_limit_is_reported_in_the_document() {
    let db = TestDb::new().await;
    let lines: Vec<_> = (1..=30).map(|n| event(&format!("E{n}"))).collect();
    let xlsx = write(db.folder(), "t.xlsx", &lines);
    let xls = db.folder().join("t.xls");
    std::fs::write(&xls, include_bytes!("../../../crates/spreadsheet/tests/data/timetable.xls")).expect("a file");
    for (limit, file, named) in [
        ("max_rows = 3", &xlsx, "it has over 3 rows"),
        ("max_file_bytes = 1000", &xlsx, "1000 bytes are accepted"),
        ("max_unpacked_bytes = 5000", &xlsx, "over 5 kB unpacked"),
        ("max_shared_strings_bytes = 500", &xlsx, "over 500 bytes"),
        ("max_xls_bytes = 100", &xls, "100 bytes are accepted"),
    ] {
        std::fs::write(db.folder().join("lectern.toml"), format!("[import]\n{limit}\n")).expect("a file");
        let output = db.program(&["import", file.to_str().expect("a path"), "--json"]).output().expect("runs");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let problem = &document["problems"][0];
        assert_eq!(
            (output.status.code(), problem["code"].as_str()),
            (Some(1), Some("too_large")),
            "{limit}: {document}"
        );
        assert!(problem["message"].as_str().is_some_and(|message| message.contains(named)), "{limit}: {problem}");
        assert_eq!((&document["run_id"], &document["counts"]["events"]), (&serde_json::Value::Null, &0.into()));
    }
}

/// A row without an event in the file has none in the report either, whatever precedes it there.
#[tokio::test(flavor = "multi_thread")]
async fn report_of_rejected_rows_attaches_no_orphan_row() {
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
    let (_, document) = fixture.run(&["import", file.to_str().expect("a path"), "--dry-run", "--report", report]).await;
    let orphan = |document: &serde_json::Value, cell: &str| {
        let problems = document["problems"].as_array().expect("problems");
        problems.iter().any(|problem| problem["code"] == "orphan_session" && problem["cell"] == cell)
    };
    assert!(orphan(&document, "A6"), "{document}");
    let (exit, document) = fixture.run(&["import", report, "--dry-run"]).await;
    assert!(exit == 4 && orphan(&document, "C2"), "{document}");
}
