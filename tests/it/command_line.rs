//! Rules of every command: exit codes and output on stdout and stderr.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::fixtures::terminal::Terminal;
use crate::fixtures::test_db::TestDb;

fn lectern(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn invalid_usage_is_reported_on_stderr_and_in_the_document() {
    for arguments in
        [&["sync", "everything"][..], &["import"], &["no-such-command"], &["import", "x", "--no-such-flag"]]
    {
        let plain = lectern(arguments).output().expect("it runs");
        assert_eq!((plain.status.code(), plain.stdout.len()), (Some(2), 0), "{arguments:?}");
        let with_json = lectern(arguments).arg("--json").output().expect("it runs");
        assert_eq!(with_json.status.code(), Some(2), "{arguments:?}");
        let document: Value = serde_json::from_slice(&with_json.stdout).expect("one document");
        let sentence = document["error"].as_str().expect("a sentence");
        assert_eq!(document["exit"], 2);
        assert!(stderr(&with_json).contains(sentence), "{arguments:?}: {}", stderr(&with_json));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_to_a_full_disk_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a disk without room");
    let output = lectern(&["settings"]).stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the disk is full"), "{}", stderr(&output));
}

#[test]
fn output_to_a_closed_pipe_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = lectern(&["settings"]).stdout(writer).output().expect("it runs");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

/// Without a database URL the program would start a private database: the data folder shows that it did no work.
#[test]
fn existing_output_file_is_refused_before_any_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, there) = (folder.path().join("data"), folder.path().join("exchanges.jsonl"));
    std::fs::write(&there, "as it was").expect("written");
    std::fs::write(folder.path().join("t.csv"), "").expect("written");
    for (arguments, missing_folder) in [
        (&["import", "template", "exchanges.jsonl"][..], Some("import template no/x")),
        (&["import", "t.csv", "--report", "exchanges.jsonl"], Some("import t.csv --report no/x")),
        (&["sync", "locations", "--report", "exchanges.jsonl"], Some("sync all --report no/x")),
        (&["sync", "all", "--plan-out", "exchanges.jsonl"], Some("sync locations --plan-out no/x")),
        (&["sync", "locations", "--record", "."], None),
    ] {
        let run = |arguments: &[&str]| {
            let mut command = lectern(arguments);
            command.current_dir(folder.path()).arg("--data-dir").arg(&data);
            let output = command.output().expect("it runs");
            (output.status.code(), stderr(&output))
        };
        let (exit, message) = run(arguments);
        assert!(exit == Some(2) && message.contains("--force"), "{arguments:?}: {message}");
        if let Some(line) = missing_folder {
            let (exit, message) = run(&line.split(' ').collect::<Vec<_>>());
            assert!(exit == Some(1) && message.contains("the folder no does not exist"), "{line}: {message}");
        }
    }
    assert_eq!(std::fs::read_to_string(&there).expect("it is there"), "as it was");
    assert!(!data.exists());
}

#[test]
fn misspelt_word_is_answered_with_the_similar_one_and_the_common_prefix() {
    for (line, expected) in [
        ("improt", "'import'"),
        ("outbox lsit", "'list'"),
        ("sync locatoins", "did you mean locations?"),
        ("sync_locatons", "did you mean locations?"),
        ("sync rnus", "did you mean `lectern sync runs`?"),
        ("sync all --dry-rnu", "'--dry-run'"),
    ] {
        let output = lectern(&line.split(' ').collect::<Vec<_>>()).output().expect("it runs");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(message.starts_with("lectern: ") && message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn colours_are_only_at_a_terminal_and_can_be_switched_off() {
    let at_terminal = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = lectern(arguments);
        command.env("TERM", "xterm").envs(variables.iter().copied());
        Terminal::start(command).wait().1.contains('\u{1b}')
    };
    for arguments in [&["improt"][..], &["--help"], &["sync", "nothing"]] {
        let with_option = [arguments, &["--no-color"]].concat();
        assert!(at_terminal(arguments, &[]), "{arguments:?}");
        assert!(!at_terminal(&with_option, &[]), "{with_option:?}");
        assert!(!at_terminal(arguments, &[("NO_COLOR", "1")]), "{arguments:?}");
        assert!(!at_terminal(arguments, &[("TERM", "dumb")]), "{arguments:?}");
        let mut piped = lectern(arguments);
        let piped = piped.env("TERM", "xterm").output().expect("it runs");
        assert!(![piped.stdout, piped.stderr].concat().contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn effective_settings_have_values_and_sources_but_no_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("own.toml"), "[import]\nmax_rows = 5\n").expect("written");
    let run = |arguments: &[&str]| {
        let mut command = lectern(&[&["settings", "--config", "own.toml", "--data-dir", "d"][..], arguments].concat());
        command.current_dir(folder.path()).env("ADMINISTRATE_CLIENT_SECRET", "s3cretpw");
        let output = command.env("DATABASE_URL", "postgres://u:s3cretpw@h/d").output().expect("it runs");
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    let text = run(&["--effective"]);
    for line in [
        "import.max_rows\t5\town.toml\n",
        "data_dir\td\toption --data-dir\n",
        "bind\t127.0.0.1:8080\tdefault\n",
        "database_url\tset\tenvironment variable DATABASE_URL\n",
        "administrate.client_secret\tset\tenvironment variable ADMINISTRATE_CLIENT_SECRET\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let document: Value = serde_json::from_str(&run(&["--json"])).expect("one document");
    let rows = document["settings"].as_array().expect("a list");
    let of = |name: &str| rows.iter().find(|row| row["name"] == name).expect("the setting");
    assert_eq!(of("import.max_rows")["value"], 5);
    assert_eq!(of("administrate.client_secret")["value"], "set");
    assert!(!document.to_string().contains("s3cretpw") && !text.contains("s3cretpw"));
}

#[test]
fn setting_that_cannot_be_right_is_refused_at_start() {
    for (name, value, expected) in [
        ("ADMINISTRATE_API_URL", "http://api.example.com/graphql", "ADMINISTRATE_API_URL"),
        ("ADMINISTRATE_AUTH_URL", "https://user:s3cretpw@auth.example.com", "ADMINISTRATE_AUTH_URL"),
        ("ADMINISTRATE_INSTANCE_URL", "http://user:s3cretpw@127.0.0.1", "ADMINISTRATE_INSTANCE_URL"),
    ] {
        let output = lectern(&["sync", "all"]).env("HOME", "/nowhere").env(name, value).output().expect("it runs");
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {message}");
        assert!(message.contains(expected) && !message.contains("s3cretpw"), "{message}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("own.toml"), "[schedule]\nsync_events = \"0 0 30 2 *\"\n").expect("written");
    let mut command = lectern(&["serve", "--config", "own.toml", "--data-dir", "d"]);
    let output = command.current_dir(folder.path()).output().expect("it runs");
    let message = stderr(&output);
    assert!(output.status.code() == Some(2) && message.contains("schedule.sync_events"), "{message}");
}

#[tokio::test]
async fn nothing_to_show_is_explained() {
    let db = TestDb::new().await;
    for (arguments, expected) in
        [(["search", "cm2"], "the catalogue is empty"), (["outbox", "list"], "nothing has been sent")]
    {
        let output = db.program(&arguments).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn help_is_printed_on_stdout() {
    let output = lectern(&["--help"]).output().expect("it runs");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Exit codes"));
}

#[tokio::test]
async fn table_on_a_terminal_without_width_has_80_columns() {
    let db = TestDb::new().await;
    let made = db.program(&["token", "create", "--name", "the nightly run", "--role", "operator"]).output();
    assert!(made.expect("it runs").status.success());
    let list = |columns| Terminal::of_width(columns, db.program(&["token", "list"])).wait().1;
    assert!(list(80).contains("the nightly run"), "{}", list(80));
    assert_eq!(list(0), list(80));
}

#[tokio::test]
async fn piped_list_is_separated_by_tabs() {
    let db = TestDb::new().await;
    for name in ["a", "the nightly run"] {
        let made = db.program(&["token", "create", "--name", name, "--role", "operator"]).output();
        assert!(made.expect("it runs").status.success());
    }
    let list = db.program(&["token", "list"]).output().expect("it runs");
    let list = String::from_utf8(list.stdout).expect("text");
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.len() == 3 && lines.iter().all(|cells| cells.len() == lines[0].len()), "{list}");
    assert!(lines.iter().flatten().all(|cell| !cell.is_empty() && *cell == cell.trim()), "{list}");
    let shown = Terminal::start(db.program(&["token", "list"])).wait().1;
    assert!(shown.lines().all(|line| line == line.trim_end()), "{shown}");
}
