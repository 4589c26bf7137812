//! The columns of a timetable workbook: headers, required columns and the two hint rows.
//!
//! The importer reads this layout; the template and the demo's generator write it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::workbook::cells::squeezed;

/// A field of the timetable, in workbook order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Template,
    EventTitle,
    SessionTitle,
    LearningMode,
    Location,
    Venue,
    TimeZone,
    StartDate,
    StartTime,
    EndDate,
    EndTime,
    LmsStartDate,
    LmsStartTime,
    LmsEndDate,
    LmsEndTime,
    MaxPlaces,
    AccessDuration,
    Instructor,
    SessionInstructor,
    Administrator,
    Day,
    EventUrl,
    SessionUrl,
    FinalisationDate,
    WebSale,
    Sitting,
    OcrMoodleCode,
    Recordings,
    RecordingPin,
    Tutors,
    SageCode,
    Cancelled,
    ExtraInformation,
    RegistrationDeadline,
}

impl From<Field> for u16 {
    /// Returns the index of the field's column, from 0.
    fn from(field: Field) -> Self {
        field as Self
    }
}

/// The cell format of a column in workbooks that Lectern writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Date,
    Time,
    Number,
}

/// One column of the layout, in workbook order.
pub struct Column {
    pub field: Field,
    /// The header as written.
    pub header: &'static str,
    /// Whether a workbook without it is rejected (`missing_header`).
    pub required: bool,
    /// Other accepted headers.
    pub aliases: &'static [&'static str],
    /// The example under the header, "" for none.
    pub example: &'static str,
    /// The format word under the example, "" for none.
    pub hint: &'static str,
    /// The cell format when written.
    pub format: Format,
}

/// The number of fields.
pub const FIELDS: usize = LAYOUT.len();

/// Words of the format hint row, besides "e.g. …".
pub const FORMAT_WORDS: [&str; 7] =
    ["DD/MM/YYYY", "HH:mm", "Integer", "Number", "Y/N", "free-text", "blended/classroom/lms"];

/// The word in the format hint row for a column that is required. The format word may follow it.
pub const REQUIRED: &str = "required";

const DATE: &str = "DD/MM/YYYY";
const TIME: &str = "HH:mm";
const FREE: &str = "free-text";
const DAY: &str = "e.g. 13/01/2023";

const fn column(
    field: Field,
    header: &'static str,
    required: bool,
    aliases: &'static [&'static str],
    example: &'static str,
    hint: &'static str,
    format: Format,
) -> Column {
    Column { field, header, required, aliases, example, hint, format }
}

/// Every column, in the order of the provider's workbook.
#[rustfmt::skip]
pub const LAYOUT: [Column; 34] = {
    use Field as F;
    use Format::{Date, Number, Text, Time};
    [
        column(F::Template, "Course template code", true, &["Template code", "Course template", "Course code"], "e.g. CB1_LO_6", "", Text),
        column(F::EventTitle, "Event title", true, &["Event", "Event name", "Event code"], "", "", Text),
        column(F::SessionTitle, "Session title", true, &["Session", "Session name"], "", "", Text),
        column(F::LearningMode, "Learning mode", true, &["Mode"], "", "blended/classroom/lms", Text),
        column(F::Location, "Location", true, &["Location name"], "e.g. London", FREE, Text),
        column(F::Venue, "Venue", true, &["Venue name"], "e.g. King's Cross", FREE, Text),
        column(F::TimeZone, "Time Zone", true, &["Zone"], "", "", Text),
        column(F::StartDate, "Classroom start date", true, &["Start date", "Session start date"], DAY, DATE, Date),
        column(F::StartTime, "Classroom start time", true, &["Start time", "Session start time"], "", TIME, Time),
        column(F::EndDate, "Classroom end date", true, &["End date", "Session end date"], DAY, DATE, Date),
        column(F::EndTime, "Classroom end time", true, &["End time", "Session end time"], "", TIME, Time),
        column(F::LmsStartDate, "LMS start date", true, &[], DAY, DATE, Date),
        column(F::LmsStartTime, "LMS start time", true, &[], "", TIME, Time),
        column(F::LmsEndDate, "LMS end date", true, &[], DAY, DATE, Date),
        column(F::LmsEndTime, "LMS end time", true, &[], "", TIME, Time),
        column(F::MaxPlaces, "Max places", true, &["Maximum places", "Places"], "", "Integer", Number),
        column(F::AccessDuration, "Access Duration", false, &[], "", FREE, Text),
        column(F::Instructor, "Instructor", true, &["Instructors", "Event instructor"], "e.g. Ada Marlow", FREE, Text),
        column(F::SessionInstructor, "Session instructor", true, &["Session instructors"], "", FREE, Text),
        column(F::Administrator, "Event administrator", true, &["Administrator", "Event administrators"], "", "", Text),
        column(F::Day, "Day", true, &["Day number"], "", "Number", Number),
        column(F::EventUrl, "Event url", true, &["Event link"], "", FREE, Text),
        column(F::SessionUrl, "Session url", true, &["Session link"], "", "", Text),
        column(F::FinalisationDate, "Finalisation date", true, &["Finalization date"], DAY, DATE, Date),
        column(F::WebSale, "Web sale", true, &[], "e.g. Y", "Y/N", Text),
        column(F::Sitting, "Sitting", true, &["Exam sitting"], "", FREE, Text),
        column(F::OcrMoodleCode, "OCR moodle code", true, &["Moodle code"], "", "", Text),
        column(F::Recordings, "Recordings", false, &[], "", FREE, Text),
        column(F::RecordingPin, "Recording pin", false, &[], "", FREE, Text),
        column(F::Tutors, "Tutors", false, &[], "", FREE, Text),
        column(F::SageCode, "Sage code", false, &[], "", FREE, Text),
        column(F::Cancelled, "Cancelled", false, &["Canceled"], "e.g. Y", "Y/N", Text),
        column(F::ExtraInformation, "Extra information", false, &["Extra info"], "", FREE, Text),
        column(F::RegistrationDeadline, "Registration Deadline Date", false, &["Registration deadline"], DAY, DATE, Date),
    ]
};

impl Field {
    /// Returns the field's column of the layout.
    pub fn column(self) -> &'static Column {
        &LAYOUT[self as usize]
    }

    /// Returns the field's header as written.
    pub fn header(self) -> &'static str {
        self.column().header
    }
}

/// Finds the field with this header or alias, without regard to spacing, letter case and punctuation.
pub fn field_with_header(header: &str) -> Option<Field> {
    // Called for cells of each row, because a header may be repeated anywhere.
    static FIELDS_BY_HEADER: LazyLock<HashMap<String, Field>> = LazyLock::new(|| {
        let headers = |column: &'static Column| std::iter::once(&column.header).chain(column.aliases);
        // The first column of several with one header.
        let pairs =
            LAYOUT.iter().rev().flat_map(|column| headers(column).map(|header| (squeezed(header), column.field)));
        pairs.filter(|(header, _)| !header.is_empty()).collect()
    });
    FIELDS_BY_HEADER.get(&squeezed(header)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_is_index_of_its_column() {
        for (at, column) in LAYOUT.iter().enumerate() {
            assert_eq!(column.field as usize, at, "{}", column.header);
            assert_eq!(field_with_header(column.header), Some(column.field));
        }
        assert_eq!(LAYOUT.iter().filter(|c| c.required).count(), 26);
    }

    #[test]
    fn header_alias_is_recognised() {
        for (header, field) in [
            (" course  TEMPLATE code", Field::Template),
            ("Timezone", Field::TimeZone),
            ("Event URL", Field::EventUrl),
            ("Start date", Field::StartDate),
        ] {
            assert_eq!(field_with_header(header), Some(field), "{header}");
        }
        assert_eq!(field_with_header("Notes"), None);
        assert_eq!(field_with_header(" "), None);
    }
}
