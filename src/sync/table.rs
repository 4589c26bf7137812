//! A report for a reader at a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table};

use super::disputes::{Dispute, Settled};
use super::matching::{Ambiguity, Ours, Theirs};
use super::report::Report;
use crate::console;
use crate::runs::Run;

/// The counts of reports as a table, a row an entity.
pub fn counts<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Table {
    let mut table =
        console::table(["entity", "fetched", "created", "updated", "unchanged", "pruned", "skipped", "errors"]);
    for report in reports {
        let counts = &report.counts;
        let numbers = [
            counts.fetched,
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.pruned,
            counts.skipped,
            counts.errors,
        ];
        let cells = std::iter::once(report.entity.plural().to_owned()).chain(numbers.map(|number| number.to_string()));
        table.add_row(cells);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// Kept runs as a table, a row a run.
pub fn runs(runs: &[Run]) -> Table {
    let mut table = console::table([
        "run", "entity", "started", "took", "requests", "exit", "created", "updated", "pruned", "errors",
    ]);
    for run in runs {
        let count = |name: &str| run.counts.as_ref().and_then(|counts| counts.get(name)).map(ToString::to_string);
        let told = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            run.id.to_string(),
            run.subject.clone(),
            run.started_at.clone(),
            told(run.duration_ms.map(|duration| format!("{duration} ms"))),
            told(run.requests.map(|requests| requests.to_string())),
            told(run.exit_code.map(|code| code.to_string())),
            told(count("created")),
            told(count("updated")),
            told(count("pruned")),
            told(count("errors")),
        ]);
    }
    table
}

/// What a person should know of a report; empty where there is nothing.
pub fn findings(report: &Report) -> String {
    let mut text = String::new();
    let plural = report.entity.plural();
    section(&mut text, &report.unmatched_local, &format!("{plural} of ours that Administrate does not have"), ours);
    section(&mut text, &report.unmatched_remote, &format!("{plural} of Administrate's that we do not have"), theirs);
    section(&mut text, &report.ambiguous, &format!("ambiguous {plural}, not linked"), ambiguity);
    let conflicts = "changed on both sides, decide with `lectern sync decide events EVENT FIELD ours|theirs`";
    section(&mut text, &report.conflicts, conflicts, Dispute::to_string);
    section(&mut text, &report.differences, "changed in Administrate", Dispute::to_string);
    section(&mut text, &report.settled, "decided", Settled::to_string);
    let created = format!("{plural} of Administrate's taken over");
    section(&mut text, &report.created_local, &created, theirs);
    let skipped = format!("{plural} deliberately not kept");
    section(&mut text, &report.skipped, &skipped, |skipped| format!("{}: {}", skipped.name, skipped.reason));
    let gone = format!("{plural} that Administrate no longer has; --prune deletes their rows");
    section(&mut text, &report.gone, &gone, |gone| gone.external_id.clone());
    section(&mut text, &report.errors, "errors", |trouble| match &trouble.external_id {
        Some(id) => format!("{id}: {}", trouble.message),
        None => trouble.message.clone(),
    });
    text
}

fn section<T>(text: &mut String, items: &[T], title: &str, line: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{}{} ({}):", title[..1].to_uppercase(), &title[1..], items.len());
    for item in items {
        let _ = writeln!(text, "  {}", line(item));
    }
}

fn ours(record: &Ours) -> String {
    named(&record.name, &record.id.to_string(), &record.suggestions)
}

fn theirs(record: &Theirs) -> String {
    named(&record.name, &record.external_id, &record.suggestions)
}

fn named(name: &str, id: &str, suggestions: &[String]) -> String {
    let name = if name.trim().is_empty() { "(no name)" } else { name };
    match suggestions {
        [] => format!("{name} ({id})"),
        _ => format!("{name} ({id}), perhaps {}", suggestions.join(" or ")),
    }
}

fn ambiguity(ambiguity: &Ambiguity) -> String {
    let here = ambiguity.local.iter().map(ours);
    let there = ambiguity.remote.iter().map(theirs);
    let candidates: Vec<String> =
        here.map(|one| format!("ours {one}")).chain(there.map(|one| format!("theirs {one}"))).collect();
    format!("{}: {}", ambiguity.key, candidates.join("; "))
}
