//! The empty timetable workbook: header, hints, two example events, drop-down lists of the records that are known locally,
//! and a sheet with instructions.

use jiff::civil::{Date, Time, date, time};
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use spreadsheet::write_cell;

use super::instructions;
use super::lists::{Choices, ListedCells};
use super::write::{FIRST_DATA_ROW, number_format, width};
use crate::timetable_import::blocks::{EXAMPLE_TITLE, is_lms_code};
use crate::timetable_import::layout::{Column, Field, LAYOUT, REQUIRED};
use crate::timetable_import::sheet::write::RowValues;
use crate::workbook::style;
use crate::workbook::template::{self, LAST_LIST_ROW, TemplateColumn};

/// Returns an empty timetable as the bytes of an `.xlsx`.
///
/// # Errors
/// A name is longer than the maximum of a cell.
pub fn empty(choices: &Choices) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("Import")?;
    for column in &LAYOUT {
        write_column(sheet, column)?;
    }
    sheet.set_row_height(0, 34)?;
    sheet.set_row_height(2, 32)?;
    sheet.set_freeze_panes(3, 2)?;
    for (at, row) in (FIRST_DATA_ROW - 1..).zip(examples(choices)) {
        write_example(sheet, at, &row)?;
    }
    let cells =
        ListedCells { column_of: |field: Field| Some(field.into()), rows: (FIRST_DATA_ROW - 1, LAST_LIST_ROW - 1) };
    choices.add_to(sheet, &cells)?;
    sheet.set_landscape().set_print_fit_to_pages(4, 0).set_repeat_rows(0, 2)?.set_repeat_columns(0, 1)?;
    instructions::sheet().add_to(&mut book)?;
    choices.add_sheet(&mut book)?;
    book.save_to_buffer()
}

/// Writes header and hints of a column.
fn write_column(sheet: &mut Worksheet, column: &Column) -> Result<(), XlsxError> {
    let at = column.field as u16;
    let need = instructions::need(column.field);
    let is_required = need.is_required();
    let note = format!("{}\n{}", need.sentence(), instructions::meaning(column.field));
    let (width, number_format) = (width(column.field), number_format(column.format));
    template::add_column(
        sheet,
        at,
        &TemplateColumn { header: column.header, is_required, note, width, number_format },
    )?;
    sheet.write_string_with_format(1, at, column.example, &style::hint())?;
    let hint = match (is_required, column.hint) {
        (true, "") => REQUIRED.to_owned(),
        (true, hint) => format!("{REQUIRED}: {hint}"),
        (false, hint) => hint.to_owned(),
    };
    sheet.write_string_with_format(2, at, hint, &style::hint())?;
    Ok(())
}

fn write_example(sheet: &mut Worksheet, row: u32, values: &RowValues) -> Result<(), XlsxError> {
    for column in &LAYOUT {
        let at = column.field as u16;
        let shown = style::example().set_num_format(number_format(column.format));
        match values.iter().find(|(field, _)| *field == column.field) {
            Some((_, value)) => write_cell(sheet, (row, at), value, &shown)?,
            None => drop(sheet.write_blank(row, at, &shown)?),
        }
    }
    Ok(())
}

/// Returns the rows of a blended event with two days and of a self-paced event, with names that are known if there are any.
fn examples(choices: &Choices) -> Vec<RowValues> {
    let first = |names: &[String], otherwise: &str| names.first().cloned().unwrap_or_else(|| otherwise.to_owned());
    let template = |is_lms: bool, otherwise: &str| {
        choices
            .templates
            .iter()
            .find(|code| is_lms_code(code) == is_lms)
            .cloned()
            .unwrap_or_else(|| otherwise.to_owned())
    };
    let location = first(&choices.locations, "London");
    let instructor = first(&choices.instructors, "Ada Marlow");
    let sitting = first(&choices.sittings, "2027A");
    let zone = first(&choices.zones, "Europe - London");
    let on = |day: Date, until: Time| -> RowValues {
        vec![
            (Field::TimeZone, zone.clone().into()),
            (Field::StartDate, day.into()),
            (Field::StartTime, time(9, 30, 0, 0).into()),
            (Field::EndDate, day.into()),
            (Field::EndTime, until.into()),
        ]
    };
    let window: RowValues = vec![
        (Field::LmsStartDate, date(2027, 1, 4).into()),
        (Field::LmsStartTime, time(9, 0, 0, 0).into()),
        (Field::LmsEndDate, date(2027, 4, 30).into()),
        (Field::LmsEndTime, time(23, 0, 0, 0).into()),
        (Field::WebSale, "N".into()),
        (Field::Sitting, sitting.into()),
    ];
    let mut event: RowValues = vec![
        (Field::Template, template(false, "CB1_LO_6").into()),
        (Field::EventTitle, format!("{EXAMPLE_TITLE} two days").into()),
        (Field::SessionTitle, "Day 1".into()),
        (Field::LearningMode, "Blended".into()),
        (Field::Location, location.clone().into()),
        (Field::Venue, "To be confirmed".into()),
        (Field::MaxPlaces, 12.into()),
        (Field::Instructor, instructor.clone().into()),
        (Field::SessionInstructor, instructor.into()),
        (Field::Day, 1.into()),
    ];
    event.extend(on(date(2027, 2, 6), time(17, 0, 0, 0)));
    event.extend(window.iter().cloned());
    let mut second: RowValues = vec![(Field::SessionTitle, "Day 2".into()), (Field::Day, 2.into())];
    second.extend(on(date(2027, 2, 13), time(16, 0, 0, 0)));
    let mut self_paced: RowValues = vec![
        (Field::Template, template(true, "OC_CB1").into()),
        (Field::EventTitle, format!("{EXAMPLE_TITLE} self-paced").into()),
        (Field::LearningMode, "LMS".into()),
        (Field::Location, location.into()),
    ];
    self_paced.extend(window);
    vec![event, second, self_paced]
}
