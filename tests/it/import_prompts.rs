//! What an import shows and asks somebody at a terminal.

use lectern::timetable_import::layout::Field as F;

use crate::import::{changed, event, rehearsed, second_day, write};
use crate::rehearsed::Rehearsed;
use crate::terminal::{Terminal, widest};

/// Runs the program at a terminal and answers its question; gives what was to be seen there, and its exit code.
async fn at_a_terminal(sides: &Rehearsed, arguments: &[&str], answer: &'static str) -> (String, i32) {
    let program = sides.program(arguments);
    let ended = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::start(program);
        terminal.until("[y/N]: ");
        terminal.answer(answer);
        terminal.end()
    });
    let (exit, seen) = ended.await.expect("joined");
    (seen, exit)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_shows_its_plan_and_asks() {
    let sides = rehearsed(&[event("A"), second_day("A", "17:00")]).await;
    let bad = changed(event("B"), F::Location, "Lndon");
    let file = write(sides.world.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00"), bad]);
    let file = file.to_str().expect("a path");

    let (seen, exit) = at_a_terminal(&sides, &["import", file], "n").await;
    assert!(seen.contains("new       A (row 4), 2 sessions\nrefused   B (row 6)\n"), "{seen}");
    assert!(seen.contains("no location is called \"Lndon\" (perhaps: London)"), "{seen}");
    let asked = "2 events: 1 new, 1 refused\n2 sessions, 6 requests to Administrate\n\
                 carry this out, here and in Administrate? [y/N]: ";
    assert!(seen.contains(asked) && seen.contains("nothing was written"), "{seen}");
    assert!(widest(&seen) <= 80, "{seen}");
    assert_eq!((exit, sides.count("SELECT count(*) FROM acted.tutorial_events").await), (0, 0));

    let (seen, exit) = at_a_terminal(&sides, &["import", file], "y").await;
    assert!(seen.contains("1 delivered, 0 pending, 0 failed, 0 unknown"), "{seen}");
    assert_eq!((exit, sides.count("SELECT count(*) FROM acted.tutorial_events").await), (4, 1));
}
