//! Parses one cell into one value or an issue. Typed cells and text cells give equal values.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::names::{fold, visible};

use crate::workbook::problems::{Code, Issue};
pub use clock::ClockTime;
pub use dates::DateOrder;
use spreadsheet::Content;
pub use zones::{display_zone, zone, zones};

mod clock;
pub mod dates;
mod errors;
mod zones;

/// Accepted years; any other year is a typing error.
const YEARS: std::ops::Range<i16> = 1900..3000;

/// A wall-clock time in the zone of its row, with its instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The time as written in the workbook.
    pub local: DateTime,
    pub at: Timestamp,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.local.strftime("%d/%m/%Y %H:%M"))
    }
}

/// An exam sitting as written and as in session codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sitting {
    /// `2026A`, with the letter as in the settings.
    pub written: String,
    /// `2026-04`.
    pub mapped: String,
}

/// Returns a cell as trimmed text, None for blank. Whole numbers have no decimals.
pub fn text(content: &Content) -> Option<String> {
    let text = match content {
        Content::Text(text) => unescape_formula(visible(text).trim()).to_owned(),
        Content::FormattedNumber(formatted) => formatted.shown.trim().to_owned(),
        Content::Invalid(invalid) => invalid.text.trim().to_owned(),
        Content::Number(number) | Content::DateTime(number) => significant(*number).to_string(),
        Content::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Content::Error(error) => error.to_string(),
        Content::FormulaWithoutValue => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Rounds a number to the 15 digits that spreadsheet programs show: 0.1 + 0.2 is 0.3.
fn significant(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

/// Reports whether a cell has only characters that are never visible.
pub fn is_invisible(content: &Content) -> bool {
    matches!(content, Content::Text(text) if !text.is_ascii() && visible(text).trim().is_empty())
}

/// Returns a cell as text, with dates and times as DD/MM/YYYY and HH:MM.
pub fn display(content: &Content, since_1904: bool) -> Option<String> {
    let Content::DateTime(days) = content else { return text(content) };
    let Some(moment) = from_serial(*days, since_1904) else { return text(content) };
    let format = match (*days < 1.0, moment.time() == Time::midnight()) {
        (true, _) => "%H:%M",
        (false, true) => "%d/%m/%Y",
        (false, false) => "%d/%m/%Y %H:%M",
    };
    Some(moment.strftime(format).to_string())
}

/// The text that spreadsheet programs show for a missing value.
pub const NOT_AVAILABLE: &str = "#N/A";

/// Returns the error of a formula that a cell contains, also as text and in other languages.
pub fn error_value(content: &Content) -> Option<&str> {
    match content {
        Content::Error(error) => Some(error),
        Content::Text(text) => Some(text.as_ref()).filter(|text| errors::is_error_text(&visible(text))),
        Content::FormattedNumber(formatted) => {
            Some(formatted.shown.as_ref()).filter(|text| errors::is_error_text(text))
        }
        _ => None,
    }
}

/// Removes the apostrophe that [`spreadsheet::escape_formula`] adds.
fn unescape_formula(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(bare) if bare.trim_start().starts_with(spreadsheet::FORMULA_STARTS) => bare.trim_start(),
        _ => text,
    }
}

/// Parses a date: an Excel date, or text that can mean only one: DD/MM/YYYY, also with `-` or `.`, or YYYY-MM-DD, also
/// with `/` or `.`, with or without a time. `order` is the order of day and month in the text dates of the file.
///
/// # Errors
/// `invalid_date` for any other format or a day that does not exist, and for DD/MM/YYYY in a file of MM/DD/YYYY.
pub fn date(content: &Content, since_1904: bool, order: DateOrder) -> Result<Date, Issue> {
    let parsed = match content {
        Content::DateTime(days) | Content::Number(days) => from_serial(*days, since_1904).map(DateTime::date),
        Content::FormattedNumber(formatted) => from_serial(formatted.number, since_1904).map(DateTime::date),
        Content::Text(text) => {
            let text = visible(text);
            let written = dates::parse(text.trim());
            if let DateOrder::MonthFirst(row, column) = order
                && written.is_some_and(|written| written.depends_on_order())
            {
                let message = format!(
                    "\"{}\" may mean MM/DD/YYYY, because the date in {} can mean nothing else; write all dates as \
                     DD/MM/YYYY",
                    text.trim(),
                    spreadsheet::cell_name(row, column)
                );
                return Err(Issue::new(Code::InvalidDate, message));
            }
            written.and_then(|written| written.date())
        }
        _ => None,
    };
    parsed.filter(|date| YEARS.contains(&date.year())).ok_or_else(|| {
        let text = display(content, since_1904).unwrap_or_default();
        let advice = match parsed {
            Some(_) => "is too far away; write a year from 1900 to 2999",
            None => "is not a date; write DD/MM/YYYY",
        };
        Issue::new(Code::InvalidDate, format!("\"{text}\" {advice}"))
    })
}

/// Parses a time of day, rounded to the second: an Excel time, also of a date with a time, or text.
///
/// Text is HH:MM or HH:MM:SS with optional am or pm, or the time of an ISO 8601 date.
///
/// # Errors
/// `invalid_date` for any other format, and for more than 24 hours.
pub fn time(content: &Content) -> Result<ClockTime, Issue> {
    let parsed = match content {
        Content::DateTime(days) => ClockTime::of_serial(*days),
        Content::Number(days) if (0.0..1.0).contains(days) => ClockTime::of_serial(*days),
        Content::FormattedNumber(formatted) if (0.0..1.0).contains(&formatted.number) => {
            ClockTime::of_serial(formatted.number)
        }
        Content::Text(text) => ClockTime::parse(visible(text).trim()),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let text = match content {
            Content::DateTime(days) if *days > 1.0 => format!("{:.1} hours", days * 24.0),
            other => self::text(other).unwrap_or_default(),
        };
        Issue::new(Code::InvalidDate, format!("\"{text}\" is not a time of day; write HH:MM"))
    })
}

/// Converts a wall-clock time to its instant.
///
/// # Errors
/// `invalid_date` when the time does not exist in the zone or occurs twice.
pub fn moment(date: Date, time: ClockTime, zone: &TimeZone) -> Result<Moment, Issue> {
    let too_late = |_| Issue::new(Code::InvalidDate, format!("{date} is too far away; write a year from 1900 to 2999"));
    let local = time.on(date).map_err(too_late)?;
    let timestamp = zone.to_ambiguous_timestamp(local);
    let name = zone.iana_name().unwrap_or("this time zone");
    let text = local.strftime("%d/%m/%Y %H:%M");
    match timestamp.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { .. } => timestamp
            .unambiguous()
            .map(|at| Moment { local, at })
            .map_err(|e| Issue::new(Code::InvalidDate, e.to_string())),
        jiff::tz::AmbiguousOffset::Gap { .. } => Err(Issue::new(
            Code::InvalidDate,
            format!("{text} does not exist in {name}, where the clocks skip it; choose another time"),
        )),
        jiff::tz::AmbiguousOffset::Fold { .. } => Err(Issue::new(
            Code::InvalidDate,
            format!("{text} occurs twice in {name}, where the clocks go back; choose another time"),
        )),
    }
}

/// Parses a whole number, typed as number or text.
pub fn whole_number(content: &Content) -> Option<i32> {
    let number = match content {
        Content::Number(number) | Content::DateTime(number) => *number,
        Content::FormattedNumber(formatted) => formatted.number,
        Content::Text(text) => visible(text).trim().parse().ok()?,
        _ => return None,
    };
    let is_whole = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    is_whole.then_some(number as i32)
}

/// Parses an amount, typed as number or text, into plain decimal digits.
pub fn decimal(content: &Content) -> Option<String> {
    match content {
        Content::Number(number) => Some(significant(*number).to_string()),
        Content::FormattedNumber(formatted) => Some(significant(formatted.number).to_string()),
        Content::Text(text) => {
            let text = visible(text).trim().to_owned();
            let (whole, cents) = text.split_once('.').unwrap_or((&text, "0"));
            let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            (is_number(whole.strip_prefix('-').unwrap_or(whole)) && is_number(cents)).then_some(text)
        }
        _ => None,
    }
}

/// Returns `2027-04` for the date into which spreadsheet programs turn this text: the first day of the month.
pub fn year_and_month(content: &Content, since_1904: bool) -> Option<String> {
    let Content::DateTime(days) = content else { return None };
    let date = from_serial(*days, since_1904)?.date();
    (date.day() == 1).then(|| date.strftime("%Y-%m").to_string())
}

/// Parses Y or N, also yes, no, true and false.
pub fn yes_or_no(content: &Content) -> Option<bool> {
    if let Content::Bool(value) = content {
        return Some(*value);
    }
    match fold(&text(content)?).as_str() {
        "y" | "yes" | "true" => Some(true),
        "n" | "no" | "false" => Some(false),
        _ => None,
    }
}

/// Parses a sitting: a year of four or two digits, and a letter of `letters` ("A" → "-04") or what it stands for.
///
/// # Errors
/// `invalid_value` for anything else.
pub fn sitting(text: &str, letters: &BTreeMap<String, String>) -> Result<Sitting, Issue> {
    let found = letters.iter().flat_map(|(letter, suffix)| [(letter, suffix, letter), (letter, suffix, suffix)]);
    let mut found = found.filter_map(|(letter, suffix, end)| Some((letter, suffix, year(&fold(text), &fold(end))?)));
    if let Some((letter, suffix, year)) = found.next() {
        return Ok(Sitting { written: format!("{year}{letter}"), mapped: format!("{year}{suffix}") });
    }
    let known: Vec<&str> = letters.keys().map(String::as_str).collect();
    let known = known.join(" or ");
    let message = format!("\"{text}\" is not a sitting; write a year and {known}, such as 2026A");
    let start: String = text.chars().take(4).collect();
    let suggestion = |letter: &String| year(&start, "").map(|year| format!("{year}{letter}"));
    Err(Issue::new(Code::InvalidValue, message).with_suggestions(letters.keys().filter_map(suggestion).collect()))
}

/// Returns the year of a text that ends with `end`, as four digits.
fn year(text: &str, end: &str) -> Option<String> {
    let year = text.strip_suffix(end).filter(|year| year.bytes().all(|digit| digit.is_ascii_digit()))?;
    match year.len() {
        4 => Some(year.to_owned()),
        2 => Some(format!("20{year}")),
        _ => None,
    }
}

/// Returns the sitting of a session code as written in a timetable; None for an unknown suffix.
pub fn sitting_of_session_code(session_code: &str, letters: &BTreeMap<String, String>) -> Option<String> {
    sitting(session_code.trim(), letters).ok().map(|sitting| sitting.written)
}

/// Returns the form in which two codes of exam sessions are equal: that of their sitting if they are one, in any spelling.
pub fn session_key(session_code: &str, letters: &BTreeMap<String, String>) -> String {
    sitting(session_code.trim(), letters).map_or_else(|_| fold(session_code), |sitting| fold(&sitting.mapped))
}

/// Returns all spellings of a sitting, such as 2026A, 26A, 2026-04 and 26-04; none if the text is no sitting.
pub fn sitting_spellings(text: &str, letters: &BTreeMap<String, String>) -> Vec<String> {
    let Ok(Sitting { written, mapped }) = sitting(text.trim(), letters) else { return Vec::new() };
    [&written, &mapped].into_iter().flat_map(|full| [full.clone(), full.chars().skip(2).collect()]).collect()
}

/// Reports whether a text is an absolute http or https address of at most 500 characters.
pub fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty())
        && text.chars().count() <= 500
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Splits names separated by `/`, `;` or `,`, without duplicates.
pub fn names(text: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut names = Vec::new();
    for name in text.split(['/', ';', ',']).map(str::trim) {
        let folded = fold(name);
        if !folded.is_empty() && !seen.contains(&folded) {
            seen.push(folded);
            names.push(name.to_owned());
        }
    }
    names
}

/// Reports whether a venue's name means that there is none yet.
pub fn is_to_be_confirmed(name: &str) -> bool {
    matches!(fold(name).as_str(), "to be confirmed" | "to be determined" | "tbc" | "tbd")
}

/// Converts Excel's day number to date and time. Excel counts a 29 February 1900, which does not exist.
fn from_serial(days: f64, since_1904: bool) -> Option<DateTime> {
    if !(0.0..2_958_466.0).contains(&days) {
        return None;
    }
    let mut day = days.floor() as i64;
    let mut seconds = ((days - days.floor()) * 86_400.0).round() as i64;
    if seconds == 86_400 {
        (day, seconds) = (day + 1, 0);
    }
    let epoch = match (since_1904, day) {
        (true, _) => Date::constant(1904, 1, 1),
        (false, 60) => return None,
        (false, 0..60) => Date::constant(1899, 12, 31),
        (false, _) => Date::constant(1899, 12, 30),
    };
    let midnight = epoch.at(0, 0, 0, 0);
    midnight.checked_add(day.days().seconds(seconds)).ok()
}

#[cfg(test)]
mod tests;
