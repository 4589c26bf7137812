//! `lectern import` after changes in Administrate.

use administrate_sim::tenant::{EventState, SessionState};
use jiff::civil::date;
use lectern::timetable_import::layout::Field as F;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

/// Returns max places, title of day 1, end hour of day 2 and end of the LMS window in Administrate.
fn remote_values(fixture: &ImportFixture) -> (Option<i32>, String, i8, jiff::civil::Date) {
    let tenant = fixture.simulator.tenant();
    let event = tenant.events.values().next().expect("an event");
    let sessions: Vec<_> = tenant.sessions.values().collect();
    (
        event.max_places,
        sessions[0].title.clone(),
        sessions[1].end.expect("an end").hour(),
        event.lms_end.expect("an end").date(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicting_change_is_reported_until_local_values_win() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    assert_eq!(fixture.run(&["import", file.to_str().expect("a path")]).await.0, 0);
    fixture.simulator.edit(|tenant| {
        tenant.events.values_mut().for_each(|event| event.max_places = Some(20));
        let mut sessions = tenant.sessions.values_mut();
        sessions.next().expect("day 1").title = "Theirs".to_owned();
        sessions.next().expect("day 2").end = Some(date(2026, 6, 20).at(15, 0, 0, 0));
    });

    let edited = [
        changed(changed(changed(event("A"), F::MaxPlaces, "14"), F::SessionTitle, "Ours"), F::LmsEndDate, "11/09/2026"),
        changed(second_day("A", "17:00"), F::SessionTitle, "Second"),
    ];
    let file = write(fixture.db.folder(), "edited.xlsx", &edited);
    let file = file.to_str().expect("a path");
    for arguments in [&["import", file, "--dry-run"][..], &["import", file], &["import", file]] {
        let (exit, document) = fixture.run(arguments).await;
        let cells: Vec<_> =
            document["problems"].as_array().expect("problems").iter().map(|p| (&p["code"], &p["cell"])).collect();
        let found = serde_json::json!(cells);
        let expected = serde_json::json!([
            ["conflicting_value", "C4"],
            ["conflicting_value", "P4"],
            ["changed_in_administrate", "H5"]
        ]);
        assert_eq!((exit, found), (4, expected), "{document}");
        let message = document["problems"][1]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("max places: 12 → 14; Administrate has 20"), "{message}");
    }
    assert_eq!(remote_values(&fixture), (Some(20), "Theirs".to_owned(), 15, date(2026, 9, 11)));
    assert_eq!(fixture.count("SELECT remain_space::bigint FROM acted.tutorial_events").await, 12);

    let (exit, document) = fixture.run(&["import", file, "--ours"]).await;
    assert_eq!(
        (exit, &document["counts"]["updated"], &document["delivery"]["delivered"]),
        (0, &1.into(), &1.into()),
        "{document}"
    );
    assert_eq!(remote_values(&fixture), (Some(14), "Ours".to_owned(), 17, date(2026, 9, 11)));
    assert_eq!(fixture.count("SELECT remain_space::bigint FROM acted.tutorial_events").await, 14);
    let (exit, document) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &document["counts"]["unchanged"]), (0, &1.into()), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_session_times_win_as_a_whole() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    assert_eq!(fixture.run(&["import", file.to_str().expect("a path")]).await.0, 0);
    let day_2 = || {
        let tenant = fixture.simulator.tenant();
        let session = tenant.sessions.values().nth(1).expect("day 2");
        (session.start.expect("a start"), session.end.expect("an end"))
    };
    let (start, end) = day_2();
    fixture.simulator.edit(|tenant| {
        tenant.sessions.values_mut().nth(1).expect("day 2").start = start.with().hour(11).build().ok();
    });
    let file = write(fixture.db.folder(), "edited.xlsx", &[event("A"), second_day("A", "18:00")]);
    let file = file.to_str().expect("a path");
    assert_eq!(fixture.run(&["import", file]).await.0, 4);
    assert_eq!(fixture.run(&["import", file, "--ours"]).await.0, 0);
    assert_eq!(day_2(), (start, end.with().hour(18).build().expect("a time")));
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_change_before_queued_delivery_is_not_overwritten() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("approvals");
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    assert_eq!(fixture.run(&["import", file.to_str().expect("a path")]).await.0, 0);

    let edited = [changed(event("A"), F::MaxPlaces, "14"), changed(second_day("A", "17:00"), F::SessionTitle, "Ours")];
    let file = write(fixture.db.folder(), "edited.xlsx", &edited);
    let file = file.to_str().expect("a path");
    let (exit, document) = fixture.run(&["import", file, "--deliver", "queue"]).await;
    assert_eq!((exit, &document["delivery"]["pending"]), (4, &1.into()), "{document}");
    fixture.simulator.edit(|tenant| {
        tenant.events.values_mut().for_each(|event| event.max_places = Some(20));
        tenant.sessions.values_mut().nth(1).expect("day 2").title = "Theirs".to_owned();
    });
    for retry in [&["outbox", "run"][..], &["import", "retry"]] {
        let (exit, _) = fixture.run(retry).await;
        assert_eq!(exit, 4);
        let (_, document) = fixture.run(&["outbox", "list"]).await;
        let item = &document["items"][0];
        let why = item["last_error"].as_str().unwrap_or_default();
        assert_eq!(item["state"], "failed", "{document}");
        assert!(why.contains("max places: 12 → 14; Administrate has 20"), "{why}");
        assert!(why.contains("day 2: title: A-2 → Ours; Administrate has Theirs"), "{why}");
    }
    assert_eq!(remote_values(&fixture).0, Some(20));

    let (exit, _) = fixture.run(&["import", file, "--deliver", "queue", "--ours"]).await;
    assert_eq!(exit, 4);
    let (exit, document) = fixture.run(&["import", "retry"]).await;
    assert_eq!(
        (exit, &document["retried"], &document["undelivered"]),
        (0, &1.into(), &serde_json::json!([])),
        "{document}"
    );
    assert_eq!(remote_values(&fixture).0, Some(14));
}

#[tokio::test(flavor = "multi_thread")]
async fn remotely_cancelled_event_is_reported_until_local_values_win() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    let file = file.to_str().expect("a path");
    assert_eq!(fixture.run(&["import", file]).await.0, 0);
    fixture.simulator.edit(|tenant| tenant.events.values_mut().for_each(|event| event.state = EventState::Cancelled));
    let (exit, document) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &document["counts"]["unchanged"]), (0, &1.into()), "{document}");
    assert_eq!(document["problems"][0]["code"], "changed_in_administrate", "{document}");

    let edited = [changed(event("A"), F::MaxPlaces, "14"), second_day("A", "18:00")];
    let file = write(fixture.db.folder(), "edited.xlsx", &edited);
    let file = file.to_str().expect("a path");
    for arguments in [&["import", file, "--dry-run"][..], &["import", file], &["import", file]] {
        let (exit, document) = fixture.run(arguments).await;
        let problem = &document["problems"][0];
        assert_eq!(
            (exit, &document["counts"]["unchanged"], &document["conflicts"]),
            (4, &1.into(), &1.into()),
            "{document}"
        );
        assert_eq!((&problem["code"], &problem["cell"]), (&"conflicting_value".into(), &"AF4".into()), "{document}");
        let message = problem["message"].as_str().unwrap_or_default();
        assert!(
            message.starts_with("state: not cancelled locally; Administrate has cancelled: not overwritten"),
            "{message}"
        );
        assert!(message.contains("max places: 12 → 14; day 2: end: "), "{message}");
    }
    let (_, shown) = fixture.run(&["import", file, "--dry-run"]).await;
    let conflict = &shown["plan"]["items"][0]["conflicts"][0];
    let values = ["field", "old", "new", "theirs"].map(|key| conflict[key].as_str().unwrap_or_default());
    assert_eq!(values, ["state", "not cancelled", "not cancelled", "cancelled"]);
    assert_eq!(shown["plan"]["remote_calls"], 0);
    assert_eq!(fixture.count("SELECT max_places::bigint FROM lectern.event_details").await, 12);
    assert_eq!(remote_values(&fixture).0, Some(12));

    let (exit, document) = fixture.run(&["import", file, "--ours", "--dry-run"]).await;
    assert_eq!((exit, &document["counts"]["updated"], &document["conflicts"]), (0, &1.into(), &0.into()), "{document}");
    assert_eq!(document["plan"]["items"][0]["conflicts"][0]["overwritten"], true);
    let cancelled = [changed(edited[0].clone(), F::Cancelled, "Y"), edited[1].clone()];
    let file = write(fixture.db.folder(), "cancelled.xlsx", &cancelled);
    let (exit, document) = fixture.run(&["import", file.to_str().expect("a path")]).await;
    assert_eq!((exit, &document["counts"]["updated"]), (0, &1.into()), "cancelled on both sides: {document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn remotely_cancelled_session_is_unchanged_and_others_are_updated() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    assert_eq!(fixture.run(&["import", file.to_str().expect("a path")]).await.0, 0);
    fixture.simulator.edit(|tenant| {
        tenant.sessions.values_mut().nth(1).expect("day 2").state = SessionState::Cancelled;
    });
    let edited = [changed(event("A"), F::SessionTitle, "Ours"), second_day("A", "18:00")];
    let file = write(fixture.db.folder(), "edited.xlsx", &edited);
    let file = file.to_str().expect("a path");
    for dry in [&["--dry-run"][..], &[]] {
        let (exit, document) = fixture.run(&[&["import", file], dry].concat()).await;
        let problem = &document["problems"][0];
        assert_eq!(
            (exit, &document["counts"]["updated"], &document["conflicts"]),
            (4, &1.into(), &1.into()),
            "{document}"
        );
        assert_eq!((&problem["code"], &problem["cell"]), (&"conflicting_value".into(), &"U5".into()), "{document}");
    }
    let (_, title, hour, _) = remote_values(&fixture);
    assert_eq!((title.as_str(), hour), ("Ours", 17));
}
