//! The timetable of the sample provider: 331 blended and 17 self-paced events with 1,288 sessions, as in the workbook of a
//! real provider.
//!
//! The timetable is valid: no instructor or room is booked twice on one day, every instructor is approved, and no session
//! is on a weekend.

use std::collections::{BTreeMap, HashSet};

use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday, time};

use super::provider::{Provider, Template};
use super::sample;
use super::sample::{LENGTHS, LIVE_ONLINE, ONLINE, SELF_PACED, Season, TOWNS};

/// Numbers of blended events, in the order of [`LENGTHS`].
const EVENTS: [usize; LENGTHS.len()] = [7, 3, 59, 78, 12, 112, 6, 54];

/// The order of towns for face-to-face events, as positions in [`TOWNS`]. London has the most.
const TOWN_ORDER: [usize; 10] = [0, 1, 0, 2, 3, 0, 4, 5, 6, 7];

/// An event of the timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Code of its course template.
    pub template: String,
    /// Unique title.
    pub title: String,
    /// Such as `2027A`.
    pub sitting: String,
    /// Name of its location.
    pub location: String,
    /// Name of its venue; none if it is to be confirmed or the event is self-paced.
    pub venue: Option<String>,
    pub instructors: Vec<String>,
    pub administrator: Option<String>,
    /// Maximum number of places; none if it is unlimited.
    pub places: Option<u32>,
    /// First day on the learning platform, which opens at 16:00.
    pub opens: Date,
    /// Last day on the learning platform, which closes at 00:00.
    pub closes: Date,
    /// Sessions in order; empty if the event is self-paced.
    pub sessions: Vec<Day>,
}

/// A session of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    /// Wall-clock time in London.
    pub starts: Time,
    /// Wall-clock time in London.
    pub ends: Time,
    pub instructor: String,
}

impl Planned {
    /// Reports whether the event has no sessions.
    pub fn is_self_paced(&self) -> bool {
        self.sessions.is_empty()
    }
}

/// Returns the timetable: events by title, then self-paced events. `today`: the day of the first run.
pub fn timetable(provider: &Provider, today: Date) -> Vec<Planned> {
    let mut planner = Planner::new(provider, today);
    let mut events = Vec::new();
    let mut first_subject = 0;
    for ((sessions, subjects), count) in LENGTHS.into_iter().zip(EVENTS) {
        for n in 0..count {
            let subject = first_subject + n % subjects;
            events.extend(planner.event(subject, sessions, n / subjects));
        }
        first_subject += subjects;
    }
    events.sort_by(|a, b| a.title.cmp(&b.title));
    events.extend((0..SELF_PACED).filter_map(|subject| planner.self_paced(subject)));
    events
}

/// A season with its teaching days and the number of events of each subject so far.
struct Term {
    season: Season,
    days: Vec<Date>,
    event_counts: BTreeMap<usize, usize>,
}

struct Planner<'a> {
    provider: &'a Provider,
    terms: [Term; 2],
    /// Instructors and rooms that are booked, with the day.
    booked: HashSet<(String, Date)>,
    event_count: usize,
    face_to_face: usize,
}

impl<'a> Planner<'a> {
    fn new(provider: &'a Provider, today: Date) -> Self {
        let term = |season: Season| Term { days: teaching_days(&season), season, event_counts: BTreeMap::new() };
        let terms = sample::seasons(today).map(term);
        Self { provider, terms, booked: HashSet::new(), event_count: 0, face_to_face: 0 }
    }

    /// Creates the `round`-th event of a subject: online and face-to-face in turn, every third in the second season.
    fn event(&mut self, subject: usize, sessions: usize, round: usize) -> Option<Planned> {
        let provider = self.provider;
        let code = &provider.subjects.get(subject)?.code;
        let is_online = round.is_multiple_of(2);
        let word = if is_online { "LO" } else { "f2f" };
        let template = provider.template(&format!("{code}_{word}_{sessions}"))?;
        let term = usize::from(round % 3 == 2);
        let (location, venue) = if is_online { (LIVE_ONLINE, Some(LIVE_ONLINE)) } else { self.next_room() };
        let days = self.days(term, template, venue.filter(|_| !is_online))?;
        self.event_count += 1;
        let Term { season, event_counts, .. } = &mut self.terms[term];
        let number = event_counts.entry(subject).and_modify(|n| *n += 1).or_insert(1);
        let mut instructors: Vec<String> = days.iter().map(|day| day.instructor.clone()).collect();
        instructors.dedup();
        Some(Planned {
            template: template.code.clone(),
            title: format!("{code}-{number:02}-{}", &season.sitting[2..]),
            sitting: season.sitting.clone(),
            location: location.into(),
            venue: venue.map(str::to_owned),
            administrator: self.provider.administrators.get(self.event_count % 4).map(|person| person.full_name()),
            places: Some(if is_online { 14 } else { 12 }),
            opens: days.first()?.date.saturating_sub(5.weeks()),
            closes: season.exams,
            instructors,
            sessions: days,
        })
    }

    fn self_paced(&mut self, subject: usize) -> Option<Planned> {
        let season = &self.terms[0].season;
        let code = &self.provider.subjects.get(subject)?.code;
        Some(Planned {
            template: format!("OC_{code}"),
            title: format!("{code}-OC-{}", &season.sitting[2..]),
            sitting: season.sitting.clone(),
            location: ONLINE.into(),
            venue: None,
            instructors: Vec::new(),
            administrator: None,
            places: None,
            opens: season.starts.saturating_sub(5.weeks()),
            closes: season.exams,
            sessions: Vec::new(),
        })
    }

    /// Returns the next town and one of its rooms. Every fifth room is to be confirmed.
    fn next_room(&mut self) -> (&'static str, Option<&'static str>) {
        let n = self.face_to_face;
        self.face_to_face += 1;
        let (town, _, rooms) = &TOWNS[TOWN_ORDER[n % TOWN_ORDER.len()]];
        let room = rooms[n / 2 % rooms.len()];
        (town, (n % 5 != 4).then_some(room))
    }

    /// Finds and books the days of an event. The last session of a long event has another instructor.
    fn days(&mut self, term: usize, template: &Template, room: Option<&str>) -> Option<Vec<Day>> {
        let team = &template.approved;
        let main = team.get(self.event_count % team.len())?;
        let substitute = team.get((self.event_count + 1) % team.len())?;
        let (starts, ends) = hours(&template.code, self.event_count);
        let interval = match template.sessions {
            1..=3 => 12,
            4..=6 => 9,
            _ => 6,
        };
        let begin = self.event_count * 3 % 25;
        let mut days = Vec::new();
        let mut next = begin;
        for n in 0..template.sessions {
            let instructor = if n >= 4 && n + 1 == template.sessions { substitute } else { main };
            next = next.max(begin + n * interval);
            let all = &self.terms[term].days;
            while !self.is_free(instructor, room, *all.get(next)?) {
                next += 1;
            }
            let date = *all.get(next)?;
            next += 1;
            days.push(Day { date, starts, ends, instructor: instructor.clone() });
        }
        for day in &days {
            self.booked.insert((day.instructor.clone(), day.date));
            self.booked.extend(room.map(|room| (room.to_owned(), day.date)));
        }
        Some(days)
    }

    fn is_free(&self, instructor: &str, room: Option<&str>, date: Date) -> bool {
        let is_booked = |what: &str| self.booked.contains(&(what.to_owned(), date));
        !is_booked(instructor) && !room.is_some_and(is_booked)
    }
}

fn hours(template: &str, n: usize) -> (Time, Time) {
    match (template.contains("_f2f_"), n.is_multiple_of(2)) {
        (true, _) => (time(9, 30, 0, 0), time(17, 0, 0, 0)),
        (false, true) => (time(9, 0, 0, 0), time(12, 30, 0, 0)),
        (false, false) => (time(13, 45, 0, 0), time(17, 15, 0, 0)),
    }
}

/// Returns Mondays to Fridays from the first day to the exams, without 23 December to 2 January.
fn teaching_days(season: &Season) -> Vec<Date> {
    season
        .starts
        .series(1.day())
        .take_while(|day| *day < season.exams)
        .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
        .filter(|day| !matches!((day.month(), day.day()), (12, 23..) | (1, ..=2)))
        .collect()
}

#[cfg(test)]
mod tests;
