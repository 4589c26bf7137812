//! Plans an import from the timetable, the local state and the state of Administrate.
//!
//! Planning is pure: equal inputs give equal plans, and nothing is read or written.

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
use crate::workbook::problems::{Code, ImportProblem, Issue, cell_order};

/// Settings and options of a plan.
#[derive(Clone, Copy, Debug)]
pub struct PlannerOptions<'a> {
    /// The labels of the custom fields that a timetable fills.
    pub labels: &'a Labels,
    /// Letter of a sitting → suffix of a session code ("A" → "-04").
    pub sittings: &'a BTreeMap<String, String>,
    /// What the caller of the import requests.
    pub import: ImportOptions,
}

/// Plans the import of a timetable.
pub fn plan(
    timetable: &Timetable,
    local: &LocalState,
    remote: &RemoteState,
    options: PlannerOptions<'_>,
) -> ImportPlan {
    let references = ReferenceLookup::new(local, remote, options.sittings);
    let labels = ReferenceLabels::new(local);
    let names = local.reference_names(options.labels).with_sittings(options.sittings);
    let mut plan = ImportPlan { problems: timetable.problems.clone(), ..ImportPlan::default() };
    // The first block of each folded title, and whether it is rejected.
    let mut first: HashMap<String, (&Block, bool)> = HashMap::new();
    for block in &timetable.blocks {
        let resolver = Resolver::new(timetable, block, &references, local, options);
        let mut planner = BlockPlanner { local, remote, labels: &labels, names: &names, options, resolver, block };
        let title = block.event.title.as_deref().map(fold);
        let earlier = title.as_ref().and_then(|title| first.get(title).copied());
        let item = match earlier {
            Some((earlier, is_rejected)) => planner.plan_duplicate(earlier, is_rejected),
            None => planner.item(),
        };
        // One more than the maximum shows that there are more.
        let room = (MAX_PROBLEMS + 1).saturating_sub(plan.problems.len());
        plan.problems.extend(planner.resolver.problems.drain(..).take(room));
        if item.is_accepted() {
            plan.approvals.append(&mut planner.resolver.approvals);
        }
        if let Some(title) = title {
            first.entry(title).or_insert((block, item.is_rejected()));
        }
        plan.items.push(item);
    }
    let room = (MAX_PROBLEMS + 1).saturating_sub(plan.problems.len());
    plan.problems.extend(super::bookings::clashes(timetable, &plan.items, local, room));
    plan.problems.extend(super::custom_fields::unknown_labels(timetable, &plan.items, local, options.labels));
    let accepted = plan.items.iter().filter(|item| item.is_accepted());
    plan.new_instructors = new_instructors::used_by(&local.new_instructors, accepted).into_iter().cloned().collect();
    plan.unknown_instructors = new_instructors::listed_unknown_names(timetable, local);
    plan.approvals.sort();
    plan.approvals.dedup();
    if plan.problems.len() > MAX_PROBLEMS {
        plan.problems.truncate(MAX_PROBLEMS);
        let message =
            format!("the file has over {MAX_PROBLEMS} problems, the others are omitted; correct some rows first");
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

/// Plans one block.
pub(super) struct BlockPlanner<'a> {
    pub(super) local: &'a LocalState,
    pub(super) remote: &'a RemoteState,
    pub(super) labels: &'a ReferenceLabels<'a>,
    pub(super) names: &'a ReferenceNames,
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

    /// Records a problem of the event row.
    pub(super) fn flag(&mut self, field: Field, code: Code, message: String) {
        self.resolver.flag(self.block.row, field, Issue::new(code, message));
    }

    /// Plans a block whose title an earlier block has too.
    fn plan_duplicate(&mut self, earlier: &Block, is_rejected: bool) -> PlanItem {
        let row = earlier.row;
        if self.block.equivalent_to(earlier) {
            self.resolver.problems.clear();
            self.flag(Field::EventTitle, Code::DuplicateInFile, format!("row {row} already contains this event"));
            return self.item_without_event(BlockOutcome::Duplicate);
        }
        let advice = if is_rejected {
            "both are rejected: delete one of them"
        } else {
            "that one is imported: delete this one or change its title"
        };
        let message = format!("row {row} has an event with the same title and other content; {advice}");
        self.flag(Field::EventTitle, Code::ConflictingEvent, message);
        self.item_without_event(BlockOutcome::Conflict)
    }

    /// Plans the first block with a title.
    pub(super) fn item(&mut self) -> PlanItem {
        let title = self.block.event.title.as_deref().map(fold);
        if let Some(codes) = title.as_ref().and_then(|title| self.local.ambiguous_titles.get(title)) {
            let message = format!(
                "several local events have this title in other letter case or spacing ({}); rename all but one",
                codes.join(", ")
            );
            self.flag(Field::EventTitle, Code::ConflictingEvent, message);
            return self.item_without_event(BlockOutcome::Conflict);
        }
        let known = title.and_then(|title| self.local.events.get(&title));
        if self.block.event.cancelled {
            return self.plan_cancelled(known);
        }
        let Some(event) = self.resolver.resolve_references() else {
            return self.item_without_event(BlockOutcome::Refuse);
        };
        match known {
            Some(known) => self.plan_existing(known, event),
            None => self.plan_new(event),
        }
    }

    fn plan_cancelled(&mut self, known: Option<&KnownEvent>) -> PlanItem {
        self.resolver.problems.clear();
        let Some(known) = known else {
            let message = "marked as cancelled and not known locally: nothing is created".to_owned();
            self.flag(Field::Cancelled, Code::CancelledSkipped, message);
            return self.item_without_event(BlockOutcome::Skip);
        };
        if known.event.cancelled {
            return self.item_without_event(BlockOutcome::Unchanged);
        }
        let event = Event { cancelled: true, ..known.event.clone() };
        let changes = super::diff::event_changes(self.labels, &known.event, &event);
        let planned = PlannedEvent { id: Some(known.id), event, places_moved: 0, changed_days: Vec::new() };
        let (title, requests) = (known.event.code.clone(), self.request_estimate().for_cancelled(known));
        PlanItem { event: Some(planned), changes, requests, title, ..self.item_without_event(BlockOutcome::Cancel) }
    }

    fn plan_new(&mut self, event: Event) -> PlanItem {
        let mut changes = Vec::new();
        let (outcome, requests) = match self.matching_remote_event(&event) {
            Ok(None) => (BlockOutcome::Create, self.request_estimate().for_new(&event)),
            Ok(Some(remote)) => {
                let id = remote.event.id.to_string();
                let requests = self.request_estimate().for_adopted(&event, remote.event.sessions.len());
                changes = super::diff::adoption_changes(self.local, self.names, &event, &remote.event);
                let message =
                    "an event with this title, template and start exists in Administrate; it is adopted, not created";
                self.flag(Field::EventTitle, Code::DuplicateEvent, message.to_owned());
                (BlockOutcome::Adopt(id), requests)
            }
            Err(message) => {
                self.flag(Field::EventTitle, Code::ConflictingEvent, message);
                return self.item_without_event(BlockOutcome::Conflict);
            }
        };
        self.warn_short_template(&event);
        let changed_days = event.sessions.iter().map(|session| session.sequence).collect();
        let planned = PlannedEvent { id: None, event, places_moved: 0, changed_days };
        PlanItem { event: Some(planned), changes, requests, ..self.item_without_event(outcome) }
    }

    pub(super) fn request_estimate(&self) -> RequestEstimate<'_> {
        RequestEstimate { local: self.local, remote: self.remote, options: self.options }
    }

    /// Returns the event in Administrate with the title, template and start of the block.
    ///
    /// # Errors
    /// A message when remote events have the title, but not exactly one of them matches.
    fn matching_remote_event(&self, event: &Event) -> Result<Option<&RemoteEvent>, String> {
        let title = self.block.event.title.as_deref().unwrap_or_default();
        let titled: Vec<&RemoteEvent> = self.remote.events.get(&fold(title)).into_iter().flatten().collect();
        let active: Vec<&RemoteEvent> = titled.iter().copied().filter(|remote| !remote.cancelled).collect();
        if active.is_empty() {
            let cancelled = "Administrate has a cancelled event with this title; give this event another title";
            return if titled.is_empty() { Ok(None) } else { Err(cancelled.to_owned()) };
        }
        let linked = self.local.templates.iter().find(|linked| Some(linked.record.id) == event.course_template_id);
        let template = linked.and_then(|linked| linked.external_id.as_deref());
        let code = linked.map_or("", |linked| linked.record.name.as_str());
        let (classroom, lms) = self.starts();
        let compared: Vec<(&RemoteEvent, Vec<String>)> =
            active.iter().map(|remote| (*remote, remote.differences((template, code), classroom, lms))).collect();
        let matching: Vec<&RemoteEvent> =
            compared.iter().filter(|(_, differences)| differences.is_empty()).map(|(remote, _)| *remote).collect();
        match matching.as_slice() {
            [remote] => Ok(Some(*remote)),
            [] => {
                let closest = compared.iter().min_by_key(|(_, differences)| differences.len());
                let differences = closest.map(|(_, differences)| differences.join("; ")).unwrap_or_default();
                Err(format!(
                    "Administrate has an event with this title that differs: {differences}; correct one side, or give one \
                     of the events another title"
                ))
            }
            several => Err(format!(
                "Administrate has {} events with this title, template and start; rename all but one in Administrate",
                several.len()
            )),
        }
    }

    /// Returns the start of the block's event in the classroom and on the learning platform, wall-clock time.
    pub(super) fn starts(&self) -> (Option<DateTime>, Option<DateTime>) {
        let sessions = self.block.sessions.iter().filter_map(|(_, session)| session.start);
        (sessions.map(|moment| moment.local).min(), self.block.event.lms_start.map(|moment| moment.local))
    }

    /// Warns when Administrate created fewer sessions for the template so far than the event has.
    fn warn_short_template(&mut self, event: &Event) {
        let template = event.course_template_id.unwrap_or_default();
        let Some(created) = self.local.template_sessions.get(&template) else { return };
        let needed = event.sessions.len();
        if (*created as usize) < needed {
            let message = format!(
                "Administrate created at most {created} sessions for this course template so far, this event has \
                 {needed}; add days to the template in Administrate"
            );
            self.flag(Field::Template, Code::TooFewTemplateSessions, message);
        }
    }
}
