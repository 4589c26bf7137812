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

#[tokio::test(flavor = "multi_thread")]
async fn undecided_conflict_is_not_delivered_with_a_decided_one() {
    let fixture = conflicting().await;
    edit_locally(&fixture, "UPDATE lectern.event_details SET max_places = 14 WHERE max_places = 12").await;
    let decide =
        async |field: &str, wins: &str| fixture.base.run(&["sync", "decide", "events", "CM2-01", field, wins]).await;
    let (exit, report) = decide("max places", "ours").await;
    assert_eq!(exit, 4, "{report:#}");
    assert_eq!(values(&fixture).await, (("Ours".into(), 14), ("Theirs".into(), 20)));
    let (exit, report) = decide("day 1: title", "theirs").await;
    assert_eq!((exit, values(&fixture).await), (0, (("Theirs".into(), 14), ("Theirs".into(), 14))), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_baseline_is_an_error_of_its_event() {
    let fixture = conflicting().await;
    let damage = "UPDATE lectern.agreed SET fields = '{\"title\": 1}' WHERE entity = 'event' AND external_id IN
                  (SELECT external_id FROM adm.events WHERE title = 'CM2-01')";
    edit_locally(&fixture, damage).await;
    fixture.change("cm2-02", |event| event.booked_places = 2);
    let (exit, report) = fixture.sync(&[]).await;
    let message = report["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(exit == 4 && message.starts_with("CM2-01: ") && message.contains("cannot be read"), "{report:#}");
    assert_eq!((&report["counts"]["errors"], fixture.bookable("cm2-02").await.1), (&json!(1), 10));
    assert_eq!(fixture.base.run(&["sync", "decide", "events", "CM2-01", "max places", "ours"]).await.0, 1);
    assert_eq!(values(&fixture).await, (("Ours".into(), 12), ("Theirs".into(), 20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn place_of_an_inactive_location_is_known() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    edit_locally(&fixture, "UPDATE acted.tutorial_locations SET is_active = false").await;
    fixture.base.simulator.edit(|tenant| {
        let elsewhere = tenant.add_location("Elsewhere", "EW");
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        tenant.events.get_mut(&number).expect("the record").location = Some(elsewhere);
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, fields(&report, "conflicts")), (0, vec![]), "{report:#}");
    let places = fields(&report, "differences");
    assert!(places[0].starts_with("CM2-01 place: ") && !places[0].contains("null"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_title_of_an_adopted_event_is_shown_and_not_applied() {
    let fixture = EventSyncFixture::new().await;
    edit_locally(&fixture, "DELETE FROM lectern.agreed").await;
    edit_locally(&fixture, "UPDATE acted.tutorial_events SET code = 'CM2 old' WHERE code = 'CM2-01'").await;
    let sequences = "UPDATE acted.tutorial_sessions SET sequence = sequence + 4 WHERE title LIKE 'CM2-01%'";
    edit_locally(&fixture, sequences).await;
    for _ in 0..2 {
        let (exit, report) = fixture.sync(&[]).await;
        assert_eq!((exit, fields(&report, "differences")), (0, vec!["CM2 old title: CM2 old|CM2-01|null".into()]));
        assert_eq!(fixture.bookable("CM2 old").await, (false, 12));
    }
    let days = "SELECT count(*) FROM adm.sessions AS s JOIN acted.tutorial_sessions AS local
                ON local.id = s.tutorial_session_id WHERE s.day_number = local.sequence";
    assert_eq!(fixture.base.count(days).await, 4, "the day of a linked session is its local sequence");
}
