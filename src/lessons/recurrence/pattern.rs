//! The JSON form of a pattern: `{"days": […], "months": […], "specific_dates": […]}`. Null and an empty list mean the same.

use jiff::civil::{Date, Weekday};
use serde_json::{Map, Value, json};

use crate::resources::problems::Problems;

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const KEYS: [&str; 3] = ["days", "months", "specific_dates"];

/// The most days that a pattern adds.
const MAX_DATES: usize = 1000;

/// On which days of its frequency a series has lessons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonPattern {
    /// Weekdays. Empty: the weekday, or the day of the month, of the first lesson.
    pub days: Vec<Weekday>,
    /// Months from 1 to 12. Empty: all.
    pub months: Vec<i8>,
    /// Added days. Without days and months they replace the frequency.
    pub dates: Vec<Date>,
}

impl LessonPattern {
    /// Reports whether the rule has days in the month of a day.
    pub fn allows_month(&self, day: Date) -> bool {
        self.months.is_empty() || self.months.contains(&day.month())
    }

    /// Reads a stored pattern. What is no pattern, as in rows of other programs, is left out.
    pub fn stored(value: &Value) -> LessonPattern {
        read(value, "", &mut Problems::default()).0
    }

    /// Returns the JSON form.
    pub fn json(&self) -> Value {
        let days: Vec<&str> = self.days.iter().map(|day| day_name(*day)).collect();
        let months: Vec<&str> = self.months.iter().filter_map(|month| month_name(*month)).collect();
        let dates: Vec<String> = self.dates.iter().map(Date::to_string).collect();
        json!({ "days": days, "months": months, "specific_dates": dates })
    }
}

/// Reads a pattern. Returns it, and the value to store: as it was given, with names in their usual spelling.
pub fn read(value: &Value, at: &str, problems: &mut Problems) -> (LessonPattern, Value) {
    let mut pattern = LessonPattern::default();
    let mut stored = Map::new();
    let Some(given) = value.as_object() else {
        if !value.is_null() {
            problems.malformed(at, "invalid_type", "must be an object with days, months and specific_dates");
        }
        return (pattern, Value::Null);
    };
    for (key, value) in given {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        let values = match (KEYS.contains(&key.as_str()), value) {
            (false, _) => {
                problems.malformed(at, "unknown_field", format!("unknown field: use {}", KEYS.join(", ")));
                continue;
            }
            (true, Value::Null) => {
                stored.insert(key.clone(), Value::Null);
                continue;
            }
            (true, Value::Array(values)) => values,
            (true, _) => {
                problems.malformed(at, "invalid_type", "must be a list or null");
                continue;
            }
        };
        let texts = texts(values, &at, problems);
        let read: Vec<Value> = match key.as_str() {
            "days" => read_days(&texts, &at, &mut pattern, problems),
            "months" => read_months(&texts, &at, &mut pattern, problems),
            _ => read_dates(&texts, &at, &mut pattern, problems),
        };
        stored.insert(key.clone(), read.into());
    }
    pattern.dates.sort_unstable();
    pattern.dates.dedup();
    (pattern, stored.into())
}

fn texts<'a>(values: &'a [Value], at: &str, problems: &mut Problems) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (place, value) in values.iter().enumerate() {
        match value.as_str() {
            Some(text) => found.push((place, text.trim())),
            None => problems.malformed(format!("{at}/{place}"), "invalid_type", "must be a text"),
        }
    }
    found
}

fn read_days(texts: &[(usize, &str)], at: &str, pattern: &mut LessonPattern, problems: &mut Problems) -> Vec<Value> {
    let mut stored = Vec::new();
    for (place, text) in texts {
        match position(&DAYS, text).and_then(|offset| Weekday::from_monday_zero_offset(offset).ok()) {
            Some(day) if pattern.days.contains(&day) => {}
            Some(day) => {
                pattern.days.push(day);
                stored.push(day_name(day).into());
            }
            None => unknown_word(&format!("{at}/{place}"), &DAYS, problems),
        }
    }
    stored
}

fn read_months(texts: &[(usize, &str)], at: &str, pattern: &mut LessonPattern, problems: &mut Problems) -> Vec<Value> {
    let mut stored = Vec::new();
    for (place, text) in texts {
        match position(&MONTHS, text).map(|offset| offset + 1) {
            Some(month) if pattern.months.contains(&month) => {}
            Some(month) => {
                pattern.months.push(month);
                stored.extend(month_name(month).map(Value::from));
            }
            None => unknown_word(&format!("{at}/{place}"), &MONTHS, problems),
        }
    }
    stored
}

fn read_dates(texts: &[(usize, &str)], at: &str, pattern: &mut LessonPattern, problems: &mut Problems) -> Vec<Value> {
    let mut stored = Vec::new();
    if texts.len() > MAX_DATES {
        problems.violated(at, "invalid_value", format!("has {} days, at most {MAX_DATES} are allowed", texts.len()));
        return stored;
    }
    for (place, text) in texts {
        match text.parse::<Date>() {
            Ok(day) if text.len() == 10 && day.year() > 0 => {
                if !pattern.dates.contains(&day) {
                    pattern.dates.push(day);
                    stored.push(day.to_string().into());
                }
            }
            _ => problems.malformed(format!("{at}/{place}"), "invalid_date", "must be a day like 2026-04-01"),
        }
    }
    stored
}

fn unknown_word(at: &str, words: &[&str], problems: &mut Problems) {
    problems.violated(at, "invalid_value", format!("must be one of {}", words.join(", ")));
}

fn position(words: &[&str], text: &str) -> Option<i8> {
    let place = words.iter().position(|word| word.eq_ignore_ascii_case(text))?;
    i8::try_from(place).ok()
}

fn day_name(day: Weekday) -> &'static str {
    usize::try_from(day.to_monday_zero_offset()).map_or("", |offset| DAYS[offset])
}

fn month_name(month: i8) -> Option<&'static str> {
    MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?).copied()
}
