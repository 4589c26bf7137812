//! Writes timetable workbooks in the layout that imports read: the empty one ([`template`](super::template)), those of the
//! demo and of tests.

use rust_xlsxwriter::{Format as Style, Workbook, Worksheet, XlsxError};
use spreadsheet::{DATE_FORMAT, TIME_FORMAT, write_row};

pub use spreadsheet::CellValue;

use crate::timetable_import::layout::{Field, Format, LAYOUT};

/// The first row below header and hints, as Excel shows it.
pub const FIRST_DATA_ROW: u32 = 4;

/// The values of one row by field. Other fields stay blank.
pub type RowValues = spreadsheet::RowValues<Field>;

/// Returns a timetable workbook with header, hints and the given rows, as the bytes of an `.xlsx`.
///
/// # Errors
/// A text is longer than the maximum of a cell (32,767 characters).
pub fn timetable(rows: &[RowValues]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    write_header(sheet)?;
    for (at, row) in rows.iter().enumerate() {
        write_row(sheet, FIRST_DATA_ROW - 1 + at as u32, row)?;
    }
    book.save_to_buffer()
}

/// Writes header and hint rows into an empty sheet.
pub(crate) fn write_header(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.set_name("Import")?;
    let bold = Style::new().set_bold();
    for column in &LAYOUT {
        let at = column.field as u16;
        sheet.write_string_with_format(0, at, column.header, &bold)?;
        sheet.write_string(1, at, column.example)?;
        sheet.write_string(2, at, column.hint)?;
        sheet.set_column_width(at, 18.0)?;
        sheet.set_column_format(at, &cell_style(column.format))?;
    }
    sheet.set_freeze_panes(3, 2)?;
    Ok(())
}

/// Returns the style of the cells with a format.
pub(crate) fn cell_style(format: Format) -> Style {
    Style::new().set_num_format(number_format(format))
}

/// Returns the number format of the cells with a format.
pub(crate) fn number_format(format: Format) -> &'static str {
    match format {
        Format::Text => "General",
        Format::Date => DATE_FORMAT,
        Format::Time => TIME_FORMAT,
        Format::Number => "0",
    }
}

/// Returns the width of a field's column, in characters.
pub(crate) fn width(field: Field) -> f64 {
    match field {
        Field::Template | Field::EventTitle | Field::SessionTitle | Field::Venue => 24.0,
        Field::Instructor | Field::SessionInstructor | Field::Administrator | Field::TimeZone => 20.0,
        Field::EventUrl | Field::SessionUrl | Field::ExtraInformation => 28.0,
        Field::Day | Field::MaxPlaces | Field::WebSale | Field::Cancelled | Field::Sitting => 10.0,
        _ => 15.0,
    }
}
