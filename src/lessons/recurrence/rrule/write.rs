//! From a series to text.

use jiff::civil::{Date, Time};

use super::WEEKDAYS;
use crate::lessons::recurrence::{DayRule, LessonSeries};

/// Returns the rule and the added days of a series; none for a single lesson.
///
/// The end is written with a time of the day, because the start is one (RFC 5545, 3.3.10). A first lesson that is no day of
/// the rule is an added day, so that programs that count differently read the same days.
pub fn write(series: &LessonSeries, start_time: Time) -> Option<String> {
    let mut lines = Vec::new();
    let is_first_of_rule = series.is_first_of_rule();
    let rule = series.rule();
    let mut dates: Vec<Date> = series.pattern.dates.iter().copied().filter(|day| *day > series.first).collect();
    if rule != DayRule::None {
        if let Some(end) = end(series, is_first_of_rule) {
            let parts = [frequency(&rule), by_day(series, &rule), by_month(series), end];
            lines.push(format!(
                "RRULE:{}",
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(";")
            ));
        }
        if !is_first_of_rule {
            dates.push(series.first);
        }
    }
    dates.sort_unstable();
    dates.dedup();
    if !dates.is_empty() {
        let times: Vec<String> = dates.iter().map(|day| basic(*day, start_time)).collect();
        lines.push(format!("RDATE:{}", times.join(",")));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn frequency(rule: &DayRule) -> String {
    match rule {
        DayRule::None => String::new(),
        DayRule::Weeks { interval: 1, .. } => "FREQ=WEEKLY".to_owned(),
        DayRule::Weeks { interval, .. } => format!("FREQ=WEEKLY;INTERVAL={interval};WKST=MO"),
        DayRule::Weekdays(_) => "FREQ=MONTHLY".to_owned(),
        DayRule::DayOfMonth(day) => format!("FREQ=MONTHLY;BYMONTHDAY={day}"),
    }
}

fn by_day(series: &LessonSeries, rule: &DayRule) -> String {
    let days: Vec<i8> = match rule {
        DayRule::Weeks { offsets, .. } => offsets.clone(),
        DayRule::Weekdays(_) => series.pattern.days.iter().map(|day| day.to_monday_zero_offset()).collect(),
        DayRule::None | DayRule::DayOfMonth(_) => return String::new(),
    };
    let words: Vec<&str> = days.iter().filter_map(|day| WEEKDAYS.get(usize::try_from(*day).ok()?).copied()).collect();
    format!("BYDAY={}", words.join(","))
}

fn by_month(series: &LessonSeries) -> String {
    if series.pattern.months.is_empty() {
        return String::new();
    }
    let months: Vec<String> = series.pattern.months.iter().map(i8::to_string).collect();
    format!("BYMONTH={}", months.join(","))
}

/// Returns the end of the rule; none if the first lesson, which is no day of the rule, is its only one.
///
/// A rule has one end (RFC 5545, 3.3.10); of two, the number of lessons is written.
fn end(series: &LessonSeries, is_first_of_rule: bool) -> Option<String> {
    let count = match (series.count, series.until) {
        (None, None) => return Some(String::new()),
        (None, Some(until)) => {
            let has_days = series.rule_days().take(if is_first_of_rule { 1 } else { 2 }).count();
            let is_empty = !is_first_of_rule && has_days < 2;
            let time = Time::constant(23, 59, 59, 0);
            return (!is_empty).then(|| format!("UNTIL={}", basic(until, time)));
        }
        (Some(_), Some(_)) => series.rule_days().count(),
        (Some(count), None) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let of_rule = if is_first_of_rule { count } else { count.saturating_sub(1) };
    (of_rule > 0).then(|| format!("COUNT={of_rule}"))
}

/// Returns a local time in the basic format.
fn basic(day: Date, time: Time) -> String {
    day.to_datetime(time).strftime("%Y%m%dT%H%M%S").to_string()
}
