//! Timetable workbooks that we write: the empty one ([`template`](super::template)), the demo's, the tests'. Same layout as
//! is read.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use rust_xlsxwriter::{Format as Style, Formula, Workbook, Worksheet, XlsxError};

use crate::timetable_import::layout::{Field, Format, LAYOUT};

/// Beginnings that a spreadsheet program may take for a formula.
pub const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The first row below header and hints, as Excel shows it.
pub const FIRST_DATA_ROW: u32 = 4;

/// What goes into a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
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

impl From<&str> for Entry {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Entry {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Entry {
    fn from(number: i32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<Date> for Entry {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

impl From<Time> for Entry {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

/// One row: what stands in which field; the rest is blank.
pub type Line = Vec<(Field, Entry)>;

/// Text that no spreadsheet program takes for a formula: an apostrophe goes in front where it begins like one.
pub fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A timetable workbook with header, hints and these rows, as bytes of an `.xlsx`.
///
/// # Errors
/// When a text is longer than a cell can hold (32,767 characters).
pub fn timetable(lines: &[Line]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    head(sheet)?;
    for (at, line) in lines.iter().enumerate() {
        for (field, entry) in line {
            write(sheet, FIRST_DATA_ROW - 1 + at as u32, *field, entry)?;
        }
    }
    book.save_to_buffer()
}

/// Writes header and hint rows into an empty sheet.
pub(crate) fn head(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.set_name("Import")?;
    let bold = Style::new().set_bold();
    for column in &LAYOUT {
        let at = column.field as u16;
        sheet.write_string_with_format(0, at, column.header, &bold)?;
        sheet.write_string(1, at, column.example)?;
        sheet.write_string(2, at, column.hint)?;
        sheet.set_column_width(at, 18.0)?;
        sheet.set_column_format(at, &style(column.format))?;
    }
    sheet.set_freeze_panes(3, 2)?;
    Ok(())
}

/// How cells of a kind are shown.
pub(crate) fn style(format: Format) -> Style {
    match format {
        Format::Text => Style::new(),
        Format::Date => Style::new().set_num_format("dd/mm/yyyy"),
        Format::Time => Style::new().set_num_format("hh:mm"),
        Format::Number => Style::new().set_num_format("0"),
    }
}

fn write(sheet: &mut Worksheet, row: u32, field: Field, entry: &Entry) -> Result<(), XlsxError> {
    let column = field as u16;
    match entry {
        Entry::Text(text) => sheet.write_string(row, column, neutral(text).as_ref())?,
        Entry::Number(number) => sheet.write_number(row, column, *number)?,
        Entry::Date(date) => sheet.write_number_with_format(row, column, serial(*date), &style(Format::Date))?,
        Entry::Time(time) => sheet.write_number_with_format(row, column, fraction(*time), &style(Format::Time))?,
        Entry::Formula(formula, result) => {
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
