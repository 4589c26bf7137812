//! Output and prompts of an import at a terminal of 80 columns.

use administrate_sim::{Action, Fault, When};
use lectern::timetable_import::layout::Field as F;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::terminal::{Terminal, widest};
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

const QUESTION: &str = "execute this plan locally and in Administrate? [y/N]: ";

/// Imports at a terminal and types an answer; `None` means Ctrl-C.
async fn import_and_answer(fixture: &ImportFixture, file: &str, answer: Option<&'static str>) -> (i32, String) {
    let program = fixture.program(&["import", file]);
    let at_terminal = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(program);
        terminal.read_until(QUESTION);
        match answer {
            Some(answer) => terminal.type_line(answer),
            None => terminal.interrupt(),
        }
        terminal.wait()
    });
    at_terminal.await.expect("joined")
}

#[tokio::test(flavor = "multi_thread")]
async fn import_at_a_terminal_prints_the_plan_and_prompts() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let bad = changed(event("B"), F::Location, "Lndon");
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00"), bad]);
    let file = file.to_str().expect("a path");

    let (exit, seen) = import_and_answer(&fixture, file, Some("n")).await;
    assert!(seen.contains("new       A (row 4), 2 sessions\nrejected  B (row 6)\n"), "{seen}");
    assert!(seen.contains("no location is called \"Lndon\" (perhaps: London)"), "{seen}");
    let expected = "2 events: 1 new, 1 rejected\n2 sessions, 6 requests to Administrate\n\
                 execute this plan locally and in Administrate? [y/N]: ";
    assert!(seen.contains(expected) && seen.contains("nothing was written"), "{seen}");
    assert!(widest(&seen) <= 80, "{seen}");
    assert_eq!((exit, fixture.count("SELECT count(*) FROM acted.tutorial_events").await), (0, 0));

    let (exit, seen) = import_and_answer(&fixture, file, None).await;
    assert!(seen.contains("nothing was written") && seen.contains("interrupted"), "{seen}");
    assert_eq!((exit, fixture.count("SELECT count(*) FROM acted.tutorial_events").await), (130, 0));

    let (exit, seen) = import_and_answer(&fixture, file, Some("y")).await;
    assert!(seen.contains("1 delivered, 0 pending, 0 failed, 0 unknown"), "{seen}");
    assert_eq!((exit, fixture.count("SELECT count(*) FROM acted.tutorial_events").await), (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_bar_is_printed_only_at_a_terminal() {
    let fixture = fixture_for(&[event("A"), event("B")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), event("B")]);
    let file = file.to_str().expect("a path");
    for (at_terminal, places) in [(true, "12"), (false, "14")] {
        // One of the two requests takes longer than the progress bar waits before it appears.
        let changed = [changed(event("A"), F::MaxPlaces, places), changed(event("B"), F::MaxPlaces, places)];
        std::fs::write(file, std::fs::read(write(fixture.db.folder(), "u.xlsx", &changed)).expect("a file"))
            .expect("written");
        let operation = if at_terminal { "session.update" } else { "event.update" };
        fixture.simulator.add_fault(Fault::first(operation, Action::Hang { when: When::Before }));
        let mut program = fixture.program(&["import", file, "--no-prompt"]);
        program.env("LECTERN_HTTP_TIMEOUT_MS", "3000").env("TERM", "xterm").env("NO_COLOR", "1");
        if !at_terminal {
            let output = tokio::task::spawn_blocking(move || program.output()).await.expect("joined").expect("it runs");
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && !stderr.contains("/s"), "{stderr}");
            continue;
        }
        let (exit, shown) = tokio::task::spawn_blocking(move || {
            let mut terminal = Terminal::start(program);
            terminal.read_until("1/2 · ");
            terminal.read_until("/s · ");
            terminal.read_until(" left");
            terminal.wait()
        })
        .await
        .expect("joined");
        assert_eq!(exit, 0, "{shown}");
        // Each drawing replaces the previous one.
        let drawn = shown.split("\u{1b}[2K").flat_map(str::lines);
        assert!(drawn.map(|line| line.chars().count()).max() <= Some(80), "{shown}");
    }
}
