//! Texts of Administrate that no database or terminal should get as they are.

use administrate_sim::{Action, Fault};

use crate::fixtures::timetable::{event, fixture_for, outcome, write};

#[tokio::test(flavor = "multi_thread")]
async fn unprintable_refusal_fails_its_event_alone() {
    let lines = ["A", "B", "C", "D"].map(event);
    for (every, expected) in [
        (2, "exit 4; created 4, events 4, sessions 4; delivered 2, failed 2;"),
        (1, "exit 4; created 4, events 4, sessions 4; failed 4;"),
    ] {
        let fixture = fixture_for(&lines).await;
        fixture.expect_undelivered();
        let message = "bad\0thing\u{1b}[2J\u{202e}gpj.exe".to_owned();
        let action = Action::PayloadError { label: Some("ti\0tle".to_owned()), message };
        fixture.simulator.add_fault(Fault { every, ..Fault::always("event.createBlended", action) });
        let file = write(fixture.db.folder(), "t.xlsx", &lines);
        let (exit, document) = fixture.run(&["import", file.to_str().expect("a path")]).await;
        assert!(outcome(exit, &document).starts_with(expected), "{document}");
        let clean = "SELECT count(*) FROM lectern.outbox
                     WHERE state = 'failed' AND last_error LIKE '%bad%thing%gpj.exe%' AND last_error !~ '[\\x01-\\x1f\u{202e}]'";
        assert_eq!(fixture.count(clean).await, if every == 1 { 4 } else { 2 });
    }
}
