//! Groups rows into event blocks: an event row and the session rows under it, parsed, with all problems.
//!
//! A row with a course template code starts a block. So does a row without one that has another event title than the
//! block above: that is an event row whose code is missing, not a session. A session row without a block above it, or
//! under a self-paced event, is an orphan.

use std::collections::{BTreeMap, BTreeSet};

use crate::tutorials::LearningMode;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::cells::Cells;
use super::columns;
use super::columns::{Columns, RepeatedRows};
use super::layout::Field;
use super::session_rows;
use crate::workbook::problems::{Code, ImportProblem, Issue};
use crate::workbook::values;
use crate::workbook::values::{Moment, Sitting};
use spreadsheet::{ReadError, Row, Sheet};

/// The longest title of an event, in characters.
pub(super) const MAX_EVENT_TITLE: usize = 100;

/// Most problems reported of one file. Reading stops at a sheet with more.
pub(in crate::timetable_import) const MAX_PROBLEMS: usize = 100_000;

/// Settings of the provider that parsing depends on.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    /// The time zone of rows without one.
    pub zone: TimeZone,
    /// Letter of a sitting → suffix of a session code ("A" → "-04").
    pub sittings: BTreeMap<String, String>,
    /// Most data rows below the header and hint rows.
    pub max_rows: usize,
}

/// The values of an event row. Invalid values are None and have a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub template: Option<String>,
    pub title: Option<String>,
    pub mode: LearningMode,
    /// Whether the row contains the mode. Otherwise `mode` is a default.
    pub mode_given: bool,
    pub location: Option<String>,
    pub venue: VenueCell,
    pub zone: TimeZone,
    pub lms_start: Option<Moment>,
    pub lms_end: Option<Moment>,
    pub max_places: Option<i32>,
    pub instructors: Vec<String>,
    pub administrators: Vec<String>,
    pub url: Option<String>,
    pub finalisation: Option<Date>,
    pub web_sale: bool,
    pub sitting: Option<Sitting>,
    pub ocr_moodle_code: Option<String>,
    pub access_duration: Option<String>,
    pub recordings: Option<String>,
    pub recording_pin: Option<String>,
    pub tutors: Option<String>,
    pub sage_code: Option<String>,
    pub cancelled: bool,
    pub extra_information: Option<String>,
    pub registration_deadline: Option<Date>,
    /// Digest of the values in unknown columns.
    pub unused: u64,
}

/// The value of a venue cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueCell {
    /// Empty: a session row inherits the venue of its event.
    Blank,
    /// No venue yet ("To be confirmed").
    ToBeConfirmed,
    Named(String),
}

/// The values of a row for its session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub title: Option<String>,
    /// 1 to the number of sessions in its block; None when invalid.
    pub day: Option<i32>,
    /// None: the location of the event.
    pub location: Option<String>,
    pub venue: VenueCell,
    pub zone: TimeZone,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// Names in the row; empty: the instructors of the event.
    pub instructors: Vec<String>,
    pub url: Option<String>,
    /// Digest of the values in unknown columns.
    pub unused: u64,
}

/// One event with its sessions, as in the file.
#[derive(Clone, Debug)]
pub struct Block {
    /// The row number of the event row.
    pub row: u32,
    pub event: EventRow,
    /// Row number and values of each session, in file order. The event row contains the first session.
    pub sessions: Vec<(u32, SessionRow)>,
    /// Problems inside the block.
    pub problems: Vec<ImportProblem>,
}

impl Block {
    /// Returns the row number of the session of a day.
    pub fn row_of_day(&self, day: i32) -> Option<u32> {
        self.sessions.iter().find(|(_, session)| session.day == Some(day)).map(|(row, _)| *row)
    }
}

/// A parsed timetable.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// The sheet's name.
    pub sheet: String,
    pub columns: Columns,
    pub blocks: Vec<Block>,
    /// Problems that belong to no block.
    pub problems: Vec<ImportProblem>,
    /// Titles of the example events of an empty workbook, which are not imported.
    pub examples: Vec<String>,
}

impl Timetable {
    /// Reports whether a required column is missing. Then no row is read.
    pub fn lacks_columns(&self) -> bool {
        self.problems.iter().any(|p| p.code == Code::MissingHeader)
    }

    /// Creates a problem at a field of a row.
    pub fn problem(&self, row: u32, field: Field, issue: Issue) -> ImportProblem {
        let cell = (row, self.columns.of(field));
        ImportProblem::at(Some(&self.sheet), Some(row), Some(cell), issue)
    }
}

/// Groups the rows of a sheet into blocks.
///
/// # Errors
/// [`ReadError::TooLarge`] with more data rows than `options` allows, or with too many problems.
pub fn read(sheet: &Sheet, options: &ParseOptions) -> Result<Timetable, ReadError> {
    let (columns, data, problems) = columns::find(sheet);
    if data.len() > options.max_rows {
        return Err(ReadError::too_many_rows(options.max_rows));
    }
    let mut timetable =
        Timetable { sheet: sheet.name.clone(), columns, blocks: Vec::new(), problems, examples: Vec::new() };
    if timetable.lacks_columns() {
        return Ok(timetable);
    }
    let mut repeated = RepeatedRows::new(sheet, &timetable.columns);
    let mut open: Option<BlockBuilder<'_>> = None;
    let (mut problem_count, mut in_example) = (0, false);
    for row in data {
        let cells = Cells::new(sheet, &timetable.columns, row, options);
        if repeated.includes(&timetable.columns, row) || cells.is_blank() {
            continue;
        }
        let starts = starts_block(&cells);
        if starts && is_example(&cells) || !starts && in_example {
            timetable.examples.extend(cells.raw(Field::EventTitle).filter(|_| starts));
            timetable.blocks.extend(open.take().map(|block| block.finish(sheet, &timetable.columns, options)));
            in_example = true;
            continue;
        }
        in_example = false;
        if starts {
            let closed = open.take().map(|block| block.finish(sheet, &timetable.columns, options));
            problem_count += closed.as_ref().map_or(0, |block| block.problems.len());
            if problem_count + timetable.problems.len() > MAX_PROBLEMS {
                return Err(ReadError::TooLarge(format!(
                    "it has over {MAX_PROBLEMS} problems; correct some rows first"
                )));
            }
            timetable.blocks.extend(closed);
            open = Some(BlockBuilder { event: row, sessions: Vec::new(), lms: cells.is_lms() });
        } else if let Some(block) = open.as_mut().filter(|block| !block.lms) {
            block.sessions.push(row);
        } else {
            timetable.problems.push(orphan(&cells, open.is_some()));
        }
    }
    timetable.blocks.extend(open.map(|block| block.finish(sheet, &timetable.columns, options)));
    Ok(timetable)
}

/// A block whose rows are still being collected.
struct BlockBuilder<'a> {
    event: &'a Row,
    sessions: Vec<&'a Row>,
    lms: bool,
}

/// A row begins a block when it has a course template code, whatever its title says: a title that is misspelt in one
/// row must not split an event.
fn starts_block(cells: &Cells<'_>) -> bool {
    cells.raw(Field::Template).is_some() || cells.is_uncalculated(Field::Template)
}

/// The beginning of the titles of the events that an empty workbook shows as examples.
pub const EXAMPLE_TITLE: &str = "EXAMPLE:";

/// Reports whether an event row is an example of the empty workbook, which is never imported.
fn is_example(cells: &Cells<'_>) -> bool {
    cells.raw(Field::EventTitle).is_some_and(|title| title.trim_start().starts_with(EXAMPLE_TITLE))
}

fn orphan(cells: &Cells<'_>, under_lms: bool) -> ImportProblem {
    let message = if under_lms {
        "a self-paced event has no sessions: fill in a course template code to start a new event, or delete the row"
    } else {
        "this session belongs to no event: no course template code in this row or above it; fill in the code"
    };
    cells.problem(Field::Template, Issue::new(Code::OrphanSession, message))
}

impl BlockBuilder<'_> {
    fn finish(self, sheet: &Sheet, columns: &Columns, options: &ParseOptions) -> Block {
        let mut cells = Cells::new(sheet, columns, self.event, options);
        let event = read_event(&mut cells);
        let mut sessions = Vec::new();
        if event.mode != LearningMode::Lms {
            sessions.push((self.event.number, session_rows::read_first(&mut cells, &event)));
        }
        let mut problems = cells.into_problems();
        for row in self.sessions {
            let mut session_cells = Cells::new(sheet, columns, row, options);
            let event_row = Cells::new(sheet, columns, self.event, options);
            sessions.push((row.number, session_rows::read_additional(&mut session_cells, &event, &event_row)));
            problems.extend(session_cells.into_problems());
        }
        // A day that cannot be read has its problem already.
        let known: BTreeSet<Option<String>> = problems.iter().map(|problem| problem.cell.clone()).collect();
        let day_issues = session_rows::check_days(&mut sessions);
        let day_problems = day_issues.into_iter().map(|(row, issue)| {
            ImportProblem::at(Some(&sheet.name), Some(row), Some((row, columns.of(Field::Day))), issue)
        });
        problems.extend(day_problems.filter(|problem| !known.contains(&problem.cell)));
        for problem in &mut problems {
            problem.event = event.title.as_deref().map(truncated_title);
        }
        Block { row: self.event.number, event, sessions, problems }
    }
}

fn read_event(cells: &mut Cells<'_>) -> EventRow {
    let template = cells.required(Field::Template);
    let title = cells.required_within(Field::EventTitle, MAX_EVENT_TITLE);
    let mode = cells.mode();
    let lms = mode == LearningMode::Lms;
    let zone = cells.zone(!lms);
    let location = cells.required(Field::Location);
    let venue = cells.venue();
    let has_window = mode != LearningMode::Classroom || cells.has_any(&[Field::LmsStartDate, Field::LmsEndDate]);
    let (lms_start, lms_end) = cells.lms_window(has_window, &zone);
    EventRow {
        template,
        title,
        mode,
        mode_given: cells.has_any(&[Field::LearningMode]),
        location,
        venue,
        lms_start,
        lms_end,
        max_places: cells.max_places(),
        instructors: cells.names(Field::Instructor),
        administrators: cells.names(Field::Administrator),
        url: cells.url(Field::EventUrl),
        finalisation: cells.date(Field::FinalisationDate),
        web_sale: cells.yes_or_no(Field::WebSale),
        sitting: cells.sitting(),
        ocr_moodle_code: cells.text(Field::OcrMoodleCode),
        access_duration: cells.text(Field::AccessDuration),
        recordings: cells.text(Field::Recordings),
        recording_pin: cells.text(Field::RecordingPin),
        tutors: cells.text(Field::Tutors),
        sage_code: cells.text(Field::SageCode),
        cancelled: cells.yes_or_no(Field::Cancelled),
        extra_information: cells.text(Field::ExtraInformation),
        registration_deadline: cells.date(Field::RegistrationDeadline),
        unused: cells.unused_digest(),
        zone,
    }
}

/// Shortens a title for problems.
pub(in crate::timetable_import) fn truncated_title(title: &str) -> String {
    title.chars().take(200).collect()
}

/// Reports whether a course template code means a self-paced event: one of its segments is OC or WAITLIST.
pub fn is_lms_code(code: &str) -> bool {
    code.split(['_', '-', '.', ' '])
        .any(|segment| segment.eq_ignore_ascii_case("oc") || segment.eq_ignore_ascii_case("waitlist"))
}

/// Parses a Learning mode cell; None when it is blank.
///
/// # Errors
/// `invalid_value` when the mode is unknown.
pub fn parse_mode(text: Option<&str>) -> Result<Option<LearningMode>, Issue> {
    let Some(text) = text else { return Ok(None) };
    let folded = crate::names::fold(text);
    for (word, mode) in
        [("lms", LearningMode::Lms), ("blended", LearningMode::Blended), ("classroom", LearningMode::Classroom)]
    {
        if folded.contains(word) {
            return Ok(Some(mode));
        }
    }
    let known = vec!["Blended".to_owned(), "Classroom".to_owned(), "LMS".to_owned()];
    let message = format!("\"{text}\" is not a learning mode; write Blended, Classroom or LMS");
    Err(Issue::new(Code::InvalidValue, message).with_suggestions(known))
}

/// Parses a Venue cell.
pub(crate) fn parse_venue(text: Option<String>) -> VenueCell {
    match text {
        None => VenueCell::Blank,
        Some(name) if values::is_to_be_confirmed(&name) => VenueCell::ToBeConfirmed,
        Some(name) => VenueCell::Named(name),
    }
}
