//! The empty timetable that people fill in: headers, hints, and cells that offer what is known here.

use std::collections::BTreeSet;

use rust_xlsxwriter::{DataValidation, DataValidationErrorStyle, Workbook, Worksheet, XlsxError};
use spreadsheet::escape_formula;

use super::write::{FIRST_DATA_ROW, head};
use crate::timetable_import::layout::Field;
use crate::timetable_import::problems::column_name;
use crate::timetable_import::values;
use crate::timetable_import::values::zone_shown;

/// The last row that offers anything, as Excel shows it.
const LAST_ROW: u32 = 5000;

/// What cells offer, each list in its order.
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

/// Time zones as Administrate shows them: the provider's own, those that events of ours have, then all others.
pub fn zones(own: &str, used: &[String]) -> Vec<String> {
    let known: BTreeSet<String> = values::zones().collect();
    let mut seen = BTreeSet::new();
    let all = [own.to_owned()].into_iter().chain(used.iter().cloned()).chain(known);
    all.filter(|name| seen.insert(name.clone())).map(|name| zone_shown(&name)).collect()
}

/// An empty timetable, as bytes of an `.xlsx`.
///
/// # Errors
/// When a name is longer than a cell can hold.
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
    head(sheet)?;
    for (at, (fields, names)) in lists.iter().enumerate().filter(|(_, (_, names))| !names.is_empty()) {
        let letter = column_name(at as u32);
        let range = format!("=Lists!${letter}$2:${letter}${}", names.len() + 1);
        for field in *fields {
            offer(sheet, *field, DataValidation::new().allow_list_formula(range.as_str().into()))?;
        }
    }
    offer(sheet, Field::LearningMode, DataValidation::new().allow_list_strings(&["Blended", "Classroom", "LMS"])?)?;
    for field in [Field::WebSale, Field::Cancelled] {
        offer(sheet, field, DataValidation::new().allow_list_strings(&["Y", "N"])?)?;
    }
    // Never the first sheet, which is the one that is read, whatever somebody moves.
    let page = book.add_worksheet().set_name("Lists")?.set_hidden(true);
    for (at, (fields, names)) in lists.iter().enumerate() {
        let header = fields.first().map(|field| field.header()).into_iter();
        for (row, name) in header.chain(names.iter().map(String::as_str)).enumerate() {
            page.write_string(row as u32, at as u16, escape_formula(name).as_ref())?;
        }
    }
    book.save_to_buffer()
}

/// Puts a drop-down on a column's cells; other values stay possible, several names for instance.
fn offer(sheet: &mut Worksheet, field: Field, choices: DataValidation) -> Result<(), XlsxError> {
    let choices = choices.set_error_style(DataValidationErrorStyle::Information);
    let column = field as u16;
    sheet.add_data_validation(FIRST_DATA_ROW - 1, column, LAST_ROW - 1, column, &choices)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_offered_as_they_are_read() {
        let offered = zones("Europe/London", &["Asia/Kolkata".to_owned(), "Europe/London".to_owned()]);
        assert_eq!(offered[..2], ["Europe - London", "Asia - Kolkata"]);
        assert!(offered.contains(&"America - Argentina - Buenos Aires".to_owned()));
        assert!(offered.contains(&"America - Port-au-Prince".to_owned()));
        for shown in &offered {
            assert_eq!(
                values::zone(shown).ok().and_then(|zone| zone.iana_name().map(zone_shown)).as_ref(),
                Some(shown)
            );
        }
        assert_eq!(offered.iter().collect::<BTreeSet<_>>().len(), offered.len());
    }

    #[test]
    fn sittings_are_offered_as_they_are_read() {
        let letters = [("A", "-04"), ("S", "-09")].map(|(letter, end)| (letter.to_owned(), end.to_owned())).into();
        for (code, offered) in [
            ("2026-04", Some("2026A")),
            ("2026S", Some("2026S")),
            ("2026s", Some("2026S")),
            ("2026-06", None),
            ("", None),
        ] {
            assert_eq!(values::sitting_of(code, &letters).as_deref(), offered, "{code}");
        }
    }
}
