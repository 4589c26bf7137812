//! Rows → event blocks: an event row and the session rows under it, parsed, with every problem found.
//!
//! A row with a course template code begins a block. So does a row without one that has another
//! event's title: that is an event row whose code is missing, not a session of the block above.
//! A session row with no block above it, or under a self-paced event, is an orphan.

use std::collections::BTreeMap;

use crate::tutorials::LearningMode;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::cells::Cells;
use super::columns;
use super::columns::Columns;
use super::layout::Field;
use super::session_rows;
use super::values;
use super::values::{Moment, Sitting};
use crate::timetable_import::problems::{Code, ImportProblem, Issue};
use spreadsheet::{ReadError, Row, Sheet};

/// Problems that are told of one file; a sheet with more is not read on.
pub(in crate::timetable_import) const MAX_PROBLEMS: usize = 100_000;

/// What the reader of blocks needs to know about this provider.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    /// The zone of rows that name none.
    pub zone: TimeZone,
    /// Letter of a sitting → what replaces it in a session code ("A" → "-04").
    pub sittings: BTreeMap<String, String>,
    /// Rows accepted below header and hints.
    pub most_rows: usize,
}

/// What an event row says. Values that were wrong are None and have a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub template: Option<String>,
    pub title: Option<String>,
    pub mode: LearningMode,
    /// Whether the row says the mode; else it is what it is for want of another.
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
    /// What tells apart rows that differ in columns that mean nothing to us.
    pub unused: u64,
}

/// What a venue cell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueCell {
    /// Nothing: on a session row, the event's.
    Blank,
    /// None yet ("To be confirmed").
    Unsettled,
    /// This one.
    Named(String),
}

/// What a row says about its session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub title: Option<String>,
    /// 1 to the number of sessions of its block; None when wrong.
    pub day: Option<i32>,
    /// None: the event's.
    pub location: Option<String>,
    pub venue: VenueCell,
    pub zone: TimeZone,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// Those of the row; empty: the event's.
    pub instructors: Vec<String>,
    pub url: Option<String>,
    pub unused: u64,
}

/// One event with its sessions, as the file has it.
#[derive(Clone, Debug)]
pub struct Block {
    /// The event row's number.
    pub row: u32,
    /// What it says.
    pub event: EventRow,
    /// Row number and content of each session, in file order; the first stands in the event row.
    pub sessions: Vec<(u32, SessionRow)>,
    /// What is wrong inside the block.
    pub problems: Vec<ImportProblem>,
}

impl Block {
    /// The row of the session of this day.
    pub fn row_of_day(&self, day: i32) -> Option<u32> {
        self.sessions.iter().find(|(_, session)| session.day == Some(day)).map(|(row, _)| *row)
    }
}

/// A whole timetable, read.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// The sheet's name.
    pub sheet: String,
    /// Where each field stands.
    pub columns: Columns,
    /// Its events.
    pub blocks: Vec<Block>,
    /// Problems that belong to no block.
    pub problems: Vec<ImportProblem>,
}

impl Timetable {
    /// Whether the header lacks a column, so that nothing below it was read.
    pub fn lacks_columns(&self) -> bool {
        self.problems.iter().any(|p| p.code == Code::MissingHeader)
    }

    /// A problem at a field of a row.
    pub fn problem(&self, row: u32, field: Field, flaw: Issue) -> ImportProblem {
        let cell = (row, self.columns.of(field));
        ImportProblem::at(Some(&self.sheet), Some(row), Some(cell), flaw)
    }
}

/// Groups the rows of a sheet into blocks.
///
/// # Errors
/// [`ReadError::TooLarge`] with more data rows than `reading` accepts, or with endless problems.
pub fn read(sheet: &Sheet, reading: &ParseOptions) -> Result<Timetable, ReadError> {
    let (columns, data, problems) = columns::find(sheet);
    if data.len() > reading.most_rows {
        return Err(ReadError::too_many_rows(reading.most_rows));
    }
    let mut timetable = Timetable { sheet: sheet.name.clone(), columns, blocks: Vec::new(), problems };
    if timetable.lacks_columns() {
        return Ok(timetable);
    }
    let mut open: Option<BlockBuilder<'_>> = None;
    let mut told = 0;
    for row in data {
        let cells = Cells::new(sheet, &timetable.columns, row, reading);
        if cells.is_blank() {
            continue;
        }
        if begins_block(&cells, open.as_ref()) {
            let closed = open.take().map(|block| block.finish(sheet, &timetable.columns, reading));
            told += closed.as_ref().map_or(0, |block| block.problems.len());
            if told + timetable.problems.len() > MAX_PROBLEMS {
                return Err(ReadError::TooLarge(format!("it has over {MAX_PROBLEMS} problems; mend some rows first")));
            }
            timetable.blocks.extend(closed);
            open = Some(BlockBuilder {
                event: row,
                sessions: Vec::new(),
                title: cells.raw(Field::EventTitle),
                lms: cells.is_lms(),
            });
        } else if let Some(block) = open.as_mut().filter(|block| !block.lms) {
            block.sessions.push(row);
        } else {
            timetable.problems.push(orphan(&cells, open.is_some()));
        }
    }
    timetable.blocks.extend(open.map(|block| block.finish(sheet, &timetable.columns, reading)));
    Ok(timetable)
}

/// A block whose rows are still being gathered.
struct BlockBuilder<'a> {
    event: &'a Row,
    sessions: Vec<&'a Row>,
    title: Option<String>,
    lms: bool,
}

fn begins_block(cells: &Cells<'_>, open: Option<&BlockBuilder<'_>>) -> bool {
    if cells.raw(Field::Template).is_some() || cells.is_uncalculated(Field::Template) {
        return true;
    }
    let title = cells.raw(Field::EventTitle);
    title.is_some() && open.is_none_or(|block| block.title != title)
}

fn orphan(cells: &Cells<'_>, under_lms: bool) -> ImportProblem {
    let message = if under_lms {
        "a self-paced event has no sessions, but this row has no course template code of its own"
    } else {
        "this session stands under no event: the row has no course template code, nor has one above it"
    };
    cells.problem(Field::Template, Issue::new(Code::OrphanSession, message))
}

impl BlockBuilder<'_> {
    fn finish(self, sheet: &Sheet, columns: &Columns, reading: &ParseOptions) -> Block {
        let mut cells = Cells::new(sheet, columns, self.event, reading);
        let event = read_event(&mut cells);
        let mut sessions = Vec::new();
        if event.mode != LearningMode::Lms {
            sessions.push((self.event.number, session_rows::first(&mut cells, &event)));
        }
        let mut problems = cells.into_problems();
        for row in self.sessions {
            let mut below = Cells::new(sheet, columns, row, reading);
            let event_row = Cells::new(sheet, columns, self.event, reading);
            sessions.push((row.number, session_rows::further(&mut below, &event, &event_row)));
            problems.extend(below.into_problems());
        }
        let days = session_rows::check_days(&mut sessions);
        let places = days.into_iter().map(|(row, flaw)| {
            ImportProblem::at(Some(&sheet.name), Some(row), Some((row, columns.of(Field::Day))), flaw)
        });
        problems.extend(places);
        for problem in &mut problems {
            problem.event = event.title.as_deref().map(shown_title);
        }
        Block { row: self.event.number, event, sessions, problems }
    }
}

fn read_event(cells: &mut Cells<'_>) -> EventRow {
    let template = cells.required(Field::Template);
    let title = cells.required_within(Field::EventTitle, 100);
    let mode = cells.mode();
    let lms = mode == LearningMode::Lms;
    let zone = cells.zone(!lms);
    let location = cells.required(Field::Location);
    let venue = cells.venue();
    let window = mode != LearningMode::Classroom || cells.has_any(&[Field::LmsStartDate, Field::LmsEndDate]);
    let (lms_start, lms_end) = cells.lms_window(window, &zone);
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

/// A title as problems show it: one that is too long is cut.
pub(in crate::timetable_import) fn shown_title(title: &str) -> String {
    title.chars().take(200).collect()
}

/// Whether a template code is that of a self-paced event: a segment of it is OC or WAITLIST.
pub fn is_lms_code(code: &str) -> bool {
    code.split(['_', '-', '.', ' '])
        .any(|segment| segment.eq_ignore_ascii_case("oc") || segment.eq_ignore_ascii_case("waitlist"))
}

/// What a Learning mode cell claims; None when it is blank.
///
/// # Errors
/// `invalid_value` when it is no known mode.
pub fn claimed_mode(text: Option<&str>) -> Result<Option<LearningMode>, Issue> {
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
    Err(Issue::new(Code::InvalidValue, message).suggesting(known))
}

/// Whether a value only says "nothing yet" for a venue.
pub(crate) fn venue_of(text: Option<String>) -> VenueCell {
    match text {
        None => VenueCell::Blank,
        Some(name) if values::is_to_be_confirmed(&name) => VenueCell::Unsettled,
        Some(name) => VenueCell::Named(name),
    }
}
