//! From text to a series. What a pattern cannot express is refused with a sentence that names it.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::{RruleSeries, WEEKDAYS};
use crate::lessons::recurrence::{LessonFrequency, LessonPattern, LessonSeries};

/// The most characters of a text.
const MAX_CHARS: usize = 20_000;

/// The parts of a rule.
#[derive(Debug, Default)]
struct RuleParts {
    frequency: String,
    interval: u32,
    days: Vec<Weekday>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    until: Option<String>,
    count: Option<u32>,
    week_start: String,
}

/// The first lesson of a series, which the text describes.
struct Anchor<'a> {
    first: Date,
    start_time: Time,
    zone: &'a TimeZone,
}

/// Reads a text. `first`, `start_time`: of the first lesson; `zone`: the zone of wall-clock times.
///
/// # Errors
/// What in the text cannot be read or cannot be expressed in a pattern.
pub fn read(text: &str, first: Date, start_time: Time, zone: &TimeZone) -> Result<RruleSeries, String> {
    if text.chars().count() > MAX_CHARS {
        return Err(format!("has more than {MAX_CHARS} characters"));
    }
    let anchor = Anchor { first, start_time, zone };
    let (mut parts, mut dates, mut exceptions) = (None, BTreeSet::new(), BTreeSet::new());
    // A line that begins with white space continues the one before (RFC 5545, 3.1).
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    for line in unfolded.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or(("RRULE", line));
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        match name.to_ascii_uppercase().as_str() {
            "RRULE" if parts.is_some() => return Err("has two RRULE lines: one is allowed".to_owned()),
            "RRULE" => parts = Some(rule_parts(value)?),
            "RDATE" => dates.extend(anchor.days(value, parameters, "RDATE")?),
            "EXDATE" => exceptions.extend(anchor.days(value, parameters, "EXDATE")?),
            "DTSTART" => anchor.check_start(value)?,
            other => return Err(format!("has the line {other}: use RRULE, RDATE and EXDATE")),
        }
    }
    if let Some(day) = dates.iter().find(|day| **day < first) {
        return Err(format!("RDATE has {day}, which is before the first lesson"));
    }
    let has_first = dates.remove(&first);
    let mut series = match parts {
        Some(parts) => of_rule(parts, &anchor)?,
        None if dates.is_empty() && !has_first => return Err("has neither RRULE nor RDATE".to_owned()),
        // A series whose rule has ended with its first lesson.
        None if dates.is_empty() => RruleSeries {
            frequency: Some(LessonFrequency::Weekly),
            pattern: LessonPattern::default(),
            until: None,
            count: Some(1),
            exceptions: BTreeSet::new(),
        },
        None => RruleSeries {
            frequency: None,
            pattern: LessonPattern::default(),
            until: None,
            count: None,
            exceptions: BTreeSet::new(),
        },
    };
    series.exceptions = exceptions;
    series.pattern.dates = dates.into_iter().collect();
    keep_rule(&mut series, first);
    Ok(series)
}

/// Days without weekdays and months would replace the rule: says the weekday, or all months, in words.
fn keep_rule(series: &mut RruleSeries, first: Date) {
    let LessonPattern { days, months, dates } = &mut series.pattern;
    if dates.is_empty() || !days.is_empty() || !months.is_empty() {
        return;
    }
    match series.frequency {
        Some(LessonFrequency::Weekly | LessonFrequency::BiWeekly) => days.push(first.weekday()),
        Some(LessonFrequency::Monthly) => months.extend(1..=12),
        Some(LessonFrequency::OneTime) | None => {}
    }
}

fn rule_parts(value: &str) -> Result<RuleParts, String> {
    let mut parts = RuleParts { interval: 1, ..RuleParts::default() };
    let mut seen = BTreeSet::new();
    for part in value.trim().split(';').filter(|part| !part.trim().is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("the part {part} of RRULE has no value"))?;
        let (name, value) = (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
        if !seen.insert(name.clone()) {
            return Err(format!("RRULE has {name} twice"));
        }
        match name.as_str() {
            "FREQ" => parts.frequency = value,
            "INTERVAL" => parts.interval = number(&name, &value)?,
            "COUNT" => parts.count = Some(number(&name, &value)?),
            "UNTIL" => parts.until = Some(value),
            "WKST" => parts.week_start = value,
            "BYDAY" => parts.days = list(&value, weekday)?,
            "BYMONTH" => parts.months = list(&value, |word| in_range("BYMONTH", word, 12))?,
            "BYMONTHDAY" => parts.month_days = list(&value, |word| in_range("BYMONTHDAY", word, 31))?,
            _ => return Err(format!("RRULE has {name}, which a pattern of days, months and dates cannot express")),
        }
    }
    match parts.frequency.is_empty() {
        true => Err("RRULE has no FREQ".to_owned()),
        false if parts.count.is_some() && parts.until.is_some() => {
            Err("RRULE has COUNT and UNTIL: give one".to_owned())
        }
        false => Ok(parts),
    }
}

fn number(name: &str, value: &str) -> Result<u32, String> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<u32>().ok().filter(|number| is_number && *number > 0);
    number.ok_or_else(|| format!("{name} of RRULE must be an integer from 1"))
}

fn list<T: PartialEq>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut found = Vec::new();
    for word in value.split(',') {
        let parsed = parse(word.trim())?;
        if !found.contains(&parsed) {
            found.push(parsed);
        }
    }
    Ok(found)
}

fn weekday(word: &str) -> Result<Weekday, String> {
    let offset = WEEKDAYS.iter().position(|known| *known == word).and_then(|offset| i8::try_from(offset).ok());
    offset
        .and_then(|offset| Weekday::from_monday_zero_offset(offset).ok())
        .ok_or_else(|| format!("BYDAY of RRULE has {word}: use {}, without numbers", WEEKDAYS.join(", ")))
}

fn in_range(name: &str, word: &str, max: i8) -> Result<i8, String> {
    let number = word.parse::<i8>().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("{name} of RRULE has {word}: use numbers from 1 to {max}"))
}

fn of_rule(parts: RuleParts, anchor: &Anchor<'_>) -> Result<RruleSeries, String> {
    let inexpressible =
        |what: String| Err(format!("RRULE has {what}, which a pattern of days, months and dates cannot express"));
    let (interval, frequency) = (parts.interval, parts.frequency.as_str());
    let is_in_month = match parts.month_days.as_slice() {
        [] => false,
        [day] if *day == anchor.first.day() => true,
        days => {
            return inexpressible(format!(
                "BYMONTHDAY={}",
                days.iter().map(i8::to_string).collect::<Vec<_>>().join(",")
            ));
        }
    };
    let mut days = parts.days;
    let frequency = match (frequency, interval) {
        ("DAILY", 1) if !is_in_month => {
            if days.is_empty() {
                days = (0..7).filter_map(|offset| Weekday::from_monday_zero_offset(offset).ok()).collect();
            }
            LessonFrequency::Weekly
        }
        ("WEEKLY", 1) if !is_in_month => LessonFrequency::Weekly,
        ("WEEKLY", 2) if !is_in_month && ["", "MO"].contains(&parts.week_start.as_str()) => LessonFrequency::BiWeekly,
        ("WEEKLY", 2) if !is_in_month => return inexpressible(format!("WKST={}", parts.week_start)),
        ("MONTHLY", 1) if days.is_empty() || !is_in_month => LessonFrequency::Monthly,
        ("YEARLY", 1) if !parts.months.is_empty() && (days.is_empty() || !is_in_month) => LessonFrequency::Monthly,
        (_, 1) if is_in_month => return inexpressible("BYMONTHDAY beside other parts".to_owned()),
        (frequency, interval) => return inexpressible(format!("FREQ={frequency} with INTERVAL={interval}")),
    };
    let mut series = RruleSeries {
        frequency: Some(frequency),
        pattern: LessonPattern { days, months: parts.months, dates: Vec::new() },
        until: parts.until.map(|until| anchor.until(&until)).transpose()?,
        count: parts.count,
        exceptions: BTreeSet::new(),
    };
    let known = LessonSeries::new(anchor.first, frequency, series.pattern.clone());
    if !known.is_first_of_rule() {
        // The first lesson counts here, and is none of the rule's days there.
        series.count = series.count.map(|count| count.saturating_add(1));
    }
    Ok(series)
}

impl Anchor<'_> {
    /// Returns the last day on which a lesson begins until a time.
    fn until(&self, text: &str) -> Result<Date, String> {
        let (day, time) = self.moment(text, "UNTIL")?;
        let is_before = time.is_some_and(|time| time < self.start_time);
        let last = if is_before { day.yesterday().ok() } else { Some(day) };
        last.filter(|last| *last >= self.first).ok_or_else(|| "UNTIL of RRULE is before the first lesson".to_owned())
    }

    /// Returns the days of an RDATE or EXDATE line.
    fn days(&self, value: &str, parameters: &str, name: &str) -> Result<Vec<Date>, String> {
        if parameters.to_ascii_uppercase().contains("VALUE=PERIOD") {
            return Err(format!("{name} has periods: give days or times"));
        }
        let mut days = Vec::new();
        for text in value.split(',') {
            let (day, time) = self.moment(text.trim(), name)?;
            match time {
                Some(time) if time != self.start_time && name == "RDATE" => {
                    return Err(format!(
                        "RDATE has a lesson at {time}, the lessons of the series start at {}",
                        self.start_time
                    ));
                }
                _ => days.push(day),
            }
        }
        Ok(days)
    }

    fn check_start(&self, value: &str) -> Result<(), String> {
        let (day, time) = self.moment(value.trim(), "DTSTART")?;
        match day == self.first && time.is_none_or(|time| time == self.start_time) {
            true => Ok(()),
            false => Err("DTSTART is not the start of the first lesson: leave it out, or make them equal".to_owned()),
        }
    }

    /// Returns the day and, if there is one, the wall-clock time of a text.
    fn moment(&self, text: &str, name: &str) -> Result<(Date, Option<Time>), String> {
        let wrong = || format!("{name} has {text}: use days like 20260401, or times like 20260401T170000");
        let upper = text.to_ascii_uppercase();
        let (local, is_utc) = upper.strip_suffix('Z').map_or((upper.as_str(), false), |local| (local, true));
        let is_basic = local.bytes().all(|byte| byte.is_ascii_digit() || byte == b'T');
        match (is_basic, local.len()) {
            (true, 8) if !is_utc => Ok((Date::strptime("%Y%m%d", local).map_err(|_| wrong())?, None)),
            (true, 15) => {
                let moment = DateTime::strptime("%Y%m%dT%H%M%S", local).map_err(|_| wrong())?;
                let moment = match is_utc {
                    true => moment
                        .to_zoned(TimeZone::UTC)
                        .map_err(|_| wrong())?
                        .with_time_zone(self.zone.clone())
                        .datetime(),
                    false => moment,
                };
                Ok((moment.date(), Some(moment.time())))
            }
            _ => Err(wrong()),
        }
    }
}
