//! A report for a reader at a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table};

use super::Report;
use super::findings::SkippedRecord;
use crate::console;
use crate::names::tidy;
use crate::runs::Run;
use crate::sync::conflicts::{FieldConflict, ResolvedField};
use crate::sync::entity::Entity;
use crate::sync::matching::{Ambiguity, LocalRecord, RemoteRecord};

/// The counts of reports as a table, a row an entity.
pub fn counts<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Table {
    let mut table = console::table(["", "fetched", "created", "updated", "unchanged", "pruned", "skipped", "errors"]);
    for report in reports {
        let numbers = report.counts.in_order().map(|number| number.to_string());
        let cells = std::iter::once(report.entity.plural().to_owned()).chain(numbers);
        table.add_row(cells);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// Kept runs as a table, a row a run.
pub fn runs(runs: &[Run]) -> Table {
    let mut table = console::table(["run", "of", "started", "took", "requests", "exit", "rows", "errors"]);
    for run in runs {
        let count = |name: &str| run.counts.as_ref().and_then(|counts| counts.get(name)).map(ToString::to_string);
        let told = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            run.id.to_string(),
            run.subject.parse().map_or_else(|_| run.subject.clone(), |entity: Entity| entity.plural().to_owned()),
            run.started_at.get(..16).unwrap_or(&run.started_at).replace('T', " "),
            told(run.duration_ms.map(took)),
            told(run.requests.map(|requests| requests.to_string())),
            told(run.exit_code.map(|code| code.to_string())),
            told(rows(run)),
            told(count("errors")),
        ]);
    }
    table
}

/// Rows created, updated and pruned: `+3 ~1`; a dash where there is none.
fn rows(run: &Run) -> Option<String> {
    let count = |name: &str| run.counts.as_ref()?.get(name)?.as_u64().filter(|count| *count > 0);
    let signed = [("+", "created"), ("~", "updated"), ("-", "pruned")];
    let told: Vec<String> = signed.iter().filter_map(|(sign, name)| Some(format!("{sign}{}", count(name)?))).collect();
    (!told.is_empty()).then(|| told.join(" "))
}

fn took(milliseconds: i64) -> String {
    if milliseconds < 10_000 { format!("{milliseconds}ms") } else { format!("{}s", milliseconds / 1000) }
}

/// What a person should know of a report; empty where there is nothing.
pub fn findings(report: &Report) -> String {
    let mut text = String::new();
    let plural = report.entity.plural();
    section(&mut text, &report.unmatched_local, &format!("{plural} of ours that Administrate does not have"), ours);
    section(&mut text, &report.unmatched_remote, &format!("{plural} of Administrate's that we do not have"), theirs);
    section(&mut text, &report.ambiguous, &format!("ambiguous {plural}, not linked"), ambiguity);
    let conflicts = "changed on both sides, decide with `lectern sync decide events EVENT FIELD ours|theirs`";
    section(&mut text, &report.conflicts, conflicts, FieldConflict::to_string);
    section(&mut text, &report.differences, "changed in Administrate", FieldConflict::to_string);
    section(&mut text, &report.settled, "decided", ResolvedField::to_string);
    let created = format!("{plural} of Administrate's taken over");
    section(&mut text, &report.created_local, &created, theirs);
    let not_taken = format!("{plural} of Administrate's that could not be taken over");
    section(&mut text, &report.not_created_local, &not_taken, |left| format!("{}: {}", theirs_of(left), left.reason));
    section(&mut text, &report.removed_local, &format!("{plural} of ours, made by that run, that go with it"), ours);
    let kept = format!("{plural} of ours, made by that run, that stay");
    section(&mut text, &report.kept_local, &kept, |kept| format!("{} ({}): {}", kept.name, kept.id, kept.reason));
    let skipped = format!("{plural} deliberately not kept");
    section(&mut text, &report.skipped, &skipped, |skipped| format!("{}: {}", skipped.name, skipped.reason));
    let gone = format!("{plural} that Administrate no longer has; --prune deletes their rows");
    section(&mut text, &report.gone, &gone, |gone| gone.external_id.clone());
    let fallen = &report.pruned_along;
    let along =
        [(fallen.prices.len(), "price"), (fallen.approvals.len(), "approval"), (fallen.mentions.len(), "mention")];
    let along: Vec<_> = along.into_iter().filter(|(count, _)| *count > 0).collect();
    section(&mut text, &along, "go with what is pruned", |(count, what)| console::counted(*count, what));
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

fn ours(record: &LocalRecord) -> String {
    named(&record.name, &record.id.to_string(), &record.suggestions)
}

fn theirs_of(left: &SkippedRecord) -> String {
    named(&left.name, &left.external_id, &[])
}

fn theirs(record: &RemoteRecord) -> String {
    named(&record.name, &record.external_id, &record.suggestions)
}

fn named(name: &str, id: &str, suggestions: &[String]) -> String {
    let name = shown(name);
    match suggestions {
        [] => format!("{name} ({id})"),
        _ => format!("{name} ({id}), perhaps {}", suggestions.join(" or ")),
    }
}

fn ambiguity(ambiguity: &Ambiguity) -> String {
    let here = ambiguity.local.iter().map(|record| format!("\n    ours {}", ours(record)));
    let there = ambiguity.remote.iter().map(|record| format!("\n    theirs {}", theirs(record)));
    here.chain(there).fold(format!("{}:", ambiguity.key), |text, line| text + &line)
}

/// A name to be read in a line, also where there is none.
pub(crate) fn shown(name: &str) -> String {
    match tidy(name) {
        none if none.is_empty() => "(no name)".to_owned(),
        name => name,
    }
}
