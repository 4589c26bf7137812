//! What holds for every command: how it ends, and what it leaves on stdout.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::fixtures::terminal::Terminal;
use crate::fixtures::test_db::TestDb;

fn lectern(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_usage_is_told_on_stderr_and_in_the_document() {
    for arguments in
        [&["sync", "everything"][..], &["import"], &["no-such-command"], &["import", "x", "--no-such-flag"]]
    {
        let plain = lectern(arguments).output().expect("it runs");
        assert_eq!((plain.status.code(), plain.stdout.len()), (Some(2), 0), "{arguments:?}");
        let asked = lectern(arguments).arg("--json").output().expect("it runs");
        assert_eq!(asked.status.code(), Some(2), "{arguments:?}");
        let document: Value = serde_json::from_slice(&asked.stdout).expect("one document");
        let sentence = document["error"].as_str().expect("a sentence");
        assert_eq!(document["exit"], 2);
        assert!(said(&asked).contains(sentence), "{arguments:?}: {}", said(&asked));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a disk without room");
    let output = lectern(&["settings"]).stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("the disk is full"), "{}", said(&output));
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = lectern(&["settings"]).stdout(writer).output().expect("it runs");
    assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
}

#[test]
fn help_is_data() {
    let output = lectern(&["--help"]).output().expect("it runs");
    assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Exit codes"));
}

#[tokio::test]
async fn a_terminal_without_a_width_shows_tables_as_one_of_80_columns() {
    let db = TestDb::new().await;
    let made = db.program(&["token", "create", "--name", "the nightly run", "--role", "operator"]).output();
    assert!(made.expect("it runs").status.success());
    let list = |columns| Terminal::of_width(columns, db.program(&["token", "list"])).end().1;
    assert!(list(80).contains("the nightly run"), "{}", list(80));
    assert_eq!(list(0), list(80));
}
