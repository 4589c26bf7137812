//! The empty catalogue workbook: sheets with headers and an example row each, drop-down lists, and a sheet with instructions.

use rust_xlsxwriter::{DataValidation, Workbook, Worksheet, XlsxError};
use spreadsheet::{DATE_FORMAT, column_name};

use super::sheets::{CellKind, SHEETS, SheetColumn, SheetKind, SheetLayout};
use crate::workbook::style;
use crate::workbook::template::{self, Instructions, LAST_LIST_ROW, TemplateColumn};

const STEPS: [&str; 8] = [
    "Fill in the sheets that you need, from left to right. A row is one record. Sheets and columns may be left out.",
    "Dark columns are required, lighter ones are optional. Point at a header to see what to write.",
    "Rows name records of other sheets by code or name. The drop-down lists show the rows of this workbook; records that Lectern has already may be named too.",
    "The first row of each sheet is an example. Rows with a cell that begins with \"EXAMPLE:\" are never imported: delete them or write over them.",
    "A row for a record that exists changes it. Blank cells leave the values as they are. Rows are never deleted.",
    "A tutorial that a timetable can name needs: a variation with the code of its course template, a product whose short name is its location, and a store product of both for the subject and exam session.",
    "Check the file without writing anything: lectern catalogue import FILE.xlsx --dry-run",
    "Import it: lectern catalogue import FILE.xlsx. Rows with problems are rejected; with --report PROBLEMS.xlsx they come back in a workbook, where you correct them and import that workbook.",
];

/// Returns an empty catalogue as the bytes of an `.xlsx`.
///
/// # Errors
/// A text is longer than the maximum of a cell.
pub fn empty() -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    instructions().add_to(&mut book)?;
    for layout in &SHEETS {
        let sheet = book.add_worksheet().set_name(layout.name)?;
        for (at, column) in (0..).zip(layout.columns) {
            add_column(sheet, at, column)?;
        }
        sheet.set_row_height(0, 30)?.set_freeze_panes(1, 1)?;
    }
    book.save_to_buffer()
}

/// Returns the width of a column, in characters.
pub fn width(column: &SheetColumn) -> f64 {
    if column.is_required { 26.0 } else { 20.0 }
}

fn add_column(sheet: &mut Worksheet, at: u16, column: &SheetColumn) -> Result<(), XlsxError> {
    let need = if column.is_required { "Required." } else { "Optional." };
    let number_format = match column.kind {
        CellKind::Date => DATE_FORMAT,
        CellKind::Number | CellKind::Flag => "General",
        CellKind::Amount => "0.00",
        // As text, so that no program turns 2027-04 into a date.
        _ => "@",
    };
    let header = TemplateColumn {
        header: column.header,
        is_required: column.is_required,
        note: format!("{need}\n{}", column.meaning),
        width: width(column),
        number_format,
    };
    template::add_column(sheet, at, &header)?;
    sheet.write_string_with_format(1, at, column.example, &style::example())?;
    let choices = match column.kind {
        CellKind::Name(kind) | CellKind::Names(kind) => {
            named_column(kind).map(|range| DataValidation::new().allow_list_formula(range.as_str().into()))
        }
        kind => word_choices(kind)?,
    };
    choices.map_or(Ok(()), |choices| template::add_list(sheet, at, (1, LAST_LIST_ROW - 1), choices))
}

/// Returns the drop-down list of a column with certain words.
///
/// # Errors
/// The list is too long.
pub fn word_choices(kind: CellKind) -> Result<Option<DataValidation>, XlsxError> {
    let list = DataValidation::new();
    Ok(match kind {
        CellKind::Flag => Some(list.allow_list_strings(&["Y", "N"])?),
        CellKind::Choice(words) | CellKind::Words(words) => Some(list.allow_list_strings(words)?),
        _ => None,
    })
}

/// Returns the cells of the column by which rows of a kind are named.
fn named_column(kind: SheetKind) -> Option<String> {
    let (kind, field) = match kind {
        SheetKind::StoreProducts => (kind, "product_code"),
        SheetKind::BundleTemplates => (SheetKind::Bundles, "bundle_name"),
        _ => (kind, ""),
    };
    let layout: &SheetLayout = SHEETS.iter().find(|layout| layout.kind == kind)?;
    let at = layout.columns.iter().position(|column| column.field == field).unwrap_or_default();
    let letter = column_name(u32::try_from(at).ok()?);
    Some(format!("='{}'!${letter}$2:${letter}${LAST_LIST_ROW}", layout.name))
}

fn instructions() -> Instructions<'static> {
    let of_sheet = |layout: &'static SheetLayout| {
        layout.columns.iter().map(|column| {
            let need = if column.is_required { "required" } else { "" };
            [layout.name, column.header, need, column.meaning].map(str::to_owned)
        })
    };
    Instructions {
        title: "How to fill in this catalogue",
        steps: &STEPS,
        columns: [("Sheet", 18.0), ("Column", 22.0), ("Required", 12.0), ("What to write", 80.0)],
        long: 3,
        rows: SHEETS.iter().flat_map(of_sheet).collect(),
    }
}
