//! One cell → one value, or what is wrong with it. Excel's types and text are read alike.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::names::fold;

use crate::timetable_import::problems::{Code, Issue};
use spreadsheet::Content;
pub use zones::{zone, zone_shown, zones};

mod zones;

/// Years that a timetable may speak of; anything else is a slip of the hand.
const YEARS: std::ops::Range<i16> = 1900..3000;

/// A wall-clock time where it is taught, and the instant that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// As the workbook says it.
    pub local: DateTime,
    /// In UTC.
    pub at: Timestamp,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.local.strftime("%d/%m/%Y %H:%M"))
    }
}

/// An exam sitting as written and as sessions are coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sitting {
    /// `2026A`, the letter as the settings spell it.
    pub written: String,
    /// `2026-04`.
    pub mapped: String,
}

/// A cell as text, trimmed; None for blank. Whole numbers have no decimals.
pub fn text(content: &Content) -> Option<String> {
    let text = match content {
        Content::Text(text) => unescape_formula(text.trim()).to_owned(),
        Content::Number(number) | Content::DateTime(number) => number.to_string(),
        Content::Bool(truth) => if *truth { "TRUE" } else { "FALSE" }.to_owned(),
        Content::Error(error) => error.to_string(),
        Content::FormulaWithoutValue => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// As [`text`], but a date or time as people write it.
pub fn display(content: &Content, since_1904: bool) -> Option<String> {
    let Content::DateTime(days) = content else { return text(content) };
    let Some(moment) = serial(*days, since_1904) else { return text(content) };
    let format = match (*days < 1.0, moment.time() == Time::midnight()) {
        (true, _) => "%H:%M",
        (false, true) => "%d/%m/%Y",
        (false, false) => "%d/%m/%Y %H:%M",
    };
    Some(moment.strftime(format).to_string())
}

/// What spreadsheet programs show for a value that is not there.
pub const NOT_AVAILABLE: &str = "#N/A";

/// Whether a text is how spreadsheet programs show that a formula has failed, as text tables hold it.
pub fn is_error_value(text: &str) -> bool {
    let faults = [NOT_AVAILABLE, "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!"];
    text.starts_with('#') && faults.contains(&text.trim())
}

/// Text without the apostrophe that keeps it from being taken for a formula (see [`spreadsheet::escape_formula`]).
fn unescape_formula(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(bare) if bare.starts_with(spreadsheet::FORMULA_STARTS) => bare,
        _ => text,
    }
}

/// A calendar date: an Excel date, or DD/MM/YYYY, DD-MM-YYYY, YYYY-MM-DD as text.
///
/// # Errors
/// `invalid_date` when it is none of these or no day of the calendar.
pub fn date(content: &Content, since_1904: bool) -> Result<Date, Issue> {
    let found = match content {
        Content::DateTime(days) | Content::Number(days) => serial(*days, since_1904).map(DateTime::date),
        Content::Text(text) => written_date(text.trim()),
        _ => None,
    };
    found.filter(|date| YEARS.contains(&date.year())).ok_or_else(|| {
        let shown = display(content, since_1904).unwrap_or_default();
        let wanted = match found {
            Some(_) => "is too far away to be meant; write a year from 1900 to 2999",
            None => "is not a date; write DD/MM/YYYY",
        };
        Issue::new(Code::InvalidDate, format!("\"{shown}\" {wanted}"))
    })
}

/// A time of day: an Excel time (of a date too), or HH:MM, HH:MM:SS, with am or pm, as text.
///
/// # Errors
/// `invalid_date` when it is none of these.
pub fn time(content: &Content) -> Result<Time, Issue> {
    let found = match content {
        Content::DateTime(days) => fraction(*days),
        Content::Number(days) if (0.0..1.0).contains(days) => fraction(*days),
        Content::Text(text) => written_time(text.trim()),
        _ => None,
    };
    found.ok_or_else(|| {
        let shown = text(content).unwrap_or_default();
        Issue::new(Code::InvalidDate, format!("\"{shown}\" is not a time of day; write HH:MM"))
    })
}

/// The instant of a wall-clock time.
///
/// # Errors
/// `invalid_date` when the clocks skip this time in the zone, or show it twice.
pub fn moment(date: Date, time: Time, zone: &TimeZone) -> Result<Moment, Issue> {
    let local = date.to_datetime(time);
    let found = zone.to_ambiguous_timestamp(local);
    let name = zone.iana_name().unwrap_or("this time zone");
    let shown = local.strftime("%d/%m/%Y %H:%M");
    match found.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { .. } => {
            found.unambiguous().map(|at| Moment { local, at }).map_err(|e| Issue::new(Code::InvalidDate, e.to_string()))
        }
        jiff::tz::AmbiguousOffset::Gap { .. } => Err(Issue::new(
            Code::InvalidDate,
            format!("{shown} does not exist in {name}: the clocks go forward over it"),
        )),
        jiff::tz::AmbiguousOffset::Fold { .. } => Err(Issue::new(
            Code::InvalidDate,
            format!("{shown} happens twice in {name}, when the clocks go back; choose another time"),
        )),
    }
}

/// A whole number, typed as number or text.
pub fn whole_number(content: &Content) -> Option<i32> {
    let number = match content {
        Content::Number(number) | Content::DateTime(number) => *number,
        Content::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let whole = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    whole.then_some(number as i32)
}

/// Y or N, also spelt out.
pub fn yes_or_no(content: &Content) -> Option<bool> {
    if let Content::Bool(truth) = content {
        return Some(*truth);
    }
    match fold(&text(content)?).as_str() {
        "y" | "yes" | "true" => Some(true),
        "n" | "no" | "false" => Some(false),
        _ => None,
    }
}

/// A sitting: a year and a letter that `letters` knows ("A" → "-04").
///
/// # Errors
/// `invalid_value` for anything else.
pub fn sitting(text: &str, letters: &BTreeMap<String, String>) -> Result<Sitting, Issue> {
    let year_ends = text.char_indices().nth(4).map_or(text.len(), |(at, _)| at);
    let (year, letter) = text.split_at(year_ends);
    let plausible = plausible_year(year);
    let suffix = letters.iter().find(|(known, _)| fold(known) == fold(letter));
    match suffix {
        Some((letter, suffix)) if plausible => {
            Ok(Sitting { written: format!("{year}{letter}"), mapped: format!("{year}{suffix}") })
        }
        _ => {
            let known: Vec<&str> = letters.keys().map(String::as_str).collect();
            let known = known.join(" or ");
            let message = format!("\"{text}\" is not a sitting; write a year and {known}, such as 2026A");
            let probably = |letter: &String| plausible_year(year).then(|| format!("{year}{letter}"));
            Err(Issue::new(Code::InvalidValue, message).suggesting(letters.keys().filter_map(probably).collect()))
        }
    }
}

fn plausible_year(year: &str) -> bool {
    year.len() == 4 && year.bytes().all(|digit| digit.is_ascii_digit())
}

/// How a sitting is written whose sessions are coded so; none where no letter of ours says it.
pub fn sitting_of(session_code: &str, letters: &BTreeMap<String, String>) -> Option<String> {
    let mapped =
        letters.iter().find_map(|(letter, suffix)| Some(format!("{}{letter}", session_code.strip_suffix(suffix)?)));
    let written = mapped.unwrap_or_else(|| session_code.to_owned());
    sitting(&written, letters).ok().map(|sitting| sitting.written)
}

/// An absolute http or https address of at most 500 characters.
pub fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty())
        && text.chars().count() <= 500
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Names separated by `/`, `;` or `,`, each once.
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

/// Whether a venue's name says that there is none yet.
pub fn is_to_be_confirmed(name: &str) -> bool {
    matches!(fold(name).as_str(), "to be confirmed" | "to be determined" | "tbc" | "tbd")
}

/// Excel's day number as date and time; 1900 has a 29 February there, which is no day.
fn serial(days: f64, since_1904: bool) -> Option<DateTime> {
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

fn fraction(days: f64) -> Option<Time> {
    if !(0.0..2_958_466.0).contains(&days) {
        return None;
    }
    let seconds = ((days - days.floor()) * 86_400.0).round() as i64 % 86_400;
    Time::midnight().checked_add(seconds.seconds()).ok()
}

fn written_date(text: &str) -> Option<Date> {
    // OpenDocument writes a date with a time as 2026-01-13T09:30:00.
    let text = text.split_once('T').map_or(text, |(date, _)| date);
    let separator = if text.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, month, last] = parts.as_slice() else {
        return None;
    };
    let (day, year) = if first.len() == 4 && separator == '-' { (last, first) } else { (first, last) };
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let digits = [day, month, year].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let date = digits.then(|| Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok());
    date.flatten()
}

fn written_time(text: &str) -> Option<Time> {
    if let Some(iso) = text.strip_prefix("PT") {
        return duration(iso);
    }
    // A date with a time, as ISO 8601 has it.
    let text = text.split_once('T').map_or(text, |(_, clock)| clock.trim_end_matches('Z'));
    let lower = text.to_ascii_lowercase();
    let (clock, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (lower.as_str(), None),
    };
    let parts: Vec<&str> = clock.trim().split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (hour, minute, &"00"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !(two(minute) && two(second) && (two(hour) || two(&format!("0{hour}")))) {
        return None;
    }
    let hour: i8 = hour.parse().ok()?;
    let hour = match half {
        None => hour,
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
    };
    Time::new(hour, minute.parse().ok()?, second.parse().ok()?, 0).ok()
}

/// OpenDocument's `PT09H30M00S`, the "PT" taken off.
fn duration(iso: &str) -> Option<Time> {
    let (hour, rest) = iso.split_once('H')?;
    let (minute, rest) = rest.split_once('M')?;
    let second = rest.strip_suffix('S')?.split('.').next()?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, 0).ok()
}

#[cfg(test)]
mod tests;
