//! The parameters of the list of lessons, and the cursor of its next page.

use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::resources::{MODES, PRIORITIES, STATUSES};
use crate::http::problem::{FieldError, HttpProblem};
use crate::lessons::rights::{LessonRole, LessonScope};
use crate::lessons::store::list::{LessonCount, LessonFilter, LessonSort, SORTS, explain};
use crate::resources::problems::Problems;

/// The lessons of a page if the request does not say.
const LIMIT: i64 = 50;

/// The lessons of a list of an older front end, which has no pages.
const OLDER_LIMIT: i64 = 10_000;

/// The most lessons of a page.
const MAX_LIMIT: i64 = 200;

/// The longest search text, in characters.
const MAX_CHARS: usize = 200;

/// The most words of a search text.
const MAX_WORDS: usize = 8;

/// The newest lesson first.
const DEFAULT_SORT: &str = "-session_date,-start_time";

/// Names of the filters.
pub const FILTERS: [&str; 12] = [
    "status",
    "date_from",
    "date_to",
    "tutor_id",
    "student_id",
    "course_enrollment_id",
    "session_mode",
    "priority_level",
    "is_featured",
    "is_recurring",
    "q",
    "as",
];

/// Names of the other parameters of the list.
pub const PAGING: [&str; 4] = ["sort", "limit", "cursor", "expand"];

/// The most days of a list with planned lessons.
const MAX_DAYS: i32 = 366;

/// Reads the parameters of the list.
///
/// # Errors
/// 400 with every invalid parameter.
pub fn parse(pairs: &[(String, String)]) -> Result<LessonFilter, HttpProblem> {
    let mut problems = Problems::default();
    let mut filter = LessonFilter { limit: LIMIT, ..LessonFilter::default() };
    let (mut sort, mut after) = (DEFAULT_SORT, None);
    let is_legacy = pairs.iter().any(|(name, value)| name == "legacy" && matches!(value.trim(), "1" | "true"));
    if is_legacy {
        filter.limit = OLDER_LIMIT;
        // Their lists say no number.
        filter.count = Some(LessonCount::default());
    }
    for (name, value) in pairs {
        let (at, value) = (format!("/{name}"), value.trim());
        match name.as_str() {
            // Older front ends send every filter, also those that are not set.
            _ if is_legacy && (value.is_empty() || name.starts_with("status") && value == "all") => {}
            "status_filter" => {
                filter.statuses.extend(word(&value.replace('_', "-"), STATUSES, &at, &mut problems));
            }
            "status" => filter.statuses.extend(word(value, STATUSES, &at, &mut problems)),
            "session_mode" => filter.modes.extend(word(value, MODES, &at, &mut problems)),
            "priority_level" => filter.priorities.extend(word(value, PRIORITIES, &at, &mut problems)),
            "date_from" => filter.date_from = day(value, &at, &mut problems),
            "date_to" => filter.date_to = day(value, &at, &mut problems),
            "tutor_id" => filter.tutors.extend(number(value, i64::MAX, &at, &mut problems)),
            "student_id" => filter.students.extend(number(value, i64::MAX, &at, &mut problems)),
            "course_enrollment_id" => filter.enrolments.extend(number(value, i64::MAX, &at, &mut problems)),
            "is_featured" => filter.is_featured = flag(value, &at, &mut problems),
            "is_recurring" => filter.is_recurring = flag(value, &at, &mut problems),
            "q" => filter.words = words(value, &at, &mut problems),
            "as" => filter.role = role(value, &at, &mut problems),
            "sort" => sort = value,
            "limit" => filter.limit = number(value, MAX_LIMIT, &at, &mut problems).unwrap_or(LIMIT),
            "cursor" => after = Some(value),
            "expand" if value == "occurrences" => filter.is_expanded = true,
            "expand" => problems.malformed(at, "invalid_value", "must be occurrences"),
            _ => {}
        }
    }
    filter.sorts = sorts(sort, &mut problems);
    // Lessons of one series differ in their day only.
    if filter.is_expanded && filter.sorts.iter().all(|sort| sort.name != "session_date") {
        filter.sorts.extend(sorts("session_date", &mut problems));
    }
    if let Some(after) = after {
        match read_cursor(after, &filter.sorts) {
            Some((last, count)) => (filter.after, filter.count) = (Some(last), filter.count.or(count)),
            None => {
                let message = "is not the next_cursor of a page with this sort: begin again without it";
                problems.malformed("/cursor", "invalid_value", message);
            }
        }
    }
    problems.check()?;
    Ok(filter)
}

fn word(value: &str, words: &[&str], at: &str, problems: &mut Problems) -> Option<String> {
    let known = words.iter().find(|word| word.eq_ignore_ascii_case(value));
    if known.is_none() {
        problems.malformed(at, "invalid_value", format!("must be one of {}", words.join(", ")));
    }
    known.map(|word| (*word).to_owned())
}

/// Returns how PostgreSQL finds a page for staff, for those who ask why a list is slow. `query`: parameters, as in an address.
///
/// # Errors
/// When a parameter is wrong, or the database cannot be read.
pub async fn explain_page(db: &mut PgConnection, query: &str) -> Result<Vec<String>, HttpProblem> {
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    Ok(explain(db, &LessonScope::All, &parse(&pairs)?).await?)
}

/// Returns the days of a list with planned lessons.
///
/// # Errors
/// 422 without both days, or when they are too many.
pub fn days(filter: &LessonFilter) -> Result<(Date, Date), HttpProblem> {
    let parsed = |day: &Option<String>| day.as_ref().and_then(|day| day.parse::<Date>().ok());
    let refused = |at: &str, code: &'static str, message: String| {
        Err(HttpProblem::fields(FieldError::new(at, code, message)).as_status(StatusCode::UNPROCESSABLE_ENTITY))
    };
    match (parsed(&filter.date_from), parsed(&filter.date_to)) {
        (None, _) => refused("/date_from", "missing_value", "must be given with expand=occurrences".to_owned()),
        (_, None) => refused("/date_to", "missing_value", "must be given with expand=occurrences".to_owned()),
        (Some(from), Some(to)) if to < from => {
            refused("/date_to", "end_before_start", "is before date_from".to_owned())
        }
        (Some(from), Some(to)) if (to - from).get_days() >= MAX_DAYS => {
            refused("/date_to", "too_large", format!("must be less than {MAX_DAYS} days after date_from"))
        }
        (Some(from), Some(to)) => Ok((from, to)),
    }
}

fn day(value: &str, at: &str, problems: &mut Problems) -> Option<String> {
    match value.parse::<jiff::civil::Date>() {
        Ok(day) if value.len() == 10 && day.year() > 0 => Some(value.to_owned()),
        _ => {
            problems.malformed(at, "invalid_value", "must be a day like 2026-04-01");
            None
        }
    }
}

fn number(value: &str, max: i64, at: &str, problems: &mut Problems) -> Option<i64> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<i64>().ok().filter(|number| is_number && (1..=max).contains(number));
    if number.is_none() {
        let limit = if max == i64::MAX { String::new() } else { format!(" to {max}") };
        problems.malformed(at, "invalid_value", format!("must be an integer from 1{limit}"));
    }
    number
}

fn flag(value: &str, at: &str, problems: &mut Problems) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => {
            problems.malformed(at, "invalid_value", "must be true or false");
            None
        }
    }
}

fn words(value: &str, at: &str, problems: &mut Problems) -> Vec<String> {
    if value.contains('\0') || value.chars().count() > MAX_CHARS {
        problems.malformed(at, "invalid_value", format!("must have at most {MAX_CHARS} characters, and no U+0000"));
        return Vec::new();
    }
    value.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect()
}

fn role(value: &str, at: &str, problems: &mut Problems) -> Option<LessonRole> {
    let role = LessonRole::of(value);
    if role.is_none() {
        problems.malformed(at, "invalid_value", "must be one of tutor, student, parent");
    }
    role
}

fn sorts(text: &str, problems: &mut Problems) -> Vec<LessonSort> {
    let mut found: Vec<LessonSort> = Vec::new();
    for word in text.split(',').map(str::trim) {
        let plain = word.strip_prefix('-').unwrap_or(word);
        match SORTS.iter().find(|(name, ..)| *name == plain) {
            Some((name, ..)) if found.iter().any(|sort| sort.name == *name) => {}
            Some((name, ..)) => found.push(LessonSort { name, is_descending: plain != word }),
            None => {
                let known: Vec<&str> = SORTS.iter().map(|(name, ..)| *name).collect();
                let message =
                    format!("lessons cannot be sorted by it: use {}, with - for descending", known.join(", "));
                problems.malformed("/sort", "invalid_value", message);
            }
        }
    }
    found
}

/// Returns the text of a cursor: the sort, the values of the last lesson of the page, and how many lessons there are.
pub fn cursor(sorts: &[LessonSort], (values, id): &(Vec<String>, i64), count: LessonCount) -> String {
    hex::encode(json!([spelt(sorts), values, id, count.lessons, count.is_estimate]).to_string())
}

/// Values of the last lesson of a page, in the order of its sort, and its id.
type LastLesson = (Vec<String>, i64);

/// Returns where a page begins; none for a text that is no cursor of this sort.
fn read_cursor(text: &str, sorts: &[LessonSort]) -> Option<(LastLesson, Option<LessonCount>)> {
    let read: Value = serde_json::from_slice(&hex::decode(text).ok()?).ok()?;
    let values = read[1].as_array()?.iter().map(|value| Some(value.as_str()?.to_owned()));
    let values: Vec<String> = values.collect::<Option<_>>()?;
    let is_known = read[0].as_str() == Some(spelt(sorts).as_str()) && values.len() == sorts.len();
    let are_values = sorts.iter().zip(&values).all(|(sort, value)| is_value(sort.name, value));
    let count = read[3].as_i64().map(|lessons| LessonCount { lessons, is_estimate: read[4] == true });
    Some(((values, read[2].as_i64()?), count)).filter(|_| is_known && are_values)
}

/// Reports whether PostgreSQL can read a value that a caller may have altered.
fn is_value(name: &str, value: &str) -> bool {
    match name {
        "session_date" => value.parse::<jiff::civil::Date>().is_ok(),
        "start_time" => value.parse::<jiff::civil::Time>().is_ok(),
        "priority_level" => value.parse::<i32>().is_ok(),
        "created_at" => value == "-infinity" || value.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>().is_ok(),
        _ => !value.contains('\0'),
    }
}

fn spelt(sorts: &[LessonSort]) -> String {
    let words = sorts.iter().map(|sort| format!("{}{}", if sort.is_descending { "-" } else { "" }, sort.name));
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        query.split('&').filter_map(pair).collect()
    }

    #[test]
    fn every_wrong_parameter_is_reported() {
        let query =
            "status=done&date_from=1.4.2026&tutor_id=0&limit=201&is_featured=maybe&as=admin&sort=topics&cursor=00";
        let problem = parse(&pairs(query)).expect_err("problems");
        let at: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(problem.status().as_u16(), 400);
        assert_eq!(at, ["/status", "/date_from", "/tutor_id", "/limit", "/is_featured", "/as", "/sort", "/cursor"]);
    }

    #[test]
    fn cursor_is_read_back_for_its_sort_only() {
        let sorted = parse(&pairs("sort=-session_date,student_name")).expect("parameters");
        let last = (vec!["2026-04-01".to_owned(), "Ada \"A\" Marlow".to_owned()], 7);
        let text = cursor(&sorted.sorts, &last, LessonCount { lessons: 9, is_estimate: true });
        let read = |sort: &str, text: &str| parse(&pairs(&format!("sort={sort}&cursor={text}")));
        let page = read("-session_date,student_name", &text).expect("a page");
        assert_eq!(page.after, Some(last));
        assert_eq!(page.count, Some(LessonCount { lessons: 9, is_estimate: true }));
        for (sort, text) in [
            ("session_date,student_name", text.as_str()),
            ("-session_date,student_name", "7b7d"),
            ("-session_date", &hex::encode(r#"["-session_date",["2026-02-30"],1]"#)),
        ] {
            assert_eq!(read(sort, text).expect_err("refused").status().as_u16(), 400, "{sort}");
        }
    }
}
