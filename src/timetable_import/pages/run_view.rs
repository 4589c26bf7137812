//! What the pages of one run show: its progress, its plan, its outcome, or the undo of an import.

use askama::Template;
use serde_json::Value;

use super::corrections_view::{Corrections, RefusedCorrection};
use super::grid_view::{self, CellProblem, GridView};
use crate::jobs::JobRun;
use crate::outbox::DeliveryCounts;
use crate::timetable_import::corrections::store::StoredCorrection;
use crate::timetable_import::job::UNDO;
use crate::web::document::{list, number, optional, shown, text};
use crate::web::format::{Clock, ShownTime, duration, plural, thousands};
use crate::web::frame::Frame;
use crate::web::paging::{Address, ListPart};
use crate::web::run::StateTag;

/// Items of one part of a plan or of a list of problems.
const PART: usize = 100;

/// Returns the title of the page of a run.
pub(super) fn title(run: &JobRun) -> String {
    match (run.kind == UNDO, run.dry_run) {
        (true, _) => format!("Undo of import {}", run.subject),
        (false, true) => format!("Plan of {}", run.subject),
        (false, false) => format!("Import of {}", run.subject),
    }
}

/// What the pages of every run show.
pub(super) struct RunHead {
    id: i64,
    tag: StateTag,
    started: Option<ShownTime>,
    took: Option<String>,
}

impl RunHead {
    fn new(run: &JobRun, clock: &Clock) -> RunHead {
        let seconds = |stored: &str| clock.seconds_since(stored);
        let took = run.finished_at.as_deref().and_then(|finished| Some(seconds(&run.started_at)? - seconds(finished)?));
        RunHead {
            id: run.id,
            tag: StateTag::of(run),
            started: clock.time(&run.started_at),
            // Stored times have no fractions of a second.
            took: took.map(|seconds| match seconds < 1.0 {
                true => "less than 1 s".to_owned(),
                false => duration((seconds * 1000.0) as i64),
            }),
        }
    }
}

/// The page of a run that has not ended.
#[derive(Template)]
#[template(path = "imports/running.html")]
pub(super) struct RunningPage {
    frame: Frame,
    run: RunHead,
    phrase: &'static str,
    done: i64,
    total: i64,
    pace: Option<String>,
    can_cancel: bool,
    refused: Option<RefusedCorrection>,
}

impl RunningPage {
    pub(super) fn new(
        frame: Frame,
        clock: &Clock,
        (run, refused): (&JobRun, Option<RefusedCorrection>),
        delivery: DeliveryCounts,
    ) -> RunningPage {
        let (done, total) = (delivery.done(), delivery.total());
        let seconds = clock.seconds_since(&run.started_at).unwrap_or_default();
        let per_second = done as f64 / seconds.max(1.0);
        let left = (per_second > 0.0).then(|| ((total - done) as f64 / per_second * 1000.0) as i64);
        let pace = left.map(|left| format!("{per_second:.1} a second, about {} left", duration(left)));
        RunningPage {
            // Loading the page again would lose what was typed.
            frame: Frame { refresh: if refused.is_some() { 0 } else { 2 }, ..frame },
            run: RunHead::new(run, clock),
            phrase: match (run.kind == UNDO, run.dry_run) {
                (_, true) => "Reading the workbook and comparing it with Lectern and Administrate",
                (true, false) => "Taking the import back, here and in Administrate",
                (false, false) => "Writing the events, then delivering them to Administrate",
            },
            done,
            total,
            pace,
            can_cancel: run.requested && !run.cancelled,
            refused,
        }
    }
}

/// A number with its name.
pub(super) struct Fact {
    name: &'static str,
    value: String,
}

fn facts(document: &Value) -> Vec<Fact> {
    let counts = &document["counts"];
    let fact = |(name, key): (&'static str, &str)| Fact { name, value: thousands(number(&counts[key])) };
    let names = [
        ("New events", "created"),
        ("Changed", "updated"),
        ("Unchanged", "unchanged"),
        ("Duplicate", "duplicate"),
        ("Rejected", "rejected"),
        ("Sessions", "sessions"),
    ];
    names.into_iter().map(fact).collect()
}

/// A problem outside the grid.
pub(super) struct ListedProblem {
    place: String,
    event: String,
    problem: CellProblem,
}

impl ListedProblem {
    fn new(problem: &Value) -> ListedProblem {
        let row = problem["row"].as_i64().map(|row| format!("Row {row}"));
        ListedProblem {
            place: optional(&problem["cell"]).or(row).unwrap_or_else(|| "File".to_owned()),
            event: text(&problem["event"]),
            problem: CellProblem::new(problem),
        }
    }
}

/// A note about an event.
pub(super) struct NoteView {
    event: String,
    message: String,
    needs_attention: bool,
}

fn notes(document: &Value) -> Vec<NoteView> {
    let note = |note: &Value| NoteView {
        event: text(&note["event"]),
        message: text(&note["message"]),
        needs_attention: note["needs_a_person"] == true,
    };
    list(&document["remarks"]).map(note).collect()
}

/// An event of a plan.
pub(super) struct PlanRow {
    event: String,
    row: i64,
    tag: StateTag,
    sessions: i64,
    requests: String,
    changes: Vec<ChangedValue>,
}

/// A value that a plan changes.
pub(super) struct ChangedValue {
    field: String,
    old: String,
    new: String,
    /// The other value in Administrate, where both sides changed it.
    remote: Option<String>,
}

impl PlanRow {
    fn new(item: &Value) -> PlanRow {
        let tag = match item["outcome"].as_str().unwrap_or_default() {
            "new" => StateTag::new("good", "New"),
            "adopted" => StateTag::new("good", "Adopted"),
            "changed" => StateTag::new("live", "Changed"),
            "cancelled" => StateTag::new("warn", "Cancelled"),
            "skipped" => StateTag::new("", "Skipped"),
            "duplicate" => StateTag::new("warn", "Duplicate"),
            "conflict" | "refused" => StateTag::new("bad", "Rejected"),
            _ => StateTag::new("", "Unchanged"),
        };
        let value = |change: &Value, remote| ChangedValue {
            field: text(&change["field"]),
            old: shown(&change["old"]),
            new: shown(&change["new"]),
            remote,
        };
        let changes = list(&item["changes"]).map(|change| value(change, None));
        let conflicts = list(&item["conflicts"]).map(|change| value(change, Some(shown(&change["theirs"]))));
        PlanRow {
            event: text(&item["event"]),
            row: number(&item["row"]),
            tag,
            sessions: number(&item["sessions"]),
            requests: thousands(number(&item["requests"])),
            changes: changes.chain(conflicts).collect(),
        }
    }
}

/// The page of a plan: problems, corrections, what would change, and what it costs.
#[derive(Template)]
#[template(path = "imports/plan.html")]
pub(super) struct PlanPage {
    frame: Frame,
    run: RunHead,
    file: String,
    error: Option<String>,
    facts: Vec<Fact>,
    grid: Option<GridView>,
    problems: Vec<ListedProblem>,
    problem_count: i64,
    corrections: Vec<StoredCorrection>,
    refused: Option<RefusedCorrection>,
    items: Vec<PlanRow>,
    part: ListPart,
    notes: Vec<NoteView>,
    has_report: bool,
    /// What a confirmation does; none where nothing can be imported.
    offer: Option<String>,
    cost: String,
    rejected: i64,
}

/// Returns what an import writes, in words.
fn offer(created: i64, updated: i64) -> String {
    match (created, updated) {
        (created, 0) => plural(created, "new event"),
        (0, updated) => plural(updated, "changed event"),
        (created, updated) => format!("{} and {} changed", plural(created, "new event"), thousands(updated)),
    }
}

impl PlanPage {
    /// `pace`: requests to Administrate that are allowed in five minutes.
    pub(super) fn new(
        frame: Frame,
        clock: &Clock,
        (run, document): (&JobRun, &Value),
        Corrections { stored: corrections, refused }: Corrections,
        (address, pace): (&Address, i64),
    ) -> PlanPage {
        let counts = &document["counts"];
        let (created, updated) = (number(&counts["created"]), number(&counts["updated"]));
        let calls = number(&document["plan"]["remote_calls"]);
        let items: Vec<&Value> = list(&document["plan"]["items"]).collect();
        let part = ListPart::of(items.len(), PART, address.number("part"));
        let grid = grid_view::view(document, &corrections, address.number("rows"));
        let is_outside = |problem: &&Value| grid.is_none() || problem["row"].is_null();
        let minutes = (calls * 5).div_euclid(pace.max(1));
        let time =
            if minutes < 1 { "less than a minute".into() } else { format!("about {}", plural(minutes, "minute")) };
        PlanPage {
            run: RunHead::new(run, clock),
            file: run.subject.clone(),
            error: optional(&document["error"]),
            facts: facts(document),
            problems: list(&document["problems"]).filter(is_outside).take(PART).map(ListedProblem::new).collect(),
            problem_count: number(&document["problems_total"]),
            items: items[part.from..part.to].iter().map(|item| PlanRow::new(item)).collect(),
            part,
            notes: notes(document),
            has_report: document["report"].is_string(),
            offer: (created + updated > 0 && !run.cancelled && document["plan"].is_object())
                .then(|| offer(created, updated)),
            cost: format!("{} to Administrate, {time} at the allowed pace", plural(calls, "request")),
            rejected: number(&counts["rejected"]),
            grid,
            corrections,
            refused,
            frame,
        }
    }
}

/// An event that has not reached Administrate.
pub(super) struct UndeliveredRow {
    event: String,
    tag: StateTag,
    error: String,
}

/// Returns the state of a delivery.
pub(super) fn delivery_tag(state: &str) -> StateTag {
    match state {
        "delivered" => StateTag::new("good", "Delivered"),
        "failed" => StateTag::new("bad", "Failed"),
        "unknown" => StateTag::new("warn", "Outcome unknown"),
        _ => StateTag::new("live", "Waiting"),
    }
}

/// The page of an import that has ended.
#[derive(Template)]
#[template(path = "imports/outcome.html")]
pub(super) struct OutcomePage {
    frame: Frame,
    run: RunHead,
    file: String,
    error: Option<String>,
    facts: Vec<Fact>,
    delivery: Vec<Fact>,
    pending: i64,
    failed: i64,
    undelivered: Vec<UndeliveredRow>,
    problems: Vec<ListedProblem>,
    part: ListPart,
    problem_count: i64,
    corrections: Vec<StoredCorrection>,
    refused: Option<RefusedCorrection>,
    notes: Vec<NoteView>,
    has_report: bool,
    written: i64,
    is_stopped: bool,
}

impl OutcomePage {
    pub(super) fn new(
        frame: Frame,
        clock: &Clock,
        (run, document): (&JobRun, &Value),
        Corrections { stored: corrections, refused }: Corrections,
        address: &Address,
    ) -> OutcomePage {
        let delivery = &document["delivery"];
        let count = |key: &str| number(&delivery[key]);
        let fact = |(name, key): (&'static str, &str)| Fact { name, value: thousands(count(key)) };
        let names = [("Delivered", "delivered"), ("Waiting", "pending"), ("Failed", "failed"), ("Unknown", "unknown")];
        let problems: Vec<&Value> = list(&document["problems"]).collect();
        let part = ListPart::of(problems.len(), PART, address.number("part"));
        let pending = count("pending");
        let counts = &document["counts"];
        let undelivered = list(&document["undelivered"]).take(PART).map(|item| UndeliveredRow {
            event: text(&item["event"]),
            tag: delivery_tag(item["state"].as_str().unwrap_or_default()),
            error: text(&item["error"]),
        });
        OutcomePage {
            frame: Frame { refresh: if pending > 0 { 5 } else { 0 }, ..frame },
            run: RunHead::new(run, clock),
            file: run.subject.clone(),
            error: optional(&document["error"]),
            facts: facts(document),
            delivery: names.into_iter().map(fact).collect(),
            pending,
            failed: count("failed"),
            undelivered: undelivered.collect(),
            problems: problems[part.from..part.to].iter().map(|problem| ListedProblem::new(problem)).collect(),
            part,
            problem_count: number(&document["problems_total"]),
            corrections,
            refused,
            notes: notes(document),
            has_report: document["report"].is_string(),
            written: number(&counts["created"]) + number(&counts["updated"]),
            is_stopped: document["stopped"] == true,
        }
    }
}

/// The page of the undo of an import, or of its plan.
#[derive(Template)]
#[template(path = "imports/undo.html")]
pub(super) struct UndoPage {
    frame: Frame,
    run: RunHead,
    import: String,
    is_plan: bool,
    error: Option<String>,
    removed: Vec<String>,
    restored: Vec<String>,
    refused: Vec<NoteView>,
}

impl UndoPage {
    pub(super) fn new(frame: Frame, clock: &Clock, run: &JobRun, document: &Value) -> UndoPage {
        let refused = |item: &Value| NoteView {
            event: text(&item["event"]),
            message: text(&item["message"]),
            needs_attention: true,
        };
        UndoPage {
            frame,
            run: RunHead::new(run, clock),
            import: run.subject.clone(),
            is_plan: run.dry_run,
            error: optional(&document["error"]),
            removed: list(&document["removed"]).map(text).collect(),
            restored: list(&document["restored"]).map(text).collect(),
            refused: list(&document["refused"]).map(refused).collect(),
        }
    }
}
