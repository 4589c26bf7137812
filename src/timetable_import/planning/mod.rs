//! (file, our tables, remote facts) → plan. Pure: the same three give the same plan, and nothing is written.

mod bookings;
mod conflicts;
mod definitions;
mod differences;
pub mod facts;
pub mod ours;
mod references;
mod resolving;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::civil::DateTime;

use crate::config::Labels;
use crate::delivery::comparison::Directory;
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent};

use super::blocks::{Block, MOST_PROBLEMS, Timetable};
use super::layout::Field;
use super::newcomers;
use super::plan::{Change, Conflict, Item, Outcome, Plan, PlannedEvent};
use super::problems::{Code, Flaw, Problem, cell_order};
use conflicts::{Clash, Sides};
use differences::Names;
use facts::{RemoteEvent, RemoteFacts};
use ours::Ours;
use references::References;
use resolving::Resolver;

/// What a plan depends on besides the file and both sides.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    /// What this tenant calls the custom fields that a timetable fills.
    pub labels: &'a Labels,
    /// Whether instructors who lack an approval are to be approved instead of refused.
    pub approve_instructors: bool,
    /// Whether our values are written over those that somebody changed in Administrate.
    pub ours_win: bool,
}

/// Plans the import of a timetable.
pub fn plan(timetable: &Timetable, ours: &Ours, facts: &RemoteFacts, wishes: Wishes<'_>) -> Plan {
    let references = References::new(ours, facts);
    let names = Names::new(ours);
    let directory = ours.directory(wishes.labels);
    let mut plan = Plan { problems: timetable.problems.clone(), ..Plan::default() };
    // The first block of each title, and whether it stands.
    let mut first: HashMap<String, (&Block, bool)> = HashMap::new();
    for block in &timetable.blocks {
        let mut deciding = Deciding {
            ours,
            facts,
            names: &names,
            directory: &directory,
            wishes,
            resolver: Resolver::new((timetable, block), &references, ours, wishes),
            block,
        };
        let title = block.event.title.as_deref().map(fold);
        let earlier = title.as_ref().and_then(|title| first.get(title).copied());
        let item = match earlier {
            Some(earlier) => deciding.repeated(earlier),
            None => deciding.item(),
        };
        // One more than is told, so that it is known that there are more.
        let room = (MOST_PROBLEMS + 1).saturating_sub(plan.problems.len());
        plan.problems.extend(deciding.resolver.problems.drain(..).take(room));
        if item.is_accepted() {
            plan.approvals.append(&mut deciding.resolver.approvals);
        }
        if let Some(title) = title {
            first.entry(title).or_insert((block, item.outcome != Outcome::Refuse && item.outcome != Outcome::Conflict));
        }
        plan.items.push(item);
    }
    plan.problems.extend(bookings::clashes(timetable, &plan.items, ours));
    plan.problems.extend(unknown_labels(timetable, &plan.items, ours, wishes.labels));
    let written = plan.items.iter().filter(|item| item.is_accepted());
    plan.newcomers = newcomers::named(&ours.newcomers, written).into_iter().cloned().collect();
    plan.approvals.sort();
    plan.approvals.dedup();
    if plan.problems.len() > MOST_PROBLEMS {
        plan.problems.truncate(MOST_PROBLEMS);
        let message = format!("there are over {MOST_PROBLEMS} problems; the others are not told");
        plan.problems.push(Problem::of_file(Code::TooLarge, message));
    }
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
    names: &'a Names<'a>,
    directory: &'a Directory,
    wishes: Wishes<'a>,
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
            conflicts: Vec::new(),
        }
    }

    fn flag(&mut self, field: Field, code: Code, message: String) {
        self.resolver.flag(self.block.row, field, Flaw::new(code, message));
    }

    /// A block whose title stands further up already.
    fn repeated(&mut self, (earlier, stands): (&Block, bool)) -> Item {
        let row = earlier.row;
        if self.block.same_as(earlier) {
            self.resolver.problems.clear();
            self.flag(Field::EventTitle, Code::DuplicateInFile, format!("this event stands in row {row} already"));
            return self.done(Outcome::Duplicate);
        }
        let fate = if stands { "that one stands" } else { "that one is refused too: leave one of them" };
        let message = format!("row {row} has an event with this title and other content; {fate}");
        self.flag(Field::EventTitle, Code::ConflictingEvent, message);
        self.done(Outcome::Conflict)
    }

    fn item(&mut self) -> Item {
        let known = self.block.event.title.as_deref().and_then(|title| self.ours.events.get(&fold(title)));
        if self.block.event.cancelled {
            return self.cancelled(known);
        }
        let Some(event) = self.resolver.resolve() else { return self.done(Outcome::Refuse) };
        match known {
            Some(known) => self.known(known, event),
            None => self.announced(event),
        }
    }

    fn cancelled(&mut self, known: Option<&KnownEvent>) -> Item {
        self.resolver.problems.clear();
        let Some(known) = known else {
            let message = "marked as cancelled and not known here: nothing is created".to_owned();
            self.flag(Field::Cancelled, Code::CancelledSkipped, message);
            return self.done(Outcome::Skip);
        };
        if known.event.cancelled {
            return self.done(Outcome::Unchanged);
        }
        let event = Event { cancelled: true, ..known.event.clone() };
        let changes = differences::of_event(self.names, &known.event, &event);
        let planned = PlannedEvent { id: Some(known.id), event, places_moved: 0, changed_days: Vec::new(), calls: 0 };
        Item { event: Some(planned), changes, title: known.event.code.clone(), ..self.done(Outcome::Cancel) }
    }

    fn announced(&mut self, event: Event) -> Item {
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
        let changed_days = event.sessions.iter().map(|session| session.sequence).collect();
        let planned = PlannedEvent { id: None, event, places_moved: 0, changed_days, calls: 0 };
        Item { event: Some(planned), ..self.done(outcome) }
    }

    /// The id of the event of this title in Administrate, if there is one and it is the same.
    fn remote_twin(&self, event: &Event) -> Result<Option<String>, String> {
        let title = self.block.event.title.as_deref().unwrap_or_default();
        let titled: Vec<&RemoteEvent> = self.facts.events.get(&fold(title)).into_iter().flatten().collect();
        let standing: Vec<&RemoteEvent> = titled.iter().copied().filter(|twin| !twin.cancelled).collect();
        if standing.is_empty() {
            let cancelled = "Administrate has a cancelled event with this title; announce it under another one";
            return if titled.is_empty() { Ok(None) } else { Err(cancelled.to_owned()) };
        }
        let linked = self.ours.templates.iter().find(|linked| Some(linked.record.id) == event.course_template_id);
        let template = linked.and_then(|linked| linked.external_id.as_deref());
        let (classroom, lms) = self.starts();
        let agrees = |twin: &&&RemoteEvent| {
            (twin.template.is_none() || twin.template.as_deref() == template) && twin.starts_at(classroom, lms)
        };
        match standing.iter().filter(agrees).collect::<Vec<_>>().as_slice() {
            [twin] => Ok(Some(twin.external_id.clone())),
            [] => {
                Err("Administrate has an event with this title, but another template or start; rename one".to_owned())
            }
            several => Err(format!("Administrate has {} events with this title, template and start", several.len())),
        }
    }

    /// When the block's event starts, wall-clock: in the classroom, and on the learning platform.
    fn starts(&self) -> (Option<DateTime>, Option<DateTime>) {
        let sessions = self.block.sessions.iter().filter_map(|(_, session)| session.start);
        (sessions.map(|moment| moment.local).min(), self.block.event.lms_start.map(|moment| moment.local))
    }

    fn warn_of_short_template(&mut self, event: &Event) {
        let template = event.course_template_id.unwrap_or_default();
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

    fn known(&mut self, known: &KnownEvent, mut event: Event) -> Item {
        if let (Some(theirs), Some(template)) = (known.event.course_template_id, event.course_template_id)
            && theirs != template
        {
            let theirs = self.names.template(theirs);
            let message =
                format!("this event exists with the course template {theirs}; give the new one another title");
            self.flag(Field::Template, Code::ConflictingEvent, message);
            return self.done(Outcome::Conflict);
        }
        event.code.clone_from(&known.event.code);
        event.is_soldout = known.event.is_soldout;
        event.remain_space = known.event.remain_space;
        let conflicts = self.settle(known, &mut event);
        let mut changes = differences::of_event(self.names, &known.event, &event);
        let mut calls = differences::calls_of_event(&changes);
        let elsewhen = known.event.time_zone != event.time_zone;
        let places_moved = self.places_moved(known, &event);
        let mut changed_days = Vec::new();
        for session in &event.sessions {
            let before = known.event.sessions.iter().find(|before| before.sequence == session.sequence);
            let differing = match before {
                Some(before) => differences::of_session(self.names, (&known.event, before), (&event, session)),
                None => {
                    let field = format!("day {}", session.sequence);
                    vec![Change { field, old: None, new: Some(session.title.clone()) }]
                }
            };
            calls += match before {
                Some(_) => differences::calls_of_session(&differing, elsewhen),
                None => 1 + usize::from(!session.instructor_ids.is_empty()),
            };
            if !differing.is_empty() {
                changed_days.push(session.sequence);
                changes.extend(differing);
            }
        }
        self.report_gone(known, &event);
        let outcome = if changes.is_empty() { Outcome::Unchanged } else { Outcome::Update };
        let planned = PlannedEvent { id: Some(known.id), event, places_moved, changed_days, calls };
        Item { event: Some(planned), changes, conflicts, title: known.event.code.clone(), ..self.done(outcome) }
    }

    /// Finds what changed on both sides, and sets it back to what it was here unless ours are to win.
    fn settle(&mut self, known: &KnownEvent, event: &mut Event) -> Vec<Conflict> {
        let Some(agreed) = self.ours.agreed.get(&known.id) else { return Vec::new() };
        let Some(theirs) = self.facts.standing.get(&agreed.external_id) else { return Vec::new() };
        let sides = Sides { directory: self.directory, agreed, theirs };
        let ours_win = self.wishes.ours_win;
        let mut clashes = sides.of_event(&known.event, event);
        for clash in clashes.iter().filter(|_| !ours_win) {
            conflicts::keep_of_event(clash.difference.field.aspect, &known.event, event);
        }
        for at in 0..event.sessions.len() {
            let before = known.event.sessions.iter().find(|before| before.sequence == event.sessions[at].sequence);
            let Some(before) = before else { continue };
            let found = sides.of_session((&known.event, before), (event, &event.sessions[at]));
            for clash in found.iter().filter(|_| !ours_win) {
                conflicts::keep_of_session(
                    clash.difference.field.aspect,
                    (&known.event, before),
                    &mut event.sessions[at],
                );
            }
            clashes.extend(found);
        }
        clashes.into_iter().map(|clash| self.told(clash)).collect()
    }

    /// Warns of a value that changed on both sides.
    fn told(&mut self, clash: Clash) -> Conflict {
        let Clash { difference, old } = clash;
        let (field, day) = (difference.field, difference.field.day);
        let row = day.and_then(|day| self.block.row_of_day(day)).unwrap_or(self.block.row);
        let [old, new, theirs] =
            [old, difference.ours, difference.theirs].map(|value| Some(value).filter(|value| !value.is_empty()));
        let change = Change { field: field.to_string(), old, new };
        let conflict = Conflict { change, theirs, overwritten: self.wishes.ours_win };
        let advice =
            if conflict.overwritten { "" } else { "; import with --ours to write ours, or put theirs into the file" };
        let flaw = Flaw::new(Code::ConflictingValue, format!("{conflict}{advice}"));
        self.resolver.flag(row, conflicts::field_of(field.aspect, day.is_some()), flaw);
        conflict
    }

    /// How far the places left move: by what Max places moved since the last import.
    fn places_moved(&mut self, known: &KnownEvent, event: &Event) -> i32 {
        if known.event.learning_mode.is_none() {
            // No timetable ever said how many places there are.
            return 0;
        }
        let before = known.event.max_places.unwrap_or(0);
        let moved = event.max_places.unwrap_or(0).saturating_sub(before);
        let left = known.event.remain_space;
        if moved < 0 && left.saturating_add(moved) < 0 {
            let message = format!("{} fewer places, but only {left} are left: more are sold", moved.unsigned_abs());
            self.flag(Field::MaxPlaces, Code::ConflictingValue, message);
        }
        moved
    }

    fn report_gone(&mut self, known: &KnownEvent, event: &Event) {
        let stays = |sequence| event.sessions.iter().any(|session| session.sequence == sequence);
        for before in known.event.sessions.iter().filter(|before| !stays(before.sequence)) {
            let message = format!(
                "the session \"{}\" (day {}) is no longer in the file; it is kept, delete it by hand if it is off",
                before.title, before.sequence
            );
            self.flag(Field::Day, Code::SessionGone, message);
        }
    }
}

/// One warning for each custom field that the timetable fills and the tenant lacks, or that it requires and nothing
/// fills.
fn unknown_labels(timetable: &Timetable, items: &[Item], ours: &Ours, labels: &Labels) -> Vec<Problem> {
    let any = |filled: &dyn Fn(&Event) -> bool| {
        items.iter().filter_map(|item| item.event.as_ref()).any(|planned| filled(&planned.event))
    };
    let used = [
        ("Event", &labels.sitting, any(&|_| true)),
        ("Event", &labels.web_sale, any(&|_| true)),
        ("Event", &labels.finalisation_date, any(&|event| event.finalisation_date.is_some())),
        ("Event", &labels.event_url, any(&|event| event.event_url.is_some())),
        ("Event", &labels.ocr_moodle_code, any(&|event| event.ocr_moodle_code.is_some())),
        ("Session", &labels.day, any(&|event| !event.sessions.is_empty())),
        ("Session", &labels.session_url, any(&|event| event.sessions.iter().any(|s| s.url.is_some()))),
    ];
    let lacking = used.iter().filter(|(entity, label, used)| {
        *used && !label.is_empty() && !ours.fields.contains_key(&(fold(entity), fold(label)))
    });
    let warning =
        |message: String| Problem::at(Some(&timetable.sheet), None, None, Flaw::new(Code::UnknownLabel, message));
    let lacking = lacking.map(|(entity, label, _)| {
        format!("Administrate has no {entity} field labelled \"{label}\"; its values stay here only")
    });
    let unfed = definitions::unfed(ours, labels).into_iter().map(|(entity, label)| {
        format!("Administrate requires the {entity} field \"{label}\", which no column of a timetable fills")
    });
    lacking.chain(unfed).map(warning).collect()
}
