//! The empty catalogue workbook: sheets with headers and an example row each, drop-down lists, and a sheet with instructions.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError,
};
use spreadsheet::{DATE_FORMAT, column_name};

use super::sheets::{CellKind, Kind, SHEETS, SheetColumn, SheetLayout};
use crate::timetable_import::sheet::style;

/// The last row with drop-down lists, as Excel shows it.
const LAST_LIST_ROW: u32 = 5000;

const STEPS: [&str; 8] = [
    "Fill in the sheets that you need, from left to right. A row is one record. Sheets and columns may be left out.",
    "Dark columns are required, lighter ones are optional. Point at a header to see what to write.",
    "Rows name records of other sheets by code or name. The drop-down lists show the rows of this workbook; records that Lectern has already may be named too.",
    "The first row of each sheet is an example. Rows with a cell that begins with \"EXAMPLE:\" are never imported: delete them or write over them.",
    "A row for a record that exists changes it. Blank cells leave the values as they are. Rows are never deleted.",
    "A tutorial that a timetable can name needs: a variation with the code of its course template, a product whose short name is its location, and a store product of both for the subject and exam session.",
    "Check the file without writing anything: lectern catalogue import FILE.xlsx --dry-run",
    "Import it: lectern catalogue import FILE.xlsx. Rows with problems are rejected, and come back with --report PROBLEMS.xlsx.",
];

/// Returns an empty catalogue as the bytes of an `.xlsx`.
///
/// # Errors
/// A text is longer than the maximum of a cell.
pub fn empty() -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    add_instructions(&mut book)?;
    for layout in &SHEETS {
        let sheet = book.add_worksheet().set_name(layout.name)?;
        for (at, column) in (0..).zip(layout.columns) {
            add_column(sheet, at, column)?;
        }
        sheet.set_row_height(0, 30)?.set_freeze_panes(1, 1)?;
    }
    book.save_to_buffer()
}

fn add_column(sheet: &mut Worksheet, at: u16, column: &SheetColumn) -> Result<(), XlsxError> {
    let is_date = column.kind == CellKind::Date;
    let number_format = if is_date { DATE_FORMAT } else { "@" };
    sheet.set_column_width(at, if column.is_required { 26.0 } else { 20.0 })?;
    if is_date || matches!(column.kind, CellKind::Text | CellKind::Name(_)) {
        sheet.set_column_format(at, &Format::new().set_num_format(number_format))?;
    }
    sheet.write_string_with_format(0, at, column.header, &style::header(column.is_required))?;
    let need = if column.is_required { "Required." } else { "Optional." };
    let note = Note::new(format!("{need}\n{}", column.meaning));
    sheet.insert_note(0, at, &note.add_author_prefix(false).set_width(240).set_height(80))?;
    sheet.write_string_with_format(1, at, column.example, &style::example())?;
    if let Some(choices) = choices(column.kind)? {
        let choices = choices.set_error_style(DataValidationErrorStyle::Information);
        sheet.add_data_validation(1, at, LAST_LIST_ROW - 1, at, &choices)?;
    }
    Ok(())
}

/// Returns the drop-down list of a column.
fn choices(kind: CellKind) -> Result<Option<DataValidation>, XlsxError> {
    let list = DataValidation::new();
    Ok(match kind {
        CellKind::Flag => Some(list.allow_list_strings(&["Y", "N"])?),
        CellKind::Choice(words) | CellKind::Words(words) => Some(list.allow_list_strings(words)?),
        CellKind::Name(kind) | CellKind::Names(kind) => {
            named_column(kind).map(|range| list.allow_list_formula(range.as_str().into()))
        }
        CellKind::Text | CellKind::Number | CellKind::Date => None,
    })
}

/// Returns the cells of the column by which rows of a kind are named.
fn named_column(kind: Kind) -> Option<String> {
    let (kind, field) = match kind {
        Kind::StoreProducts => (kind, "product_code"),
        Kind::BundleTemplates => (Kind::Bundles, "bundle_name"),
        _ => (kind, ""),
    };
    let layout: &SheetLayout = SHEETS.iter().find(|layout| layout.kind == kind)?;
    let at = layout.columns.iter().position(|column| column.field == field).unwrap_or_default();
    let letter = column_name(u32::try_from(at).ok()?);
    Some(format!("='{}'!${letter}$2:${letter}${LAST_LIST_ROW}", layout.name))
}

/// Width of the column with what to write, in characters.
const MEANING_WIDTH: f64 = 80.0;

fn add_instructions(book: &mut Workbook) -> Result<(), XlsxError> {
    let sheet = book.add_worksheet().set_name("Instructions")?;
    for (column, width) in [(0, 18.0), (1, 22.0), (2, 12.0), (3, MEANING_WIDTH)] {
        sheet.set_column_width(column, width)?;
    }
    let title = Format::new().set_bold().set_font_size(14);
    sheet.write_string_with_format(0, 0, "How to fill in this catalogue", &title)?;
    let text = style::wrapped();
    let number = Format::new().set_align(FormatAlign::Top).set_align(FormatAlign::Center);
    let mut row = 2;
    for (at, step) in STEPS.iter().enumerate() {
        sheet.write_number_with_format(row, 0, at as f64 + 1.0, &number)?;
        sheet.merge_range(row, 1, row, 3, step, &text)?;
        sheet.set_row_height(row, style::height(step, MEANING_WIDTH + 30.0))?;
        row += 1;
    }
    row += 1;
    for (column, header) in (0..).zip(["Sheet", "Column", "Required", "What to write"]) {
        sheet.write_string_with_format(row, column, header, &style::header(true))?;
    }
    for layout in &SHEETS {
        for column in layout.columns {
            row += 1;
            let need = if column.is_required { "required" } else { "" };
            for (at, cell) in (0..).zip([layout.name, column.header, need, column.meaning]) {
                sheet.write_string_with_format(row, at, cell, &text)?;
            }
        }
    }
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(())
}
