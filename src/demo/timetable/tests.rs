//! Tests of the size and validity of the sample timetable.

use std::collections::BTreeMap;

use jiff::civil::date;
use jiff::tz::TimeZone;
use spreadsheet::Limits;

use super::*;
use crate::demo::{sample, workbook};
use crate::timetable_import::blocks::{self, ParseOptions, VenueCell};
use crate::tutorials::LearningMode;

fn sample_timetable(today: Date) -> (Provider, Vec<Planned>) {
    let provider = sample::provider(today);
    let events = timetable(&provider, today);
    (provider, events)
}

#[test]
fn sample_timetable_has_size_of_real_one() {
    let (provider, events) = sample_timetable(date(2031, 3, 5));
    assert_eq!((provider.subjects.len(), provider.instructors.len(), provider.locations.len()), (60, 35, 10));
    assert_eq!(events.len(), 348);
    assert_eq!(events.iter().map(|event| event.sessions.len()).sum::<usize>(), 1288);
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for event in &events {
        *lengths.entry(event.sessions.len()).or_default() += 1;
    }
    let expected = [(0, 17), (1, 54), (2, 6), (3, 112), (4, 12), (5, 78), (6, 59), (8, 3), (10, 7)];
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn sample_timetable_has_no_double_booking_on_any_first_day() {
    for today in date(2031, 1, 1).series(9.days()).take(50) {
        let (provider, events) = sample_timetable(today);
        assert_eq!(events.len(), 348, "{today}");
        let mut booked = HashSet::new();
        let mut titles = HashSet::new();
        for event in &events {
            assert!(titles.insert(&event.title), "{today}: {}", event.title);
            assert!(event.opens > today.saturating_add(10.days()), "{today}: {}", event.title);
            for session in &event.sessions {
                let (day, title) = (session.date, &event.title);
                assert!(day > event.opens && day < event.closes, "{today}: {title} {day}");
                assert!(!matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday), "{title} {day}");
                assert!(booked.insert((session.instructor.clone(), day)), "{today}: {} {day}", session.instructor);
                let room = event.venue.as_ref().filter(|venue| **venue != event.location);
                assert!(room.is_none_or(|room| booked.insert((room.clone(), day))), "{today}: {title} {day}");
                let template = provider.template(&event.template).expect("the event's template");
                assert!(template.approved.contains(&session.instructor), "{today}: {}", session.instructor);
            }
        }
    }
}

#[test]
fn named_records_exist_and_are_on_sale() {
    let today = date(2031, 3, 5);
    let (provider, events) = sample_timetable(today);
    let codes: BTreeMap<String, String> =
        sample::seasons(today).into_iter().map(|season| (season.sitting, season.code)).collect();
    for event in &events {
        let sold = provider.tutorials.iter().filter(|tutorial| {
            tutorial.template == event.template
                && tutorial.location == event.location
                && tutorial.exam_session == codes[&event.sitting]
        });
        assert_eq!(sold.count(), 1, "{}", event.title);
        let room = event.venue.as_ref();
        let exists = |room: &String| provider.venues.iter().any(|v| v.name == *room && v.location == event.location);
        assert!(room.is_none_or(exists), "{}", event.title);
    }
}

#[test]
fn written_workbook_is_read_back() {
    let today = date(2031, 3, 5);
    let (_, events) = sample_timetable(today);
    let bytes = workbook::write(&events, today).expect("written");
    assert!(bytes == workbook::write(&events, today).expect("written"), "equal timetables give equal files");
    let sheet = spreadsheet::read("t.xlsx", &bytes, &Limits::default()).expect("a workbook");
    let sittings = [("A", "-04"), ("S", "-09")].map(|(letter, end)| (letter.to_owned(), end.to_owned()));
    let zone = TimeZone::get("Europe/London").expect("a zone");
    let options = ParseOptions { zone, sittings: sittings.into(), max_rows: 10_000 };
    let read = blocks::read(&sheet, &options).expect("blocks");
    let problems: Vec<_> = read.problems.iter().chain(read.blocks.iter().flat_map(|block| &block.problems)).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(read.blocks.len(), events.len());
    for (block, event) in read.blocks.iter().zip(&events) {
        assert_eq!(block.event.title.as_ref(), Some(&event.title));
        assert_eq!(block.event.mode == LearningMode::Lms, event.is_self_paced());
        assert_eq!(block.event.instructors, event.instructors);
        assert_eq!(block.event.finalisation.is_none(), event.is_self_paced());
        let days: Vec<Date> =
            block.sessions.iter().filter_map(|(_, session)| Some(session.start?.local.date())).collect();
        assert_eq!(days, event.sessions.iter().map(|session| session.date).collect::<Vec<_>>());
        match &event.venue {
            Some(venue) => assert_eq!(block.event.venue, VenueCell::Named(venue.clone())),
            None => assert!(!matches!(block.event.venue, VenueCell::Named(_))),
        }
    }
}
