//! The recurrence of a lesson: from its document, and from a body.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::lessons::recurrence::{HolidayRule, LessonFrequency, LessonPattern, LessonSeries, pattern, rrule};
use crate::lessons::store::series::StoredSeries;
use crate::resources::RowDraft;
use crate::resources::problems::Problems;

/// The most lessons of a series that has a number of them.
const MAX_COUNT: u32 = 10_000;

/// The most days without a lesson.
const MAX_EXCEPTIONS: usize = 1000;

const KEYS: [&str; 5] = ["until", "count", "exceptions", "holidays", "rrule"];

/// Returns the series of a recurring lesson from its document; none if it is not recurring.
pub fn stored(lesson: &Value) -> Option<LessonSeries> {
    let recurrence = &lesson["recurrence"];
    if lesson["is_recurring"] != true {
        return None;
    }
    let first = lesson["session_date"].as_str()?.parse().ok()?;
    let frequency = lesson["session_frequency"].as_str().and_then(LessonFrequency::of);
    Some(LessonSeries {
        first,
        frequency: frequency.unwrap_or(LessonFrequency::OneTime),
        pattern: LessonPattern::stored(&lesson["recurring_pattern"]),
        until: recurrence["until"].as_str().and_then(|day| day.parse().ok()),
        count: recurrence["count"].as_u64().and_then(|count| u32::try_from(count).ok()),
        exceptions: days(&recurrence["exceptions"]).into_iter().collect(),
        holidays: holiday_rule(recurrence),
    })
}

/// What a body says of the recurrence.
#[derive(Debug, Default)]
struct GivenRecurrence {
    until: Option<Date>,
    count: Option<u32>,
    exceptions: BTreeSet<Date>,
    holidays: HolidayRule,
    rrule: Option<String>,
}

/// Brings the recurrence of a draft into its stored form and checks it. Returns the series to store; none if the lesson
/// is not recurring, or nothing of it changes.
pub fn settle(draft: &mut RowDraft, zone: &TimeZone, problems: &mut Problems) -> Option<LessonSeries> {
    const FIELDS: [&str; 5] = ["is_recurring", "session_frequency", "recurring_pattern", "recurrence", "session_date"];
    if !FIELDS.iter().any(|field| draft.changes(field)) {
        return None;
    }
    let pattern_at = draft.pointer_of("recurring_pattern");
    let (mut pattern, value) = match draft.values.get("recurring_pattern") {
        Some(given) => pattern::read(&given.clone(), &pattern_at, problems),
        None => {
            let stored = draft.current["recurring_pattern"].clone();
            (LessonPattern::stored(&stored), stored)
        }
    };
    if draft.values.contains_key("recurring_pattern") {
        draft.values.insert("recurring_pattern".to_owned(), value);
    }
    let mut given = recurrence(draft, problems);
    let first = draft.value("session_date").as_str()?.parse::<Date>().ok()?;
    let start = draft.value("start_time").as_str()?.parse::<Time>().ok()?;
    if let Some(text) = given.rrule.take() {
        read_rrule(draft, &mut given, &mut pattern, &text, (first, start, zone), problems);
    }
    say_whether_recurring(draft, &pattern, problems);
    if draft.value("is_recurring") != true {
        return None;
    }
    let frequency = draft.value("session_frequency").as_str().and_then(LessonFrequency::of);
    let series = LessonSeries {
        first,
        frequency: frequency.unwrap_or(LessonFrequency::OneTime),
        pattern,
        until: given.until,
        count: given.count,
        exceptions: given.exceptions,
        holidays: given.holidays,
    };
    // What could not be read is no reason for a second problem.
    if problems.is_empty() {
        check(draft, &series, problems);
    }
    let exceptions: Vec<String> = series.exceptions.iter().map(Date::to_string).collect();
    let stored = json!({
        "until": series.until.map(|day| day.to_string()), "count": series.count, "exceptions": exceptions,
        "holidays": series.holidays.word(),
    });
    draft.values.insert("recurrence".to_owned(), stored);
    Some(series)
}

/// A pattern or a recurrence makes a lesson recurring, unless the body says otherwise.
fn say_whether_recurring(draft: &mut RowDraft, pattern: &LessonPattern, problems: &mut Problems) {
    let has_pattern = *pattern != LessonPattern::default() && draft.values.contains_key("recurring_pattern");
    let has_recurrence = draft.values.get("recurrence").is_some_and(Value::is_object);
    if !has_pattern && !has_recurrence || draft.value("is_recurring") == true {
        return;
    }
    if draft.given.contains("is_recurring") {
        let field = if has_pattern { "recurring_pattern" } else { "recurrence" };
        let message = "is given although is_recurring is false: leave one of the two out";
        problems.violated(draft.pointer_of(field), "conflicting_value", message);
    } else {
        draft.values.insert("is_recurring".to_owned(), true.into());
    }
}

/// Returns the recurrence after the write. Members that a change leaves out stay.
fn recurrence(draft: &RowDraft, problems: &mut Problems) -> GivenRecurrence {
    let stored = stored(&draft.current);
    let mut result = GivenRecurrence::default();
    let body = draft.values.get("recurrence").filter(|value| !value.is_null());
    if let Some(stored) = stored.filter(|_| body.is_some() || !draft.given.contains("recurrence")) {
        result.until = stored.until;
        result.count = stored.count;
        result.exceptions = stored.exceptions;
        result.holidays = stored.holidays;
    }
    let Some(given) = body.and_then(Value::as_object) else { return result };
    let at = draft.pointer_of("recurrence");
    for (key, value) in given {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match key.as_str() {
            "until" => result.until = day(value, &at, problems),
            "count" => result.count = count(value, &at, problems),
            "exceptions" => result.exceptions = exceptions(value, &at, problems),
            "holidays" => result.holidays = holidays(value, &at, problems),
            // The text of the stored rule is read back without a change.
            "rrule" if *value == draft.current["recurrence"]["rrule"] => {}
            "rrule" => match value {
                Value::Null => {}
                Value::String(text) => result.rrule = Some(text.clone()),
                _ => problems.malformed(at, "invalid_type", "must be a text"),
            },
            _ => problems.malformed(at, "unknown_field", format!("unknown field: use {}", KEYS.join(", "))),
        }
    }
    result
}

fn day(value: &Value, at: &str, problems: &mut Problems) -> Option<Date> {
    match value {
        Value::Null => None,
        Value::String(text) => match text.trim().parse::<Date>() {
            Ok(day) if text.trim().len() == 10 && day.year() > 0 => Some(day),
            _ => {
                problems.malformed(at, "invalid_date", "must be a day like 2026-07-31");
                None
            }
        },
        _ => {
            problems.malformed(at, "invalid_type", "must be a day like \"2026-07-31\", or null");
            None
        }
    }
}

fn count(value: &Value, at: &str, problems: &mut Problems) -> Option<u32> {
    match value {
        Value::Null => None,
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            let count = number.as_u64().and_then(|count| u32::try_from(count).ok());
            let count = count.filter(|count| (1..=MAX_COUNT).contains(count));
            if count.is_none() {
                problems.violated(at, "invalid_value", format!("must be from 1 to {MAX_COUNT}"));
            }
            count
        }
        _ => {
            problems.malformed(at, "invalid_type", "must be an integer or null");
            None
        }
    }
}

fn exceptions(value: &Value, at: &str, problems: &mut Problems) -> BTreeSet<Date> {
    let values = match value {
        Value::Null => return BTreeSet::new(),
        Value::Array(values) => values,
        _ => {
            problems.malformed(at, "invalid_type", "must be a list of days");
            return BTreeSet::new();
        }
    };
    if values.len() > MAX_EXCEPTIONS {
        problems.violated(at, "invalid_value", format!("has more than {MAX_EXCEPTIONS} days"));
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    for (place, value) in values.iter().enumerate() {
        let at = format!("{at}/{place}");
        match value {
            Value::Null => problems.malformed(at, "missing_value", "must not be null"),
            value => found.extend(day(value, &at, problems)),
        }
    }
    found
}

fn holidays(value: &Value, at: &str, problems: &mut Problems) -> HolidayRule {
    match value {
        Value::Null => HolidayRule::default(),
        Value::String(word) => HolidayRule::of(word).unwrap_or_else(|| {
            let words = HolidayRule::WORDS.join(", ");
            problems.violated(at, "invalid_value", format!("must be one of {words}"));
            HolidayRule::default()
        }),
        _ => {
            problems.malformed(at, "invalid_type", "must be a text");
            HolidayRule::default()
        }
    }
}

/// Reads iCalendar text in place of a pattern.
fn read_rrule(
    draft: &mut RowDraft,
    given: &mut GivenRecurrence,
    pattern: &mut LessonPattern,
    text: &str,
    (first, start, zone): (Date, Time, &TimeZone),
    problems: &mut Problems,
) {
    let at = format!("{}/rrule", draft.pointer_of("recurrence"));
    let is_pattern_given = draft.values.get("recurring_pattern").is_some_and(|given| !given.is_null());
    if is_pattern_given && draft.given.contains("recurring_pattern") {
        problems.violated(at, "conflicting_value", "is given beside recurring_pattern: give one of the two");
        return;
    }
    match rrule::read(text, first, start, zone) {
        Err(reason) => problems.violated(at, "invalid_value", reason),
        Ok(read) => {
            // Only days: the pattern replaces the frequency, whichever it is.
            let frequency = read.frequency.unwrap_or(LessonFrequency::Monthly);
            draft.values.insert("session_frequency".to_owned(), frequency.word().into());
            draft.values.insert("recurring_pattern".to_owned(), read.pattern.json());
            *pattern = read.pattern;
            (given.until, given.count) = (read.until, read.count);
            given.exceptions.extend(read.exceptions);
        }
    }
}

fn check(draft: &RowDraft, series: &LessonSeries, problems: &mut Problems) {
    let LessonPattern { days, months, dates } = &series.pattern;
    if series.frequency == LessonFrequency::OneTime && (!days.is_empty() || !months.is_empty() || dates.is_empty()) {
        let message = "must be weekly, bi-weekly or monthly for a recurring lesson with days or months";
        problems.violated(draft.pointer_of("session_frequency"), "invalid_value", message);
    }
    if series.until.is_some_and(|until| until < series.first) {
        let at = format!("{}/until", draft.pointer_of("recurrence"));
        problems.violated(at, "end_before_start", "is before session_date, the first lesson");
    }
}

/// Returns the days of a list.
fn days(value: &Value) -> Vec<Date> {
    value.as_array().into_iter().flatten().filter_map(|day| day.as_str()?.parse().ok()).collect()
}

/// Returns the rule for holidays of a stored recurrence.
fn holiday_rule(recurrence: &Value) -> HolidayRule {
    recurrence["holidays"].as_str().and_then(HolidayRule::of).unwrap_or_default()
}

/// Returns what is stored of a series beyond the columns of its first lesson.
pub fn to_store(session_id: i64, series: &LessonSeries) -> StoredSeries {
    StoredSeries {
        session_id,
        until: series.until,
        count: series.count.map(i64::from),
        exceptions: series.exceptions.iter().copied().collect(),
        holidays: series.holidays.word(),
    }
}
