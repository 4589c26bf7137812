//! (file, our tables, remote facts) → plan. Pure: the same three give the same plan, and nothing is written.

use std::collections::HashMap;

use crate::config::Labels;
use crate::names::fold;

use super::blocks::{Block, Mode, Timetable};
use super::facts::{RemoteEvent, RemoteFacts};
use super::layout::Field;
use super::ours::{OurEvent, Ours};
use super::plan::{Item, Outcome, Plan, PlannedEvent};
use super::problems::{Code, Flaw, Problem, cell_order};
use super::references::References;
use super::resolving::Resolver;
use super::{bookings, differences};

/// Plans the import of a timetable. `labels`: what this tenant calls the custom fields that it fills.
pub fn plan(timetable: &Timetable, ours: &Ours, facts: &RemoteFacts, labels: &Labels) -> Plan {
    let references = References::new(ours, facts);
    let mut plan = Plan { items: Vec::new(), problems: timetable.problems.clone() };
    let mut first: HashMap<&str, &Block> = HashMap::new();
    for block in &timetable.blocks {
        let mut deciding = Deciding { ours, facts, resolver: Resolver::new(timetable, &references, block), block };
        let earlier = block.event.title.as_deref().and_then(|title| first.get(title).copied());
        let item = match earlier {
            Some(earlier) => deciding.repeated(earlier),
            None => deciding.item(),
        };
        plan.problems.append(&mut deciding.resolver.problems);
        plan.items.push(item);
        if let Some(title) = block.event.title.as_deref() {
            first.entry(title).or_insert(block);
        }
    }
    plan.problems.extend(bookings::clashes(timetable, &plan.items, &ours.bookings));
    plan.problems.extend(unknown_labels(timetable, &plan.items, ours, labels));
    plan.problems.sort_by_cached_key(|problem| (problem.row, cell_order(problem.cell.as_deref())));
    for item in &mut plan.items {
        if item.outcome == Outcome::Unchanged {
            item.event = None;
        }
    }
    plan
}

/// Decides what becomes of one block.
struct Deciding<'a> {
    ours: &'a Ours,
    facts: &'a RemoteFacts,
    resolver: Resolver<'a>,
    block: &'a Block,
}

impl Deciding<'_> {
    fn done(&self, outcome: Outcome) -> Item {
        Item {
            title: self.block.event.title.clone().unwrap_or_default(),
            row: self.block.row,
            sessions: self.block.sessions.len(),
            outcome,
            event: None,
            changes: Vec::new(),
        }
    }

    fn flag(&mut self, field: Field, code: Code, message: String) {
        self.resolver.flag(self.block.row, field, Flaw::new(code, message));
    }

    /// A block whose title stands further up already.
    fn repeated(&mut self, earlier: &Block) -> Item {
        let row = earlier.row;
        if self.block.same_as(earlier) {
            self.resolver.problems.clear();
            self.flag(Field::EventTitle, Code::DuplicateInFile, format!("this event stands in row {row} already"));
            return self.done(Outcome::Duplicate);
        }
        let message = format!("row {row} has an event with this title and other content; that one stands");
        self.flag(Field::EventTitle, Code::ConflictingEvent, message);
        self.done(Outcome::Conflict)
    }

    fn item(&mut self) -> Item {
        let known = self.block.event.title.as_deref().and_then(|title| self.ours.events.get(title));
        if self.block.event.cancelled {
            return self.cancelled(known);
        }
        let Some(event) = self.resolver.resolve() else { return self.done(Outcome::Refuse) };
        match known {
            Some(known) => self.known(known, event),
            None => self.announced(event),
        }
    }

    fn cancelled(&mut self, known: Option<&OurEvent>) -> Item {
        self.resolver.problems.clear();
        let Some(known) = known else {
            let message = "marked as cancelled and not known here: nothing is created".to_owned();
            self.flag(Field::Cancelled, Code::CancelledSkipped, message);
            return self.done(Outcome::Skip);
        };
        if known.values.cancelled {
            return self.done(Outcome::Unchanged);
        }
        let mut item = self.done(Outcome::Cancel);
        let mut cancelled = known.values.clone();
        cancelled.cancelled = true;
        item.changes = differences::of_event(&known.values, &cancelled);
        item
    }

    fn announced(&mut self, event: PlannedEvent) -> Item {
        let outcome = match self.remote_twin(&event) {
            Ok(None) => Outcome::Create,
            Ok(Some(external_id)) => {
                let message = "an event with this title, template and start exists in Administrate; it is taken over";
                self.flag(Field::EventTitle, Code::DuplicateEvent, message.to_owned());
                Outcome::Adopt(external_id)
            }
            Err(message) => {
                self.flag(Field::EventTitle, Code::ConflictingEvent, message);
                return self.done(Outcome::Conflict);
            }
        };
        self.warn_of_short_template(&event);
        Item { event: Some(event), ..self.done(outcome) }
    }

    /// The id of the event of this title in Administrate, if there is one and it is the same.
    fn remote_twin(&self, event: &PlannedEvent) -> Result<Option<String>, String> {
        let title = self.block.event.title.as_deref().unwrap_or_default();
        let standing = self.facts.events.get(title).into_iter().flatten().filter(|twin| !twin.cancelled);
        let standing: Vec<&RemoteEvent> = standing.collect();
        if standing.is_empty() {
            return Ok(None);
        }
        let template = event.values.template.as_ref().map(|template| template.id);
        let linked = self.ours.templates.iter().find(|linked| Some(linked.record.id) == template);
        let template = linked.and_then(|linked| linked.external_id.as_deref());
        let starts = self.starts();
        let agrees = |twin: &&&RemoteEvent| {
            twin.template.as_deref() == template && twin.starts.iter().any(|day| starts.contains(day))
        };
        match standing.iter().filter(agrees).collect::<Vec<_>>().as_slice() {
            [twin] => Ok(Some(twin.external_id.clone())),
            [] => {
                Err("Administrate has an event with this title, but another template or start; rename one".to_owned())
            }
            several => Err(format!("Administrate has {} events with this title, template and start", several.len())),
        }
    }

    /// The local days on which the block's event may be said to start.
    fn starts(&self) -> Vec<jiff::civil::Date> {
        let event = &self.block.event;
        let lms = event.lms_start.map(|moment| moment.local.date());
        let sessions = self.block.sessions.iter().filter_map(|(_, session)| session.start);
        let classroom = sessions.map(|moment| moment.local.date()).min();
        if event.mode == Mode::Lms { lms.into_iter().collect() } else { classroom.into_iter().collect() }
    }

    fn warn_of_short_template(&mut self, event: &PlannedEvent) {
        let template = event.values.template.as_ref().map(|template| template.id).unwrap_or_default();
        let Some(made) = self.ours.template_sessions.get(&template) else { return };
        let wanted = event.sessions.len();
        if (*made as usize) < wanted {
            let message = format!(
                "Administrate made at most {made} sessions for this course template so far, this event has {wanted}; \
                 add days to the template there"
            );
            self.flag(Field::Template, Code::TooFewTemplateSessions, message);
        }
    }

    fn known(&mut self, known: &OurEvent, mut event: PlannedEvent) -> Item {
        if let (Some(theirs), Some(template)) = (&known.values.template, &event.values.template)
            && theirs != template
        {
            let message =
                format!("this event exists with the course template {}; give the new one another title", theirs.name);
            self.flag(Field::Template, Code::ConflictingEvent, message);
            return self.done(Outcome::Conflict);
        }
        let mut changes = differences::of_event(&known.values, &event.values);
        event.id = Some(known.id);
        event.changed = !changes.is_empty();
        event.places = self.places(known, &event);
        for session in &mut event.sessions {
            let before = known.sessions.iter().find(|before| before.sequence == session.sequence);
            session.id = before.map(|before| before.id);
            match before {
                Some(before) => {
                    let differing = differences::of_session(session.sequence, &before.values, &session.values);
                    session.changed = !differing.is_empty();
                    changes.extend(differing);
                }
                None => changes.push(super::plan::Change {
                    field: format!("day {}", session.sequence),
                    old: None,
                    new: Some(session.values.title.clone()),
                }),
            }
        }
        self.report_gone(known, &event);
        let outcome = if changes.is_empty() { Outcome::Unchanged } else { Outcome::Update };
        Item { event: Some(event), changes, ..self.done(outcome) }
    }

    /// How far the places left move: by what Max places moved since the last import.
    fn places(&mut self, known: &OurEvent, event: &PlannedEvent) -> i32 {
        if !known.has_details {
            return 0;
        }
        let before = known.values.max_places.unwrap_or(0);
        let moved = event.values.max_places.unwrap_or(0).saturating_sub(before);
        if moved < 0 && known.remain_space.saturating_add(moved) < 0 {
            let message = format!(
                "{} fewer places, but only {} are left: the event is over-booked",
                moved.unsigned_abs(),
                known.remain_space
            );
            self.flag(Field::MaxPlaces, Code::ConflictingValue, message);
        }
        moved
    }

    fn report_gone(&mut self, known: &OurEvent, event: &PlannedEvent) {
        let gone = known.sessions.iter().filter(|before| event.sessions.iter().all(|s| s.sequence != before.sequence));
        for before in gone {
            let message = format!(
                "the session \"{}\" (day {}) is no longer in the file; it is kept, delete it by hand if it is off",
                before.values.title, before.sequence
            );
            self.flag(Field::Day, Code::SessionGone, message);
        }
    }
}

/// One warning for each custom field that the timetable fills and the tenant lacks.
fn unknown_labels(timetable: &Timetable, items: &[Item], ours: &Ours, labels: &Labels) -> Vec<Problem> {
    let events = || items.iter().filter_map(|item| item.event.as_ref());
    let any = |filled: &dyn Fn(&PlannedEvent) -> bool| events().any(filled);
    let used = [
        ("Event", &labels.sitting, any(&|_| true)),
        ("Event", &labels.web_sale, any(&|_| true)),
        ("Event", &labels.finalisation_date, any(&|event| event.values.finalisation_date.is_some())),
        ("Event", &labels.event_url, any(&|event| event.values.event_url.is_some())),
        ("Event", &labels.ocr_moodle_code, any(&|event| event.values.ocr_moodle_code.is_some())),
        ("Session", &labels.day, any(&|event| !event.sessions.is_empty())),
        ("Session", &labels.session_url, any(&|event| event.sessions.iter().any(|s| s.values.url.is_some()))),
    ];
    let lacking = used.iter().filter(|(entity, label, used)| {
        *used && !label.is_empty() && !ours.labels.contains(&(fold(entity), fold(label)))
    });
    lacking
        .map(|(entity, label, _)| {
            let message = format!("Administrate has no {entity} field labelled \"{label}\"; its values stay here only");
            Problem::at(Some(&timetable.sheet), None, None, Flaw::new(Code::UnknownLabel, message))
        })
        .collect()
}
