//! One block → the event that it means: names become records, with a problem at each cell that names none.

use super::blocks::{Block, Mode, SessionCells, Timetable, Venue};
use super::layout::Field;
use super::ours::{Contact, EventValues, Named, SessionValues};
use super::plan::{PlannedEvent, PlannedSession};
use super::problems::{Flaw, Problem};
use super::references::{Reference, References};

/// Resolves one block, collecting what is wrong with it.
pub(super) struct Resolver<'a> {
    timetable: &'a Timetable,
    references: &'a References<'a>,
    block: &'a Block,
    /// What is wrong, that of reading included.
    pub(super) problems: Vec<Problem>,
}

/// The records that an event row names.
struct Found {
    template: Option<Reference>,
    location: Option<Reference>,
    venue: Option<Reference>,
    instructors: Vec<Reference>,
    administrators: Vec<Contact>,
    product: Option<Named>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(timetable: &'a Timetable, references: &'a References<'a>, block: &'a Block) -> Self {
        Self { timetable, references, block, problems: block.problems.clone() }
    }

    pub(super) fn flag(&mut self, row: u32, field: Field, flaw: Flaw) {
        let mut problem = self.timetable.problem(row, field, flaw);
        problem.event.clone_from(&self.block.event.title);
        self.problems.push(problem);
    }

    fn keep<T>(&mut self, row: u32, field: Field, found: Result<T, Flaw>) -> Option<T> {
        found.map_err(|flaw| self.flag(row, field, flaw)).ok()
    }

    /// The event, as if it were new; None when anything is wrong with the block.
    pub(super) fn resolve(&mut self) -> Option<PlannedEvent> {
        let found = self.find();
        let mut sessions = Vec::new();
        for (row, cells) in &self.block.sessions {
            sessions.extend(self.session(*row, cells, &found));
        }
        if self.problems.iter().any(Problem::is_error) {
            return None;
        }
        sessions.sort_by_key(|session| session.sequence);
        let values = self.values(found, &sessions)?;
        Some(PlannedEvent {
            id: None,
            changed: true,
            places: values.max_places.unwrap_or(0),
            values,
            sessions,
            written_place: (self.block.event.location.clone(), written(&self.block.event.venue)),
        })
    }

    fn find(&mut self) -> Found {
        let (row, event) = (self.block.row, &self.block.event);
        let references = self.references;
        let template = event.template.as_deref().map(|code| references.template(code));
        let template = template.and_then(|found| self.keep(row, Field::Template, found));
        let location = event.location.as_deref().map(|name| references.location(name));
        let location = location.and_then(|found| self.keep(row, Field::Location, found));
        let venue = self.venue(row, &event.venue, location.as_ref());
        let product = match (&event.sitting, &template, &location) {
            (Some(sitting), Some(template), Some(location)) => {
                let found = references.product(sitting, &template.record, &location.record);
                self.keep(row, Field::Sitting, found)
            }
            _ => None,
        };
        let instructors = self.instructors(row, Field::Instructor, &event.instructors, template.as_ref());
        let mut administrators = Vec::new();
        for name in &event.administrators {
            administrators.extend(self.keep(row, Field::Administrator, references.administrator(name)));
        }
        Found { template, location, venue, instructors, administrators, product }
    }

    fn venue(&mut self, row: u32, venue: &Venue, location: Option<&Reference>) -> Option<Reference> {
        let (Venue::Named(name), Some(location)) = (venue, location) else { return None };
        self.keep(row, Field::Venue, self.references.venue(name, &location.record))
    }

    /// The instructors that a cell names, approved for the template where that is known.
    fn instructors(
        &mut self,
        row: u32,
        field: Field,
        names: &[String],
        template: Option<&Reference>,
    ) -> Vec<Reference> {
        let mut found = Vec::new();
        for name in names {
            let Some(instructor) = self.keep(row, field, self.references.instructor(name)) else { continue };
            if let Some(template) = template {
                self.keep(row, field, self.references.approval(&instructor, template));
            }
            found.push(instructor);
        }
        found
    }

    fn session(&mut self, row: u32, cells: &SessionCells, found: &Found) -> Option<PlannedSession> {
        let own = self.instructors(row, Field::SessionInstructor, &cells.instructors, found.template.as_ref());
        let instructors = if cells.instructors.is_empty() { &found.instructors } else { &own };
        let (location, venue) = self.place(row, cells, found);
        let values = SessionValues {
            title: cells.title.clone()?,
            location: location.map(|location| location.record),
            venue: venue.map(|venue| venue.record),
            start: cells.start?.at,
            end: cells.end?.at,
            url: cells.url.clone(),
            instructors: instructors.iter().map(|instructor| instructor.record.clone()).collect(),
        };
        Some(PlannedSession {
            id: None,
            sequence: cells.day?,
            changed: true,
            inherits_place: cells.location.is_none() && cells.venue == Venue::Blank,
            values,
            written_place: (cells.location.clone(), written(&cells.venue)),
        })
    }

    /// Where a session takes place; what its row leaves blank is the event's.
    fn place(&mut self, row: u32, cells: &SessionCells, found: &Found) -> (Option<Reference>, Option<Reference>) {
        if row == self.block.row {
            return (found.location.clone(), found.venue.clone());
        }
        let location = match &cells.location {
            None => found.location.clone(),
            Some(name) => self.keep(row, Field::Location, self.references.location(name)),
        };
        let venue = match &cells.venue {
            Venue::Blank if location == found.location => found.venue.clone(),
            named => self.venue(row, named, location.as_ref()),
        };
        (location, venue)
    }

    fn values(&self, found: Found, sessions: &[PlannedSession]) -> Option<EventValues> {
        let event = self.block.event.clone();
        let (start_date, end_date) = self.dates(sessions)?;
        Some(EventValues {
            product: found.product?,
            location: found.location.map(|location| location.record),
            venue: found.venue.map(|venue| venue.record),
            start_date,
            end_date,
            finalisation_date: event.finalisation,
            template: found.template.map(|template| template.record),
            learning_mode: Some(event.mode),
            time_zone: event.zone.iana_name().unwrap_or("UTC").to_owned(),
            lms_start: event.lms_start.map(|moment| moment.at),
            lms_end: event.lms_end.map(|moment| moment.at),
            max_places: event.max_places,
            sitting: event.sitting.map(|sitting| sitting.written),
            web_sale: event.web_sale,
            cancelled: event.cancelled,
            event_url: event.url,
            ocr_moodle_code: event.ocr_moodle_code,
            access_duration: event.access_duration,
            recordings: event.recordings,
            recording_pin: event.recording_pin,
            tutors: event.tutors,
            sage_code: event.sage_code,
            extra_information: event.extra_information,
            registration_deadline: event.registration_deadline,
            instructors: found.instructors.into_iter().map(|instructor| instructor.record).collect(),
            administrators: found.administrators,
            unused: event.unused,
        })
    }

    /// First and last day: of the self-paced window where there is one, else of the sessions.
    fn dates(&self, sessions: &[PlannedSession]) -> Option<(jiff::civil::Date, jiff::civil::Date)> {
        let event = &self.block.event;
        if let (Some(start), Some(end)) = (event.lms_start, event.lms_end) {
            return Some((start.local.date(), end.local.date()));
        }
        if event.mode == Mode::Lms {
            return None;
        }
        let day = |at: jiff::Timestamp| at.to_zoned(event.zone.clone()).date();
        let start = sessions.iter().map(|session| session.values.start).min()?;
        let end = sessions.iter().map(|session| session.values.end).max()?;
        Some((day(start), day(end)))
    }
}

fn written(venue: &Venue) -> Option<String> {
    match venue {
        Venue::Blank => None,
        Venue::Unsettled => Some("To be confirmed".to_owned()),
        Venue::Named(name) => Some(name.clone()),
    }
}
