//! The discrepancies of a run as a workbook, both ways: for whoever mends them, here or in Administrate.

use std::collections::HashSet;
use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use spreadsheet::escape_formula;

use super::Report;
use crate::error::{Error, Result};
use crate::output_file;
use crate::sync::conflicts::{FieldConflict, Winner};
use crate::sync::matching::RemoteRecord;

/// A sheet's rows of cells.
type ReportRows = Vec<Vec<String>>;

/// Writes the workbook.
///
/// # Errors
/// [`Error::Failed`] where the file cannot be written.
pub fn write(path: &Path, reports: &[&Report]) -> Result<()> {
    let failed = |error| Error::Failed(format!("the report {} cannot be written: {error}", path.display()));
    output_file::write(path, &build(reports).map_err(failed)?)
}

fn build(reports: &[&Report]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let counts = ["Entity", "Fetched", "Created", "Updated", "Unchanged", "Pruned", "Skipped", "Errors", "Requests"];
    sheet(book.add_worksheet(), "Summary", &counts, rows(reports, summary))?;
    let here = ["Entity", "Our id", "Name", "Perhaps", "What became of it"];
    sheet(book.add_worksheet(), "Not in Administrate", &here, rows(reports, not_there))?;
    let there = ["Entity", "Administrate's id", "Name", "Perhaps", "What became of it"];
    sheet(book.add_worksheet(), "Not here", &there, rows(reports, not_here))?;
    let ambiguous = ["Entity", "Shared", "Side", "Id", "Name"];
    sheet(book.add_worksheet(), "Ambiguous", &ambiguous, rows(reports, ambiguities))?;
    let disputed =
        ["Entity", "Administrate's id", "Name", "Field", "Ours", "Theirs", "Last agreed", "What became of it"];
    sheet(book.add_worksheet(), "Changed there", &disputed, rows(reports, disputes))?;
    sheet(book.add_worksheet(), "Remarks", &["Entity", "Administrate's id", "Name", "Remark"], rows(reports, remarks))?;
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

fn not_there(report: &Report) -> ReportRows {
    let unmatched = report.unmatched_local.iter().map(|ours| {
        vec![ours.id.to_string(), ours.name.clone(), ours.suggestions.join(" or "), "to be created or linked".into()]
    });
    let created = report.created_in_administrate.iter().map(|created| {
        vec![created.id.to_string(), created.name.clone(), String::new(), format!("created: {}", created.external_id)]
    });
    let not_created = report.not_created_in_administrate.iter().map(|left| {
        vec![left.id.to_string(), left.name.clone(), String::new(), format!("not created: {}", left.reason)]
    });
    let asked: HashSet<i64> = report.not_created_in_administrate.iter().map(|left| left.id).collect();
    let unmatched = unmatched.filter(|row| row[0].parse().is_ok_and(|id| !asked.contains(&id)));
    unmatched.chain(created).chain(not_created).collect()
}

fn not_here(report: &Report) -> ReportRows {
    let row = |theirs: &RemoteRecord, became: &str| {
        vec![theirs.external_id.clone(), theirs.name.clone(), theirs.suggestions.join(" or "), became.to_owned()]
    };
    let refused =
        |theirs: &RemoteRecord| report.not_created_local.iter().find(|left| left.external_id == theirs.external_id);
    let unmatched = report.unmatched_remote.iter().map(|theirs| match refused(theirs) {
        Some(left) => row(theirs, &format!("not taken over: {}", left.reason)),
        None => row(theirs, "to be taken over, linked or ignored"),
    });
    unmatched.chain(report.created_local.iter().map(|theirs| row(theirs, "taken over"))).collect()
}

fn ambiguities(report: &Report) -> ReportRows {
    let mut rows = ReportRows::new();
    for ambiguity in &report.ambiguous {
        let row = |side: &str, id: String, name: &str| vec![ambiguity.key.clone(), side.into(), id, name.to_owned()];
        rows.extend(ambiguity.local.iter().map(|ours| row("ours", ours.id.to_string(), &ours.name)));
        rows.extend(ambiguity.remote.iter().map(|theirs| row("theirs", theirs.external_id.clone(), &theirs.name)));
    }
    rows
}

fn disputes(report: &Report) -> ReportRows {
    let row = |dispute: &FieldConflict, became: &str| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let FieldConflict { external_id, name, field, ours, theirs, agreed } = dispute;
        vec![
            external_id.clone(),
            name.clone(),
            field.clone(),
            text(ours),
            text(theirs),
            text(agreed),
            became.to_owned(),
        ]
    };
    let conflicts = report.conflicts.iter().map(|dispute| row(dispute, "changed on both sides: to be decided"));
    let differences = report.differences.iter().map(|dispute| row(dispute, "changed there alone"));
    let settled = report.settled.iter().map(|settled| match settled.wins {
        Winner::Ours => row(&settled.dispute, "ours is written there"),
        Winner::Theirs => row(&settled.dispute, "theirs is taken over"),
    });
    conflicts.chain(differences).chain(settled).collect()
}

fn remarks(report: &Report) -> ReportRows {
    let skipped = report.skipped.iter().map(|skipped| {
        vec![skipped.external_id.clone(), skipped.name.clone(), format!("not kept: {}", skipped.reason)]
    });
    let gone = report.gone.iter().map(|gone| {
        vec![gone.external_id.clone(), String::new(), "Administrate no longer has it; --prune deletes its row".into()]
    });
    let errors = report.errors.iter().map(|trouble| {
        vec![trouble.external_id.clone().unwrap_or_default(), String::new(), format!("error: {}", trouble.message)]
    });
    skipped.chain(gone).chain(errors).collect()
}
