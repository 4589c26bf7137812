//! Rules and days.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, date, time};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{HolidayRule, LessonFrequency, LessonPattern, LessonSeries, TooManyOccurrences, pattern, rrule};
use crate::resources::problems::Problems;

const START: Time = time(17, 0, 0, 0);

fn series(first: &str, frequency: LessonFrequency, pattern: Value) -> LessonSeries {
    let mut problems = Problems::default();
    let (pattern, _) = pattern::read(&pattern, "", &mut problems);
    problems.check().expect("a pattern");
    LessonSeries::new(first.parse().expect("a day"), frequency, pattern)
}

fn days(series: &LessonSeries, from: &str, to: &str) -> String {
    days_with(series, from, to, &[])
}

/// Returns the days of a range; a moved lesson with the day from which it was moved.
fn days_with(series: &LessonSeries, from: &str, to: &str, holidays: &[&str]) -> String {
    let holidays: BTreeSet<Date> = holidays.iter().map(|day| day.parse().expect("a day")).collect();
    let (from, to) = (from.parse().expect("a day"), to.parse().expect("a day"));
    let found = series.occurrences(from, to, &holidays, 1000).expect("few occurrences");
    let text = |day: Date| day.strftime("%m-%d").to_string();
    let shown = found.iter().map(|one| match one.moved_from {
        None => text(one.day),
        Some(from) => format!("{}<{}", text(one.day), text(from)),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_frequency_has_its_days() {
    use LessonFrequency::{BiWeekly, Monthly, OneTime, Weekly};
    let two = json!({ "days": ["Tuesday", "Thursday"], "months": null, "specific_dates": null });
    for (first, frequency, pattern, expected) in [
        // Tuesday and Thursday; the first lesson is a Wednesday.
        ("2026-04-01", Weekly, two.clone(), "04-01 04-02 04-07 04-09 04-14"),
        ("2026-04-02", Weekly, two.clone(), "04-02 04-07 04-09 04-14"),
        // The weeks are counted from the Monday of the first lesson.
        ("2026-04-02", BiWeekly, two, "04-02 04-14"),
        ("2026-04-05", BiWeekly, json!({ "days": ["Monday"] }), "04-05 04-13"),
        ("2026-04-01", Weekly, Value::Null, "04-01 04-08 04-15"),
        ("2026-04-01", Weekly, json!({ "days": [], "months": ["may"] }), "04-01"),
        ("2026-03-31", Monthly, Value::Null, ""),
        ("2026-03-10", Monthly, json!({}), "04-10"),
        ("2026-04-01", Monthly, json!({ "days": ["Friday"] }), "04-01 04-03 04-10"),
        ("2026-04-01", OneTime, json!({ "specific_dates": ["2026-04-09", "2026-04-03"] }), "04-01 04-03 04-09"),
        // Days alone replace the rule, and add to one with weekdays or months.
        ("2026-04-01", Weekly, json!({ "specific_dates": ["2026-03-01", "2026-04-03"] }), "04-01 04-03"),
        (
            "2026-04-01",
            Weekly,
            json!({ "days": ["Wednesday"], "specific_dates": ["2026-04-03"] }),
            "04-01 04-03 04-08 04-15",
        ),
    ] {
        let name = format!("{first} {frequency:?} {pattern}");
        assert_eq!(days(&series(first, frequency, pattern), "2026-04-01", "2026-04-15"), expected, "{name}");
    }
}

#[test]
fn months_without_the_day_are_skipped_also_in_leap_years() {
    let last = series("2028-01-31", LessonFrequency::Monthly, Value::Null);
    assert_eq!(days(&last, "2028-01-01", "2028-06-30"), "01-31 03-31 05-31");
    let leap = series("2028-02-29", LessonFrequency::Monthly, json!({ "months": ["February"] }));
    let found = leap.occurrences(date(2028, 1, 1), date(2040, 12, 31), &BTreeSet::new(), 100).expect("few");
    let years: Vec<i16> = found.iter().map(|one| one.day.year()).collect();
    assert_eq!(years, [2028, 2032, 2036, 2040]);
}

#[test]
fn end_ends_the_rule_and_not_the_added_days() {
    let pattern = json!({ "days": ["Tuesday"], "specific_dates": ["2026-05-01"] });
    let mut one = series("2026-04-01", LessonFrequency::Weekly, pattern);
    one.count = Some(3);
    assert_eq!(days(&one, "2026-04-01", "2026-06-01"), "04-01 04-07 04-14 05-01");
    (one.count, one.until) = (None, Some(date(2026, 4, 14)));
    assert_eq!(days(&one, "2026-04-01", "2026-06-01"), "04-01 04-07 04-14 05-01");
    // An exception does not lengthen the series.
    (one.count, one.until) = (Some(3), None);
    one.exceptions = [date(2026, 4, 7)].into();
    assert_eq!(days(&one, "2026-04-02", "2026-06-01"), "04-14 05-01");
    assert_eq!(one.occurrences(one.first, date(2026, 6, 1), &BTreeSet::new(), 2), Err(TooManyOccurrences));
}

#[test]
fn lesson_on_a_holiday_is_skipped_moved_or_takes_place() {
    let pattern = json!({ "days": ["Monday", "Tuesday"] });
    let mut one = series("2026-05-04", LessonFrequency::Weekly, pattern);
    let holidays = ["2026-05-04", "2026-05-06", "2026-05-12"];
    let range = ("2026-05-01", "2026-05-13");
    assert_eq!(days_with(&one, range.0, range.1, &holidays), "05-04 05-05 05-11 05-12");
    one.holidays = HolidayRule::Skip;
    assert_eq!(days_with(&one, range.0, range.1, &holidays), "05-05 05-11");
    one.holidays = HolidayRule::Shift;
    // The 5th has a lesson, the 6th is a holiday.
    assert_eq!(days_with(&one, range.0, range.1, &holidays), "05-05 05-07<05-04 05-11 05-13<05-12");
    // A cancelled lesson does not make room, and a moved one can be cancelled.
    one.exceptions = [date(2026, 5, 5), date(2026, 5, 13)].into();
    assert_eq!(days_with(&one, range.0, range.1, &holidays), "05-07<05-04 05-11");
    // Two lessons do not move to one day.
    one.exceptions.clear();
    let week = ["2026-05-04", "2026-05-05"];
    assert_eq!(days_with(&one, range.0, "2026-05-10", &week), "05-06<05-04 05-07<05-05");
}

#[test]
fn pattern_is_stored_as_given_or_refused_where_it_is_wrong() {
    let given = json!({ "days": ["tuesday", "Thursday", "Tuesday"], "months": null, "specific_dates": [] });
    let (pattern, stored) = pattern::read(&given, "/p", &mut Problems::default());
    assert_eq!(stored, json!({ "days": ["Tuesday", "Thursday"], "months": null, "specific_dates": [] }));
    assert_eq!(LessonPattern::stored(&stored), pattern);
    assert_eq!(LessonPattern::stored(&pattern.json()), pattern);
    for (given, status, pointer) in [
        (json!([]), 400, "/p"),
        (json!({ "weekdays": [] }), 400, "/p/weekdays"),
        (json!({ "days": "Monday" }), 400, "/p/days"),
        (json!({ "days": [1] }), 400, "/p/days/0"),
        (json!({ "days": ["Monday", "Mon"] }), 422, "/p/days/1"),
        (json!({ "months": ["Avril"] }), 422, "/p/months/0"),
        (json!({ "specific_dates": ["2026-02-30"] }), 400, "/p/specific_dates/0"),
    ] {
        let mut problems = Problems::default();
        pattern::read(&given, "/p", &mut problems);
        let problem = problems.check().expect_err("a problem");
        assert_eq!(problem.status().as_u16(), status, "{given}");
        assert_eq!(problem.errors()[0].pointer, pointer, "{given}");
    }
}

#[test]
fn series_is_read_back_from_its_text_with_the_same_days() {
    use LessonFrequency::{BiWeekly, Monthly, OneTime, Weekly};
    for (first, frequency, pattern, end, text) in [
        ("2026-04-07", Weekly, json!({ "days": ["Tuesday", "Thursday"] }), None, "RRULE:FREQ=WEEKLY;BYDAY=TU,TH"),
        ("2026-04-07", BiWeekly, Value::Null, Some(5), "RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU;COUNT=5"),
        ("2026-04-30", Monthly, Value::Null, Some(0), "RRULE:FREQ=MONTHLY;BYMONTHDAY=30;UNTIL=20270331T235959"),
        (
            "2026-04-07",
            Monthly,
            json!({ "days": ["Friday"], "months": ["April", "May"] }),
            Some(3),
            "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTH=4,5;COUNT=2\nRDATE:20260407T170000",
        ),
        ("2026-04-07", OneTime, json!({ "specific_dates": ["2026-04-09"] }), None, "RDATE:20260409T170000"),
        (
            "2026-04-07",
            Monthly,
            json!({ "months": ["April"], "specific_dates": ["2026-04-09"] }),
            None,
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=7;BYMONTH=4\nRDATE:20260409T170000",
        ),
    ] {
        let mut one = series(first, frequency, pattern);
        match end {
            Some(0) => one.until = Some(date(2027, 3, 31)),
            end => one.count = end,
        }
        assert_eq!(rrule::write(&one, START).as_deref(), Some(text));
        let read = rrule::read(text, one.first, START, &TimeZone::UTC).expect(text);
        let again = LessonSeries {
            frequency: read.frequency.unwrap_or(OneTime),
            pattern: read.pattern,
            until: read.until,
            count: read.count,
            ..one.clone()
        };
        assert_eq!(days(&again, "2026-01-01", "2029-12-31"), days(&one, "2026-01-01", "2029-12-31"), "{text}");
    }
    assert_eq!(rrule::write(&series("2026-04-07", OneTime, Value::Null), START), None);
}

#[test]
fn text_of_other_programs_is_read_or_refused_with_the_reason() {
    let zone = TimeZone::get("Europe/London").expect("a zone");
    let first = date(2026, 4, 7);
    let read = |text: &str| rrule::read(text, first, START, &zone);
    for (text, expected) in [
        ("FREQ=DAILY;BYDAY=MO,TU", Ok(json!({ "days": ["Monday", "Tuesday"], "months": [], "specific_dates": [] }))),
        (
            "rrule:freq=yearly;bymonth=5;byday=tu",
            Ok(json!({ "days": ["Tuesday"], "months": ["May"], "specific_dates": [] })),
        ),
        (
            "DTSTART;TZID=Europe/London:20260407T170000\r\nRRULE:FREQ=WEEK\r\n LY\r\nRDATE;VALUE=DATE:20260409",
            Ok(json!({ "days": ["Tuesday"], "months": [], "specific_dates": ["2026-04-09"] })),
        ),
        ("FREQ=WEEKLY;INTERVAL=3", Err("FREQ=WEEKLY with INTERVAL=3")),
        ("FREQ=MONTHLY;BYDAY=1MO", Err("BYDAY of RRULE has 1MO")),
        ("FREQ=MONTHLY;BYMONTHDAY=8", Err("BYMONTHDAY=8")),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", Err("WKST=SU")),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1", Err("BYSETPOS")),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20260501", Err("COUNT and UNTIL")),
        ("FREQ=WEEKLY;COUNT=0", Err("COUNT of RRULE must be")),
        ("FREQ=WEEKLY;UNTIL=20260401", Err("before the first lesson")),
        ("RDATE:20260408T180000", Err("at 18:00:00")),
        ("RDATE:2026-04-08", Err("RDATE has 2026-04-08")),
        ("EXRULE:FREQ=WEEKLY", Err("the line EXRULE")),
        ("", Err("neither RRULE nor RDATE")),
    ] {
        match (read(text), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read.pattern.json(), expected, "{text}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
            (read, expected) => panic!("{text}: {read:?}, expected {expected:?}"),
        }
    }
    // 16:00 in UTC is 17:00 in London in summer.
    assert_eq!(read("FREQ=WEEKLY;UNTIL=20260505T160000Z").expect("a rule").until, Some(date(2026, 5, 5)));
    assert_eq!(read("FREQ=WEEKLY;UNTIL=20260505T155959Z").expect("a rule").until, Some(date(2026, 5, 4)));
}

/// Each example of the documentation has the lessons that it shows.
#[test]
fn documented_examples_have_the_days_that_they_show() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recurrence.md");
    let text = std::fs::read_to_string(path).expect("the documentation");
    let mut examples = 0;
    for section in text.split("\n## ").skip(1) {
        let line =
            |start: &str| section.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().to_owned();
        let given: Value = serde_json::from_str(&format!("{{{}", line("{"))).expect("JSON");
        let frequency = given["session_frequency"].as_str().and_then(LessonFrequency::of).expect("a frequency");
        let first = given["session_date"].as_str().expect("a day");
        let mut one = series(first, frequency, given["recurring_pattern"].clone());
        let recurrence = &given["recurrence"];
        let day = |value: &Value| value.as_str()?.parse::<Date>().ok();
        one.until = Some(&recurrence["until"]).and_then(day);
        one.count = recurrence["count"].as_u64().map(|count| u32::try_from(count).expect("a small number"));
        one.exceptions = recurrence["exceptions"].as_array().into_iter().flatten().filter_map(day).collect();
        one.holidays = recurrence["holidays"].as_str().and_then(HolidayRule::of).unwrap_or_default();
        let holidays = line("Holidays: ").split(", ").filter_map(|day| day.parse().ok()).collect();
        let found = one.occurrences(one.first, date(2027, 12, 31), &holidays, 1000).expect("few occurrences");
        let shown: Vec<String> = found.iter().take(6).map(|one| one.day.to_string()).collect();
        assert_eq!(shown.join(", "), line("Lessons: "), "{section}");
        examples += 1;
    }
    assert_eq!(examples, 11);
}
