//! The timetable of the made-up provider: 348 events with 1,288 sessions, as long and as many as in the workbook of a
//! real provider (331 of them blended, 17 self-paced). It is valid in every way: nobody is in two places on one day,
//! no room is taken twice, everybody is approved for what they teach, and no session falls on a weekend.

use std::collections::{BTreeMap, HashSet};

use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday, time};

use super::provider::{Provider, Template};
use super::sample;
use super::sample::{LENGTHS, LIVE_ONLINE, ONLINE, SELF_PACED, Season, TOWNS};

/// Blended events by their number of sessions, in the order of [`LENGTHS`].
const EVENTS: [usize; LENGTHS.len()] = [7, 3, 59, 78, 12, 112, 6, 54];

/// Towns in the order in which face-to-face events go round; London has more than its share.
const ROUND: [usize; 10] = [0, 1, 0, 2, 3, 0, 4, 5, 6, 7];

/// One event of the timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Code of its course template.
    pub template: String,
    /// Unique title.
    pub title: String,
    /// `2027A`.
    pub sitting: String,
    /// Name of its location.
    pub location: String,
    /// Name of its venue; None when it is to be confirmed, or self-paced.
    pub venue: Option<String>,
    /// Who teaches.
    pub instructors: Vec<String>,
    /// Who administers it.
    pub administrator: Option<String>,
    /// Places, where they are limited.
    pub places: Option<u32>,
    /// First day on the learning platform, from 16:00.
    pub opens: Date,
    /// Last day there, until 00:00.
    pub closes: Date,
    /// Its sessions in order; none when self-paced.
    pub sessions: Vec<Day>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// Wall clock in London.
    pub starts: Time,
    /// Wall clock in London.
    pub ends: Time,
    /// Who teaches it.
    pub instructor: String,
}

impl Planned {
    /// Whether it has no sessions.
    pub fn is_self_paced(&self) -> bool {
        self.sessions.is_empty()
    }
}

/// The whole timetable, as of the day of the first run: by subject, self-paced events last.
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

/// The days on which a season is taught, and which number an event of a subject has in it.
struct Term {
    season: Season,
    days: Vec<Date>,
    numbers: BTreeMap<usize, usize>,
}

struct Planner<'a> {
    provider: &'a Provider,
    terms: [Term; 2],
    /// Who and which room is taken on which day.
    taken: HashSet<(String, Date)>,
    made: usize,
    face_to_face: usize,
}

impl<'a> Planner<'a> {
    fn new(provider: &'a Provider, today: Date) -> Self {
        let term = |season: Season| Term { days: teaching_days(&season), season, numbers: BTreeMap::new() };
        let terms = sample::seasons(today).map(term);
        Self { provider, terms, taken: HashSet::new(), made: 0, face_to_face: 0 }
    }

    /// The `round`-th event of a subject: online and face to face in turn, every third in the second season.
    fn event(&mut self, subject: usize, sessions: usize, round: usize) -> Option<Planned> {
        let provider = self.provider;
        let code = &provider.subjects.get(subject)?.code;
        let live = round.is_multiple_of(2);
        let word = if live { "LO" } else { "f2f" };
        let template = provider.template(&format!("{code}_{word}_{sessions}"))?;
        let term = usize::from(round % 3 == 2);
        let (location, venue) = if live { (LIVE_ONLINE, Some(LIVE_ONLINE)) } else { self.next_room() };
        let days = self.days(term, template, venue.filter(|_| !live))?;
        self.made += 1;
        let Term { season, numbers, .. } = &mut self.terms[term];
        let number = numbers.entry(subject).and_modify(|n| *n += 1).or_insert(1);
        let mut instructors: Vec<String> = days.iter().map(|day| day.instructor.clone()).collect();
        instructors.dedup();
        Some(Planned {
            template: template.code.clone(),
            title: format!("{code}-{number:02}-{}", &season.sitting[2..]),
            sitting: season.sitting.clone(),
            location: location.into(),
            venue: venue.map(str::to_owned),
            administrator: self.provider.administrators.get(self.made % 4).map(|person| person.full_name()),
            places: Some(if live { 14 } else { 12 }),
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

    /// The next town and a room there; every fifth room is still to be confirmed.
    fn next_room(&mut self) -> (&'static str, Option<&'static str>) {
        let n = self.face_to_face;
        self.face_to_face += 1;
        let (town, _, rooms) = &TOWNS[ROUND[n % ROUND.len()]];
        let room = rooms[n / 2 % rooms.len()];
        (town, (n % 5 != 4).then_some(room))
    }

    /// Finds the days of an event, and takes them. A long event's last session is taught by somebody else.
    fn days(&mut self, term: usize, template: &Template, room: Option<&str>) -> Option<Vec<Day>> {
        let team = &template.approved;
        let lead = team.get(self.made % team.len())?;
        let relief = team.get((self.made + 1) % team.len())?;
        let (starts, ends) = hours(&template.code, self.made);
        let pace = match template.sessions {
            1..=3 => 12,
            4..=6 => 9,
            _ => 6,
        };
        let begin = self.made * 3 % 25;
        let mut days = Vec::new();
        let mut next = begin;
        for n in 0..template.sessions {
            let instructor = if n >= 4 && n + 1 == template.sessions { relief } else { lead };
            next = next.max(begin + n * pace);
            let all = &self.terms[term].days;
            while !self.is_free(instructor, room, *all.get(next)?) {
                next += 1;
            }
            let date = *all.get(next)?;
            next += 1;
            days.push(Day { date, starts, ends, instructor: instructor.clone() });
        }
        for day in &days {
            self.taken.insert((day.instructor.clone(), day.date));
            self.taken.extend(room.map(|room| (room.to_owned(), day.date)));
        }
        Some(days)
    }

    fn is_free(&self, instructor: &str, room: Option<&str>, date: Date) -> bool {
        let taken = |what: &str| self.taken.contains(&(what.to_owned(), date));
        !taken(instructor) && !room.is_some_and(taken)
    }
}

fn hours(template: &str, n: usize) -> (Time, Time) {
    match (template.contains("_f2f_"), n.is_multiple_of(2)) {
        (true, _) => (time(9, 30, 0, 0), time(17, 0, 0, 0)),
        (false, true) => (time(9, 0, 0, 0), time(12, 30, 0, 0)),
        (false, false) => (time(13, 45, 0, 0), time(17, 15, 0, 0)),
    }
}

/// Monday to Friday from the first day to the exams, without the days around the turn of the year.
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
