//! `lectern sync events` after local, remote and conflicting changes since the last sync.

use jiff::civil::date;
use serde_json::{Value, json};

use crate::sync::events::EventSyncFixture;

/// Returns title of day 1 and max places, locally and in Administrate.
async fn values(fixture: &EventSyncFixture) -> ((String, i32), (String, i32)) {
    let local: (String, i32) = sqlx::query_as(
        "SELECT s.title, d.max_places FROM acted.tutorial_events e
         JOIN acted.tutorial_sessions s ON s.tutorial_event_id = e.id AND s.sequence = 1
         JOIN lectern.event_details d ON d.tutorial_event_id = e.id WHERE e.code = 'CM2-01'",
    )
    .fetch_one(&fixture.base.db.pool)
    .await
    .expect("our event");
    let tenant = fixture.base.simulator.tenant();
    let (number, event) = tenant.events_titled("CM2-01").next().expect("delivered");
    let title = tenant.sessions_of(number).next().expect("a session").1.title.clone();
    (local, (title, event.max_places.expect("places")))
}

async fn edit_locally(fixture: &EventSyncFixture, sql: &'static str) {
    sqlx::query(sql).execute(&fixture.base.db.pool).await.expect(sql);
}

/// Changes max places in Administrate only, and the title of day 1 on both sides.
pub async fn conflicting() -> EventSyncFixture {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    fixture.change("CM2-01", |event| event.max_places = Some(20));
    fixture.base.simulator.edit(|tenant| {
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        let first = tenant.sessions_of(number).next().expect("a session").0;
        tenant.sessions.get_mut(&first).expect("the record").title = "Theirs".into();
    });
    edit_locally(&fixture, "UPDATE acted.tutorial_sessions SET title = 'Ours' WHERE title = 'CM2-01-1'").await;
    fixture
}

fn fields(report: &Value, kind: &str) -> Vec<String> {
    let list = report[kind].as_array().expect(kind).iter();
    list.map(|one| format!("{} {}: {}|{}|{}", one["name"], one["field"], one["ours"], one["theirs"], one["agreed"]))
        .map(|text| text.replace('"', ""))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicting_field_waits_for_a_decision() {
    let fixture = conflicting().await;
    for arguments in [&["--dry-run"][..], &["--report", "events.xlsx"], &[]] {
        let (exit, report) = fixture.sync(arguments).await;
        assert_eq!(exit, 4, "{report:#}");
        assert_eq!(fields(&report, "conflicts"), ["CM2-01 day 1: title: Ours|Theirs|CM2-01-1"]);
        assert_eq!(fields(&report, "differences"), ["CM2-01 max places: 12|20|12"]);
    }
    let report = std::fs::read(fixture.base.db.folder().join("events.xlsx")).expect("the report");
    assert!(report.starts_with(b"PK"));
    assert_eq!(values(&fixture).await, (("Ours".into(), 12), ("Theirs".into(), 20)));

    let resolve =
        async |field: &str, wins: &str| fixture.base.run(&["sync", "decide", "events", "cm2-01", field, wins]).await;
    let (exit, resolved) = resolve("day-1-title", "theirs").await;
    assert_eq!((exit, fields(&resolved, "settled").len()), (0, 1), "{resolved:#}");
    assert_eq!(values(&fixture).await, (("Theirs".into(), 12), ("Theirs".into(), 20)));
    assert_eq!(resolve("day 1: title", "theirs").await.0, 2, "the conflict is resolved");
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["conflicts"], report["differences"].as_array().map(Vec::len)), (0, &json!([]), Some(1)));
    assert_eq!(resolve("max places", "ours").await.0, 0);
    assert_eq!(values(&fixture).await, (("Theirs".into(), 12), ("Theirs".into(), 12)));
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["differences"]), (0, &json!([])), "{report:#}");

    let run = resolved["run_id"].to_string();
    assert_eq!(fixture.base.run(&["sync", "undo", &run, "--no-prompt"]).await.0, 0);
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, fields(&report, "conflicts")), (4, vec!["CM2-01 day 1: title: Ours|Theirs|CM2-01-1".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_policy_resolves_conflicts_and_leaves_an_empty_plan() {
    let fixture = conflicting().await;
    let settings = "[sync.conflicts]\nsession_title = \"ours\"\nsession_time = \"theirs\"\nmax_places = \"theirs\"\n";
    std::fs::write(fixture.base.db.folder().join("lectern.toml"), settings).expect("settings");
    fixture.base.simulator.edit(|tenant| {
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        let second = tenant.sessions_of(number).nth(1).expect("a session").0;
        let second = tenant.sessions.get_mut(&second).expect("the record");
        second.start = Some(date(2026, 2, 11).at(9, 0, 0, 0));
        second.end = Some(date(2026, 2, 11).at(12, 30, 0, 0));
    });
    let (exit, saved) = fixture.sync(&["--plan-out", "plan.json"]).await;
    assert_eq!((exit, fields(&saved, "settled").len()), (0, 3), "{saved:#}");
    assert_eq!(values(&fixture).await, (("Ours".into(), 12), ("Theirs".into(), 20)));
    let (exit, report) = fixture.sync(&["--plan", "plan.json"]).await;
    assert_eq!((exit, &report["conflicts"], &report["errors"]), (0, &json!([]), &json!([])), "{report:#}");
    assert_eq!(values(&fixture).await, (("Ours".into(), 20), ("Ours".into(), 20)));
    let moved = "SELECT count(*) FROM acted.tutorial_sessions
                 WHERE sequence = 2 AND (start_date, end_date) = ('2026-02-11 09:00+00', '2026-02-11 12:30+00')";
    assert_eq!(fixture.base.count(moved).await, 1);
    let (exit, undone) = fixture.base.run(&["sync", "undo", &report["run_id"].to_string(), "--no-prompt"]).await;
    assert_eq!((exit, &undone["skipped"][0]["name"]), (0, &json!("CM2-01")), "remote values stay: {undone:#}");
    let (exit, again) = fixture.sync(&[]).await;
    assert_eq!((exit, fields(&again, "settled").len(), fields(&again, "differences").len()), (0, 0, 0), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_value_that_cannot_be_stored_is_reported() {
    let fixture = conflicting().await;
    std::fs::write(fixture.base.db.folder().join("lectern.toml"), "[sync.conflicts]\nplace = \"theirs\"\n")
        .expect("settings");
    fixture.base.simulator.edit(|tenant| {
        let elsewhere = tenant.add_location("Nowhere known", "NK");
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        tenant.events.get_mut(&number).expect("the record").location = Some(elsewhere);
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!(exit, 4, "{report:#}");
    let message = report["errors"][0]["message"].as_str().expect("a sentence");
    assert!(message.contains("has no local record"), "{message}");
    assert_eq!(fields(&report, "differences").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn event_with_pending_delivery_is_reported_and_unchanged() {
    let fixture = conflicting().await;
    let resolve = ["sync", "decide", "events", "CM2-01", "max places", "theirs"];
    edit_locally(&fixture, "UPDATE lectern.outbox SET state = 'unknown' WHERE subject = 'CM2-01'").await;
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, fields(&report, "conflicts").len()), (4, 1), "{report:#}");
    assert_eq!(fixture.base.run(&resolve).await.0, 4);

    // The state in which delivery leaves an item with a conflict.
    edit_locally(&fixture, "UPDATE lectern.outbox SET state = 'failed' WHERE subject = 'CM2-01'").await;
    assert_eq!(fixture.base.run(&["sync", "decide", "events", "CM2-01", "day 1: title", "ours"]).await.0, 0);
    let (exit, resolved) = fixture.base.run(&resolve).await;
    assert_eq!((exit, fields(&resolved, "settled").len()), (0, 1), "{resolved:#}");
    assert_eq!(values(&fixture).await, (("Ours".into(), 20), ("Ours".into(), 20)));
    assert_eq!(fixture.base.count("SELECT count(*) FROM lectern.outbox WHERE state = 'failed'").await, 0);
}
