//! The discrepancies of a run as a workbook, for the users who correct them locally or in Administrate.
//!
//! Scripts read the names of the sheets, the order of the columns, and the words of the column "Side".

use std::collections::HashSet;
use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use spreadsheet::escape_formula;

use super::Report;
use crate::error::{Error, Result};
use crate::output_file::{self, Existing};
use crate::sync::conflicts::{FieldConflict, Winner};
use crate::sync::matching::{RemoteRecord, Separation};
use crate::text::shell_word;

/// The cells of a sheet, row by row.
type ReportRows = Vec<Vec<String>>;

/// Writes the workbook.
///
/// # Errors
/// [`Error::Failed`] where the file cannot be written.
pub fn write(path: &Path, reports: &[&Report], existing: Existing) -> Result<()> {
    let failed = |error| Error::Failed(format!("the report {} cannot be written: {error}", path.display()));
    output_file::write(path, &build(reports).map_err(failed)?, existing)
}

fn build(reports: &[&Report]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let counts = ["Entity", "Fetched", "Created", "Updated", "Unchanged", "Pruned", "Skipped", "Errors", "Requests"];
    sheet(book.add_worksheet(), "Summary", &counts, rows(reports, summary))?;
    let local = ["Entity", "Local id", "Name", "Similar names", "Status"];
    sheet(book.add_worksheet(), "Not in Administrate", &local, rows(reports, only_local))?;
    let remote = ["Entity", "Administrate's id", "Name", "Similar names", "Status"];
    sheet(book.add_worksheet(), "Not here", &remote, rows(reports, only_remote))?;
    let ambiguous = ["Entity", "Shared name", "Side", "Id", "Name", "Commands"];
    sheet(book.add_worksheet(), "Ambiguous", &ambiguous, rows(reports, ambiguities))?;
    let values = [
        "Entity",
        "Administrate's id",
        "Name",
        "Field",
        "Local value",
        "Value in Administrate",
        "Last common value",
        "Status",
    ];
    sheet(book.add_worksheet(), "Changed there", &values, rows(reports, field_differences))?;
    let remark = ["Entity", "Administrate's id", "Name", "Remark"];
    sheet(book.add_worksheet(), "Remarks", &remark, rows(reports, remarks))?;
    book.save_to_buffer()
}

fn rows(reports: &[&Report], of: impl Fn(&Report) -> ReportRows) -> ReportRows {
    let with_entity = |report: &&Report| {
        let entity = report.entity.name().to_owned();
        let named = move |mut row: Vec<String>| {
            row.insert(0, entity.clone());
            row
        };
        of(report).into_iter().map(named).collect::<ReportRows>()
    };
    reports.iter().flat_map(with_entity).collect()
}

fn sheet(sheet: &mut Worksheet, name: &str, head: &[&str], rows: ReportRows) -> Result<(), XlsxError> {
    sheet.set_name(name)?;
    let bold = Format::new().set_bold();
    for (column, title) in (0..).zip(head) {
        sheet.write_with_format(0, column, *title, &bold)?;
    }
    for (row, cells) in (1..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            match cell.parse::<u32>() {
                Ok(number) if name == "Summary" => sheet.write(row, column, number)?,
                _ => sheet.write(row, column, escape_formula(&cell).as_ref())?,
            };
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.autofit();
    Ok(())
}

fn summary(report: &Report) -> ReportRows {
    let mut row: Vec<String> = report.counts.in_order().iter().map(ToString::to_string).collect();
    row.push(report.requests.to_string());
    vec![row]
}

fn only_local(report: &Report) -> ReportRows {
    let unmatched = report.unmatched_local.iter().map(|record| {
        let similar = record.suggestions.join(" or ");
        let separated = report.separated.iter().find(|one| one.local.id == record.id);
        let status = separated.map_or("to be created in Administrate or linked".into(), separation_status);
        vec![record.id.to_string(), record.name.clone(), similar, status]
    });
    let created = report.created_in_administrate.iter().map(|created| {
        let status = created.external_id.as_ref().map(|id| format!("created: {id}"));
        let status = status.unwrap_or_else(|| "will be created in Administrate".into());
        vec![created.id.to_string(), created.name.clone(), String::new(), status]
    });
    let not_created = report.not_created_in_administrate.iter().map(|record| {
        vec![record.id.to_string(), record.name.clone(), String::new(), format!("not created: {}", record.reason)]
    });
    let rejected: HashSet<i64> = report.not_created_in_administrate.iter().map(|record| record.id).collect();
    let unmatched = unmatched.filter(|row| row[0].parse().is_ok_and(|id| !rejected.contains(&id)));
    unmatched.chain(created).chain(not_created).collect()
}

fn only_remote(report: &Report) -> ReportRows {
    let row = |record: &RemoteRecord, status: &str| {
        vec![record.external_id.clone(), record.name.clone(), record.suggestions.join(" or "), status.to_owned()]
    };
    let rejected =
        |record: &RemoteRecord| report.not_created_local.iter().find(|one| one.external_id == record.external_id);
    let unmatched = report.unmatched_remote.iter().map(|record| match rejected(record) {
        Some(rejected) => row(record, &format!("not created locally: {}", rejected.reason)),
        None => match report.separated.iter().find(|one| one.remote.external_id == record.external_id) {
            Some(separated) => row(record, &separation_status(separated)),
            None => row(record, "to be created locally, linked or ignored"),
        },
    });
    let created = if report.dry_run { "will be created locally" } else { "created locally" };
    unmatched.chain(report.created_local.iter().map(|record| row(record, created))).collect()
}

/// Returns the status of a record that a decision keeps apart from a record of its name.
fn separation_status(separation: &Separation) -> String {
    format!("separated by a decision ({}); to link them: {}", separation.decision.name(), separation.command)
}

fn ambiguities(report: &Report) -> ReportRows {
    let mut rows = ReportRows::new();
    for ambiguity in &report.ambiguous {
        let row = |side: &str, id: String, name: &str| {
            let names_it = |command: &&String| command.split(' ').any(|word| word == shell_word(&id));
            let commands: Vec<&str> = ambiguity.commands.iter().filter(names_it).map(String::as_str).collect();
            vec![ambiguity.key.clone(), side.into(), id, name.to_owned(), commands.join(" or ")]
        };
        rows.extend(ambiguity.local.iter().map(|one| row("ours", one.id.to_string(), &one.name)));
        rows.extend(ambiguity.remote.iter().map(|one| row("theirs", one.external_id.clone(), &one.name)));
    }
    rows
}

fn field_differences(report: &Report) -> ReportRows {
    let row = |difference: &FieldConflict, status: &str| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let FieldConflict { external_id, name, field, local, remote, baseline } = difference;
        vec![
            external_id.clone(),
            name.clone(),
            field.clone(),
            text(local),
            text(remote),
            text(baseline),
            status.to_owned(),
        ]
    };
    let conflicts = report.conflicts.iter().map(|one| row(one, "changed on both sides: needs a decision"));
    let differences = report.differences.iter().map(|one| row(one, "changed in Administrate only"));
    let resolved = report.resolved.iter().map(|field| match field.wins {
        Winner::Local => row(&field.conflict, "the local value is written to Administrate"),
        Winner::Remote => row(&field.conflict, "Administrate's value is accepted locally"),
    });
    conflicts.chain(differences).chain(resolved).collect()
}

fn remarks(report: &Report) -> ReportRows {
    let skipped = report
        .skipped
        .iter()
        .map(|skipped| vec![skipped.external_id.clone(), skipped.name.clone(), format!("skipped: {}", skipped.reason)]);
    let missing = report.missing_remote.iter().map(|record| {
        let remark = "no longer in Administrate: --prune deletes its local link";
        vec![record.external_id.clone(), record.name.clone().unwrap_or_default(), remark.into()]
    });
    let errors = report.errors.iter().map(|error| {
        vec![error.external_id.clone().unwrap_or_default(), String::new(), format!("error: {}", error.message)]
    });
    skipped.chain(missing).chain(errors).collect()
}
