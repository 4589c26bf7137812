//! Resolves a block to an event: names become records. Each unresolved cell gets a problem.

use jiff::civil::Date;

use crate::tutorials::{Event, LearningMode, Session, Staff, StaffRole};

use super::ApprovalRequest;
use super::custom_fields;
use super::custom_fields::MappedValue;
use super::inputs::{ContactRecord, LocalState, NamedRecord};
use super::lookup::{Reference, ReferenceLookup};
use super::planner::PlannerOptions;
use crate::names::fold;
use crate::timetable_import::blocks::{Block, SessionRow, Timetable, VenueCell, truncated_title};
use crate::timetable_import::layout::Field;
use crate::workbook::problems::{ImportProblem, Issue, cell_name};

/// Resolves one block and collects its problems.
pub(crate) struct Resolver<'a> {
    timetable: &'a Timetable,
    references: &'a ReferenceLookup<'a>,
    block: &'a Block,
    /// The block's problems, including those of parsing.
    pub(crate) problems: Vec<ImportProblem>,
    /// Missing approvals to request. Empty unless the caller requested approvals.
    pub(crate) approvals: Vec<ApprovalRequest>,
    local: &'a LocalState,
    options: PlannerOptions<'a>,
}

/// The records that an event row names.
struct ResolvedReferences {
    template: Option<Reference>,
    location: Option<Reference>,
    venue: Option<Reference>,
    instructors: Vec<Reference>,
    administrators: Vec<ContactRecord>,
    product: Option<NamedRecord>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        timetable: &'a Timetable,
        block: &'a Block,
        references: &'a ReferenceLookup<'a>,
        local: &'a LocalState,
        options: PlannerOptions<'a>,
    ) -> Self {
        let problems = block.problems.clone();
        Self { timetable, references, block, problems, approvals: Vec::new(), local, options }
    }

    pub(crate) fn flag(&mut self, row: u32, field: Field, issue: Issue) {
        let mut problem = self.timetable.problem(row, field, issue);
        problem.event = self.block.event.title.as_deref().map(truncated_title);
        self.problems.push(problem);
    }

    fn ok_or_flag<T>(&mut self, row: u32, field: Field, found: Result<T, Issue>) -> Option<T> {
        found.map_err(|issue| self.flag(row, field, issue)).ok()
    }

    /// Returns the event as if it were new; None when the block has errors.
    pub(crate) fn resolve_references(&mut self) -> Option<Event> {
        let references = self.find_references();
        let mut sessions = Vec::new();
        for (row, cells) in &self.block.sessions {
            sessions.extend(self.session(*row, cells, &references));
        }
        self.check_custom_fields(references.template.as_ref());
        if self.problems.iter().any(ImportProblem::is_error) {
            return None;
        }
        sessions.sort_by_key(|session| session.sequence);
        self.event(references, sessions)
    }

    /// Checks the values for custom fields against Administrate's definitions.
    fn check_custom_fields(&mut self, template: Option<&Reference>) {
        let (block, labels) = (self.block, self.options.labels);
        let event = custom_fields::event_values(labels, &block.event).into_iter();
        let event = event.map(|mapped| (block.row, "event", mapped));
        let sessions = block.sessions.iter().flat_map(|(row, cells)| {
            custom_fields::session_values(labels, cells).into_iter().map(|mapped| (*row, "session", mapped))
        });
        for (row, entity, MappedValue { label, field, value }) in event.chain(sessions) {
            let Some(definition) = self.local.fields.get(&(entity.to_owned(), fold(label))) else { continue };
            let default = template.map(|template| (template.record.id, definition.key.clone()));
            let has_default = default.is_some_and(|default| self.local.defaults.contains(&default));
            let checked = custom_fields::check(definition, value.as_deref(), has_default);
            if let Err(issue) = checked
                && !self.has_error(row, field)
            {
                self.flag(row, field, issue);
            }
        }
    }

    /// Reports whether a cell has an error.
    fn has_error(&self, row: u32, field: Field) -> bool {
        let cell = cell_name(row, self.timetable.columns.of(field));
        self.problems.iter().any(|problem| problem.is_error() && problem.cell.as_deref() == Some(&cell))
    }

    fn find_references(&mut self) -> ResolvedReferences {
        let (row, event) = (self.block.row, &self.block.event);
        let references = self.references;
        let template = event.template.as_deref().map(|code| references.template(code));
        let template = template.and_then(|found| self.ok_or_flag(row, Field::Template, found));
        let location = event.location.as_deref().map(|name| references.location(name));
        let location = location.and_then(|found| self.ok_or_flag(row, Field::Location, found));
        let venue = self.venue(row, &event.venue, location.as_ref());
        let product = match (&event.sitting, &template, &location) {
            (Some(sitting), Some(template), Some(location)) => {
                let found = references.product(sitting, &template.record, &location.record);
                self.ok_or_flag(row, Field::Sitting, found)
            }
            _ => None,
        };
        let instructors = self.instructors(row, Field::Instructor, &event.instructors, template.as_ref());
        let mut administrators = Vec::new();
        for name in &event.administrators {
            administrators.extend(self.ok_or_flag(row, Field::Administrator, references.administrator(name)));
        }
        ResolvedReferences { template, location, venue, instructors, administrators, product }
    }

    fn venue(&mut self, row: u32, venue: &VenueCell, location: Option<&Reference>) -> Option<Reference> {
        let (VenueCell::Named(name), Some(location)) = (venue, location) else { return None };
        self.ok_or_flag(row, Field::Venue, self.references.venue(name, &location.record))
    }

    /// Finds the instructors that a cell names and checks their approvals where the template is known.
    fn instructors(
        &mut self,
        row: u32,
        field: Field,
        names: &[String],
        template: Option<&Reference>,
    ) -> Vec<Reference> {
        let mut found = Vec::new();
        for name in names {
            let Some(instructor) = self.ok_or_flag(row, field, self.references.instructor(name)) else { continue };
            if let Some(template) = template {
                self.check_approval(row, field, &instructor, template);
            }
            found.push(instructor);
        }
        found
    }

    fn check_approval(&mut self, row: u32, field: Field, instructor: &Reference, template: &Reference) {
        match self.references.approval(instructor, template) {
            Err(_)
                if self.options.import.approve_instructors
                    && self.references.approval_error(instructor, template).is_none() =>
            {
                self.approvals.push(ApprovalRequest {
                    template: template.external_id.clone(),
                    code: template.record.name.clone(),
                    contact: instructor.external_id.clone(),
                    name: instructor.record.name.clone(),
                })
            }
            Err(issue) => self.flag(row, field, issue),
            Ok(()) => {}
        }
    }

    fn session(&mut self, row: u32, cells: &SessionRow, event: &ResolvedReferences) -> Option<Session> {
        let own = self.instructors(row, Field::SessionInstructor, &cells.instructors, event.template.as_ref());
        let instructors = if cells.instructors.is_empty() { &event.instructors } else { &own };
        let (location, venue) = self.place(row, cells, event);
        // A session without a place of its own follows its event, also when the event moves later.
        let inherits = cells.location.is_none() && cells.venue == VenueCell::Blank;
        let own_place = |place: Option<Reference>| place.filter(|_| !inherits).map(|place| place.record.id);
        Some(Session {
            sequence: cells.day?,
            title: cells.title.clone()?,
            start: cells.start?.at,
            end: cells.end?.at,
            location_id: own_place(location),
            venue_id: own_place(venue),
            location_text: cells.location.clone(),
            venue_text: written(&cells.venue),
            url: cells.url.clone(),
            instructor_ids: instructors.iter().map(|instructor| instructor.record.id).collect(),
        })
    }

    /// Returns location and venue of a session, by default those of its event.
    fn place(
        &mut self,
        row: u32,
        cells: &SessionRow,
        event: &ResolvedReferences,
    ) -> (Option<Reference>, Option<Reference>) {
        if row == self.block.row {
            return (event.location.clone(), event.venue.clone());
        }
        let location = match &cells.location {
            None => event.location.clone(),
            Some(name) => self.ok_or_flag(row, Field::Location, self.references.location(name)),
        };
        let venue = match &cells.venue {
            VenueCell::Blank if location == event.location => event.venue.clone(),
            named => self.venue(row, named, location.as_ref()),
        };
        (location, venue)
    }

    fn event(&self, references: ResolvedReferences, sessions: Vec<Session>) -> Option<Event> {
        let cells = self.block.event.clone();
        let (start_date, end_date) = self.dates(&sessions)?;
        let instructors = references.instructors.into_iter().map(|instructor| Staff {
            role: StaffRole::Instructor,
            name: instructor.record.name,
            tutorial_instructor_id: Some(instructor.record.id),
            external_id: None,
        });
        let administrators = references.administrators.into_iter().map(|contact| Staff {
            role: StaffRole::Administrator,
            name: contact.name,
            tutorial_instructor_id: None,
            external_id: Some(contact.external_id),
        });
        Some(Event {
            code: cells.title?,
            product_id: references.product?.id,
            course_template_id: references.template.map(|template| template.record.id),
            learning_mode: Some(cells.mode),
            location_id: references.location.map(|location| location.record.id),
            venue_id: references.venue.map(|venue| venue.record.id),
            location_text: cells.location,
            venue_text: written(&cells.venue),
            is_soldout: false,
            finalisation_date: cells.finalisation,
            remain_space: cells.max_places.unwrap_or(0),
            start_date,
            end_date,
            time_zone: cells.zone.iana_name().unwrap_or("UTC").to_owned(),
            lms_start: cells.lms_start.map(|moment| moment.at),
            lms_end: cells.lms_end.map(|moment| moment.at),
            max_places: cells.max_places,
            sitting: cells.sitting.map(|sitting| sitting.written),
            web_sale: cells.web_sale,
            cancelled: false,
            event_url: cells.url,
            ocr_moodle_code: cells.ocr_moodle_code,
            access_duration: cells.access_duration,
            recordings: cells.recordings,
            recording_pin: cells.recording_pin,
            tutors: cells.tutors,
            sage_code: cells.sage_code,
            extra_information: cells.extra_information,
            registration_deadline: cells.registration_deadline,
            staff: instructors.chain(administrators).collect(),
            sessions,
        })
    }

    /// Returns the first and last day: of the self-paced window if there is one, else of the sessions.
    fn dates(&self, sessions: &[Session]) -> Option<(Date, Date)> {
        let event = &self.block.event;
        if let (Some(start), Some(end)) = (event.lms_start, event.lms_end) {
            return Some((start.local.date(), end.local.date()));
        }
        if event.mode == LearningMode::Lms {
            return None;
        }
        let day = |at: jiff::Timestamp| event.zone.to_datetime(at).date();
        let start = sessions.iter().map(|session| session.start).min()?;
        let end = sessions.iter().map(|session| session.end).max()?;
        Some((day(start), day(end)))
    }
}

fn written(venue: &VenueCell) -> Option<String> {
    match venue {
        VenueCell::Blank => None,
        VenueCell::ToBeConfirmed => Some("To be confirmed".to_owned()),
        VenueCell::Named(name) => Some(name.clone()),
    }
}
