//! What `lectern sync` asks somebody at a terminal, and what becomes of the answers (FR-003).

use administrate_sim::{Options, Profile};

use crate::fixtures::sync::SyncFixture;
use crate::fixtures::terminal::{Terminal, widest};
use crate::sync::conflicts::disputed;

#[tokio::test(flavor = "multi_thread")]
async fn after_the_run_each_entity_is_asked_about() {
    let fixture = SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    let before = fixture.simulator.tenant();
    let command = fixture.program(&["sync", "all"]);
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(command);
        let run = terminal.until("7 succeeded, 0 failed");
        assert!(!run.contains('?'), "nothing is asked during the run:\n{run}");
        let summary = terminal.until("Locations:\n");
        assert!(summary.contains("It lacks\n") && summary.contains("  1 location\n"), "{summary}");
        terminal.until("[none]: ");
        terminal.answer("2");
        terminal.until("\"2\" is neither of these; the numbers go from 1 to 1\n");
        terminal.until("[none]: ");
        terminal.answer("1");
        terminal.until("1 location created in Administrate\n");
        terminal.until("Venues:\n");
        terminal.until("[none]: ");
        terminal.answer("");
        terminal.until("Instructors cannot be created from here:\n");
        terminal.until("Course templates:\n");
        terminal.until("[none]: ");
        terminal.answer("all");
        terminal.end()
    });
    let (exit, shown) = shown.await.expect("joined");
    assert_eq!(exit, 4, "{shown}");
    assert!(shown.contains("1 course template created in Administrate\n"), "{shown}");
    let asked = shown.split("7 succeeded").nth(1).expect("it was asked");
    assert!(widest(asked) <= 80, "{} columns:\n{asked}", widest(asked));
    let after = fixture.simulator.tenant();
    assert_eq!(after.locations.len(), before.locations.len() + 1);
    assert_eq!(after.venues.len(), before.venues.len());
    assert_eq!(after.templates.len(), before.templates.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_cannot_create_is_listed_and_not_asked_about() {
    let fixture = SyncFixture::new().await;
    let command = fixture.program(&["sync", "locations"]);
    let ended = tokio::task::spawn_blocking(move || Terminal::start(command).end());
    let (exit, shown) = ended.await.expect("joined");
    assert!(shown.contains("Locations cannot be created from here:\n"), "{exit}: {shown}");
    assert!(shown.contains("to be created in Administrate by hand:\n  Edinburgh\n"), "{shown}");
    assert!(!shown.contains("[none]"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_where_that_is_forbidden() {
    let fixture = SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    let command = fixture.program(&["sync", "locations", "--no-prompt"]);
    let ended = tokio::task::spawn_blocking(move || Terminal::start(command).end());
    let (_, shown) = ended.await.expect("joined");
    assert!(shown.contains("1 location unmatched, skipped and logged\n") && !shown.contains("[none]"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_changes_alone_are_applied() {
    let fixture = SyncFixture::new().await;
    let command = fixture.program(&["sync", "locations", "--pick"]);
    let ended = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(command);
        let offered = terminal.until("apply which of these changes?");
        assert!(offered.contains("   1. London ("), "{offered}");
        terminal.answer("1");
        terminal.end()
    });
    let (_, shown) = ended.await.expect("joined");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 1, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_decided_one_by_one() {
    let fixture = disputed().await;
    let command = fixture.base.program(&["sync", "events"]);
    let ended = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(command);
        terminal.until("CM2-01, day 1: title: Ours here, Theirs there, last agreed CM2-01-1\n");
        terminal.until("[open]: ");
        terminal.answer("theirs");
        terminal.end()
    });
    let (exit, shown) = ended.await.expect("joined");
    assert_eq!(exit, 0, "{shown}");
    let taken = "SELECT count(*) FROM acted.tutorial_sessions WHERE title = 'Theirs'";
    assert_eq!(fixture.base.count(taken).await, 1);
}
