//! Writes the workbook of the rejected rows of a timetable, with the drop-down lists of the empty one.

use rust_xlsxwriter::{Workbook, XlsxError};
use spreadsheet::Sheet;

use crate::timetable_import::blocks::{Block, Timetable};
use crate::timetable_import::layout::{Field, LAYOUT};
use crate::timetable_import::plan::{ImportPlan, PlanItem};
use crate::timetable_import::sheet::lists::{Choices, ListedCells};
use crate::timetable_import::sheet::write::width;
use crate::workbook::report::{EVENT_COLUMN, RejectedSheet, ReportColumn, add_problems};

/// Number of empty rows below the rejected ones that have drop-down lists too.
const EXTRA_ROWS: u32 = 200;

/// Returns an `.xlsx` with the header and the given rows of a sheet, in the order of `rows`, and all problems of the plan.
///
/// # Errors
/// The workbook cannot be built.
pub fn workbook(
    sheet: &Sheet,
    timetable: &Timetable,
    (plan, rows): (&ImportPlan, &[u32]),
    choices: &Choices,
) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let worksheet = book.add_worksheet();
    worksheet.set_name("Import")?;
    let column = |at: u32| match LAYOUT.iter().find(|known| timetable.columns.of(known.field) == at) {
        Some(known) => {
            ReportColumn { header: Some(known.header), width: Some(width(known.field)), is_required: known.required }
        }
        None => ReportColumn { header: timetable.columns.unknown_header(at), ..ReportColumn::default() },
    };
    let rejected = RejectedSheet {
        sheet,
        header_row: timetable.columns.header_row,
        of_report: &timetable.columns.of_report,
        column: &column,
        rows,
        without_problem: "rejected with its event",
    };
    let last = rejected.write(worksheet, &plan.problems)?;
    let column_of = |field: Field| rejected.shown_column(timetable.columns.of(field));
    choices.add_to(worksheet, &ListedCells { column_of, rows: (1, last + EXTRA_ROWS) })?;
    add_problems(&mut book, &plan.problems, EVENT_COLUMN)?;
    choices.add_sheet(&mut book)?;
    book.save_to_buffer()
}

/// Returns the row numbers to write: rows outside every block, then the rows of rejected blocks.
///
/// Blocks without a course template code come first; the next import would otherwise read them as sessions of the block
/// above.
pub fn rejected_rows(timetable: &Timetable, plan: &ImportPlan) -> Vec<u32> {
    let orphans = timetable.problems.iter().filter(|problem| problem.is_error() && problem.cell.is_some());
    let mut rows: Vec<u32> = orphans.filter_map(|problem| problem.row).collect();
    rows.sort_unstable();
    rows.dedup();
    let rejected = plan.items.iter().zip(&timetable.blocks).filter(|(item, _)| PlanItem::is_rejected(item));
    let mut rejected: Vec<&Block> = rejected.map(|(_, block)| block).collect();
    rejected.sort_by_key(|block| block.event.template.is_some());
    for block in rejected {
        rows.push(block.row);
        rows.extend(block.sessions.iter().map(|(row, _)| *row).filter(|row| *row != block.row));
    }
    rows
}
