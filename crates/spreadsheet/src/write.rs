//! Writing rows of an `.xlsx`. No text is taken for a formula (CSV injection).

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use rust_xlsxwriter::{Format, Formula, Worksheet, XlsxError};

/// First characters of a text that a spreadsheet program may take for a formula. The last four are the wide forms.
pub const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The most characters of a cell.
const MAX_CELL_CHARS: usize = 32_767;

/// Number format of dates.
pub const DATE_FORMAT: &str = "dd/mm/yyyy";

/// Number format of times.
pub const TIME_FORMAT: &str = "hh:mm";

/// A value to be written into a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum CellValue {
    /// Text, written through [`escape_formula`].
    Text(String),
    /// A number.
    Number(f64),
    /// A date, written in [`DATE_FORMAT`].
    Date(Date),
    /// A time of day, written in [`TIME_FORMAT`].
    Time(Time),
    /// A formula and its stored result, "" for none.
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

/// The values of one row, each with its column. Other columns stay blank.
pub type RowValues<C> = Vec<(C, CellValue)>;

/// Returns the text as it can be written into a cell of any workbook, whatever its source is.
///
/// An apostrophe precedes a text that a spreadsheet program may take for a formula, also after white space and after the
/// workbook was saved as csv. Control characters and characters that change the direction of writing are removed, and the
/// text is cut after the most characters of a cell.
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    let is_formula = text.trim_start_matches(is_ignored).starts_with(FORMULA_STARTS);
    let is_clean = !text.contains(is_removed) && text.chars().nth(MAX_CELL_CHARS).is_none();
    if !is_formula && is_clean {
        return Cow::Borrowed(text);
    }
    let apostrophe = is_formula.then_some('\'').into_iter();
    Cow::Owned(apostrophe.chain(text.chars().filter(|c| !is_removed(*c))).take(MAX_CELL_CHARS).collect())
}

/// Reports whether a program may skip a character at the beginning of a text.
fn is_ignored(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_directional(c)
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn is_removed(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n') || is_directional(c)
}

/// Reports whether a character changes the direction of writing.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes values into a row; `row` and the columns count from 0.
///
/// # Errors
/// [`XlsxError`] if a text is longer than 32,767 characters.
pub fn write_row<C: Copy + Into<u16>>(
    sheet: &mut Worksheet,
    row: u32,
    values: &[(C, CellValue)],
) -> Result<(), XlsxError> {
    for (column, value) in values {
        write_cell(sheet, (row, (*column).into()), value, &Format::new())?;
    }
    Ok(())
}

/// Writes a value into a cell, given as row and column from 0, in a style. Dates and times have their number format.
///
/// # Errors
/// As [`write_row`].
pub fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: &CellValue,
    style: &Format,
) -> Result<(), XlsxError> {
    let format = |code| style.clone().set_num_format(code);
    match value {
        CellValue::Text(text) => sheet.write_string_with_format(row, column, escape_formula(text).as_ref(), style)?,
        CellValue::Number(number) => sheet.write_number_with_format(row, column, *number, style)?,
        CellValue::Date(date) => {
            sheet.write_number_with_format(row, column, date_serial(*date), &format(DATE_FORMAT))?
        }
        CellValue::Time(time) => {
            sheet.write_number_with_format(row, column, day_fraction(*time), &format(TIME_FORMAT))?
        }
        CellValue::Formula(formula, result) => {
            sheet.write_formula(row, column, Formula::new(*formula).set_result(*result))?
        }
    };
    Ok(())
}

/// Returns the serial number of a date: days since 1899-12-30.
fn date_serial(date: Date) -> f64 {
    let days = date.duration_since(Date::constant(1899, 12, 30)).as_hours() / 24;
    days as f64
}

/// Returns a time of day as a fraction of the day.
fn day_fraction(time: Time) -> f64 {
    time.duration_since(Time::midnight()).as_secs_f64() / 86_400.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_escaped_in_every_workbook() {
        for (text, expected) in [
            ("London", "London"),
            ("a = b", "a = b"),
            ("two\nlines\tof text", "two\nlines\tof text"),
            ("=1+1", "'=1+1"),
            ("+44 20", "'+44 20"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("\n=1", "'\n=1"),
            ("\t \r=1", "'\t =1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("\u{200b}\u{feff}=1", "'\u{200b}\u{feff}=1"),
            ("\u{202e}=1", "'=1"),
            ("a\u{1b}[31m\u{202e}b\u{2066}c", "a[31mbc"),
        ] {
            assert_eq!(escape_formula(text), expected, "{text:?}");
        }
        assert_eq!(escape_formula(&"x".repeat(40_000)).chars().count(), MAX_CELL_CHARS);
    }
}
