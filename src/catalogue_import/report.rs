//! The rejected rows of a catalogue workbook, as a workbook for its author.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::apply::noun_of;
use super::plan::CataloguePlan;
use super::read::{CatalogueSheet, WorkbookRows};
use super::sheets::CellKind;
use super::template::{width, word_choices};
use crate::workbook::problem_list::MAX_LISTED;
use crate::workbook::report::{RejectedSheet, ReportColumn, SHEET_COLUMN, add_problems};
use crate::workbook::template::{NameLists, add_list};

/// Number of empty rows below the rejected ones that have drop-down lists too.
const EXTRA_ROWS: u32 = 200;

/// Returns a workbook with the rejected rows of each sheet and all problems. None: no row is rejected, and the document has
/// all problems.
///
/// # Errors
/// The workbook cannot be built.
pub fn workbook(given: &WorkbookRows, plan: &CataloguePlan) -> Result<Option<Vec<u8>>, XlsxError> {
    let mut book = Workbook::new();
    let names = plan.names.iter().map(|(kind, names)| (noun_of(*kind), names.as_slice()));
    let names = NameLists { lists: names.collect() };
    for read in &given.sheets {
        let of_sheet = plan.rejected.iter().filter(|(kind, _)| *kind == read.layout.kind);
        let mut rows: Vec<u32> = of_sheet.map(|(_, row)| *row).collect();
        rows.sort_unstable();
        if !rows.is_empty() {
            add_sheet(&mut book, read, (&rows, plan), &names)?;
        }
    }
    if plan.rejected.is_empty() && plan.problems.len() <= MAX_LISTED {
        return Ok(None);
    }
    add_problems(&mut book, &plan.problems, SHEET_COLUMN)?;
    names.add_sheet(&mut book)?;
    book.save_to_buffer().map(Some)
}

fn add_sheet(
    book: &mut Workbook,
    read: &CatalogueSheet,
    (rows, plan): (&[u32], &CataloguePlan),
    names: &NameLists<'_>,
) -> Result<(), XlsxError> {
    let worksheet = book.add_worksheet().set_name(read.layout.name)?;
    let column = |at: u32| match read.columns.iter().find(|(_, column)| *column == at) {
        Some((column, _)) => {
            ReportColumn { header: Some(column.header), width: Some(width(column)), is_required: column.is_required }
        }
        None => ReportColumn::default(),
    };
    let rejected = RejectedSheet {
        sheet: &read.sheet,
        header_row: read.header_row,
        of_report: &read.of_report,
        column: &column,
        rows,
        without_problem: "",
    };
    let last = rejected.write(worksheet, &plan.problems)?;
    for (column, at) in &read.columns {
        let choices = match column.kind {
            CellKind::Name(kind) | CellKind::Names(kind) => {
                plan.names.iter().position(|(named, _)| *named == kind).and_then(|list| names.choices(list))
            }
            kind => word_choices(kind)?,
        };
        if let (Some(shown), Some(choices)) = (rejected.shown_column(*at), choices) {
            add_list(worksheet, shown, (1, last + EXTRA_ROWS), choices)?;
        }
    }
    Ok(())
}
