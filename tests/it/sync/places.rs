//! `lectern sync events`: places that were sold locally, in Administrate, or on both sides.

use serde_json::{Value, json};

use crate::sync::events::EventSyncFixture;

impl EventSyncFixture {
    /// Leaves this number of places of an event locally.
    async fn sell_locally(&self, code: &str, left: i32) {
        let sql = "UPDATE acted.tutorial_events SET remain_space = $2 WHERE code = $1";
        sqlx::query(sql).bind(code).bind(left).execute(&self.base.db.pool).await.expect("sold");
    }

    async fn left(&self) -> (i32, i32) {
        (self.bookable("CM2-01").await.1, self.bookable("cm2-02").await.1)
    }
}

fn conflicts(report: &Value, list: &str) -> Vec<String> {
    let list = report[list].as_array().expect("a list").iter();
    let text =
        |one: &Value| format!("{} {}: {}|{}|{}", one["name"], one["field"], one["ours"], one["theirs"], one["agreed"]);
    list.map(text).map(|text| text.replace('"', "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn first_sync_after_a_delivery_merges_with_the_delivered_places() {
    let fixture = EventSyncFixture::new().await;
    fixture.sell_locally("CM2-01", 7).await;
    fixture.change("cm2-02", |event| event.booked_places = 3);
    let text = async |more: &[&str]| {
        let mut command = fixture.base.program(&[&["sync", "events"], more].concat());
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let line = "2 events: details fetched for the first time\n";
    let (exit, planned) = text(&["--dry-run"]).await;
    assert!(exit == Some(0) && planned.contains(line), "{planned}");
    assert!(planned.contains("~ cm2-02: places left 12 → 9\n") && !planned.contains("~ CM2-01"), "{planned}");
    assert_eq!(fixture.left().await, (7, 12));
    let (exit, shown) = text(&[]).await;
    assert!(exit == Some(0) && shown.contains(line), "{shown}");
    assert_eq!(fixture.left().await, (7, 9));
    let (exit, again) = text(&[]).await;
    assert!(exit == Some(0) && !again.contains("first time"), "{again}");
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["counts"]["unchanged"], &report["counts"]["updated"]), (0, &json!(2), &json!(0)));

    // Administrate repeats what both sides know, reports nothing, or reports a booking for the other event.
    fixture.change("CM2-01", |event| event.max_places = None);
    fixture.change("cm2-02", |event| event.booked_places = 5);
    assert_eq!(fixture.sync(&[]).await.0, 0);
    assert_eq!(fixture.left().await, (7, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_sold_on_both_sides_are_a_conflict() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    fixture.sell_locally("CM2-01", 7).await;
    fixture.sell_locally("cm2-02", 11).await;
    fixture.change("CM2-01", |event| event.booked_places = 4);
    fixture.change("cm2-02", |event| event.booked_places = 1);
    for more in [&["--dry-run"][..], &[], &[]] {
        let (exit, report) = fixture.sync(more).await;
        assert_eq!((exit, conflicts(&report, "conflicts")), (4, vec!["CM2-01 remaining places: 7|8|12".into()]));
        assert_eq!(fixture.left().await, (7, 11));
    }
    let decide =
        async |wins: &str| fixture.base.run(&["sync", "decide", "events", "CM2-01", "remaining-places", wins]).await;
    let (exit, decided) = decide("theirs").await;
    assert_eq!((exit, conflicts(&decided, "settled").len(), fixture.left().await), (0, 1, (8, 11)), "{decided:#}");
    let run = decided["run_id"].to_string();
    assert_eq!(fixture.base.run(&["sync", "undo", &run, "--no-prompt"]).await.0, 0);
    assert_eq!((fixture.left().await, fixture.sync(&[]).await.0), ((7, 11), 4));
    assert_eq!((decide("ours").await.0, fixture.left().await), (0, (7, 11)));
    assert_eq!((decide("ours").await.0, fixture.sync(&[]).await.0), (2, 0), "there is no conflict any more");
    assert_eq!(fixture.left().await, (7, 11));

    let settings = "[sync.conflicts]\nremaining_places = \"theirs\"\n";
    std::fs::write(fixture.base.db.folder().join("lectern.toml"), settings).expect("settings");
    fixture.change("CM2-01", |event| event.booked_places = 10);
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, conflicts(&report, "settled").len(), fixture.left().await), (0, 1, (2, 11)), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_maximum_keeps_places_sold() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    // As an import leaves both sides: the maximum was raised by three, two places were sold locally before.
    fixture.change("CM2-01", |event| event.max_places = Some(15));
    fixture.sell_locally("CM2-01", 13).await;
    let raise = "UPDATE lectern.event_details SET max_places = 15 WHERE tutorial_event_id IN
                 (SELECT id FROM acted.tutorial_events WHERE code = 'CM2-01')";
    sqlx::query(raise).execute(&fixture.base.db.pool).await.expect("raised");
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, fixture.left().await), (0, (13, 12)), "{report:#}");
}
