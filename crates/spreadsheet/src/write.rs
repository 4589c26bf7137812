//! Values written into rows of an `.xlsx`, none of which a spreadsheet program takes for a formula.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use rust_xlsxwriter::{Format, Formula, Worksheet, XlsxError};

/// Beginnings that a spreadsheet program may take for a formula.
pub const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// How dates are shown.
pub const DATE_FORMAT: &str = "dd/mm/yyyy";

/// How times are shown.
pub const TIME_FORMAT: &str = "hh:mm";

/// What goes into a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum CellValue {
    /// Text, neutralised where it begins like a formula.
    Text(String),
    /// A number.
    Number(f64),
    /// An Excel date.
    Date(Date),
    /// An Excel time.
    Time(Time),
    /// A formula with its stored result, "" for none.
    Formula(&'static str, &'static str),
}

impl From<&str> for CellValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for CellValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for CellValue {
    fn from(number: i32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<Date> for CellValue {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

impl From<Time> for CellValue {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

/// One row: each value with its column; the rest is blank.
pub type RowValues<C> = Vec<(C, CellValue)>;

/// Text that no spreadsheet program takes for a formula: an apostrophe goes in front where it begins like one.
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Writes values into a row; `row` and the columns count from 0.
///
/// # Errors
/// When a text is longer than a cell can hold (32,767 characters).
pub fn write_row<C: Copy + Into<u16>>(
    sheet: &mut Worksheet,
    row: u32,
    values: &[(C, CellValue)],
) -> Result<(), XlsxError> {
    for (column, value) in values {
        write_cell(sheet, row, (*column).into(), value)?;
    }
    Ok(())
}

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, value: &CellValue) -> Result<(), XlsxError> {
    let format = |code| Format::new().set_num_format(code);
    match value {
        CellValue::Text(text) => sheet.write_string(row, column, escape_formula(text).as_ref())?,
        CellValue::Number(number) => sheet.write_number(row, column, *number)?,
        CellValue::Date(date) => sheet.write_number_with_format(row, column, serial(*date), &format(DATE_FORMAT))?,
        CellValue::Time(time) => sheet.write_number_with_format(row, column, fraction(*time), &format(TIME_FORMAT))?,
        CellValue::Formula(formula, result) => {
            sheet.write_formula(row, column, Formula::new(*formula).set_result(*result))?
        }
    };
    Ok(())
}

/// Days since 1899-12-30, as Excel counts.
fn serial(date: Date) -> f64 {
    let days = date.duration_since(Date::constant(1899, 12, 30)).as_hours() / 24;
    days as f64
}

fn fraction(time: Time) -> f64 {
    time.duration_since(Time::midnight()).as_secs_f64() / 86_400.0
}
