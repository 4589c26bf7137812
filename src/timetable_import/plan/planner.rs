//! (file, our tables, remote facts) → plan. Pure: the same three give the same plan, and nothing is written.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::DateTime;

use crate::config::Labels;
use crate::merge::ReferenceNames;
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent};

use super::diff::ReferenceLabels;
use super::inputs::LocalState;
use super::lookup::ReferenceLookup;
use super::new_instructors;
use super::remote_state::{RemoteEvent, RemoteState};
use super::request_count::RequestEstimate;
use super::resolve::Resolver;
use super::{BlockOutcome, ImportPlan, PlanItem, PlannedEvent};
use crate::timetable_import::blocks::{Block, MAX_PROBLEMS, Timetable};
use crate::timetable_import::layout::Field;
use crate::timetable_import::options::ImportOptions;
use crate::timetable_import::problems::{Code, ImportProblem, Issue, cell_order};

/// What a plan depends on besides the file and both sides.
#[derive(Clone, Copy, Debug)]
pub struct PlannerOptions<'a> {
    /// What this tenant calls the custom fields that a timetable fills.
    pub labels: &'a Labels,
    /// Letters of sittings, and what they are in the codes of exam sessions.
    pub sittings: &'a BTreeMap<String, String>,
    /// What the caller of the import requests.
    pub import: ImportOptions,
}

/// Plans the import of a timetable.
pub fn plan(timetable: &Timetable, ours: &LocalState, facts: &RemoteState, options: PlannerOptions<'_>) -> ImportPlan {
    let references = ReferenceLookup::new(ours, facts, options.sittings);
    let names = ReferenceLabels::new(ours);
    let directory = ours.directory(options.labels);
    let mut plan = ImportPlan { problems: timetable.problems.clone(), ..ImportPlan::default() };
    // The first block of each title, and whether it stands.
    let mut first: HashMap<String, (&Block, bool)> = HashMap::new();
    for block in &timetable.blocks {
        let mut deciding = BlockPlanner {
            ours,
            facts,
            names: &names,
            directory: &directory,
            options,
            resolver: Resolver::new((timetable, block), &references, ours, options),
            block,
        };
        let title = block.event.title.as_deref().map(fold);
        let earlier = title.as_ref().and_then(|title| first.get(title).copied());
        let item = match earlier {
            Some(earlier) => deciding.plan_duplicate(earlier),
            None => deciding.item(),
        };
        // One more than is told, so that it is known that there are more.
        let room = (MAX_PROBLEMS + 1).saturating_sub(plan.problems.len());
        plan.problems.extend(deciding.resolver.problems.drain(..).take(room));
        if item.is_accepted() {
            plan.approvals.append(&mut deciding.resolver.approvals);
        }
        if let Some(title) = title {
            first
                .entry(title)
                .or_insert((block, item.outcome != BlockOutcome::Refuse && item.outcome != BlockOutcome::Conflict));
        }
        plan.items.push(item);
    }
    let room = (MAX_PROBLEMS + 1).saturating_sub(plan.problems.len());
    plan.problems.extend(super::bookings::clashes(timetable, &plan.items, ours, room));
    plan.problems.extend(super::custom_fields::unknown_labels(timetable, &plan.items, ours, options.labels));
    let written = plan.items.iter().filter(|item| item.is_accepted());
    plan.newcomers = new_instructors::used_by(&ours.newcomers, written).into_iter().cloned().collect();
    plan.approvals.sort();
    plan.approvals.dedup();
    if plan.problems.len() > MAX_PROBLEMS {
        plan.problems.truncate(MAX_PROBLEMS);
        let message = format!("there are over {MAX_PROBLEMS} problems; the others are not told");
        plan.problems.push(ImportProblem::of_file(Code::TooLarge, message));
    }
    plan.problems.sort_by_cached_key(|problem| (problem.row, cell_order(problem.cell.as_deref())));
    for item in &mut plan.items {
        if item.outcome == BlockOutcome::Unchanged {
            item.event = None;
        }
    }
    plan
}

/// Decides what becomes of one block.
pub(super) struct BlockPlanner<'a> {
    pub(super) ours: &'a LocalState,
    pub(super) facts: &'a RemoteState,
    pub(super) names: &'a ReferenceLabels<'a>,
    pub(super) directory: &'a ReferenceNames,
    pub(super) options: PlannerOptions<'a>,
    pub(super) resolver: Resolver<'a>,
    pub(super) block: &'a Block,
}

impl BlockPlanner<'_> {
    pub(super) fn item_without_event(&self, outcome: BlockOutcome) -> PlanItem {
        PlanItem {
            title: self.block.event.title.clone().unwrap_or_default(),
            row: self.block.row,
            sessions: self.block.sessions.len(),
            outcome,
            event: None,
            changes: Vec::new(),
            conflicts: Vec::new(),
            manual_steps: Vec::new(),
            requests: 0,
        }
    }

    pub(super) fn flag(&mut self, field: Field, code: Code, message: String) {
        self.resolver.flag(self.block.row, field, Issue::new(code, message));
    }

    /// A block whose title stands further up already.
    fn plan_duplicate(&mut self, (earlier, stands): (&Block, bool)) -> PlanItem {
        let row = earlier.row;
        if self.block.equivalent_to(earlier) {
            self.resolver.problems.clear();
            self.flag(Field::EventTitle, Code::DuplicateInFile, format!("this event stands in row {row} already"));
            return self.item_without_event(BlockOutcome::Duplicate);
        }
        let fate = if stands { "that one stands" } else { "that one is refused too: leave one of them" };
        let message = format!("row {row} has an event with this title and other content; {fate}");
        self.flag(Field::EventTitle, Code::ConflictingEvent, message);
        self.item_without_event(BlockOutcome::Conflict)
    }

    pub(super) fn item(&mut self) -> PlanItem {
        let title = self.block.event.title.as_deref().map(fold);
        if let Some(codes) = title.as_ref().and_then(|title| self.ours.twins.get(title)) {
            let message = format!(
                "several events here have this title, differing in letter case or spacing alone ({}): rename all but one",
                codes.join(", ")
            );
            self.flag(Field::EventTitle, Code::ConflictingEvent, message);
            return self.item_without_event(BlockOutcome::Conflict);
        }
        let known = title.and_then(|title| self.ours.events.get(&title));
        if self.block.event.cancelled {
            return self.cancelled(known);
        }
        let Some(event) = self.resolver.resolve_references() else {
            return self.item_without_event(BlockOutcome::Refuse);
        };
        match known {
            Some(known) => self.plan_existing(known, event),
            None => self.plan_new(event),
        }
    }

    fn cancelled(&mut self, known: Option<&KnownEvent>) -> PlanItem {
        self.resolver.problems.clear();
        let Some(known) = known else {
            let message = "marked as cancelled and not known here: nothing is created".to_owned();
            self.flag(Field::Cancelled, Code::CancelledSkipped, message);
            return self.item_without_event(BlockOutcome::Skip);
        };
        if known.event.cancelled {
            return self.item_without_event(BlockOutcome::Unchanged);
        }
        let event = Event { cancelled: true, ..known.event.clone() };
        let changes = super::diff::event_changes(self.names, &known.event, &event);
        let planned = PlannedEvent { id: Some(known.id), event, places_moved: 0, changed_days: Vec::new() };
        let (title, requests) = (known.event.code.clone(), self.request_estimate().for_cancelled(known));
        PlanItem { event: Some(planned), changes, requests, title, ..self.item_without_event(BlockOutcome::Cancel) }
    }

    fn plan_new(&mut self, event: Event) -> PlanItem {
        let mut changes = Vec::new();
        let (outcome, requests) = match self.matching_remote_event(&event) {
            Ok(None) => (BlockOutcome::Create, self.request_estimate().for_new(&event)),
            Ok(Some(twin)) => {
                let id = twin.event.id.to_string();
                let requests = self.request_estimate().for_adopted(&event, twin.event.sessions.len());
                changes = super::adopt::changes(self.ours, self.directory, &event, &twin.event);
                let message = "an event with this title, template and start exists in Administrate; it is taken over";
                self.flag(Field::EventTitle, Code::DuplicateEvent, message.to_owned());
                (BlockOutcome::Adopt(id), requests)
            }
            Err(message) => {
                self.flag(Field::EventTitle, Code::ConflictingEvent, message);
                return self.item_without_event(BlockOutcome::Conflict);
            }
        };
        self.warn_of_short_template(&event);
        let changed_days = event.sessions.iter().map(|session| session.sequence).collect();
        let planned = PlannedEvent { id: None, event, places_moved: 0, changed_days };
        PlanItem { event: Some(planned), changes, requests, ..self.item_without_event(outcome) }
    }

    /// How an event gets to Administrate.
    pub(super) fn request_estimate(&self) -> RequestEstimate<'_> {
        RequestEstimate { ours: self.ours, facts: self.facts, options: self.options }
    }

    /// The event of this title in Administrate, if there is one and it is the same.
    fn matching_remote_event(&self, event: &Event) -> Result<Option<&RemoteEvent>, String> {
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
        let agrees = |twin: &&&RemoteEvent| twin.follows(template) && twin.starts_at(classroom, lms);
        match standing.iter().filter(agrees).collect::<Vec<_>>().as_slice() {
            [twin] => Ok(Some(*twin)),
            [] => {
                Err("Administrate has an event with this title, but another template or start; rename one".to_owned())
            }
            several => Err(format!("Administrate has {} events with this title, template and start", several.len())),
        }
    }

    /// When the block's event starts, wall-clock: in the classroom, and on the learning platform.
    pub(super) fn starts(&self) -> (Option<DateTime>, Option<DateTime>) {
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
}
