//! The empty timetable workbook: header, hints, and cells with drop-down lists of the records that are known locally.

use std::collections::BTreeSet;

use rust_xlsxwriter::{DataValidation, DataValidationErrorStyle, Workbook, Worksheet, XlsxError};
use spreadsheet::escape_formula;

use super::write::{FIRST_DATA_ROW, write_header};
use crate::timetable_import::layout::Field;
use crate::timetable_import::problems::column_name;
use crate::timetable_import::values;
use crate::timetable_import::values::display_zone;

/// The last row with drop-down lists, as Excel shows it.
const LAST_LIST_ROW: u32 = 5000;

/// The values of the drop-down lists, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub templates: Vec<String>,
    pub locations: Vec<String>,
    pub venues: Vec<String>,
    pub instructors: Vec<String>,
    pub administrators: Vec<String>,
    pub sittings: Vec<String>,
    pub zones: Vec<String>,
}

/// Returns all time zones as Administrate shows them: the provider's own, those of local events, then all others.
pub fn zones(own: &str, used: &[String]) -> Vec<String> {
    let known: BTreeSet<String> = values::zones().collect();
    let mut seen = BTreeSet::new();
    let all = [own.to_owned()].into_iter().chain(used.iter().cloned()).chain(known);
    all.filter(|name| seen.insert(name.clone())).map(|name| display_zone(&name)).collect()
}

/// Returns an empty timetable as the bytes of an `.xlsx`.
///
/// # Errors
/// A name is longer than the maximum of a cell.
pub fn empty(choices: &Choices) -> Result<Vec<u8>, XlsxError> {
    let lists: [(&[Field], &[String]); 7] = [
        (&[Field::Template], &choices.templates),
        (&[Field::Location], &choices.locations),
        (&[Field::Venue], &choices.venues),
        (&[Field::Instructor, Field::SessionInstructor], &choices.instructors),
        (&[Field::Administrator], &choices.administrators),
        (&[Field::Sitting], &choices.sittings),
        (&[Field::TimeZone], &choices.zones),
    ];
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    write_header(sheet)?;
    for (at, (fields, names)) in lists.iter().enumerate().filter(|(_, (_, names))| !names.is_empty()) {
        let letter = column_name(at as u32);
        let range = format!("=Lists!${letter}$2:${letter}${}", names.len() + 1);
        for field in *fields {
            add_list(sheet, *field, DataValidation::new().allow_list_formula(range.as_str().into()))?;
        }
    }
    add_list(sheet, Field::LearningMode, DataValidation::new().allow_list_strings(&["Blended", "Classroom", "LMS"])?)?;
    for field in [Field::WebSale, Field::Cancelled] {
        add_list(sheet, field, DataValidation::new().allow_list_strings(&["Y", "N"])?)?;
    }
    // Hidden and not the first sheet: an import reads the first sheet.
    let list_sheet = book.add_worksheet().set_name("Lists")?.set_hidden(true);
    for (at, (fields, names)) in lists.iter().enumerate() {
        let header = fields.first().map(|field| field.header()).into_iter();
        for (row, name) in header.chain(names.iter().map(String::as_str)).enumerate() {
            list_sheet.write_string(row as u32, at as u16, escape_formula(name).as_ref())?;
        }
    }
    book.save_to_buffer()
}

/// Adds a drop-down list to the cells of a column. Other values remain possible, such as several names.
fn add_list(sheet: &mut Worksheet, field: Field, choices: DataValidation) -> Result<(), XlsxError> {
    let choices = choices.set_error_style(DataValidationErrorStyle::Information);
    let column = field as u16;
    sheet.add_data_validation(FIRST_DATA_ROW - 1, column, LAST_LIST_ROW - 1, column, &choices)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_zones_are_read_as_the_same_zone() {
        let listed = zones("Europe/London", &["Asia/Kolkata".to_owned(), "Europe/London".to_owned()]);
        assert_eq!(listed[..2], ["Europe - London", "Asia - Kolkata"]);
        assert!(listed.contains(&"America - Argentina - Buenos Aires".to_owned()));
        assert!(listed.contains(&"America - Port-au-Prince".to_owned()));
        for zone_name in &listed {
            assert_eq!(
                values::zone(zone_name).ok().and_then(|zone| zone.iana_name().map(display_zone)).as_ref(),
                Some(zone_name)
            );
        }
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len());
    }

    #[test]
    fn sitting_code_is_listed_with_its_letter() {
        let letters = [("A", "-04"), ("S", "-09")].map(|(letter, end)| (letter.to_owned(), end.to_owned())).into();
        for (code, expected) in [
            ("2026-04", Some("2026A")),
            ("2026S", Some("2026S")),
            ("2026s", Some("2026S")),
            ("2026-06", None),
            ("", None),
        ] {
            assert_eq!(values::sitting_of_session_code(code, &letters).as_deref(), expected, "{code}");
        }
    }
}
