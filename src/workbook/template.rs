//! What empty workbooks have in common: headers that explain themselves, drop-down lists, and a sheet with instructions.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, Format as Style, FormatAlign, Note, Workbook, Worksheet, XlsxError,
};

use spreadsheet::{column_name, escape_formula};

use super::style;

/// The last row with drop-down lists, as Excel shows it.
pub const LAST_LIST_ROW: u32 = 5000;

/// The name of the hidden sheet with the names of drop-down lists.
const LIST_SHEET: &str = "Lists";

/// The name of the sheet with instructions.
const INSTRUCTIONS: &str = "Instructions";

/// A column of an empty workbook.
#[derive(Debug)]
pub struct TemplateColumn<'a> {
    pub header: &'a str,
    /// Shown by its colour.
    pub is_required: bool,
    /// What to write; shown when the pointer is on the header.
    pub note: String,
    /// Width in characters.
    pub width: f64,
    /// The number format of its cells.
    pub number_format: &'a str,
}

/// Writes the header of a column.
///
/// # Errors
/// A text is longer than the maximum of a cell.
pub fn add_column(sheet: &mut Worksheet, at: u16, column: &TemplateColumn<'_>) -> Result<(), XlsxError> {
    sheet.set_column_width(at, column.width)?;
    sheet.set_column_format(at, &Style::new().set_num_format(column.number_format))?;
    sheet.write_string_with_format(0, at, column.header, &style::header(column.is_required))?;
    let note = Note::new(column.note.as_str()).add_author_prefix(false).set_width(260).set_height(110);
    sheet.insert_note(0, at, &note)?;
    Ok(())
}

/// Adds a drop-down list to the cells of a column. `rows`: the first and the last one, from 0. Other values remain
/// possible, such as several names.
///
/// # Errors
/// The list is too long.
pub fn add_list(
    sheet: &mut Worksheet,
    column: u16,
    rows: (u32, u32),
    choices: DataValidation,
) -> Result<(), XlsxError> {
    let choices = choices.set_error_style(DataValidationErrorStyle::Information);
    sheet.add_data_validation(rows.0, column, rows.1, column, &choices)?;
    Ok(())
}

/// Names that drop-down lists show, on a hidden sheet.
#[derive(Debug)]
pub struct NameLists<'a> {
    /// Header and names of each list.
    pub lists: Vec<(&'a str, &'a [String])>,
}

impl NameLists<'_> {
    /// Returns the drop-down list with this number; None for one without names.
    pub fn choices(&self, at: usize) -> Option<DataValidation> {
        let (_, names) = self.lists.get(at).filter(|(_, names)| !names.is_empty())?;
        let letter = column_name(at as u32);
        let range = format!("={LIST_SHEET}!${letter}$2:${letter}${}", names.len() + 1);
        Some(DataValidation::new().allow_list_formula(range.as_str().into()))
    }

    /// Adds the hidden sheet. It must not be the first sheet: an import may read that one.
    ///
    /// # Errors
    /// A name is longer than the maximum of a cell.
    pub fn add_sheet(&self, book: &mut Workbook) -> Result<(), XlsxError> {
        let sheet = book.add_worksheet().set_name(LIST_SHEET)?.set_hidden(true);
        for (at, (header, names)) in (0..).zip(&self.lists) {
            for (row, name) in (0..).zip(std::iter::once(*header).chain(names.iter().map(String::as_str))) {
                sheet.write_string(row, at, escape_formula(name).as_ref())?;
            }
        }
        Ok(())
    }
}

/// The sheet with instructions: numbered steps, then a table about the columns.
#[derive(Debug)]
pub struct Instructions<'a> {
    pub title: &'a str,
    pub steps: &'a [&'a str],
    /// Headers and widths of the table.
    pub columns: [(&'a str, f64); 4],
    /// The column of the table with long texts, from 0.
    pub long: usize,
    pub rows: Vec<[String; 4]>,
}

impl Instructions<'_> {
    /// Adds the sheet.
    ///
    /// # Errors
    /// A text is longer than the maximum of a cell.
    pub fn add_to(&self, book: &mut Workbook) -> Result<(), XlsxError> {
        let sheet = book.add_worksheet().set_name(INSTRUCTIONS)?;
        for (column, (_, width)) in (0..).zip(self.columns) {
            sheet.set_column_width(column, width)?;
        }
        let title = Style::new().set_bold().set_font_size(14);
        sheet.write_string_with_format(0, 0, self.title, &title)?;
        let text = style::wrapped();
        let number = Style::new().set_align(FormatAlign::Top).set_align(FormatAlign::Center);
        let width: f64 = self.columns[1..].iter().map(|(_, width)| width).sum();
        let mut row = 2;
        for (at, step) in self.steps.iter().enumerate() {
            sheet.write_number_with_format(row, 0, at as f64 + 1.0, &number)?;
            sheet.merge_range(row, 1, row, 3, step, &text)?;
            sheet.set_row_height(row, style::height(step, width).max(20.0))?;
            row += 1;
        }
        row += 1;
        for (column, (header, _)) in (0..).zip(self.columns) {
            sheet.write_string_with_format(row, column, header, &style::header(true))?;
        }
        for cells in &self.rows {
            row += 1;
            for (column, cell) in (0..).zip(cells) {
                sheet.write_string_with_format(row, column, cell, &text)?;
            }
            sheet.set_row_height(row, style::height(&cells[self.long], self.columns[self.long].1))?;
        }
        sheet.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(())
    }
}
