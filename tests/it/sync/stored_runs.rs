//! Stored runs: counts, requests and plan, the workbook of discrepancies, and recordings.

use std::os::unix::fs::PermissionsExt;

use administrate_sim::{Options, Simulator, Tenant};
use serde_json::json;

use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn run_is_stored_with_counts_requests_and_plan() {
    let fixture = SyncFixture::new().await;
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!(report["requests"], 3, "login, introspection, one page: {report:#}");
    let run = report["run_id"].as_i64().expect("a run").to_string();
    let (exit, stored) = fixture.run(&["sync", "show", &run]).await;
    assert_eq!((exit, &stored["requests"], &stored["counts"]), (0, &json!(3), &report["counts"]));
    assert_eq!(stored["journal"]["changes"].as_array().map(Vec::len), Some(3));
    assert_eq!(stored["document"]["unmatched_remote"], report["unmatched_remote"]);
    assert!(stored["duration_ms"].is_i64());
    let (_, runs) = fixture.run(&["sync", "runs"]).await;
    assert_eq!(runs["runs"][0]["requests"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn discrepancies_are_written_to_a_workbook_without_formulas() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| _ = tenant.add_location("=1+2", "X"));
    let file = fixture.db.folder().join("discrepancies.xlsx");
    let path = file.to_str().expect("a path");
    assert_eq!(fixture.run(&["sync", "locations", "--report", path]).await.0, 4);
    let mut book = calamine::open_workbook_auto(&file).expect("a workbook");
    let mut cells = |sheet: &str| {
        let range = calamine::Reader::worksheet_range(&mut book, sheet).expect(sheet);
        range.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(cells("Summary")[1][..3], ["locations", "4", "4"]);
    assert_eq!(cells("Not in Administrate")[1][2], "Edinburgh");
    assert_eq!(cells("Not here")[1][2], "'=1+2");
    assert_eq!(cells("Ambiguous").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn unwritable_output_path_fails_before_the_sync() {
    let fixture = SyncFixture::new().await;
    for option in ["--report", "--plan-out"] {
        // The output is one document; anything else is not JSON.
        let (exit, refused) = fixture.run(&["sync", "locations", option, "/proc/nope/file"]).await;
        let sentence = refused["error"].as_str().unwrap_or_default();
        assert!(exit == 1 && sentence.contains("choose another"), "{option}: {refused}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_replays_the_sync_offline() {
    let fixture = SyncFixture::new().await;
    let folder = fixture.db.folder().join("case");
    let path = folder.to_str().expect("a path").to_owned();
    let (exit, recorded) = fixture.run(&["sync", "all", "--dry-run", "--record", &path]).await;
    let file = folder.join("exchanges.jsonl");
    let text = std::fs::read_to_string(&file).expect("recorded");
    assert!(!text.contains(fixture.simulator.client_secret()) && !text.contains('@'));
    let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it names people");
    let options = Options { replay: Some(folder), ..Options::default() };
    let SyncFixture { db, simulator } = fixture;
    simulator.stop().await;
    let simulator = Simulator::start(options, Tenant::new()).await.expect("the recording is answered from");
    let offline = SyncFixture { db, simulator };
    let (again, replayed) = offline.run(&["sync", "all", "--dry-run"]).await;
    assert_eq!(again, exit, "{replayed:#}");
    assert_eq!(replayed, recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_audit_rows_are_purged_and_requests_are_rate_limited() {
    let fixture = SyncFixture::new().await;
    sqlx::raw_sql(
        "INSERT INTO adm.api_audit_log (command, operation, started_at, completed_at)
         VALUES ('sync all', 'old', now() - interval '31 days', now()),
                ('sync all', 'young', now() - interval '29 days', now())",
    )
    .execute(&fixture.db.pool)
    .await
    .expect("calls of long ago");
    fixture.run(&["sync", "locations"]).await;
    assert_eq!(fixture.count("SELECT count(*) FROM adm.api_audit_log WHERE operation = 'old'").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.api_audit_log WHERE operation = 'young'").await, 1);
    let (exit, summary) = fixture.run_with_env(&["sync", "all"], &[("LECTERN_REQUEST_BUDGET", "5")]).await;
    assert_eq!((exit, &summary["failed"]), (1, &json!(1)), "{summary:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spelling_of_an_adopted_database_stays_until_the_value_differs() {
    let fixture = SyncFixture::new().await;
    fixture.run(&["sync", "all"]).await;
    let adopted = "UPDATE adm.course_templates SET event_learning_mode = lower(event_learning_mode),
                       custom_fields = custom_fields || '{\"unknown\": null}'";
    sqlx::query(adopted).execute(&fixture.db.pool).await.expect("as another program wrote them");
    let templates = async || fixture.rows().await.remove("adm.course_templates");
    let before = templates().await;
    let (_, report) = fixture.run(&["sync", "course-templates"]).await;
    assert_eq!((&report["counts"]["updated"], templates().await), (&json!(0), before), "{report:#}");
    let other = "UPDATE adm.course_templates SET event_learning_mode = 'lms'";
    sqlx::query(other).execute(&fixture.db.pool).await.expect("another value");
    let (_, report) = fixture.run(&["sync", "course-templates"]).await;
    assert_ne!(report["counts"]["updated"], json!(0), "{report:#}");
    let stored = "SELECT count(*) FROM adm.course_templates WHERE event_learning_mode IN ('lms', 'LMS')";
    assert_eq!(fixture.count(stored).await, 0);
}
