//! The instructions in the empty timetable workbook.

use spreadsheet::column_name;

use crate::timetable_import::layout::{Column, Field, LAYOUT};
use crate::workbook::template::Instructions;

/// In which rows a field is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    of_event: bool,
    of_session: bool,
    of_self_paced: bool,
}

/// The fields of an event with sessions, of another session, and of a self-paced event.
const OF_EVENT: [Field; 16] = [
    Field::Template,
    Field::EventTitle,
    Field::SessionTitle,
    Field::Location,
    Field::TimeZone,
    Field::StartDate,
    Field::StartTime,
    Field::EndDate,
    Field::EndTime,
    Field::LmsStartDate,
    Field::LmsStartTime,
    Field::LmsEndDate,
    Field::LmsEndTime,
    Field::Instructor,
    Field::Day,
    Field::Sitting,
];
const OF_SESSION: [Field; 6] =
    [Field::SessionTitle, Field::StartDate, Field::StartTime, Field::EndDate, Field::EndTime, Field::Day];
const OF_SELF_PACED: [Field; 8] = [
    Field::Template,
    Field::EventTitle,
    Field::Location,
    Field::LmsStartDate,
    Field::LmsStartTime,
    Field::LmsEndDate,
    Field::LmsEndTime,
    Field::Sitting,
];

/// Returns in which rows a field is required.
pub(crate) fn need(field: Field) -> Need {
    Need {
        of_event: OF_EVENT.contains(&field),
        of_session: OF_SESSION.contains(&field),
        of_self_paced: OF_SELF_PACED.contains(&field),
    }
}

impl Need {
    pub(crate) fn is_required(self) -> bool {
        self.of_event || self.of_session || self.of_self_paced
    }

    /// Returns the rows as a sentence.
    pub(crate) fn sentence(self) -> String {
        let rows =
            [(self.of_event, "event"), (self.of_session, "further session"), (self.of_self_paced, "self-paced event")];
        let rows: Vec<&str> = rows.iter().filter(|(is_required, _)| *is_required).map(|(_, row)| *row).collect();
        if rows.is_empty() { "Optional.".to_owned() } else { format!("Required for: {}.", rows.join(", ")) }
    }
}

/// Returns what to write into a field.
pub(crate) fn meaning(field: Field) -> &'static str {
    match field {
        Field::Template => {
            "Code of the course template. A row with a code begins an event; a row without one is a further session of the event above."
        }
        Field::EventTitle => {
            "Unique title of the event, up to 100 characters. It identifies the event in later imports."
        }
        Field::SessionTitle => "Title of this session, up to 255 characters.",
        Field::LearningMode => "Blended, Classroom or LMS. Blank: by the template code.",
        Field::Location => "Town or \"Live online\". Blank in a further session: as the event.",
        Field::Venue => "Room at the location. \"To be confirmed\" or TBC: none yet.",
        Field::TimeZone => "Zone of the times in this row, such as Europe - London.",
        Field::StartDate | Field::EndDate => "Day of the session, DD/MM/YYYY.",
        Field::StartTime | Field::EndTime => "Time of the session, HH:mm.",
        Field::LmsStartDate | Field::LmsEndDate => {
            "Day of the window on the learning platform, DD/MM/YYYY. May be blank for classroom events."
        }
        Field::LmsStartTime | Field::LmsEndTime => {
            "Time of the window on the learning platform, HH:mm. May be blank for classroom events."
        }
        Field::MaxPlaces => "Number of places. Blank: no limit.",
        Field::Instructor => {
            "Instructors of the event: First Last, several separated by /. This or \"Session instructor\" is required."
        }
        Field::SessionInstructor => "Instructors of this session. Blank: those of the event.",
        Field::Administrator => "People who manage the event, several separated by /.",
        Field::Day => "Number of the session in its event: 1, 2, 3 …",
        Field::EventUrl | Field::SessionUrl => "Address that begins with https:// or http://.",
        Field::FinalisationDate => "Day on which it is decided whether the event takes place, DD/MM/YYYY.",
        Field::WebSale => "Y or N. Blank: N.",
        Field::Sitting => "Exam sitting, such as 2027A.",
        Field::Cancelled => "Y cancels the event, also in Administrate. Blank: N.",
        Field::RegistrationDeadline => "Last day of registration, DD/MM/YYYY.",
        Field::OcrMoodleCode => "Code of the course on the learning platform.",
        Field::AccessDuration
        | Field::Recordings
        | Field::RecordingPin
        | Field::Tutors
        | Field::SageCode
        | Field::ExtraInformation => "Free text.",
    }
}

const STEPS: [&str; 7] = [
    "Fill in the sheet \"Import\". One row with a course template code begins an event and is its first session; each row below without a code is a further session.",
    "Choose names from the drop-down lists. They are the records that Lectern knew when it wrote this workbook. For several people separate the names by /.",
    "Rows 4 to 6 are two example events. Titles that begin with \"EXAMPLE:\" are never imported: delete these rows or write over them.",
    "Dark columns are required, at least for some rows; the table below says for which. Lighter columns are optional.",
    "Rows 2 and 3 are hints and are not imported. Columns may be moved; columns of your own are stored with the import.",
    "Check the file without writing anything: lectern import FILE.xlsx --dry-run",
    "Import it: lectern import FILE.xlsx. Rejected events come back in a workbook with their problems; correct them there and import that workbook.",
];

/// Returns the sheet. It must not be the first one: an import reads that one.
pub(crate) fn sheet() -> Instructions<'static> {
    let row = |column: &Column| {
        let (letters, need) = (column_name(column.field as u32), need(column.field));
        [letters, column.header.to_owned(), meaning(column.field).to_owned(), need.sentence()]
    };
    Instructions {
        title: "How to fill in this timetable",
        steps: &STEPS,
        columns: [("Column", 8.0), ("Header", 28.0), ("What to write", 70.0), ("Required", 46.0)],
        long: 2,
        rows: LAYOUT.iter().map(row).collect(),
    }
}
