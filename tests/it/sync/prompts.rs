//! Prompts of `lectern sync` at a terminal, and what the answers do.

use administrate_sim::{Options, Profile};

use crate::fixtures::sync::SyncFixture;
use crate::fixtures::terminal::{Terminal, widest};
use crate::sync::conflicts::conflicting;

#[tokio::test(flavor = "multi_thread")]
async fn sync_at_a_terminal_prompts_for_each_entity() {
    let fixture = SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    let before = fixture.simulator.tenant();
    let command = fixture.program(&["sync", "all"]);
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(command);
        let run = terminal.read_until("7 succeeded, 0 failed");
        assert!(!run.contains('?'), "no prompt during the run:\n{run}");
        let summary = terminal.read_until("Locations:\n");
        assert!(summary.contains("Missing in Administrate:\n") && summary.contains("  1 location\n"), "{summary}");
        terminal.read_until("[none]: ");
        terminal.type_line("2");
        terminal.read_until("\"2\" is not understood: enter all, none, or numbers from 1 to 1\n");
        terminal.read_until("[none]: ");
        terminal.type_line("1");
        terminal.read_until("1 location created in Administrate\n");
        terminal.read_until("Venues:\n");
        terminal.read_until("[none]: ");
        terminal.type_line("");
        terminal.read_until("Instructors cannot be created by Lectern:\n");
        terminal.read_until("Course templates:\n");
        terminal.read_until("[none]: ");
        terminal.type_line("all");
        terminal.wait()
    });
    let (exit, shown) = shown.await.expect("joined");
    assert_eq!(exit, 4, "{shown}");
    assert!(shown.contains("1 course template created in Administrate\n"), "{shown}");
    let prompts = shown.split("7 succeeded").nth(1).expect("the prompts");
    assert!(widest(prompts) <= 80, "{} columns:\n{prompts}", widest(prompts));
    let after = fixture.simulator.tenant();
    assert_eq!(after.locations.len(), before.locations.len() + 1);
    assert_eq!(after.venues.len(), before.venues.len());
    assert_eq!(after.templates.len(), before.templates.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_the_api_cannot_create_is_listed_without_prompt() {
    let fixture = SyncFixture::new().await;
    let command = fixture.program(&["sync", "locations"]);
    let ended = tokio::task::spawn_blocking(move || Terminal::start(command).wait());
    let (exit, shown) = ended.await.expect("joined");
    assert!(shown.contains("Locations cannot be created by Lectern:\n"), "{exit}: {shown}");
    assert!(shown.contains("create manually in Administrate:\n  Edinburgh\n"), "{shown}");
    assert!(!shown.contains("[none]"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_with_no_prompt_option_does_not_prompt() {
    let fixture = SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    let command = fixture.program(&["sync", "locations", "--no-prompt"]);
    let ended = tokio::task::spawn_blocking(move || Terminal::start(command).wait());
    let (_, shown) = ended.await.expect("joined");
    assert!(
        shown.contains("missing in Administrate, skipped and logged: 1 location\n") && !shown.contains("[none]"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn selected_changes_are_applied() {
    let fixture = SyncFixture::new().await;
    let command = fixture.program(&["sync", "locations", "--pick"]);
    let ended = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(command);
        let offered = terminal.read_until("apply which of these changes?");
        assert!(offered.contains("   1. London\n"), "{offered}");
        terminal.type_line("1");
        terminal.wait()
    });
    let (_, shown) = ended.await.expect("joined");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 1, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_prompted_one_by_one() {
    let fixture = conflicting().await;
    let command = fixture.base.program(&["sync", "events"]);
    let ended = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(command);
        terminal.read_until("CM2-01, day 1: title: Ours locally, Theirs in Administrate, previously CM2-01-1\n");
        terminal.read_until("[open]: ");
        terminal.type_line("theirs");
        terminal.wait()
    });
    let (exit, shown) = ended.await.expect("joined");
    assert_eq!(exit, 0, "{shown}");
    let taken = "SELECT count(*) FROM acted.tutorial_sessions WHERE title = 'Theirs'";
    assert_eq!(fixture.base.count(taken).await, 1);
}
