//! The imported timetables: one with new events, and one that changes most of them.

use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write;
use lectern::timetable_import::sheet::write::RowValues;

/// Titles of the events: two days with two people and an administrator, one day, self-paced, and one that only the
/// changed timetable has.
pub const TITLES: [&str; 4] = ["TWO-DAYS", "ONE-DAY", "SELF-PACED", "ANOTHER-DAY"];

/// The import during which the fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// All events are new.
    New,
    /// The timetable changes imported events: titles, dates, places and people. One event is cancelled, one is new, and
    /// all are published.
    Changed,
}

impl Scenario {
    pub const fn name(self) -> &'static str {
        match self {
            Scenario::New => "new",
            Scenario::Changed => "changed",
        }
    }

    /// Requests of the import without a fault, including login and introspection. A fault hits one of them.
    pub const fn requests(self) -> u64 {
        match self {
            Scenario::New => 17,
            Scenario::Changed => 29,
        }
    }

    /// Local events after the import.
    pub const fn events(self) -> i64 {
        match self {
            Scenario::New => 3,
            Scenario::Changed => 4,
        }
    }

    /// Classroom events that the import creates.
    pub const fn creations(self) -> u64 {
        match self {
            Scenario::New => 2,
            Scenario::Changed => 1,
        }
    }

    /// Returns the workbook of the scenario.
    pub fn workbook(self) -> Vec<u8> {
        write::timetable(&self.lines()).expect("a workbook")
    }

    fn lines(self) -> Vec<RowValues> {
        match self {
            Scenario::New => new(),
            Scenario::Changed => changed(),
        }
    }
}

/// Returns a workbook that names every record of both scenarios.
pub fn all_rows() -> Vec<u8> {
    write::timetable(&[new(), changed()].concat()).expect("a workbook")
}

fn day(title: &str, day: i32, date: &str) -> RowValues {
    vec![
        (F::SessionTitle, format!("{title}-{day}").into()),
        (F::TimeZone, "Europe - London".into()),
        (F::StartDate, date.into()),
        (F::StartTime, "09:30".into()),
        (F::EndDate, date.into()),
        (F::EndTime, "17:00".into()),
        (F::Day, day.into()),
    ]
}

fn event(title: &str, template: &str, people: &str) -> RowValues {
    let mut line = day(title, 1, "13/06/2026");
    line.extend([
        (F::Template, template.into()),
        (F::EventTitle, title.into()),
        (F::LearningMode, "Blended".into()),
        (F::Location, "London".into()),
        (F::Venue, "King's Cross".into()),
        (F::LmsStartDate, "22/04/2026".into()),
        (F::LmsStartTime, "16:00".into()),
        (F::LmsEndDate, "10/09/2026".into()),
        (F::LmsEndTime, "00:00".into()),
        (F::MaxPlaces, 12.into()),
        (F::Instructor, people.into()),
        (F::Sitting, "2026A".into()),
    ]);
    line
}

fn self_paced(until: &str) -> RowValues {
    vec![
        (F::Template, "OC_CB1".into()),
        (F::EventTitle, TITLES[2].into()),
        (F::LearningMode, "Self Paced (LMS)".into()),
        (F::Location, "Online".into()),
        (F::TimeZone, "Europe - London".into()),
        (F::LmsStartDate, "01/04/2026".into()),
        (F::LmsStartTime, "00:00".into()),
        (F::LmsEndDate, until.into()),
        (F::LmsEndTime, "00:00".into()),
        (F::Sitting, "2026A".into()),
    ]
}

fn with(mut line: RowValues, field: F, text: &str) -> RowValues {
    line.retain(|(known, _)| *known != field);
    line.push((field, text.into()));
    line
}

fn new() -> Vec<RowValues> {
    let two_days = with(event(TITLES[0], "CB1_f2f_2", "Ada Marlow / Bea Thorn"), F::Administrator, "Opal Finch");
    let one_day = event(TITLES[1], "CB1_f2f_1", "Bea Thorn");
    vec![two_days, day(TITLES[0], 2, "20/06/2026"), one_day, self_paced("30/09/2026")]
}

fn changed() -> Vec<RowValues> {
    let two_days = with(event(TITLES[0], "CB1_f2f_2", "Bea Thorn / Cy Vale"), F::MaxPlaces, "14");
    let second = with(day(TITLES[0], 2, "27/06/2026"), F::SessionTitle, "The last day");
    let cancelled = with(event(TITLES[1], "CB1_f2f_1", "Bea Thorn"), F::Cancelled, "Y");
    let another = event(TITLES[3], "CB1_f2f_1", "Ada Marlow");
    vec![two_days, second, cancelled, self_paced("31/10/2026"), another]
}
