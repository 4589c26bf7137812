//! Reads the cells of one row as typed values and collects every problem.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::names::fold;
use crate::tutorials::LearningMode;

use super::blocks::{ParseOptions, VenueCell, is_lms_code, parse_mode, parse_venue};
use super::columns::Columns;
use super::layout::{Field, Format};
use crate::workbook::cells;
use crate::workbook::problems::{Code, ImportProblem, Issue};
use crate::workbook::values;
use crate::workbook::values::{Moment, Sitting};
use spreadsheet::{Content, Row, Sheet};

/// Reads one row field by field.
pub(crate) struct Cells<'a> {
    sheet: &'a Sheet,
    columns: &'a Columns,
    row: &'a Row,
    options: &'a ParseOptions,
    problems: Vec<ImportProblem>,
}

/// The fields of a date and its time.
pub(crate) type FieldPair = (Field, Field);

const LMS_START: FieldPair = (Field::LmsStartDate, Field::LmsStartTime);
const LMS_END: FieldPair = (Field::LmsEndDate, Field::LmsEndTime);
pub(crate) const START: FieldPair = (Field::StartDate, Field::StartTime);
pub(crate) const END: FieldPair = (Field::EndDate, Field::EndTime);

impl<'a> Cells<'a> {
    pub(crate) fn new(sheet: &'a Sheet, columns: &'a Columns, row: &'a Row, options: &'a ParseOptions) -> Self {
        Self { sheet, columns, row, options, problems: Vec::new() }
    }

    pub(crate) fn into_problems(self) -> Vec<ImportProblem> {
        self.problems
    }

    /// Reports whether the row has no value besides unknown columns and LMS times, which filling down leaves behind.
    pub(crate) fn is_blank(&self) -> bool {
        let is_used = |column| {
            let ignored = [Field::LmsStartTime, Field::LmsEndTime].map(|field| self.columns.of(field));
            let is_known = self.columns.unknown_header(column).is_none() && !self.columns.is_of_report(column);
            is_known && !ignored.contains(&column)
        };
        !self.row.cells.iter().any(|cell| is_used(cell.column) && !values::is_invisible(&cell.content))
    }

    /// Returns a field's text without checking it.
    pub(crate) fn raw(&self, field: Field) -> Option<String> {
        self.content(field).and_then(|content| self.display(content))
    }

    fn display(&self, content: &Content) -> Option<String> {
        values::display(content, self.sheet.since_1904)
    }

    /// Reports whether the event row has an equal value, however it is typed. True for an empty field.
    pub(crate) fn matches(&self, field: Field, event: &Cells<'_>) -> bool {
        let (own, of_event) = match (self.content(field), event.content(field)) {
            (Some(own), Some(of_event)) => (own, of_event),
            // A blank cell means no. A blank sitting has a problem of its own.
            (Some(own), None) => return field == Field::Sitting || values::yes_or_no(own) == Some(false),
            (None, _) => return true,
        };
        let (since_1904, order) = (self.sheet.since_1904, self.columns.date_order);
        let is_same_date =
            || values::date(own, since_1904, order).ok() == values::date(of_event, since_1904, order).ok();
        let names = |text: Option<String>| {
            let mut names: Vec<String> =
                values::names(&text.unwrap_or_default()).iter().map(|name| fold(name)).collect();
            names.sort_unstable();
            names
        };
        match field.column().format {
            Format::Date if values::date(own, since_1904, order).is_ok() => is_same_date(),
            Format::Number => values::whole_number(own) == values::whole_number(of_event),
            _ if field == Field::Sitting => {
                let key = |text: Option<String>| text.map(|text| values::session_key(&text, &self.options.sittings));
                key(self.raw(field)) == key(event.raw(field))
            }
            _ if matches!(field, Field::WebSale | Field::Cancelled) => {
                values::yes_or_no(own) == values::yes_or_no(of_event)
            }
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

    pub(crate) fn problem(&self, field: Field, issue: Issue) -> ImportProblem {
        let cell = (self.row.number, self.columns.of(field));
        ImportProblem::at(Some(&self.sheet.name), Some(self.row.number), Some(cell), issue)
    }

    pub(crate) fn flag(&mut self, field: Field, issue: Issue) {
        let problem = self.problem(field, issue);
        self.problems.push(problem);
    }

    fn content(&self, field: Field) -> Option<&'a Content> {
        self.columns.content(self.row, field)
    }

    /// Returns a field's content. Flags a formula without a stored result or an error value, and returns None.
    fn checked(&mut self, field: Field) -> Option<&'a Content> {
        let content = self.content(field)?;
        self.ok_or_flag(field, cells::checked(content, field.header()))
    }

    /// Flags a field as missing when it has no content.
    pub(crate) fn required_value(&mut self, field: Field) {
        if self.content(field).is_none() {
            self.flag(field, cells::missing(field.header()));
        }
    }

    /// Returns a field's text, None when blank.
    pub(crate) fn text(&mut self, field: Field) -> Option<String> {
        let content = self.checked(field)?;
        self.display(content)
    }

    /// Returns the text of a required field.
    pub(crate) fn required(&mut self, field: Field) -> Option<String> {
        self.required_value(field);
        self.text(field)
    }

    /// Returns the text of a required field of at most `max` characters.
    pub(crate) fn required_within(&mut self, field: Field, max: usize) -> Option<String> {
        let text = self.required(field)?;
        let length = text.chars().count();
        if length > max {
            let message = format!("\"{}\" has {length} characters; shorten it to at most {max}", field.header());
            self.flag(field, Issue::new(Code::InvalidValue, message));
        }
        Some(text)
    }

    pub(crate) fn date(&mut self, field: Field) -> Option<Date> {
        let content = self.checked(field)?;
        self.ok_or_flag(field, values::date(content, self.sheet.since_1904, self.columns.date_order))
    }

    fn ok_or_flag<T>(&mut self, field: Field, read: Result<T, Issue>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(issue) => {
                self.flag(field, issue);
                None
            }
        }
    }

    /// Reads a date and its time, both required.
    pub(crate) fn moment(&mut self, (date, time): FieldPair, zone: &TimeZone) -> Option<Moment> {
        self.required_value(date);
        self.required_value(time);
        let day = self.date(date);
        let content = self.checked(time);
        let clock = content.and_then(|content| self.ok_or_flag(time, values::time(content)));
        let moment = values::moment(day?, clock?, zone);
        self.ok_or_flag(time, moment)
    }

    /// Reads start and end, and flags an end that is not after the start.
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
            let message = format!("the end ({to}) is not after the start ({from}); correct one of them");
            self.flag(field, Issue::new(Code::EndBeforeStart, message));
        }
        (from, to)
    }

    pub(crate) fn lms_window(&mut self, has_window: bool, zone: &TimeZone) -> (Option<Moment>, Option<Moment>) {
        if has_window { self.span(LMS_START, LMS_END, zone) } else { (None, None) }
    }

    /// Returns the row's time zone, by default that of the provider.
    pub(crate) fn zone(&mut self, required: bool) -> TimeZone {
        if required {
            self.required_value(Field::TimeZone);
        }
        let default = self.options.zone.clone();
        let Some(text) = self.text(Field::TimeZone) else {
            return default;
        };
        self.ok_or_flag(Field::TimeZone, values::zone(&text)).unwrap_or(default)
    }

    /// Returns the row's time zone, by default that of its event.
    pub(crate) fn zone_or(&mut self, event: &TimeZone) -> TimeZone {
        if self.has_any(&[Field::TimeZone]) { self.zone(false) } else { event.clone() }
    }

    /// Returns the learning mode. The course template code decides; a different Learning mode is flagged.
    pub(crate) fn mode(&mut self) -> LearningMode {
        let is_lms_template = self.is_lms();
        let text = self.text(Field::LearningMode);
        let written = self.ok_or_flag(Field::LearningMode, parse_mode(text.as_deref())).flatten();
        if let Some(code) = self.raw(Field::Template)
            && written.is_some_and(|mode| (mode == LearningMode::Lms) != is_lms_template)
        {
            let text = text.unwrap_or_default();
            let is = if is_lms_template { "a self-paced (LMS)" } else { "not a self-paced (LMS)" };
            let message =
                format!("the learning mode is \"{text}\", but {code} is {is} course; correct the mode or the code");
            self.flag(Field::LearningMode, Issue::new(Code::InvalidValue, message));
        }
        match (is_lms_template, written) {
            (true, _) => LearningMode::Lms,
            (false, Some(LearningMode::Classroom)) => LearningMode::Classroom,
            _ => LearningMode::Blended,
        }
    }

    pub(crate) fn venue(&mut self) -> VenueCell {
        parse_venue(self.text(Field::Venue))
    }

    pub(crate) fn max_places(&mut self) -> Option<i32> {
        let content = self.checked(Field::MaxPlaces)?;
        let places = values::whole_number(content).filter(|places| *places >= 0);
        if places.is_none() {
            let shown = self.display(content).unwrap_or_default();
            let message = format!("\"{shown}\" is not a number of places; write a whole number from 0");
            self.flag(Field::MaxPlaces, Issue::new(Code::InvalidValue, message));
        }
        places
    }

    pub(crate) fn names(&mut self, field: Field) -> Vec<String> {
        let Some(text) = self.text(field) else { return Vec::new() };
        self.ok_or_flag(field, cells::names(&text, field.header())).unwrap_or_default()
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

    /// Reads Y or N; blank means N.
    pub(crate) fn yes_or_no(&mut self, field: Field) -> bool {
        let Some(content) = self.checked(field) else {
            return false;
        };
        self.ok_or_flag(field, cells::flag(content, field.header(), self.sheet.since_1904)).unwrap_or(false)
    }

    pub(crate) fn sitting(&mut self) -> Option<Sitting> {
        let text = self.required(Field::Sitting)?;
        self.ok_or_flag(Field::Sitting, values::sitting(&text, &self.options.sittings))
    }

    /// Returns a session's day, not yet compared with the other days of its event.
    pub(crate) fn day(&mut self) -> Option<i32> {
        self.checked(Field::Day).and_then(values::whole_number)
    }

    /// Flags an unknown learning mode on a session row.
    pub(crate) fn check_mode(&mut self) {
        let text = self.text(Field::LearningMode);
        let mode = parse_mode(text.as_deref());
        self.ok_or_flag(Field::LearningMode, mode);
    }

    /// Returns a digest that is equal for rows with equal values in unknown columns.
    pub(crate) fn unused_digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        unused(self.columns, self.row, self.sheet.since_1904).for_each(|cell| cell.hash(&mut digest));
        digest.finish()
    }
}

/// Returns a row's values in unknown columns: column index and text.
pub fn unused<'a>(columns: &'a Columns, row: &'a Row, since_1904: bool) -> impl Iterator<Item = (u32, String)> + 'a {
    let of_unknown = row.cells.iter().filter(|cell| columns.unknown_header(cell.column).is_some());
    of_unknown.filter_map(move |cell| Some((cell.column, values::display(&cell.content, since_1904)?)))
}
