//! The output: sections of aligned lines at a terminal, a table of fields for programs.

use std::io::IsTerminal;

use super::{CheckResult, Examination, HealthCheck, NotChecked, SECTIONS};
use crate::console;
use crate::console::style::{Tone, paint};
use crate::console::table::terminal_width;

/// Columns before the detail: the mark, the name and the spaces around them.
const INDENT: usize = 24;
/// Lines are not wider, because long ones are hard to read.
const MAX_WIDTH: usize = 110;
const MIN_TEXT: usize = 30;

/// Returns the output for stdout.
pub(super) fn render(examination: &Examination) -> String {
    match std::io::stdout().is_terminal() {
        true => aligned(examination, terminal_width()),
        false => separated(examination),
    }
}

fn separated(examination: &Examination) -> String {
    let mut table = console::table(["Check", "Result", "Detail", "Fix"]);
    for HealthCheck { name, result: CheckResult { ok, detail, fix } } in &examination.checks {
        let state = if *ok { "ok" } else { "failed" };
        table.add_row([*name, state, detail, fix.as_deref().unwrap_or_default()]);
    }
    for left_out in &examination.not_checked {
        table.add_row([left_out.name, "not checked", &left_out.reason, ""]);
    }
    table.to_string()
}

fn aligned(examination: &Examination, columns: usize) -> String {
    let width = columns.min(MAX_WIDTH).saturating_sub(INDENT + 1).max(MIN_TEXT);
    let mut lines = Vec::new();
    for (heading, names) in SECTIONS {
        let begin = lines.len();
        for check in examination.checks.iter().filter(|check| names.contains(&check.name)) {
            let tone = if check.result.ok { Tone::Good } else { Tone::Bad };
            let mark = paint(tone, if check.result.ok { '✓' } else { '✗' });
            push(&mut lines, &format!("  {mark} {:<20}", check.name), &check.result.detail, width);
            if let Some(fix) = &check.result.fix {
                push(&mut lines, &format!("{:22}→ ", ""), fix, width);
            }
        }
        let left_out: Vec<&NotChecked> =
            examination.not_checked.iter().filter(|left_out| names.contains(&left_out.name)).collect();
        for group in left_out.chunk_by(|one, other| one.reason == other.reason) {
            let names = group.iter().map(|left_out| left_out.name).collect::<Vec<_>>().join(", ");
            let mark = paint(Tone::Warning, '–');
            let text = format!("{names}: {}", group[0].reason);
            push(&mut lines, &format!("  {mark} {:<20}", "not checked"), &text, width);
        }
        if lines.len() > begin {
            lines.insert(begin, (*heading).to_owned());
        }
    }
    lines.join("\n")
}

/// Adds a text of several lines, the first after `begin`, the others below it.
fn push(lines: &mut Vec<String>, begin: &str, text: &str, width: usize) {
    for (number, line) in wrapped(text, width).into_iter().enumerate() {
        lines.push(if number == 0 { format!("{begin}{line}") } else { format!("{:INDENT$}{line}", "") });
    }
}

/// Breaks a text into lines at spaces. A word that is longer than a line is not broken, so that it can be copied.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            line.push_str(if length > 0 { " " } else { "" });
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::style::plain;

    #[test]
    fn output_at_a_terminal_is_aligned_and_wrapped() {
        let examination = Examination {
            checks: vec![
                HealthCheck { name: "settings", result: CheckResult::good("no settings file") },
                HealthCheck {
                    name: "schema",
                    result: CheckResult::bad("22 steps of 22 not applied (first catalogue)", "run `lectern migrate`"),
                },
            ],
            not_checked: ["grants", "indexes"]
                .map(|name| NotChecked { name, reason: "the database is empty".into() })
                .into(),
        };
        let text = plain(&aligned(&examination, 60));
        let expected = "\
This machine
  ✓ settings            no settings file
Schema
  ✗ schema              22 steps of 22 not applied (first
                        catalogue)
                      → run `lectern migrate`
  – not checked         grants, indexes: the database is
                        empty";
        assert_eq!(text, expected);
    }
}
