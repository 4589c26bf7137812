//! The days of series beside python-dateutil, over changes of the clocks and leap years.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::civil::{Date, Time};
use lectern::lessons::recurrence::{LessonFrequency, LessonPattern, LessonSeries, rrule};
use serde_json::{Value, json};

use crate::fixtures::environments::{python, run};

const SAMPLE: &str = include_str!("../../data/recurrence/sample.jsonl");

fn day(value: &Value) -> Option<Date> {
    value.as_str().map(|text| text.parse().expect("a day"))
}

fn series(given: &Value) -> LessonSeries {
    let pattern = json!({ "days": given["days"], "months": given["months"], "specific_dates": given["dates"] });
    let frequency = given["frequency"].as_str().and_then(LessonFrequency::of).expect("a frequency");
    let mut series =
        LessonSeries::new(day(&given["first"]).expect("a day"), frequency, LessonPattern::stored(&pattern));
    series.until = day(&given["until"]);
    series.count = given["count"].as_u64().map(|count| u32::try_from(count).expect("small"));
    series.exceptions = given["exceptions"].as_array().expect("a list").iter().filter_map(day).collect();
    series
}

fn days(given: &Value, series: &LessonSeries) -> Vec<Date> {
    let to = day(&given["to"]).expect("a day");
    let found = series.occurrences(series.first, to, &BTreeSet::new(), usize::MAX).expect("few");
    found.into_iter().map(|one| one.day).collect()
}

/// Compares a series with the lessons that the oracle has found. Returns what both sides say where they differ.
fn difference(given: &Value) -> Option<String> {
    let (zone, start) = (given["zone"].as_str().expect("a zone"), given["start"].as_str().expect("a time"));
    let start: Time = start.parse().expect("a time");
    let instant = |day: Date| day.to_datetime(start).in_tz(zone).expect("a time").timestamp().as_second();
    let found: Vec<i64> = days(given, &series(given)).into_iter().map(instant).collect();
    (json!(found) != given["expected"]).then(|| format!("{given}\n found {found:?}"))
}

#[test]
fn series_have_the_lessons_of_the_oracle() {
    let lines: Vec<Value> = SAMPLE.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.len() >= 300);
    let wrong: Vec<String> = lines.iter().filter_map(difference).collect();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), lines.len(), wrong[0]);
    let lessons: usize = lines.iter().map(|line| line["expected"].as_array().map_or(0, Vec::len)).sum();
    assert!(lessons > 5000, "the sample has {lessons} lessons");
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/recurrence/oracle.py")
}

fn interpreter() -> String {
    let requirements = script().with_file_name("requirements.txt");
    python("recurrence-python", &requirements).join("python").to_string_lossy().into_owned()
}

#[test]
#[ignore = "needs PyPI: `make long`"]
fn long_hundred_thousand_series_have_the_lessons_of_the_oracle() {
    let script = script().to_string_lossy().into_owned();
    let printed = run(&interpreter(), &[&script, "make", "20261130", "100000"], None);
    let (mut count, mut lessons, mut wrong) = (0, 0, Vec::new());
    for line in printed.lines() {
        let given: Value = serde_json::from_str(line).expect("JSON");
        count += 1;
        lessons += given["expected"].as_array().map_or(0, Vec::len);
        wrong.extend(difference(&given));
    }
    println!("{count} series with {lessons} lessons, {} differ", wrong.len());
    assert_eq!(count, 100_000);
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong[0]);
}

/// The text of a rule means the same days to another program, and is read back as the same series.
#[test]
#[ignore = "needs PyPI: `make long`"]
fn long_rules_mean_the_same_to_another_program() {
    let script = script().to_string_lossy().into_owned();
    let printed = run(&interpreter(), &[&script, "make", "7", "20000"], None);
    let (mut lines, mut count) = (String::new(), 0);
    for line in printed.lines() {
        let given: Value = serde_json::from_str(line).expect("JSON");
        let mut series = series(&given);
        series.exceptions.clear();
        let start: Time = given["start"].as_str().expect("a time").parse().expect("a time");
        let Some(text) = rrule::write(&series, start) else { continue };
        let expected: BTreeSet<String> = days(&given, &series).iter().map(Date::to_string).collect();
        let read = rrule::read(&text, series.first, start, &jiff::tz::TimeZone::UTC).expect("readable");
        let mut again =
            LessonSeries::new(series.first, read.frequency.unwrap_or(LessonFrequency::Monthly), read.pattern);
        (again.until, again.count) = (read.until, read.count);
        let days_again: BTreeSet<String> = days(&given, &again).iter().map(Date::to_string).collect();
        assert_eq!(days_again, expected, "{text}\n{given}");
        count += 1;
        let one = json!({
            "first": given["first"], "start": given["start"], "to": given["to"], "rrule": text, "expected": expected,
        });
        lines += &format!("{one}\n");
    }
    let mut child = Command::new(interpreter())
        .args([&script, "read"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut input = child.stdin.take().expect("piped");
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("ended");
    writing.join().expect("joined").expect("written");
    println!("{count} texts");
    assert!(output.status.success() && count > 15_000);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.is_empty(), "{}: {}", printed.lines().count(), printed.lines().next().unwrap_or_default());
}
