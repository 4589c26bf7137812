//! Drop-down lists of the records that are known locally.

use std::collections::BTreeSet;

use rust_xlsxwriter::{DataValidation, Workbook, Worksheet, XlsxError};

use crate::timetable_import::layout::Field;
use crate::workbook::template::{self, NameLists};
use crate::workbook::values::{self, display_zone};

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

/// The cells with drop-down lists.
pub(crate) struct ListedCells<F> {
    /// Returns the column of a field, from 0.
    pub(crate) column_of: F,
    /// The first and the last row, from 0.
    pub(crate) rows: (u32, u32),
}

/// Returns all time zones as Administrate shows them: the provider's own, those of local events, then all others.
pub fn zones(own: &str, used: &[String]) -> Vec<String> {
    let known: BTreeSet<String> = values::zones().collect();
    let mut seen = BTreeSet::new();
    let all = [own.to_owned()].into_iter().chain(used.iter().cloned()).chain(known);
    all.filter(|name| seen.insert(name.clone())).map(|name| display_zone(&name)).collect()
}

impl Choices {
    fn lists(&self) -> [(&[Field], &[String]); 7] {
        [
            (&[Field::Template], &self.templates),
            (&[Field::Location], &self.locations),
            (&[Field::Venue], &self.venues),
            (&[Field::Instructor, Field::SessionInstructor], &self.instructors),
            (&[Field::Administrator], &self.administrators),
            (&[Field::Sitting], &self.sittings),
            (&[Field::TimeZone], &self.zones),
        ]
    }

    /// Adds drop-down lists to the columns of a timetable. The values are those of [`add_sheet`](Self::add_sheet).
    pub(crate) fn add_to<F: Fn(Field) -> Option<u16>>(
        &self,
        sheet: &mut Worksheet,
        cells: &ListedCells<F>,
    ) -> Result<(), XlsxError> {
        let names = self.names();
        for (at, (fields, _)) in self.lists().iter().enumerate() {
            for field in *fields {
                if let Some(choices) = names.choices(at) {
                    add_list(sheet, cells, *field, choices)?;
                }
            }
        }
        let modes = DataValidation::new().allow_list_strings(&["Blended", "Classroom", "LMS"])?;
        add_list(sheet, cells, Field::LearningMode, modes)?;
        for field in [Field::WebSale, Field::Cancelled] {
            add_list(sheet, cells, field, DataValidation::new().allow_list_strings(&["Y", "N"])?)?;
        }
        Ok(())
    }

    /// Adds the hidden sheet with the values. It must not be the first sheet: an import reads that one.
    pub(crate) fn add_sheet(&self, book: &mut Workbook) -> Result<(), XlsxError> {
        self.names().add_sheet(book)
    }

    fn names(&self) -> NameLists<'_> {
        let header = |fields: &[Field]| fields.first().map_or("", |field| field.header());
        NameLists { lists: self.lists().iter().map(|(fields, names)| (header(fields), *names)).collect() }
    }
}

/// Adds a drop-down list to the cells of a field.
fn add_list<F: Fn(Field) -> Option<u16>>(
    sheet: &mut Worksheet,
    cells: &ListedCells<F>,
    field: Field,
    choices: DataValidation,
) -> Result<(), XlsxError> {
    let Some(column) = (cells.column_of)(field) else { return Ok(()) };
    template::add_list(sheet, column, cells.rows, choices)
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
