//! Names of commands and options, their aliases and values, and how wrong usage ends. The wording of help is left out.

use std::process::{Command, Stdio};

use super::golden_text;
use crate::fixtures::test_db::TestDb;

fn lectern(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    let output = command.env_clear().args(arguments).stdin(Stdio::null()).output().expect("it runs");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).expect("text"))
}

/// What a help text names, in its order.
#[derive(Default)]
struct Names {
    commands: Vec<String>,
    /// Arguments and options, with what stands in brackets behind them.
    options: Vec<String>,
    /// The options that every command has, likewise.
    global: Vec<String>,
}

impl Names {
    fn read(help: &str) -> Names {
        let mut names = Names::default();
        let mut section = "";
        let mut entries: Vec<(bool, String)> = Vec::new();
        for line in help.lines() {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            if indent == 0 {
                section = text;
            } else if section == "Commands:" && indent == 2 {
                names.commands.extend(text.split_whitespace().next().map(str::to_owned));
            } else if section == "Arguments:" && indent == 2
                || section.ends_with("ptions:") && indent <= 6 && text.starts_with('-')
            {
                entries.push((section == "Global options:", text.to_owned()));
            } else if let (Some((_, entry)), true) = (entries.last_mut(), section != "Commands:") {
                entry.push(' ');
                entry.push_str(text);
            }
        }
        for (is_global, entry) in &entries {
            let list = if *is_global { &mut names.global } else { &mut names.options };
            list.push(named(entry));
        }
        names.commands.retain(|command| command != "help");
        names
    }
}

/// `-h, --help` or `<FILE>` of an entry, and its `[aliases: …]` and the like.
fn named(entry: &str) -> String {
    let head = entry.split("  ").next().unwrap_or_default();
    let mut words: Vec<String> = match head.starts_with('-') {
        true => head.split_whitespace().map(|word| value_name(word).to_owned()).collect(),
        false => vec![head.split_whitespace().next().unwrap_or_default().to_owned()],
    };
    for kind in ["[aliases: ", "[possible values: ", "[default: ", "[env: "] {
        if let Some((_, rest)) = entry.split_once(kind) {
            words.push(format!("{kind}{}]", rest.split(']').next().unwrap_or_default()));
        }
    }
    words.join(" ")
}

/// The name of an option's value is wording; that there is one is not.
fn value_name(word: &str) -> &str {
    if word.starts_with('<') { "<value>" } else { word }
}

fn walk(command: &[&str], global: Option<&[String]>, text: &mut String) {
    let (exit, help) = lectern(&[command, &["-h"]].concat());
    let mut names = Names::read(&help);
    text.push_str(&format!("lectern {}\n", command.join(" ")).replace(" \n", "\n"));
    assert_eq!(exit, 0, "{command:?}");
    match global {
        Some(global) => assert_eq!(names.global, global, "{command:?} has every global option"),
        None => names.options.extend(names.global.iter().map(|option| format!("{option} (global)"))),
    }
    for option in &names.options {
        text.push_str(&format!("    {option}\n"));
    }
    for name in &names.commands {
        walk(&[command, &[name.as_str()]].concat(), Some(&names.global), text);
    }
}

#[test]
fn names_of_commands_and_options_are_golden() {
    let mut text = String::new();
    walk(&[], None, &mut text);
    golden_text("command_line", &text);
}

#[tokio::test]
async fn exit_codes_of_wrong_usage_are_golden() {
    let db = TestDb::new().await;
    let mut text = String::new();
    for arguments in [
        &[][..],
        &["--version"],
        &["no-such-command"],
        &["sync"],
        &["sync", "everything"],
        &["sync", "all", "--pick"],
        &["sync", "locations", "--skip-errors"],
        &["sync", "events", "--create-local"],
        &["sync", "all", "--plan", "no-such-file"],
        &["sync", "all", "--plan", "a", "--plan-out", "b"],
        &["sync", "decide", "events", "A", "title", "nobody"],
        &["sync_price_levels", "--no-such-flag"],
        &["import"],
        &["import", "x", "--deliver", "never"],
        &["import", "x", "--create-missing", "rooms"],
        &["import", "x", "--no-such-flag"],
        &["outbox", "resolve", "1"],
        &["outbox", "resolve", "1", "--recreate", "--delivered", "x"],
        &["search", "x", "--page", "0"],
        &["serve", "--no-worker", "--worker-only"],
        &["serve", "--bind", "nowhere", "--database-url", "postgres://127.0.0.1:9/x"],
        &["token", "create", "--name", "x", "--role", "owner"],
        &["webhooks", "show"],
        &["migrate", "undo"],
        &["migrate", "--database-url", "postgres://127.0.0.1:9/x"],
        &["settings", "--config", "/no/such/file"],
    ] {
        // Most need a database before they see what is wrong, and none may start one in the default folder.
        let exit = db.program(arguments).output().expect("it runs").status.code();
        text.push_str(&format!("{} lectern {}\n", exit.unwrap_or(-1), arguments.join(" ")));
    }
    golden_text("exit_codes", &text);
}
