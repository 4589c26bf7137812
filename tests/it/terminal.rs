//! What a person sees at a terminal of 80 columns, which `script` (util-linux) makes.

use std::io::Write;
use std::process::{Command, Stdio};

use lectern::timetable_import::layout::Field as F;

use crate::import::{changed, event, rehearsed, second_day, write};
use crate::rehearsed::Rehearsed;

/// Runs the program at a terminal and types `answer`; gives what was to be seen there, and its exit code.
async fn at_a_terminal(sides: &Rehearsed, arguments: &[&str], answer: &'static str) -> (String, i32) {
    let program = sides.program(arguments);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy());
    let mut line = vec!["stty cols 80 rows 40;".to_owned(), quoted(program.get_program())];
    line.extend(program.get_args().map(quoted));
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut running = terminal.spawn().expect("script runs");
        let mut keyboard = running.stdin.take().expect("a pipe");
        keyboard.write_all(answer.as_bytes()).expect("typed");
        let output = running.wait_with_output().expect("it ends");
        drop(keyboard);
        output
    });
    let output = output.await.expect("joined");
    (String::from_utf8_lossy(&output.stdout).replace('\r', ""), output.status.code().unwrap_or(-1))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_shows_its_plan_and_asks() {
    let sides = rehearsed(&[event("A"), second_day("A", "17:00")]).await;
    let bad = changed(event("B"), F::Location, "Lndon");
    let file = write(sides.world.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00"), bad]);
    let file = file.to_str().expect("a path");

    let (seen, exit) = at_a_terminal(&sides, &["import", file], "n\n").await;
    assert!(seen.contains("new       A (row 4), 2 sessions\nrefused   B (row 6)\n"), "{seen}");
    assert!(seen.contains("no location is called \"Lndon\" (perhaps: London)"), "{seen}");
    let asked = "2 events: 1 new, 1 refused\n2 sessions, 6 requests to Administrate\n\
                 carry this out, here and in Administrate? [y/N]: ";
    assert!(seen.contains(asked) && seen.contains("nothing was written"), "{seen}");
    assert!(seen.lines().all(|line| line.chars().count() <= 80), "{seen}");
    assert_eq!((exit, sides.count("SELECT count(*) FROM acted.tutorial_events").await), (0, 0));

    let (seen, exit) = at_a_terminal(&sides, &["import", file], "y\n").await;
    assert!(seen.contains("1 delivered, 0 pending, 0 failed, 0 unknown"), "{seen}");
    assert_eq!((exit, sides.count("SELECT count(*) FROM acted.tutorial_events").await), (4, 1));
}
