//! One row being read: asks for fields, remembers every problem.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::names::fold;
use crate::tutorials::LearningMode;

use super::blocks::{ParseOptions, VenueCell, claimed_mode, is_lms_code, venue_of};
use super::columns::Columns;
use super::layout::{Field, Format};
use super::values;
use super::values::{Moment, Sitting};
use crate::timetable_import::problems::{Code, ImportProblem, Issue};
use spreadsheet::{Content, Row, Sheet};

/// Reads one row field by field.
pub(crate) struct Cells<'a> {
    sheet: &'a Sheet,
    columns: &'a Columns,
    row: &'a Row,
    reading: &'a ParseOptions,
    problems: Vec<ImportProblem>,
}

/// A date cell and its time cell.
pub(crate) type FieldPair = (Field, Field);

const LMS_START: FieldPair = (Field::LmsStartDate, Field::LmsStartTime);
const LMS_END: FieldPair = (Field::LmsEndDate, Field::LmsEndTime);
pub(crate) const START: FieldPair = (Field::StartDate, Field::StartTime);
pub(crate) const END: FieldPair = (Field::EndDate, Field::EndTime);

impl<'a> Cells<'a> {
    pub(crate) fn new(sheet: &'a Sheet, columns: &'a Columns, row: &'a Row, reading: &'a ParseOptions) -> Self {
        Self { sheet, columns, row, reading, problems: Vec::new() }
    }

    pub(crate) fn into_problems(self) -> Vec<ImportProblem> {
        self.problems
    }

    /// Whether nothing of the row counts: only unknown columns, or times left over by filling down.
    pub(crate) fn is_blank(&self) -> bool {
        let filled = |column| {
            let ignored = [Field::LmsStartTime, Field::LmsEndTime].map(|field| self.columns.of(field));
            self.columns.unknown_header(column).is_none() && !ignored.contains(&column)
        };
        !self.row.cells.iter().any(|cell| filled(cell.column))
    }

    /// A field's text, if any, without judging it.
    pub(crate) fn raw(&self, field: Field) -> Option<String> {
        self.content(field).and_then(|content| self.shown(content))
    }

    fn shown(&self, content: &Content) -> Option<String> {
        values::display(content, self.sheet.since_1904)
    }

    /// Whether the event's row says the same in a column that counts there alone, however it is typed.
    pub(crate) fn matches(&self, field: Field, event: &Cells<'_>) -> bool {
        let (one, two) = match (self.content(field), event.content(field)) {
            (Some(one), Some(two)) => (one, two),
            // Blank means no; where it may not be blank, that is told.
            (Some(one), None) => return field == Field::Sitting || values::yes_or_no(one) == Some(false),
            (None, _) => return true,
        };
        let since_1904 = self.sheet.since_1904;
        let same_date = || values::date(one, since_1904).ok() == values::date(two, since_1904).ok();
        let names = |text: Option<String>| {
            let mut names: Vec<String> =
                values::names(&text.unwrap_or_default()).iter().map(|name| fold(name)).collect();
            names.sort_unstable();
            names
        };
        match field.column().format {
            Format::Date if values::date(one, since_1904).is_ok() => same_date(),
            Format::Number => values::whole_number(one) == values::whole_number(two),
            _ if matches!(field, Field::WebSale | Field::Cancelled) => values::yes_or_no(one) == values::yes_or_no(two),
            _ if matches!(field, Field::Instructor | Field::Administrator) => {
                names(self.raw(field)) == names(event.raw(field))
            }
            _ => self.raw(field).map(|text| fold(&text)) == event.raw(field).map(|text| fold(&text)),
        }
    }

    pub(crate) fn is_uncalculated(&self, field: Field) -> bool {
        matches!(self.content(field), Some(Content::FormulaWithoutValue))
    }

    pub(crate) fn is_lms(&self) -> bool {
        self.raw(Field::Template).is_some_and(|code| is_lms_code(&code))
    }

    pub(crate) fn has_any(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| self.content(*field).is_some())
    }

    pub(crate) fn problem(&self, field: Field, flaw: Issue) -> ImportProblem {
        let cell = (self.row.number, self.columns.of(field));
        ImportProblem::at(Some(&self.sheet.name), Some(self.row.number), Some(cell), flaw)
    }

    pub(crate) fn flag(&mut self, field: Field, flaw: Issue) {
        let problem = self.problem(field, flaw);
        self.problems.push(problem);
    }

    fn content(&self, field: Field) -> Option<&'a Content> {
        self.columns.content(self.row, field)
    }

    /// A field's content; a formula without result, or an error value, is flagged and gone.
    fn checked(&mut self, field: Field) -> Option<&'a Content> {
        match self.content(field) {
            Some(Content::FormulaWithoutValue) => {
                let message = format!(
                    "the formula under \"{}\" has no stored result; open the file in a spreadsheet program and save it",
                    field.header()
                );
                self.flag(field, Issue::new(Code::MissingValue, message));
                None
            }
            Some(Content::Text(error)) if values::is_error_value(error) => {
                self.flag(field, Issue::new(Code::InvalidValue, fault(field, error)));
                None
            }
            Some(Content::Error(error)) => {
                self.flag(field, Issue::new(Code::InvalidValue, fault(field, error)));
                None
            }
            content => content,
        }
    }

    /// Flags a field as missing, unless something else is already wrong with it.
    pub(crate) fn required_value(&mut self, field: Field) {
        if self.content(field).is_none() {
            let message = format!("\"{}\" is missing", field.header());
            self.flag(field, Issue::new(Code::MissingValue, message));
        }
    }

    /// Text, or None for blank.
    pub(crate) fn text(&mut self, field: Field) -> Option<String> {
        let content = self.checked(field)?;
        self.shown(content)
    }

    /// Text that must be there.
    pub(crate) fn required(&mut self, field: Field) -> Option<String> {
        self.required_value(field);
        self.text(field)
    }

    /// Text that must be there, of at most so many characters.
    pub(crate) fn required_within(&mut self, field: Field, most: usize) -> Option<String> {
        let text = self.required(field)?;
        let length = text.chars().count();
        if length > most {
            let message = format!("\"{}\" has {length} characters, at most {most} are possible", field.header());
            self.flag(field, Issue::new(Code::InvalidValue, message));
        }
        Some(text)
    }

    pub(crate) fn date(&mut self, field: Field) -> Option<Date> {
        let content = self.checked(field)?;
        self.keep(field, values::date(content, self.sheet.since_1904))
    }

    fn keep<T>(&mut self, field: Field, read: Result<T, Issue>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(flaw) => {
                self.flag(field, flaw);
                None
            }
        }
    }

    /// A date and its time, both required.
    pub(crate) fn moment(&mut self, (date, time): FieldPair, zone: &TimeZone) -> Option<Moment> {
        self.required_value(date);
        self.required_value(time);
        let day = self.date(date);
        let content = self.checked(time);
        let clock = content.and_then(|content| self.keep(time, values::time(content)));
        let moment = values::moment(day?, clock?, zone);
        self.keep(time, moment)
    }

    /// Start and end, the end after the start.
    pub(crate) fn span(
        &mut self,
        start: FieldPair,
        end: FieldPair,
        zone: &TimeZone,
    ) -> (Option<Moment>, Option<Moment>) {
        let from = self.moment(start, zone);
        let to = self.moment(end, zone);
        if let (Some(from), Some(to)) = (from, to)
            && to.at <= from.at
        {
            let field = if to.local.date() == from.local.date() { end.1 } else { end.0 };
            let message = format!("the end ({to}) is not after the start ({from})");
            self.flag(field, Issue::new(Code::EndBeforeStart, message));
        }
        (from, to)
    }

    pub(crate) fn lms_window(&mut self, wanted: bool, zone: &TimeZone) -> (Option<Moment>, Option<Moment>) {
        if wanted { self.span(LMS_START, LMS_END, zone) } else { (None, None) }
    }

    /// The row's zone; the provider's own where the cell is blank.
    pub(crate) fn zone(&mut self, required: bool) -> TimeZone {
        if required {
            self.required_value(Field::TimeZone);
        }
        let own = self.reading.zone.clone();
        let Some(text) = self.text(Field::TimeZone) else {
            return own;
        };
        self.keep(Field::TimeZone, values::zone(&text)).unwrap_or(own)
    }

    /// The zone that a session row names, else its event's.
    pub(crate) fn zone_or(&mut self, event: &TimeZone) -> TimeZone {
        if self.has_any(&[Field::TimeZone]) { self.zone(false) } else { event.clone() }
    }

    /// How the event is taught: the template code decides, the Learning mode must agree.
    pub(crate) fn mode(&mut self) -> LearningMode {
        let by_code = self.is_lms();
        let text = self.text(Field::LearningMode);
        let claim = self.keep(Field::LearningMode, claimed_mode(text.as_deref())).flatten();
        if let Some(code) = self.raw(Field::Template)
            && claim.is_some_and(|claim| (claim == LearningMode::Lms) != by_code)
        {
            let says = text.unwrap_or_default();
            let is = if by_code { "a self-paced (LMS)" } else { "not a self-paced (LMS)" };
            let message = format!("the learning mode says \"{says}\", but {code} is {is} course");
            self.flag(Field::LearningMode, Issue::new(Code::InvalidValue, message));
        }
        match (by_code, claim) {
            (true, _) => LearningMode::Lms,
            (false, Some(LearningMode::Classroom)) => LearningMode::Classroom,
            _ => LearningMode::Blended,
        }
    }

    pub(crate) fn venue(&mut self) -> VenueCell {
        venue_of(self.text(Field::Venue))
    }

    pub(crate) fn max_places(&mut self) -> Option<i32> {
        let content = self.checked(Field::MaxPlaces)?;
        let places = values::whole_number(content).filter(|places| *places >= 0);
        if places.is_none() {
            let shown = self.shown(content).unwrap_or_default();
            let message = format!("\"{shown}\" is not a number of places; write a whole number from 0");
            self.flag(Field::MaxPlaces, Issue::new(Code::InvalidValue, message));
        }
        places
    }

    pub(crate) fn names(&mut self, field: Field) -> Vec<String> {
        let Some(text) = self.text(field) else { return Vec::new() };
        let names = values::names(&text);
        if names.is_empty() {
            let message = format!("\"{text}\" under \"{}\" names nobody", field.header());
            self.flag(field, Issue::new(Code::InvalidValue, message));
        }
        names
    }

    pub(crate) fn url(&mut self, field: Field) -> Option<String> {
        let url = self.text(field)?;
        if values::is_url(&url) {
            return Some(url);
        }
        let message = format!(
            "\"{}\" is not an address: write it with http:// or https://, at most 500 characters",
            field.header()
        );
        self.flag(field, Issue::new(Code::InvalidValue, message));
        None
    }

    /// Y or N, blank is N.
    pub(crate) fn yes_or_no(&mut self, field: Field) -> bool {
        let Some(content) = self.checked(field) else {
            return false;
        };
        values::yes_or_no(content).unwrap_or_else(|| {
            let shown = self.shown(content).unwrap_or_default();
            let message = format!("\"{shown}\" under \"{}\": write Y or N", field.header());
            self.flag(field, Issue::new(Code::InvalidValue, message));
            false
        })
    }

    pub(crate) fn sitting(&mut self) -> Option<Sitting> {
        let text = self.required(Field::Sitting)?;
        self.keep(Field::Sitting, values::sitting(&text, &self.reading.sittings))
    }

    /// A session's day within its event, still unchecked against the others.
    pub(crate) fn day(&self) -> Option<i32> {
        self.content(Field::Day).and_then(values::whole_number)
    }

    /// The learning mode of a session row, which may only repeat its event's.
    pub(crate) fn check_mode(&mut self) {
        let text = self.text(Field::LearningMode);
        let claim = claimed_mode(text.as_deref());
        self.keep(Field::LearningMode, claim);
    }

    /// A number that is the same for rows that say the same in columns that mean nothing to us.
    pub(crate) fn unused_digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        unused(self.columns, self.row, self.sheet.since_1904).for_each(|cell| cell.hash(&mut digest));
        digest.finish()
    }
}

fn fault(field: Field, error: &str) -> String {
    format!("\"{}\" is the error {}; put a value there", field.header(), error.trim())
}

/// What a row has in columns that mean nothing to us: column and text.
pub fn unused<'a>(columns: &'a Columns, row: &'a Row, since_1904: bool) -> impl Iterator<Item = (u32, String)> + 'a {
    let of_unknown = row.cells.iter().filter(|cell| columns.unknown_header(cell.column).is_some());
    of_unknown.filter_map(move |cell| Some((cell.column, values::display(&cell.content, since_1904)?)))
}
