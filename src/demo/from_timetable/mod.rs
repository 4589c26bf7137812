//! Infers a provider from a timetable, so that every record that the timetable names exists.
//!
//! The subject of a template code is its first segment, or the one after OC or WAITLIST. A code that is too long for its
//! column is cut and made unique. A template creates as many sessions as its longest block has. All instructors of the
//! columns R and S are approved. Every event has a product. Invalid cells are ignored; the import reports them.
//!
//! Only prices are invented. Materials and titles of subjects, which a timetable does not name, are left out.

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

/// Characters of a subject code at most.
const MAX_SUBJECT_CODE: usize = 10;
/// Characters of a course template code at most.
const MAX_TEMPLATE_CODE: usize = 50;
/// Characters of a location name at most; it is also the short name of a product.
const MAX_LOCATION_NAME: usize = 100;
/// Characters of a venue name at most.
const MAX_VENUE_NAME: usize = 255;
/// Characters of a first or last name at most.
const MAX_PERSON_NAME: usize = 150;

/// Returns a provider with everything that the timetable names.
pub fn infer(timetable: &Timetable) -> Provider {
    let mut collected = Collected::default();
    for block in &timetable.blocks {
        collected.add_block(block);
    }
    collected.into_provider()
}

/// Distinct names (by [`fold`]) in the order of their first occurrence.
#[derive(Debug, Default)]
struct Names {
    positions: BTreeMap<String, usize>,
    spellings: Vec<String>,
}

impl Names {
    /// Adds a name if it is new; returns its position in `spellings`.
    fn add(&mut self, name: &str) -> usize {
        *self.positions.entry(fold(name)).or_insert_with(|| {
            self.spellings.push(name.to_owned());
            self.spellings.len() - 1
        })
    }
}

/// What the timetable names. Numbers are positions in lists of names.
#[derive(Debug, Default)]
struct Collected {
    templates: Names,
    template_traits: Vec<TemplateTraits>,
    locations: Names,
    venues: BTreeMap<usize, Names>,
    instructors: Names,
    administrators: Names,
    exam_sessions: BTreeMap<String, Span>,
    /// Exam session, template and location of each tutorial.
    tutorials: BTreeSet<(String, usize, usize)>,
}

/// Properties of a template that follow from its blocks.
#[derive(Debug)]
struct TemplateTraits {
    mode: LearningMode,
    sessions: usize,
    approved: Vec<usize>,
}

/// First and last day of the events of a sitting.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: Date,
    last: Date,
}

impl Collected {
    fn add_block(&mut self, block: &Block) {
        let event = &block.event;
        let Some(code) = event.template.as_deref().filter(|code| fits(code, MAX_TEMPLATE_CODE)) else { return };
        let template = self.add_template(code, event.mode);
        let event_location = self.add_place(event.location.as_deref(), &event.venue, None);
        let mut people: Vec<usize> = event.instructors.iter().filter_map(|name| self.add_instructor(name)).collect();
        for (_, session) in &block.sessions {
            self.add_place(session.location.as_deref(), &session.venue, event_location);
            people.extend(session.instructors.iter().filter_map(|name| self.add_instructor(name)));
        }
        for name in event.administrators.iter().filter(|name| fits_person(name)) {
            self.administrators.add(name);
        }
        let traits = &mut self.template_traits[template];
        traits.sessions = traits.sessions.max(block.sessions.len());
        for person in people {
            if !traits.approved.contains(&person) {
                traits.approved.push(person);
            }
        }
        if let (Some(sitting), Some(location)) = (&event.sitting, event_location) {
            self.add_sitting(&sitting.mapped, event, &block.sessions);
            self.tutorials.insert((sitting.mapped.clone(), template, location));
        }
    }

    fn add_template(&mut self, code: &str, mode: LearningMode) -> usize {
        let at = self.templates.add(code);
        if at == self.template_traits.len() {
            self.template_traits.push(TemplateTraits { mode, sessions: 0, approved: Vec::new() });
        }
        at
    }

    /// Adds a location and its venue. Without a location, the venue is in the location of the event.
    fn add_place(&mut self, location: Option<&str>, venue: &VenueCell, event_location: Option<usize>) -> Option<usize> {
        let named = location.filter(|name| fits(name, MAX_LOCATION_NAME));
        let location = named.map(|name| self.locations.add(name)).or(event_location)?;
        if let VenueCell::Named(name) = venue
            && fits(name, MAX_VENUE_NAME)
        {
            self.venues.entry(location).or_default().add(name);
        }
        Some(location)
    }

    fn add_instructor(&mut self, name: &str) -> Option<usize> {
        fits_person(name).then(|| self.instructors.add(name))
    }

    fn add_sitting(&mut self, code: &str, event: &EventRow, sessions: &[(u32, SessionRow)]) {
        let of_sessions = sessions.iter().flat_map(|(_, session)| [session.start, session.end]);
        let days = of_sessions.chain([event.lms_start, event.lms_end]).flatten().map(|moment| moment.local.date());
        for day in days {
            let span = self.exam_sessions.entry(code.to_owned()).or_insert(Span { first: day, last: day });
            span.first = span.first.min(day);
            span.last = span.last.max(day);
        }
    }

    fn into_provider(self) -> Provider {
        let (subjects, template_subjects) = subjects(&self.templates.spellings);
        let exam_sessions: Vec<ExamSession> = self.exam_sessions.into_iter().map(exam_session).collect();
        let tutorial = |(exam_session, template, location): &(String, usize, usize)| Tutorial {
            exam_session: exam_session.clone(),
            template: self.templates.spellings[*template].clone(),
            location: self.locations.spellings[*location].clone(),
        };
        let template = |((code, subject), traits): ((&String, &String), &TemplateTraits)| Template {
            code: code.clone(),
            title: code.clone(),
            subject: subject.clone(),
            mode: traits.mode,
            sessions: traits.sessions,
            approved: traits.approved.iter().map(|person| self.instructors.spellings[*person].clone()).collect(),
            price: 100 * traits.sessions.max(2) as u32,
        };
        Provider {
            tutorials: self.tutorials.iter().map(tutorial).collect(),
            templates: self
                .templates
                .spellings
                .iter()
                .zip(&template_subjects)
                .zip(&self.template_traits)
                .map(template)
                .collect(),
            venues: venues(&self.venues, &self.locations.spellings),
            locations: locations(&self.locations.spellings),
            instructors: self.instructors.spellings.iter().map(|name| Person::from_full_name(name)).collect(),
            administrators: self.administrators.spellings.iter().map(|name| Person::from_full_name(name)).collect(),
            subjects,
            exam_sessions,
            ..Provider::default()
        }
    }
}

fn fits(text: &str, max_chars: usize) -> bool {
    text.chars().count() <= max_chars
}

fn fits_person(name: &str) -> bool {
    let person = Person::from_full_name(name);
    fits(&person.first_name, MAX_PERSON_NAME) && fits(&person.last_name, MAX_PERSON_NAME)
}

/// Returns the subject part of a template code: the segment after OC or WAITLIST, else the first that is neither.
pub fn subject_of(template: &str) -> &str {
    let segments: Vec<&str> = template.split(['_', '-', '.', ' ']).filter(|segment| !segment.is_empty()).collect();
    let is_marker = |segment: &&str| segment.eq_ignore_ascii_case("oc") || segment.eq_ignore_ascii_case("waitlist");
    let after = segments.iter().rposition(is_marker).and_then(|at| segments.get(at + 1));
    after.or_else(|| segments.iter().find(|segment| !is_marker(segment))).copied().unwrap_or(template)
}

/// Returns the subjects of the templates, and the subject code of each template.
fn subjects(templates: &[String]) -> (Vec<Subject>, Vec<String>) {
    let mut names = Names::default();
    let positions: Vec<usize> = templates.iter().map(|code| names.add(subject_of(code))).collect();
    let mut codes = Codes::default();
    let subject_codes: Vec<String> =
        names.spellings.iter().map(|name| codes.allocate(name, MAX_SUBJECT_CODE)).collect();
    let subject = |(name, code): (&String, &String)| Subject { code: code.clone(), description: name.clone() };
    let subjects = names.spellings.iter().zip(&subject_codes).map(subject).collect();
    (subjects, positions.into_iter().map(|at| subject_codes[at].clone()).collect())
}

/// Returns an exam session whose exams begin on the last day of its tutorials.
fn exam_session((code, span): (String, Span)) -> ExamSession {
    ExamSession { code, starts: span.last, ends: span.last.saturating_add(3.weeks()) }
}

fn locations(names: &[String]) -> Vec<reference::Location> {
    let mut codes = Codes::default();
    let code = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).take(3).collect::<String>().to_uppercase();
    names.iter().map(|name| reference::Location { name: name.clone(), code: codes.allocate(&code(name), 50) }).collect()
}

fn venues(names: &BTreeMap<usize, Names>, locations: &[String]) -> Vec<reference::Venue> {
    let venue =
        |location: usize, name: &String| reference::Venue { name: name.clone(), location: locations[location].clone() };
    names.iter().flat_map(|(location, names)| names.spellings.iter().map(move |name| venue(*location, name))).collect()
}

#[cfg(test)]
mod tests;
