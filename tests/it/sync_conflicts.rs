//! `lectern sync events` where values of an event were changed on one side or on both since they last agreed.

use jiff::civil::date;
use serde_json::{Value, json};

use crate::sync_events::Delivered;

/// Title of day 1 and max places, here and in Administrate.
async fn sides(known: &Delivered) -> ((String, i32), (String, i32)) {
    let ours: (String, i32) = sqlx::query_as(
        "SELECT s.title, d.max_places FROM acted.tutorial_events e
         JOIN acted.tutorial_sessions s ON s.tutorial_event_id = e.id AND s.sequence = 1
         JOIN lectern.event_details d ON d.tutorial_event_id = e.id WHERE e.code = 'CM2-01'",
    )
    .fetch_one(&known.story.world.pool)
    .await
    .expect("our event");
    let tenant = known.story.simulator.tenant();
    let (number, event) = tenant.events_titled("CM2-01").next().expect("delivered");
    let title = tenant.sessions_of(number).next().expect("a session").1.title.clone();
    (ours, (title, event.max_places.expect("places")))
}

async fn edit_here(known: &Delivered, sql: &'static str) {
    sqlx::query(sql).execute(&known.story.world.pool).await.expect(sql);
}

/// Max places is changed there alone, the title of day 1 on both sides.
pub async fn disputed() -> Delivered {
    let known = Delivered::begin().await;
    assert_eq!(known.sync(&[]).await.0, 0);
    known.change("CM2-01", |event| event.max_places = Some(20));
    known.story.simulator.edit(|tenant| {
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        let first = tenant.sessions_of(number).next().expect("a session").0;
        tenant.sessions.get_mut(&first).expect("it is there").title = "Theirs".into();
    });
    edit_here(&known, "UPDATE acted.tutorial_sessions SET title = 'Ours' WHERE title = 'CM2-01-1'").await;
    known
}

fn fields(report: &Value, kind: &str) -> Vec<String> {
    let list = report[kind].as_array().expect(kind).iter();
    list.map(|one| format!("{} {}: {}|{}|{}", one["name"], one["field"], one["ours"], one["theirs"], one["agreed"]))
        .map(|text| text.replace('"', ""))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_sides_changed_waits_for_a_person() {
    let known = disputed().await;
    for arguments in [&["--dry-run"][..], &["--report", "events.xlsx"], &[]] {
        let (exit, report) = known.sync(arguments).await;
        assert_eq!(exit, 4, "{report:#}");
        assert_eq!(fields(&report, "conflicts"), ["CM2-01 day 1: title: Ours|Theirs|CM2-01-1"]);
        assert_eq!(fields(&report, "differences"), ["CM2-01 max places: 12|20|12"]);
    }
    let report = std::fs::read(known.story.world.folder().join("events.xlsx")).expect("the report");
    assert!(report.starts_with(b"PK"));
    assert_eq!(sides(&known).await, (("Ours".into(), 12), ("Theirs".into(), 20)));

    let decide =
        async |field: &str, wins: &str| known.story.lectern(&["sync", "decide", "events", "cm2-01", field, wins]).await;
    let (exit, decided) = decide("day-1-title", "theirs").await;
    assert_eq!((exit, fields(&decided, "settled").len()), (0, 1), "{decided:#}");
    assert_eq!(sides(&known).await, (("Theirs".into(), 12), ("Theirs".into(), 20)));
    assert_eq!(decide("day 1: title", "theirs").await.0, 2, "there is nothing left to decide");
    let (exit, report) = known.sync(&[]).await;
    assert_eq!((exit, &report["conflicts"], report["differences"].as_array().map(Vec::len)), (0, &json!([]), Some(1)));
    assert_eq!(decide("max places", "ours").await.0, 0);
    assert_eq!(sides(&known).await, (("Theirs".into(), 12), ("Theirs".into(), 12)));
    let (exit, report) = known.sync(&[]).await;
    assert_eq!((exit, &report["differences"]), (0, &json!([])), "{report:#}");

    let run = decided["run_id"].to_string();
    assert_eq!(known.story.lectern(&["sync", "undo", &run]).await.0, 0);
    let (exit, report) = known.sync(&[]).await;
    assert_eq!((exit, fields(&report, "conflicts")), (4, vec!["CM2-01 day 1: title: Ours|Theirs|CM2-01-1".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_decide_and_the_plan_after_is_empty() {
    let known = disputed().await;
    let settings = "[sync.conflicts]\nsession_title = \"ours\"\nsession_time = \"theirs\"\nmax_places = \"theirs\"\n";
    std::fs::write(known.story.world.folder().join("lectern.toml"), settings).expect("settings");
    known.story.simulator.edit(|tenant| {
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        let second = tenant.sessions_of(number).nth(1).expect("a session").0;
        let second = tenant.sessions.get_mut(&second).expect("it is there");
        second.start = Some(date(2026, 2, 11).at(9, 0, 0, 0));
        second.end = Some(date(2026, 2, 11).at(12, 30, 0, 0));
    });
    let (exit, saved) = known.sync(&["--plan-out", "plan.json"]).await;
    assert_eq!((exit, fields(&saved, "settled").len()), (0, 3), "{saved:#}");
    assert_eq!(sides(&known).await, (("Ours".into(), 12), ("Theirs".into(), 20)));
    let (exit, report) = known.sync(&["--plan", "plan.json"]).await;
    assert_eq!((exit, &report["conflicts"], &report["errors"]), (0, &json!([]), &json!([])), "{report:#}");
    assert_eq!(sides(&known).await, (("Ours".into(), 20), ("Ours".into(), 20)));
    let moved = "SELECT count(*) FROM acted.tutorial_sessions
                 WHERE sequence = 2 AND (start_date, end_date) = ('2026-02-11 09:00+00', '2026-02-11 12:30+00')";
    assert_eq!(known.story.count(moved).await, 1);
    let (exit, undone) = known.story.lectern(&["sync", "undo", &report["run_id"].to_string()]).await;
    assert_eq!(
        (exit, &undone["skipped"][0]["name"]),
        (0, &json!("CM2-01")),
        "what was written there stays: {undone:#}"
    );
    let (exit, again) = known.sync(&[]).await;
    assert_eq!((exit, fields(&again, "settled").len(), fields(&again, "differences").len()), (0, 0, 0), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_over_is_told_and_left() {
    let known = disputed().await;
    std::fs::write(known.story.world.folder().join("lectern.toml"), "[sync.conflicts]\nplace = \"theirs\"\n")
        .expect("settings");
    known.story.simulator.edit(|tenant| {
        let elsewhere = tenant.add_location("Nowhere known", "NK");
        let number = tenant.events_titled("CM2-01").next().expect("delivered").0;
        tenant.events.get_mut(&number).expect("it is there").location = Some(elsewhere);
    });
    let (exit, report) = known.sync(&[]).await;
    assert_eq!(exit, 4, "{report:#}");
    let message = report["errors"][0]["message"].as_str().expect("a sentence");
    assert!(message.contains("has no local record"), "{message}");
    assert_eq!(fields(&report, "differences").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_its_way_is_told_of_and_left() {
    let known = disputed().await;
    let decide = ["sync", "decide", "events", "CM2-01", "max places", "theirs"];
    edit_here(&known, "UPDATE lectern.outbox SET state = 'unknown' WHERE subject = 'CM2-01'").await;
    let (exit, report) = known.sync(&[]).await;
    assert_eq!((exit, fields(&report, "conflicts").len()), (4, 1), "{report:#}");
    assert_eq!(known.story.lectern(&decide).await.0, 4);

    // As delivery leaves it where it meets a conflict.
    edit_here(&known, "UPDATE lectern.outbox SET state = 'failed' WHERE subject = 'CM2-01'").await;
    assert_eq!(known.story.lectern(&["sync", "decide", "events", "CM2-01", "day 1: title", "ours"]).await.0, 0);
    let (exit, decided) = known.story.lectern(&decide).await;
    assert_eq!((exit, fields(&decided, "settled").len()), (0, 1), "{decided:#}");
    assert_eq!(sides(&known).await, (("Ours".into(), 20), ("Ours".into(), 20)));
    assert_eq!(known.story.count("SELECT count(*) FROM lectern.outbox WHERE state = 'failed'").await, 0);
}
