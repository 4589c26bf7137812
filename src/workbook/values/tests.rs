//! Cells and the values that they are parsed to.

use jiff::civil::{date as day, time as clock};

use super::*;

fn written(text: &str) -> Content {
    Content::Text(text.into())
}

#[test]
fn date_is_parsed_from_text_and_serial_number() {
    for (content, since_1904, expected) in [
        (written("13/01/2026"), false, Some(day(2026, 1, 13))),
        (written("13-01-2026"), false, Some(day(2026, 1, 13))),
        (written(" 3/1/2026 "), false, Some(day(2026, 1, 3))),
        (written("2026-01-13"), false, Some(day(2026, 1, 13))),
        (written("2026-01-13T09:30:00"), false, Some(day(2026, 1, 13))),
        (written("29/02/2028"), false, Some(day(2028, 2, 29))),
        (written("29/02/2026"), false, None),
        (written("01/13/2026"), false, None),
        (written("13/01/26"), false, None),
        (written("13/01/0026"), false, None),
        (written("13 Jan 2026"), false, None),
        (written("0x1/01/2026"), false, None),
        (Content::DateTime(45_986.0), false, Some(day(2025, 11, 25))),
        (Content::DateTime(45_986.75), false, Some(day(2025, 11, 25))),
        (Content::Number(45_986.0), false, Some(day(2025, 11, 25))),
        (Content::DateTime(44_524.0), true, Some(day(2025, 11, 25))),
        (Content::DateTime(1.0), false, Some(day(1900, 1, 1))),
        (Content::DateTime(59.0), false, Some(day(1900, 2, 28))),
        (Content::DateTime(60.0), false, None),
        (Content::DateTime(61.0), false, Some(day(1900, 3, 1))),
        (Content::DateTime(-1.0), false, None),
        (Content::DateTime(f64::NAN), false, None),
        (Content::Number(20_251_125.0), false, None),
        (Content::Bool(true), false, None),
    ] {
        let found = date(&content, since_1904, DateOrder::DayFirst);
        assert_eq!(found.as_ref().ok(), expected.as_ref(), "{content:?}");
        assert!(found.is_ok() || found.is_err_and(|issue| issue.code == Code::InvalidDate));
    }
}

#[test]
fn time_is_parsed_from_text_and_serial_number() {
    for (content, expected) in [
        (written("09:30"), Some(clock(9, 30, 0, 0))),
        (written("9:30"), Some(clock(9, 30, 0, 0))),
        (written("17:00:00"), Some(clock(17, 0, 0, 0))),
        (written("1:45 pm"), Some(clock(13, 45, 0, 0))),
        (written("12:15AM"), Some(clock(0, 15, 0, 0))),
        (written("PT16H30M00S"), Some(clock(16, 30, 0, 0))),
        (written("1899-12-31T09:30:00"), Some(clock(9, 30, 0, 0))),
        (written("24:00"), Some(clock(0, 0, 0, 0))),
        (written("24:30"), None),
        (written("930"), None),
        (written("9:5"), None),
        (written("-1:30"), None),
        (written("13:00 pm"), None),
        (Content::DateTime(0.0), Some(clock(0, 0, 0, 0))),
        (Content::DateTime(2.0 / 3.0), Some(clock(16, 0, 0, 0))),
        (Content::Number(0.395_833_333_333_333_3), Some(clock(9, 30, 0, 0))),
        (Content::DateTime(45_986.5), Some(clock(12, 0, 0, 0))),
        (Content::Number(9.5), None),
    ] {
        let found = time(&content).ok().and_then(|time| time.on(day(2026, 1, 13)).ok());
        assert_eq!(found.map(|found| found.time()), expected, "{content:?}");
    }
}

#[test]
fn moment_in_gap_or_fold_is_rejected() {
    let london = zone("Europe - London").expect("a zone");
    let at = |date, time: Time| {
        moment(date, ClockTime::parse(&time.to_string()).expect("a time"), &london).map(|moment| moment.at.to_string())
    };
    assert_eq!(at(day(2026, 1, 13), clock(9, 0, 0, 0)).as_deref(), Ok("2026-01-13T09:00:00Z"));
    assert_eq!(at(day(2026, 7, 13), clock(9, 0, 0, 0)).as_deref(), Ok("2026-07-13T08:00:00Z"));
    for (date, time) in [(day(2026, 3, 29), clock(1, 30, 0, 0)), (day(2026, 10, 25), clock(1, 30, 0, 0))] {
        assert_eq!(at(date, time).map_err(|issue| issue.code), Err(Code::InvalidDate), "{date}");
    }
    assert!(at(day(2026, 3, 29), clock(2, 0, 0, 0)).is_ok());
    assert!(at(day(2026, 10, 25), clock(2, 0, 0, 0)).is_ok());
}

#[test]
fn zone_is_found_by_either_name() {
    for (text, name) in [
        ("Europe - London", Some("Europe/London")),
        ("Europe/London", Some("Europe/London")),
        ("America - New York", Some("America/New_York")),
        ("America - Argentina - Buenos Aires", Some("America/Argentina/Buenos_Aires")),
        ("Mars - Olympus", None),
    ] {
        assert_eq!(zone(text).ok().and_then(|zone| zone.iana_name().map(str::to_owned)).as_deref(), name, "{text}");
    }
}

#[test]
fn sitting_needs_year_and_known_letter() {
    let letters = [("A", "-04"), ("S", "-09")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    for (text, mapped) in [
        ("2026A", Some("2026-04")),
        ("2026s", Some("2026-09")),
        ("2026", None),
        ("2026B", None),
        ("26A", Some("2026-04")),
        ("26s", Some("2026-09")),
        ("2026-04", Some("2026-04")),
        ("26-09", Some("2026-09")),
        ("026A", None),
        ("2026-4", None),
        ("A", None),
        ("", None),
        ("é026A", None),
        ("2026AA", None),
    ] {
        assert_eq!(sitting(text, &letters).ok().map(|sitting| sitting.mapped).as_deref(), mapped, "{text}");
    }
}

#[test]
fn numbers_urls_and_names_are_parsed() {
    for (content, number) in [
        (Content::Number(12.0), Some(12)),
        (written(" 12 "), Some(12)),
        (written("12.0"), Some(12)),
        (Content::Number(1.5), None),
        (written("1e400"), None),
        (written("twelve"), None),
    ] {
        assert_eq!(whole_number(&content), number, "{content:?}");
    }
    for (url, is_valid) in [
        ("https://rooms.example.org/a", true),
        ("HTTP://rooms.example.org", true),
        ("ftp://rooms.example.org", false),
        ("rooms.example.org", false),
        ("https://", false),
        ("https://a b", false),
    ] {
        assert_eq!(is_url(url), is_valid, "{url}");
    }
    assert!(!is_url(&format!("https://a/{}", "x".repeat(500))));
    assert_eq!(names("Ada Marlow / ada  MARLOW;Bo Li, "), ["Ada Marlow", "Bo Li"]);
    assert!(is_to_be_confirmed("TO BE  confirmed") && is_to_be_confirmed("tbd") && !is_to_be_confirmed("TBC2"));
}

#[test]
fn escaped_formula_is_unescaped() {
    assert_eq!(text(&written("'=1+1")).as_deref(), Some("=1+1"));
    assert_eq!(text(&written("'tis")).as_deref(), Some("'tis"));
    assert_eq!(text(&Content::Number(2026.0)).as_deref(), Some("2026"));
}
