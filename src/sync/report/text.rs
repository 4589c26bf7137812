//! A report as users read it at a terminal: sections with names, each with the command to run next.
//!
//! Ids appear only in commands and, with `--debug`, after names.

use std::fmt::Write;

use super::Report;
use super::commands::{Choice, choices};
pub(crate) use super::display_name::display_name;
use super::findings::{RecordError, RetainedRecord, SkippedRecord};
use crate::bridges::overrides::OverrideKind;
use crate::console;
use crate::console::counted;
use crate::console::style::{Tone, paint_if};
use crate::console::table::OutputTable;
use crate::runs::{Run, RunKind};
use crate::sync::conflicts::{FieldConflict, ResolvedField};
use crate::sync::entity::Entity;
use crate::sync::matching::{Ambiguity, LocalRecord, RemoteRecord, Separation};
use crate::text::shell_word;

/// Most records of a section that get a command of their own.
const MAX_COMMANDS: usize = 5;

/// The colours of counts above 0, in their order: of created, pruned and errors.
const COUNT_TONES: [Option<Tone>; 7] = [None, Some(Tone::Good), None, None, Some(Tone::Warning), None, Some(Tone::Bad)];

/// Returns the counts of reports as a table with one row per entity.
pub fn counts<'a>(reports: impl IntoIterator<Item = &'a Report>) -> OutputTable {
    let mut table =
        console::table(["entity", "fetched", "created", "updated", "unchanged", "pruned", "skipped", "errors"])
            .with_numbers_from(1);
    for report in reports {
        let numbers = report.counts.in_order();
        let cells = numbers.iter().zip(COUNT_TONES).map(|(number, tone)| match tone {
            Some(tone) => paint_if(*number > 0, tone, number),
            None => number.to_string(),
        });
        let cells = std::iter::once(report.entity.plural().to_owned()).chain(cells);
        table.add_row(cells);
    }
    table
}

/// Returns stored runs as a table with one row per run.
pub fn runs(runs: &[Run]) -> OutputTable {
    let mut table = console::table(["run", "of", "started", "took", "requests", "exit", "rows", "errors"]);
    for run in runs {
        let count = |name: &str| run.counts.as_ref().and_then(|counts| counts.get(name)).map(ToString::to_string);
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            run.id.to_string(),
            subject(run),
            run.started_at.get(..16).unwrap_or(&run.started_at).replace('T', " "),
            or_dash(run.duration_ms.map(duration)),
            or_dash(run.requests.map(|requests| requests.to_string())),
            or_dash(run.exit_code.map(|code| code.to_string())),
            or_dash(row_counts(run)),
            or_dash(count("errors")),
        ]);
    }
    table
}

/// Returns `venues` or `undo of venues`.
fn subject(run: &Run) -> String {
    let entity: Option<Entity> = run.subject.parse().ok();
    let subject = entity.map_or(run.subject.as_str(), |entity| entity.plural());
    if run.kind == RunKind::SyncUndo.as_str() { format!("undo of {subject}") } else { subject.to_owned() }
}

/// Returns the rows created, updated and pruned, `+3 ~1`; none if the run changed no row.
fn row_counts(run: &Run) -> Option<String> {
    let count = |name: &str| run.counts.as_ref()?.get(name)?.as_u64().filter(|count| *count > 0);
    let signed = [("+", "created"), ("~", "updated"), ("-", "pruned")];
    let counts: Vec<String> =
        signed.iter().filter_map(|(sign, name)| Some(format!("{sign}{}", count(name)?))).collect();
    (!counts.is_empty()).then(|| counts.join(" "))
}

fn duration(milliseconds: i64) -> String {
    if milliseconds < 10_000 { format!("{milliseconds}ms") } else { format!("{}s", milliseconds / 1000) }
}

/// Returns what a user should know of a report; empty if there is nothing. `with_ids` adds ids after names.
pub fn findings(report: &Report, with_ids: bool) -> String {
    let mut text = FindingsText { report, with_ids, lines: String::new() };
    text.unmatched();
    text.ambiguous();
    text.separated();
    text.field_values();
    text.local_records();
    text.planned_remote_records();
    text.remaining();
    match text.lines {
        lines if lines.is_empty() => lines,
        lines => format!("{}\n{lines}", report.entity.heading()),
    }
}

/// Returns how a command ended, in lines of its own: what a dry run would do and how many decisions are open.
pub fn closing<'a>(reports: impl IntoIterator<Item = &'a Report>, is_dry_run: bool) -> Option<String> {
    let (mut decisions, mut changes) = (0, [0; 5]);
    for report in reports {
        decisions += report.ambiguous.len() + report.conflicts.len();
        changes[0] += report.counts.created;
        changes[1] += report.counts.updated;
        changes[2] += report.counts.pruned;
        changes[3] += report.created_local.len();
        changes[4] += report.created_in_administrate.len();
    }
    let mut lines = Vec::new();
    if is_dry_run {
        let [added, updated, removed, local, remote] = changes;
        let created = [(local, "in Lectern"), (remote, "in Administrate")].into_iter().filter(|(count, _)| *count > 0);
        let created: String = created.map(|(count, side)| format!(", {count} to create {side}")).collect();
        lines.push(format!(
            "Dry run: {added} to add, {updated} to update, {removed} to remove{created}; nothing was written"
        ));
    }
    match decisions {
        0 => {}
        1 => lines.push("1 needs a decision: see above".to_owned()),
        more => lines.push(format!("{more} need a decision: see above")),
    }
    if is_dry_run && changes != [0; 5] {
        lines.push("To apply this, run the command again without --dry-run".to_owned());
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Widest line with a command, in characters. The command of a wider one gets a line of its own.
const MAX_WIDTH: usize = 80;

/// Returns a line of an item with a command to copy. It is indented by six characters.
fn step(what: &str, command: &str) -> String {
    let width = 6 + what.chars().count() + 3 + command.chars().count();
    if width > MAX_WIDTH { format!("\n{what}:\n  {command}") } else { format!("\n{what}:  {command}") }
}

/// The sections of one report.
struct FindingsText<'a> {
    report: &'a Report,
    with_ids: bool,
    lines: String,
}

impl FindingsText<'_> {
    /// Adds a section with its items, if there are any. An item may have several lines.
    fn section(&mut self, title: &str, items: impl IntoIterator<Item = String>) {
        let items: Vec<String> = items.into_iter().collect();
        if items.is_empty() {
            return;
        }
        // Writing into a String cannot fail.
        let _ = writeln!(self.lines, "  {title} ({})", items.len());
        for item in items {
            let _ = writeln!(self.lines, "    {}", item.replace('\n', "\n      "));
        }
    }

    /// Adds a line that belongs to the section before it.
    fn advice(&mut self, advice: &str) {
        let _ = writeln!(self.lines, "    {advice}");
    }

    fn name(&self, name: &str, id: &str) -> String {
        if self.with_ids { format!("{} ({id})", display_name(name)) } else { display_name(name) }
    }

    fn local(&self, record: &LocalRecord) -> String {
        self.name(&record.name, &record.id.to_string())
    }

    fn remote(&self, record: &RemoteRecord) -> String {
        self.name(&record.name, &record.external_id)
    }

    fn skipped(&self, record: &SkippedRecord) -> String {
        format!("{}: {}", self.name(&record.name, &record.external_id), record.reason)
    }

    fn retained(&self, record: &RetainedRecord) -> String {
        format!("{}: {}", self.name(&record.name, &record.id.to_string()), record.reason)
    }

    fn unmatched(&mut self) {
        let (report, entity) = (self.report, self.report.entity);
        let link = |record: &LocalRecord| {
            let similar = report.unmatched_remote.iter().filter(|remote| record.suggestions.contains(&remote.name));
            let command = |remote: &RemoteRecord| {
                let (name, id) = (display_name(&remote.name), shell_word(&remote.external_id));
                step(
                    &format!("if it is \"{name}\" in Administrate"),
                    &format!("lectern sync link {entity} {} {id}", record.id),
                )
            };
            similar.map(command).collect::<String>()
        };
        let (only_local, only_remote) = (report.creatable_local(), report.creatable_remote());
        let local: Vec<String> = only_local.iter().map(|record| self.local(record) + &link(record)).collect();
        let has_local = !local.is_empty() && report.not_created_in_administrate.is_empty();
        self.section("Only in Lectern", local);
        if has_local && entity.can_be_created() {
            self.advice(&format!("create in Administrate:  lectern sync {entity} --create-remote"));
        }
        let has_commands = entity.can_be_created() && only_remote.len() <= MAX_COMMANDS;
        let create = |record: &RemoteRecord| match shell_word(&record.external_id) {
            id if has_commands => {
                step("create it locally", &format!("lectern sync {entity} --create-local --only {id}"))
            }
            _ => String::new(),
        };
        let remote: Vec<String> = only_remote.iter().map(|record| self.remote(record) + &create(record)).collect();
        let count = remote.len();
        self.section("Only in Administrate", remote);
        if count > 1 && entity.can_be_created() {
            self.advice(&format!("create all locally:  lectern sync {entity} --create-local"));
        }
    }

    fn ambiguous(&mut self) {
        let items: Vec<String> = self.report.ambiguous.iter().map(|ambiguity| self.ambiguity(ambiguity)).collect();
        self.section("Ambiguous, not linked until you choose", items);
    }

    /// Describes an ambiguity with a command for each choice.
    fn ambiguity(&self, ambiguity: &Ambiguity) -> String {
        let Ambiguity { key, local, remote, linked, .. } = ambiguity;
        let entity = self.report.entity;
        let more_local = local.iter().filter(|one| linked.iter().all(|link| link.id != one.id)).count();
        let is_more = |other: &&RemoteRecord| linked.iter().all(|link| link.external_id != other.external_id);
        let mut text = match (linked.is_empty(), local.is_empty()) {
            (false, _) => {
                let more = [(more_local, "Lectern"), (remote.iter().filter(is_more).count(), "Administrate")];
                let more = more.into_iter().filter(|(count, _)| *count > 0);
                let more: Vec<String> = more.map(|(count, side)| format!("{count} more in {side}")).collect();
                format!("{key}: {}; the existing link stays", more.join(", "))
            }
            (true, true) => format!("{key}: {} in Administrate, ignore all but one", remote.len()),
            (true, false) => {
                format!("{key}: {} in Lectern, {} in Administrate, choose one link", local.len(), remote.len())
            }
        };
        let verb = if linked.is_empty() { ("", "ignore") } else { (" instead", "leave out") };
        for choice in choices(ambiguity).take(MAX_COMMANDS) {
            let what = match choice {
                Choice::Link(one, other) => format!("link {} with {}{}", self.local(one), self.remote(other), verb.0),
                Choice::IgnoreLocal(one) => format!("{} {}", verb.1, self.local(one)),
                Choice::IgnoreRemote(other) => format!("{} {}", verb.1, self.remote(other)),
            };
            text += &step(&what, &choice.command(entity));
        }
        let hidden = choices(ambiguity).count().saturating_sub(MAX_COMMANDS);
        if hidden > 0 {
            text = format!("{text}\n… and {hidden} more:  lectern sync {entity} --dry-run --json");
        }
        text
    }

    fn separated(&mut self) {
        let item = |separation: &Separation| {
            let Separation { local, remote, decision, command } = separation;
            let why = match decision {
                OverrideKind::Link => "one of them is linked with another",
                OverrideKind::Unlink => "they are never linked",
                OverrideKind::Ignore => "one of them is ignored",
            };
            let names = format!("{} and {} in Administrate: {why}", self.local(local), self.remote(remote));
            names + &step("link them again", command)
        };
        let items: Vec<String> = self.report.separated.iter().map(item).collect();
        self.section("Kept apart by a decision, created on neither side", items);
    }

    fn field_values(&mut self) {
        let report = self.report;
        let command = |conflict: &FieldConflict| {
            let field: String = conflict.field.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
            let field = field.split_whitespace().collect::<Vec<_>>().join("-");
            format!("lectern sync decide events {} {}", shell_word(&conflict.name), shell_word(&field))
        };
        let resolve = |conflict: &FieldConflict| {
            let command = command(conflict);
            format!("{conflict}\nuse the local value:  {command} ours\nuse Administrate's:    {command} theirs")
        };
        self.section("Changed on both sides, needs a decision", report.conflicts.iter().map(resolve));
        let (titles, changed): (Vec<_>, Vec<_>) =
            report.differences.iter().partition(|difference| difference.is_other_title());
        let rename = |title: &FieldConflict| format!("{title}\nuse Administrate's:    {} theirs", command(title));
        self.section("Linked under another title, stays as it is unless you decide", titles.into_iter().map(rename));
        self.section("Changed in Administrate only", changed.into_iter().map(FieldConflict::to_string));
        self.section("Resolved", report.resolved.iter().map(ResolvedField::to_string));
    }

    fn local_records(&mut self) {
        let report = self.report;
        let (created, removed) = match report.dry_run {
            true => ("Will be created locally", "Will be deleted locally"),
            false => ("Created locally", "Deleted locally"),
        };
        let items: Vec<String> = report.created_local.iter().map(|record| self.remote(record)).collect();
        self.section(created, items);
        let items: Vec<String> = report.not_created_local.iter().map(|record| self.skipped(record)).collect();
        self.section("Not created locally", items);
        let items: Vec<String> = report.removed_local.iter().map(|record| self.local(record)).collect();
        self.section(removed, items);
        let items: Vec<String> = report.retained_local.iter().map(|record| self.retained(record)).collect();
        self.section("Not deleted locally", items);
    }

    /// Adds what a dry run would create in Administrate. A run prints it when it is done.
    fn planned_remote_records(&mut self) {
        let report = self.report;
        if report.dry_run {
            let created = report.created_in_administrate.iter();
            let created: Vec<String> = created.map(|one| self.name(&one.name, &one.id.to_string())).collect();
            self.section("Will be created in Administrate", created);
            let items: Vec<String> =
                report.not_created_in_administrate.iter().map(|record| self.retained(record)).collect();
            self.section("Will not be created in Administrate", items);
        }
    }

    fn remaining(&mut self) {
        let report = self.report;
        let items: Vec<String> = report.skipped.iter().map(|record| self.skipped(record)).collect();
        self.section("Skipped", items);
        if report.left_out > 0 {
            let _ = writeln!(
                self.lines,
                "  Not chosen ({}): the records that --only or --pick leaves out",
                report.left_out
            );
        }
        let missing: Vec<String> = report
            .missing_remote
            .iter()
            .map(|record| match &record.name {
                Some(name) => self.name(name, &record.external_id),
                None => format!("record with the id {}", record.external_id),
            })
            .collect();
        let has_missing = !missing.is_empty();
        self.section("No longer in Administrate", missing);
        if has_missing {
            self.advice(&format!("delete their links:  lectern sync {} --prune", report.entity));
        }
        let cascaded = &report.cascaded;
        let counts = [
            (cascaded.prices.len(), "price"),
            (cascaded.approvals.len(), "approved instructor"),
            (cascaded.references.len(), "reference"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what));
        self.section("Deleted together with the pruned records", counts);
        let items: Vec<String> = report.errors.iter().map(|error| self.error(error)).collect();
        self.section("Errors", items);
    }

    fn error(&self, error: &RecordError) -> String {
        match error.external_id.as_ref().filter(|_| self.with_ids) {
            Some(id) => format!("{id}: {}", error.message),
            None => error.message.clone(),
        }
    }
}
