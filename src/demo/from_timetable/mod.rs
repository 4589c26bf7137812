//! A provider inferred from a timetable: whatever the workbook names exists, and whoever it names may do what it says.
//!
//! Promises (rules, Demo): the subject of a template code is its first segment, or the one after OC or WAITLIST; a
//! code too long for its column is cut and made unique; a template makes as many sessions as its longest block;
//! everybody in R and S is approved; every event finds its product. Nothing is inferred from cells that are wrong:
//! the import that follows says so.
//!
//! Does not: guess what a workbook does not name (materials, what a subject is called) beyond prices.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::codes::Codes;
use super::provider::{Person, Provider, Template, Tutorial};
use crate::catalogue::{ExamSession, Subject};
use crate::names::fold;
use crate::timetable_import::blocks::{Block, EventRow, SessionRow, Timetable, VenueCell};
use crate::tutorials::LearningMode;
use crate::tutorials::reference;

/// Longest subject code that a column holds.
const SUBJECT_CODE: usize = 10;
/// Longest course template code.
const TEMPLATE_CODE: usize = 50;
/// Longest location name that can also name a product.
const LOCATION_NAME: usize = 100;
/// Longest venue name.
const VENUE_NAME: usize = 255;
/// Longest half of a person's name.
const PERSON_NAME: usize = 150;

/// The provider that could have written this timetable.
pub fn infer(timetable: &Timetable) -> Provider {
    let mut seen = Seen::default();
    for block in &timetable.blocks {
        seen.block(block);
    }
    seen.provider()
}

/// Names in the order in which they were met, each once in the comparison of names.
#[derive(Debug, Default)]
struct Names {
    at: BTreeMap<String, usize>,
    spelt: Vec<String>,
}

impl Names {
    /// The first spelling of a name, and its place.
    fn meet(&mut self, name: &str) -> usize {
        *self.at.entry(fold(name)).or_insert_with(|| {
            self.spelt.push(name.to_owned());
            self.spelt.len() - 1
        })
    }
}

/// What was met so far; numbers are places in lists of names.
#[derive(Debug, Default)]
struct Seen {
    templates: Names,
    of_templates: Vec<Traits>,
    locations: Names,
    venues: BTreeMap<usize, Names>,
    instructors: Names,
    administrators: Names,
    exam_sessions: BTreeMap<String, Span>,
    /// Exam session, template, location.
    tutorials: BTreeSet<(String, usize, usize)>,
}

#[derive(Debug)]
struct Traits {
    teaching: LearningMode,
    sessions: usize,
    approved: Vec<usize>,
}

/// The first and the last day of the events of a sitting.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: Date,
    last: Date,
}

impl Seen {
    fn block(&mut self, block: &Block) {
        let event = &block.event;
        let Some(code) = event.template.as_deref().filter(|code| fits(code, TEMPLATE_CODE)) else { return };
        let template = self.template(code, event.mode);
        let own = self.place(event.location.as_deref(), &event.venue, None);
        let mut people: Vec<usize> = event.instructors.iter().filter_map(|name| self.instructor(name)).collect();
        for (_, session) in &block.sessions {
            self.place(session.location.as_deref(), &session.venue, own);
            people.extend(session.instructors.iter().filter_map(|name| self.instructor(name)));
        }
        for name in event.administrators.iter().filter(|name| fits_person(name)) {
            self.administrators.meet(name);
        }
        let traits = &mut self.of_templates[template];
        traits.sessions = traits.sessions.max(block.sessions.len());
        for person in people {
            if !traits.approved.contains(&person) {
                traits.approved.push(person);
            }
        }
        if let (Some(sitting), Some(location)) = (&event.sitting, own) {
            self.sitting(&sitting.mapped, event, &block.sessions);
            self.tutorials.insert((sitting.mapped.clone(), template, location));
        }
    }

    fn template(&mut self, code: &str, mode: LearningMode) -> usize {
        let at = self.templates.meet(code);
        if at == self.of_templates.len() {
            self.of_templates.push(Traits { teaching: mode, sessions: 0, approved: Vec::new() });
        }
        at
    }

    /// Notes a location and the venue in it; without a location, the venue is in that of the event.
    fn place(&mut self, location: Option<&str>, venue: &VenueCell, event: Option<usize>) -> Option<usize> {
        let named = location.filter(|name| fits(name, LOCATION_NAME));
        let location = named.map(|name| self.locations.meet(name)).or(event)?;
        if let VenueCell::Named(name) = venue
            && fits(name, VENUE_NAME)
        {
            self.venues.entry(location).or_default().meet(name);
        }
        Some(location)
    }

    fn instructor(&mut self, name: &str) -> Option<usize> {
        fits_person(name).then(|| self.instructors.meet(name))
    }

    fn sitting(&mut self, code: &str, event: &EventRow, sessions: &[(u32, SessionRow)]) {
        let of_sessions = sessions.iter().flat_map(|(_, session)| [session.start, session.end]);
        let days = of_sessions.chain([event.lms_start, event.lms_end]).flatten().map(|moment| moment.local.date());
        for day in days {
            let span = self.exam_sessions.entry(code.to_owned()).or_insert(Span { first: day, last: day });
            span.first = span.first.min(day);
            span.last = span.last.max(day);
        }
    }

    fn provider(self) -> Provider {
        let (subjects, of_template) = subjects(&self.templates.spelt);
        let exam_sessions: Vec<ExamSession> = self.exam_sessions.into_iter().map(exam_session).collect();
        let tutorial = |(exam_session, template, location): &(String, usize, usize)| Tutorial {
            exam_session: exam_session.clone(),
            template: self.templates.spelt[*template].clone(),
            location: self.locations.spelt[*location].clone(),
        };
        let template = |((code, subject), traits): ((&String, &String), &Traits)| Template {
            code: code.clone(),
            title: code.clone(),
            subject: subject.clone(),
            teaching: traits.teaching,
            sessions: traits.sessions,
            approved: traits.approved.iter().map(|person| self.instructors.spelt[*person].clone()).collect(),
            price: 100 * traits.sessions.max(2) as u32,
        };
        Provider {
            tutorials: self.tutorials.iter().map(tutorial).collect(),
            templates: self.templates.spelt.iter().zip(&of_template).zip(&self.of_templates).map(template).collect(),
            venues: venues(&self.venues, &self.locations.spelt),
            locations: locations(&self.locations.spelt),
            instructors: self.instructors.spelt.iter().map(|name| Person::called(name)).collect(),
            administrators: self.administrators.spelt.iter().map(|name| Person::called(name)).collect(),
            subjects,
            exam_sessions,
            ..Provider::default()
        }
    }
}

fn fits(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest
}

fn fits_person(name: &str) -> bool {
    let person = Person::called(name);
    fits(&person.first_name, PERSON_NAME) && fits(&person.last_name, PERSON_NAME)
}

/// The subject's part of a template code: the segment after OC or WAITLIST, else the first that is neither.
pub fn subject_of(template: &str) -> &str {
    let segments: Vec<&str> = template.split(['_', '-', '.', ' ']).filter(|segment| !segment.is_empty()).collect();
    let marks = |segment: &&str| segment.eq_ignore_ascii_case("oc") || segment.eq_ignore_ascii_case("waitlist");
    let after = segments.iter().rposition(marks).and_then(|at| segments.get(at + 1));
    after.or_else(|| segments.iter().find(|segment| !marks(segment))).copied().unwrap_or(template)
}

/// The subjects of these templates, and the subject's code for each.
fn subjects(templates: &[String]) -> (Vec<Subject>, Vec<String>) {
    let mut names = Names::default();
    let places: Vec<usize> = templates.iter().map(|code| names.meet(subject_of(code))).collect();
    let mut codes = Codes::default();
    let given: Vec<String> = names.spelt.iter().map(|name| codes.give(name, SUBJECT_CODE)).collect();
    let subject = |(name, code): (&String, &String)| Subject { code: code.clone(), description: name.clone() };
    let subjects = names.spelt.iter().zip(&given).map(subject).collect();
    (subjects, places.into_iter().map(|at| given[at].clone()).collect())
}

/// The exams are after everything that prepares for them.
fn exam_session((code, span): (String, Span)) -> ExamSession {
    ExamSession { code, starts: span.last, ends: span.last.saturating_add(3.weeks()) }
}

fn locations(names: &[String]) -> Vec<reference::Location> {
    let mut codes = Codes::default();
    let code = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).take(3).collect::<String>().to_uppercase();
    names.iter().map(|name| reference::Location { name: name.clone(), code: codes.give(&code(name), 50) }).collect()
}

fn venues(names: &BTreeMap<usize, Names>, locations: &[String]) -> Vec<reference::Venue> {
    let venue =
        |location: usize, name: &String| reference::Venue { name: name.clone(), location: locations[location].clone() };
    names.iter().flat_map(|(location, names)| names.spelt.iter().map(move |name| venue(*location, name))).collect()
}

#[cfg(test)]
mod tests;
