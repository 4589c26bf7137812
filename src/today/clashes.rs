//! Venues and instructors that are booked twice. They are found again when the catalogue has changed.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::PgPool;
use tokio::sync::Mutex;

use super::tasks::{Task, task};
use crate::error::Result;
use crate::tutorials::store::{DoubleBooking, double_bookings};
use crate::web::format::{Clock, plural};

/// Clashes that the page shows at first.
const FEW: usize = 5;

/// Clashes that are looked for.
const MOST: i64 = 200;

/// The clashes of a version of the catalogue.
#[derive(Debug, Clone, Default)]
pub(super) struct ClashFinder(Arc<Mutex<Option<FoundClashes>>>);

/// The version, and the clashes in it.
#[derive(Debug, Clone)]
struct FoundClashes {
    version: i64,
    clashes: Arc<[DoubleBooking]>,
}

impl ClashFinder {
    /// Returns the clashes, the next first. `version` is that of the read model.
    pub(super) async fn find(&self, pool: &PgPool, version: i64) -> Result<Arc<[DoubleBooking]>> {
        let mut known = self.0.lock().await;
        match &*known {
            Some(found) if found.version == version => Ok(found.clashes.clone()),
            _ => {
                let clashes: Arc<[DoubleBooking]> = double_bookings(pool, MOST).await?.into();
                *known = Some(FoundClashes { version, clashes: clashes.clone() });
                Ok(clashes)
            }
        }
    }
}

/// Returns a task for each clash, or for the next ones and one for the others.
pub(super) fn tasks(found: &[DoubleBooking], show_all: bool, clock: &Clock) -> Vec<Task> {
    let now = Timestamp::now();
    let is_ahead = |clash: &&DoubleBooking| clash.start_date.parse().is_ok_and(|start: Timestamp| start > now);
    let ahead: Vec<&DoubleBooking> = found.iter().filter(is_ahead).collect();
    let shown = if show_all || ahead.len() <= FEW + 1 { ahead.len() } else { FEW };
    let mut tasks: Vec<Task> = ahead[..shown].iter().map(|clash| one(clash, clock)).collect();
    if shown < ahead.len() {
        let what = plural((ahead.len() - shown) as i64, "more double booking");
        tasks.push(task(("warn", "Booked twice"), what, "/today?clashes=all".into(), "Show all"));
    }
    tasks
}

fn one(clash: &DoubleBooking, clock: &Clock) -> Task {
    let zone = TimeZone::get(&clash.time_zone).ok();
    let clock = zone.map_or_else(|| clock.clone(), Clock::new);
    let when = clock.time(&clash.start_date).map(|time| time.text).unwrap_or_default();
    let (first, second) = match clash.event == clash.other_event {
        true => (clash.title.clone(), clash.other_title.clone()),
        false => {
            (format!("{} ({})", clash.event, clash.title), format!("{} ({})", clash.other_event, clash.other_title))
        }
    };
    let what = format!("{}, {when}: {first} and {second}", clash.name);
    task(("warn", "Booked twice"), what, format!("/events/{}", clash.other_event_id), "Look at the event")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clash(number: i64, start: &str) -> DoubleBooking {
        DoubleBooking {
            name: format!("Room {number}"),
            event: "A".into(),
            title: "Day 1".into(),
            other_event: "B".into(),
            other_title: "Day 1".into(),
            start_date: start.into(),
            ..DoubleBooking::default()
        }
    }

    #[test]
    fn clashes_that_are_over_are_left_out_and_many_are_counted() {
        let clock = Clock::new(TimeZone::UTC);
        let mut found: Vec<DoubleBooking> = (0..8).map(|number| clash(number, "2999-01-01T09:00:00+00:00")).collect();
        found.push(clash(9, "2001-01-01T09:00:00+00:00"));
        let few: Vec<String> = tasks(&found, false, &clock).into_iter().map(|task| task.what).collect();
        assert_eq!((few.len(), few[5].as_str()), (6, "3 more double bookings"));
        assert_eq!(few[0], "Room 0, 1 Jan 2999, 09:00 UTC: A (Day 1) and B (Day 1)");
        assert_eq!(tasks(&found, true, &clock).len(), 8);
        assert!(tasks(&found[8..], true, &clock).is_empty());
    }
}
