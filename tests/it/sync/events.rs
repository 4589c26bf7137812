//! `lectern sync events`: values of linked events.

use std::sync::Arc;

use administrate_sim::tenant::{Event, EventState, Session};
use administrate_sim::{Options, Tenant};
use lectern::bridges::events::{link_event, link_of};
use lectern::delivery::{DeliveryWorker, drain};
use lectern::sync::{ApplyContext, ApplyOutcome, apply_remote_event};
use lectern::tutorials::create_events;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fixtures::administrate::Administrate;
use crate::fixtures::provider::Provider;
use crate::fixtures::sync::SyncFixture;
use crate::fixtures::test_db::TestDb;

/// A fixture in which events CM2-01 and CM2-02 are delivered and CM2-03 is not.
pub struct EventSyncFixture {
    pub base: SyncFixture,
    client: administrate::Client,
}

impl EventSyncFixture {
    pub async fn new() -> EventSyncFixture {
        let db = TestDb::new().await;
        let provider = Provider::insert(&db).await;
        let administrate = Administrate::start(Options::default(), 2).await;
        let (client, config) = (administrate.client(&db).await, administrate.config(&db));
        let base = SyncFixture { db, simulator: administrate.simulator };
        assert_eq!(base.run(&["sync", "all"]).await.0, 0);
        for codes in [&["CM2-01", "cm2-02"][..], &["CM2-03"]] {
            let events: Vec<_> = codes.iter().map(|code| provider.event(code)).collect();
            let mut tx = base.db.pool.begin().await.expect("begin");
            create_events(&mut tx, None, &events, false).await.expect("created");
            tx.commit().await.expect("commit");
            if codes.len() > 1 {
                let worker = DeliveryWorker::new(&base.db.pool, client.clone(), &config).await.expect("a worker");
                drain(Arc::new(worker), None, &CancellationToken::new(), |_| ()).await.expect("drained");
            }
        }
        EventSyncFixture { base, client }
    }

    pub async fn sync(&self, more: &[&str]) -> (i32, Value) {
        self.base.run(&[&["sync", "events"], more].concat()).await
    }

    pub fn change(&self, title: &str, change: impl FnOnce(&mut Event)) {
        self.base.simulator.edit(|tenant| {
            let number = tenant.events_titled(title).next().expect("delivered").0;
            change(tenant.events.get_mut(&number).expect("the record"));
        });
    }

    pub async fn bookable(&self, code: &str) -> (bool, i32) {
        sqlx::query_as("SELECT is_soldout, remain_space FROM acted.tutorial_events WHERE code = $1")
            .bind(code)
            .fetch_one(&self.base.db.pool)
            .await
            .expect("the event")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_change_is_applied_once() {
    let fixture = EventSyncFixture::new().await;
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!(exit, 0, "{report:#}");
    let counts = &report["counts"];
    assert_eq!((&counts["fetched"], &counts["updated"]), (&json!(2), &json!(2)));
    assert_eq!(report["unmatched_local"][0]["name"], "CM2-03");
    fixture.change("cm2-02", |event| {
        event.state = EventState::Published;
        event.title = "CM2-02 ".into();
        event.booked_places = 12;
    });
    let before = fixture.base.rows().await;
    let (exit, dry) = fixture.sync(&["--dry-run"]).await;
    assert_eq!((exit, &dry["counts"]["updated"], fixture.base.rows().await), (0, &json!(1), before));
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["counts"]["updated"], &report["counts"]["unchanged"]), (0, &json!(1), &json!(1)));
    assert_eq!(fixture.bookable("cm2-02").await, (true, 0));
    let row: (String, bool, i64, i64) = sqlx::query_as(
        "SELECT lifecycle_state, sold_out, location_id * venue_id * course_template_id,
                (SELECT count(*) FROM adm.sessions s WHERE s.event_id = e.id AND classroom_start_time IS NOT NULL
                 AND tutorial_session_id IS NOT NULL)
         FROM adm.events e WHERE sold_out",
    )
    .fetch_one(&fixture.base.db.pool)
    .await
    .expect("one row");
    assert_eq!((row.0.as_str(), row.1, row.3), ("PUBLISHED", true, 2), "the state as the field writes it");
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["counts"]["updated"], &report["counts"]["unchanged"]), (0, &json!(0), &json!(2)));
    let undo = report["run_id"].as_i64().expect("a run") - 1;
    assert_eq!(fixture.base.run(&["sync", "undo", &undo.to_string(), "--no-prompt"]).await.0, 0);
    assert_eq!(fixture.bookable("cm2-02").await, (false, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_remote_event_and_namesake_are_stored_without_link() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    fixture.change("CM2-01", |event| event.max_places = Some(30));
    fixture.base.simulator.edit(|tenant| {
        let original = tenant.events_titled("CM2-01").next().expect("delivered").1.clone();
        tenant.add_event(Event { title: "Stranger".into(), ..original.clone() });
        tenant.add_event(Event { title: "CM2-01".into(), ..original });
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!(exit, 4, "{report:#}");
    assert_eq!(report["unmatched_remote"][0]["name"], "Stranger");
    let ambiguous = &report["ambiguous"][0];
    assert_eq!(ambiguous["remote"].as_array().map(Vec::len), Some(1), "the namesake alone: {ambiguous:#}");
    let counts = ["fetched", "created", "updated", "unchanged"].map(|key| report["counts"][key].as_u64());
    assert_eq!(counts, [4, 2, 1, 1].map(Some), "{report:#}");
    let unlinked = "SELECT count(*) FROM adm.events AS e WHERE tutorial_event_id IS NULL AND title IS NOT NULL
                    AND NOT EXISTS (SELECT FROM adm.sessions AS s WHERE s.event_id = e.id)";
    assert_eq!(fixture.base.count(unlinked).await, 2);
    let (_, again) = fixture.sync(&[]).await;
    assert_eq!((&again["counts"]["unchanged"], &again["counts"]["updated"]), (&json!(4), &json!(0)), "{again:#}");
    assert_eq!(fixture.bookable("CM2-01").await, (false, 30), "the existing link stays");
    let linked = report["ambiguous"][0]["linked"].as_array().expect("links")[0].clone();
    let linked = linked["external_id"].as_str().expect("an id").to_owned();
    assert_eq!(fixture.base.run(&["sync", "link", "events", "CM2-01", &linked]).await.0, 0);
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["ambiguous"]), (0, &json!([])), "{report:#}");
    assert_eq!(fixture.bookable("CM2-01").await, (false, 30));
    fixture.base.simulator.edit(|tenant| {
        let stranger = tenant.events_titled("Stranger").next().expect("the record").0;
        tenant.events.remove(&stranger);
    });
    let (exit, report) = fixture.sync(&["--prune", "--prune-limit", "50"]).await;
    assert_eq!((exit, &report["counts"]["pruned"]), (0, &json!(1)), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_synced_before_its_delivery_is_linked() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    let pool = &fixture.base.db.pool;
    let local_id: i64 = sqlx::query_scalar("SELECT id FROM acted.tutorial_events WHERE code = 'CM2-01'")
        .fetch_one(pool)
        .await
        .expect("the event");
    let link =
        link_of(&mut pool.acquire().await.expect("a connection"), local_id).await.expect("read").expect("linked");
    sqlx::raw_sql(
        "UPDATE adm.sessions SET tutorial_session_id = NULL, day_number = day_number + 10;
         UPDATE adm.sessions SET day_number = 13 - day_number; -- 1 and 2 have changed places
         UPDATE adm.events SET tutorial_event_id = NULL;",
    )
    .execute(pool)
    .await
    .expect("as a sync between creation and storing may leave it");
    link_event(pool, local_id, &link).await.expect("linked");
    let stored = link_of(&mut pool.acquire().await.expect("a connection"), local_id).await.expect("read");
    assert_eq!(stored, Some(link));
}

#[tokio::test(flavor = "multi_thread")]
async fn event_link_sets_places_and_undo_restores_both() {
    let fixture = EventSyncFixture::new().await;
    let forget = "DELETE FROM adm.events";
    sqlx::query(forget).execute(&fixture.base.db.pool).await.expect("no links, as in an adopted database");
    fixture.change("CM2-01", |event| event.booked_places = 12);
    let (_, planned) = fixture.sync(&["--plan-out", "plan.json"]).await;
    assert_eq!(planned["counts"]["created"], 2, "{planned:#}");
    let sold = "UPDATE acted.tutorial_events SET remain_space = 7 WHERE code = 'CM2-01'";
    sqlx::query(sold).execute(&fixture.base.db.pool).await.expect("five places were sold locally");
    let (exit, rejected) = fixture.sync(&["--plan", "plan.json"]).await;
    assert!(exit == 4 && rejected["errors"][0]["message"].to_string().contains("stale"), "{rejected:#}");
    assert_eq!(fixture.bookable("CM2-01").await, (false, 7));
    // Places were sold on both sides: the ones sold locally stay sold until a user decides.
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, rows(&report, "conflicts")), (4, vec![places("7", "0")]), "{report:#}");
    assert_eq!(fixture.bookable("CM2-01").await, (true, 7));
    let run = report["run_id"].to_string();
    assert_eq!(fixture.base.run(&["sync", "undo", &run, "--no-prompt"]).await.0, 0);
    assert_eq!(fixture.bookable("CM2-01").await, (false, 7));
    assert_eq!(fixture.base.count("SELECT count(*) FROM adm.events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn event_with_pending_delivery_is_left_to_the_worker() {
    let fixture = EventSyncFixture::new().await;
    fixture.base.simulator.edit(|tenant| {
        let original = tenant.events_titled("CM2-01").next().expect("delivered").1.clone();
        tenant.add_event(Event { title: "CM2-03".into(), booked_places: 3, ..original });
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, report["skipped"][0]["name"].as_str()), (0, Some("CM2-03")), "{report:#}");
    assert_eq!(fixture.bookable("CM2-03").await, (false, 12));
    let failed = "UPDATE lectern.outbox SET state = 'failed', next_attempt_at = NULL WHERE subject = 'CM2-03'";
    sqlx::query(failed).execute(&fixture.base.db.pool).await.expect("as after a refusal");
    let (exit, report) = fixture.sync(&[]).await;
    let message = report["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(exit == 4 && message.contains("needs attention"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_session_and_renamed_event_keep_their_rows() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    fixture.change("CM2-01", |event| event.title = "Renamed there".into());
    fixture.base.simulator.edit(|tenant| {
        let event = tenant.events_titled("Renamed there").next().expect("renamed").0;
        let first = tenant.sessions_of(event).next().expect("a session").0;
        let retained: Session = tenant.sessions_of(event).nth(1).expect("a session").1.clone();
        tenant.sessions.remove(&first);
        tenant.add_session(Session { title: "Third".into(), ..retained });
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, &report["counts"]["updated"]), (0, &json!(1)), "{report:#}");
    let links = "SELECT count(*) FROM adm.sessions s JOIN adm.events e ON e.id = s.event_id
                 WHERE e.title = 'Renamed there' AND s.tutorial_session_id IS NOT NULL AND day_number IN (1, 2)";
    assert_eq!(fixture.base.count(links).await, 1, "the missing session is not linked to the new one");
    assert_eq!(fixture.base.count("SELECT count(*) FROM adm.sessions WHERE day_number IS NULL").await, 1);
    let (exit, again) = fixture.sync(&[]).await;
    assert_eq!((exit, &again["counts"]["updated"]), (0, &json!(0)));
    for report in [&report, &again] {
        let remote: Vec<_> =
            rows(report, "differences").into_iter().filter(|(field, ..)| field.contains("session")).collect();
        assert_eq!(remote.len(), 2, "{report:#}");
        assert_eq!((remote[0].0.as_str(), remote[0].1.as_deref()), ("day 1: session", Some("CM2-01-1")));
        assert!(remote[1].1.is_none() && remote[1].2.as_deref().is_some_and(|remote| remote.starts_with("Third")));
    }
    fixture.base.simulator.edit(|tenant| {
        let event = tenant.events_titled("Renamed there").next().expect("renamed").0;
        let (third, second) =
            (tenant.sessions_of(event).nth(1).expect("it").1.clone(), tenant.sessions_of(event).next());
        assert!(second.is_some() && third.title == "Third");
        tenant.add_session(Session { title: "cm2-01-1".into(), ..third });
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, fixture.base.count(LINKED).await), (0, 4), "a session of its title is linked: {report:#}");
}

const LINKED: &str = "SELECT count(*) FROM adm.sessions AS s JOIN acted.tutorial_sessions AS local
                      ON local.id = s.tutorial_session_id WHERE lower(local.title) = lower(s.title)";

fn places(local: &str, remote: &str) -> (String, Option<String>, Option<String>) {
    ("remaining places".into(), Some(local.into()), Some(remote.into()))
}

fn rows(report: &Value, list: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let row = |row: &Value| (text(&row["field"]).unwrap_or_default(), text(&row["ours"]), text(&row["theirs"]));
    report[list].as_array().expect("a list").iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn session_moved_to_another_event_moves_its_row() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    fixture.base.simulator.edit(|tenant| {
        let (from, to) = (tenant.events_titled("CM2-01").next(), tenant.events_titled("cm2-02").next());
        let (from, to) = (from.expect("delivered").0, to.expect("delivered").0);
        let moved = tenant.sessions_of(from).nth(1).expect("a session").0;
        tenant.sessions.get_mut(&moved).expect("the record").event = to;
    });
    let (_, report) = fixture.sync(&[]).await;
    assert_eq!((&report["counts"]["updated"], &report["errors"]), (&json!(2), &json!([])), "{report:#}");
    let of =
        "SELECT count(*) FROM adm.sessions AS s JOIN adm.events AS e ON e.id = s.event_id WHERE e.title = 'cm2-02'";
    assert_eq!(fixture.base.count(of).await, 3);
    let (_, again) = fixture.sync(&[]).await;
    assert_eq!(again["counts"]["updated"], 0, "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_without_link_is_matched_by_its_values() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    sqlx::query("DELETE FROM adm.sessions").execute(&fixture.base.db.pool).await.expect("as in an adopted database");
    fixture.base.simulator.edit(|tenant| {
        let event = tenant.events_titled("CM2-01").next().expect("delivered").0;
        let first = tenant.sessions_of(event).next().expect("a session").0;
        tenant.sessions.remove(&first);
    });
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!((exit, fixture.base.count(LINKED).await), (0, 3), "{report:#}");
    assert_eq!(rows(&report, "differences"), [("day 1: session".into(), Some("CM2-01-1".into()), None)]);
    assert_eq!(fixture.base.count("SELECT count(*) FROM adm.sessions").await, 3);
    sqlx::query("DELETE FROM adm.sessions").execute(&fixture.base.db.pool).await.expect("again");
    fixture.base.simulator.edit(|tenant| {
        tenant.sessions.values_mut().for_each(|session| session.title = "as the template calls it".into());
    });
    assert_eq!(fixture.sync(&[]).await.0, 0);
    let linked = "SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL";
    assert_eq!(fixture.base.count(linked).await, 3, "by their starts");
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_session_gets_its_id_and_nothing_else_changes() {
    let fixture = EventSyncFixture::new().await;
    assert_eq!(fixture.sync(&[]).await.0, 0);
    let sessions = async || -> Vec<(i64, Option<String>, String)> {
        sqlx::query_as("SELECT id, external_id, xmin::text FROM adm.sessions ORDER BY id")
            .fetch_all(&fixture.base.db.pool)
            .await
            .expect("sessions")
    };
    let before = sessions().await;
    let adopted = "UPDATE adm.sessions SET external_id = NULL, tutorial_session_id = NULL
                   WHERE id = (SELECT min(id) FROM adm.sessions)";
    sqlx::query(adopted).execute(&fixture.base.db.pool).await.expect("as in an adopted database");
    assert_eq!(fixture.sync(&[]).await.0, 0);
    let after = sessions().await;
    assert_eq!((after[0].0, &after[0].1), (before[0].0, &before[0].1));
    assert_eq!(after[1..], before[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn single_event_is_applied_like_a_full_sync() {
    let fixture = EventSyncFixture::new().await;
    let mut connection = fixture.base.db.pool.acquire().await.expect("a connection");
    fixture.change("CM2-01", |event| event.booked_places = 2);
    let remote = fixture.client.events().await.expect("events").into_iter().find(|event| event.title == "CM2-01");
    let remote = remote.expect("delivered");
    for expected in [ApplyOutcome::Written, ApplyOutcome::Unchanged] {
        assert_eq!(apply(&mut connection, remote.clone()).await, expected);
    }
    assert_eq!(fixture.bookable("CM2-01").await, (false, 10));
    let other = administrate::Id::new(Tenant::course_id(999));
    for (title, expected) in [
        ("CM2-01", ApplyOutcome::Ambiguous),
        ("CM2-03", ApplyOutcome::Undelivered),
        ("Stranger", ApplyOutcome::Unknown),
    ] {
        let event = administrate::Event { id: other.clone(), title: title.into(), ..remote.clone() };
        assert_eq!(apply(&mut connection, event).await, expected, "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn event_sync_requires_the_synced_references() {
    let fixture = SyncFixture::new().await;
    assert_eq!(fixture.run(&["sync_events"]).await.0, 3);
}

async fn apply(db: &mut sqlx::PgConnection, event: administrate::Event) -> ApplyOutcome {
    let zone = jiff::tz::TimeZone::UTC;
    apply_remote_event(db, event, &zone, &mut ApplyContext::default()).await.expect("applied")
}
