//! Times: what is written in one zone is the same instant in every other, also in the gaps and folds of its clock.

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{Tutorials, with};
use crate::fixtures::test_db::TestDb;

static ZONES: LazyLock<Vec<String>> =
    LazyLock::new(|| jiff::tz::db().available().map(|name| name.to_string()).collect());

/// A time in a zone: within hours of a change of its clock where it has one after the year, else any time of the year.
fn time() -> impl Strategy<Value = Zoned> {
    (any::<prop::sample::Index>(), 1975_i16..2037, -7_200_i64..7_200).prop_map(|(zone, year, seconds)| {
        let zone = TimeZone::get(zone.get::<String>(ZONES.as_slice())).expect("a zone");
        let new_year: Timestamp = format!("{year}-01-01T00:00:00Z").parse().expect("an instant");
        let change = zone.following(new_year).next().map_or(new_year, |change| change.timestamp());
        let instant = change.checked_add(SignedDuration::from_secs(seconds)).expect("in range");
        instant.to_zoned(zone)
    })
}

/// Returns a time as a client writes it: its clock and its offset.
fn written(time: &Zoned) -> Option<String> {
    // Offsets of RFC 3339 have no seconds.
    (time.offset().seconds() % 60 == 0).then(|| time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

#[test]
fn time_written_in_one_zone_is_the_same_instant_in_every_other() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (db, tutorials) = runtime.block_on(async {
        let db = TestDb::new().await;
        let tutorials = Tutorials::new(&db).await;
        (db, tutorials)
    });
    let number = std::cell::Cell::new(0);
    let config = Config { cases: 4, failure_persistence: None, ..Config::default() };
    let runs = TestRunner::new(config).run(&prop::collection::vec((time(), time()), 40), |times| {
        number.set(number.get() + 1);
        let pairs: Vec<_> =
            times.iter().filter(|(one, other)| written(one).is_some() && written(other).is_some()).collect();
        let sessions: Vec<Value> = pairs
            .iter()
            .map(|(one, _)| json!({ "title": one.to_string(), "start_date": written(one), "end_date": written(one) }))
            .collect();
        let body = with(tutorials.event(&format!("Z{}", number.get())), json!({ "sessions": sessions }));
        let created = runtime.block_on(tutorials.create("events", body));
        for (session, (one, other)) in created["sessions"].as_array().expect("a list").iter().zip(&pairs) {
            let read: Timestamp = session["start_date"].as_str().expect("text").parse().expect("RFC 3339");
            prop_assert_eq!(read, one.timestamp(), "{}", one);
            // Read in another zone and written back from there, it is no change.
            let elsewhere = read.to_zoned(other.time_zone().clone());
            if let Some(again) = written(&elsewhere) {
                let path = format!("sessions/{}", session["id"]);
                let (status, same) = runtime.block_on(tutorials.json("PATCH", &path, json!({ "start_date": again })));
                prop_assert_eq!((status, &same), (200, session), "{}", elsewhere);
            }
        }
        Ok(())
    });
    runtime.block_on(async move { drop((tutorials, db)) });
    runs.expect("the same instant");
}

#[test]
fn both_times_of_a_fold_and_the_times_around_a_gap_are_distinct() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let db = TestDb::new().await;
        let tutorials = Tutorials::new(&db).await;
        let event = tutorials.create_id("events", tutorials.event("CM2-01")).await;
        for (text, instant) in [
            ("2026-10-25T01:30:00+01:00", "2026-10-25T00:30:00+00:00"),
            ("2026-10-25T01:30:00+00:00", "2026-10-25T01:30:00+00:00"),
            ("2026-10-25T01:30:00Z", "2026-10-25T01:30:00+00:00"),
            ("2026-03-29T00:59:59+00:00", "2026-03-29T00:59:59+00:00"),
            ("2026-03-29T02:00:00+01:00", "2026-03-29T01:00:00+00:00"),
            ("2026-03-29T09:00:00.5+13:45", "2026-03-28T19:15:00.5+00:00"),
        ] {
            let body = json!({ "title": text, "start_date": text, "end_date": text });
            let session = tutorials.create(&format!("events/{event}/sessions"), body).await;
            assert_eq!(session["start_date"], instant, "{text}");
        }
    });
}
