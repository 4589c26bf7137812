//! What needs a person, each with where it is resolved.

use crate::error::Exit;
use crate::jobs::JobRun;
use crate::outbox::Backlog;
use crate::runs::OpenMatches;
use crate::sync::Entity;
use crate::sync::stored_plans::WaitingPlan;
use crate::timetable_import::job::IMPORTS;
use crate::web::document::number;
use crate::web::format::plural;
use crate::web::run::StateTag;

/// Something that needs a person, and where it is resolved.
pub(super) struct Task {
    pub tag: StateTag,
    pub what: String,
    pub path: String,
    pub action: &'static str,
}

pub(super) fn task(
    (tone, word): (&'static str, &'static str),
    what: String,
    path: String,
    action: &'static str,
) -> Task {
    Task { tag: StateTag::new(tone, word), what, path, action }
}

/// Returns what has not reached Administrate and waits for a person.
pub(super) fn delivery_tasks(backlog: &Backlog) -> Vec<Task> {
    let mut tasks = Vec::new();
    if backlog.unknown > 0 {
        let what = format!("{} sent to Administrate, and no answer came", plural(backlog.unknown, "creation"));
        tasks.push(task(("warn", "Outcome unknown"), what, "/outbox?state=unknown".into(), "Decide"));
    }
    if backlog.failed > 0 {
        let what = format!("{} did not reach Administrate", plural(backlog.failed, "change"));
        tasks.push(task(("bad", "Failed"), what, "/outbox?state=failed".into(), "Look and deliver again"));
    }
    // An hour is much longer than a delivery takes that only waits for its turn.
    if backlog.pending > 0 && backlog.longest_due.is_some_and(|seconds| seconds > 3600.0) {
        let what = format!("{} wait for Administrate for more than an hour", plural(backlog.pending, "change"));
        tasks.push(task(("warn", "Waiting"), what, "/outbox?state=pending".into(), "Look"));
    }
    tasks
}

/// Returns a plan that waits for the approval of a second person.
pub(super) fn approval_task(plan: &WaitingPlan) -> Task {
    let heading =
        plan.subject.parse().map_or_else(|_| "All reference data".to_owned(), |entity: Entity| entity.heading());
    let what = if plan.is_undo { "an undo" } else { "a plan" };
    let by = plan.planned_by.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
    let path = format!("/syncs/{}?run={}", plan.subject, plan.run);
    task(("warn", "To approve"), format!("{heading}: {what}{by} waits for another person"), path, "Look and approve")
}

/// Returns what the latest sync of an entity left open.
pub(super) fn sync_task(open: &OpenMatches) -> Option<Task> {
    let entity: Entity = open.entity.parse().ok()?;
    let path = format!("/syncs/{}?run={}", open.entity, open.run);
    let has_failed =
        open.exit_code.is_some_and(|code| ![Exit::Done as i32, Exit::NeedsAttention as i32].contains(&code));
    if has_failed {
        let what = format!("{}: the latest sync failed", entity.heading());
        return Some(task(("bad", "Sync failed"), what, path, "Look"));
    }
    let counts = [
        (open.ambiguous, "ambiguous name"),
        (open.conflicts, "conflict"),
        (open.unmatched, "unmatched record"),
        (open.errors, "error"),
    ];
    let open_counts = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = open_counts.map(|(count, noun)| plural(i64::from(*count), noun)).collect();
    let what = format!("{}: {}", entity.heading(), words.join(", "));
    Some(task(("warn", "To match"), what, path, "Match"))
}

/// Returns the recent imports with rejected events, except those whose workbook was imported again.
pub(super) fn import_tasks(imports: &[JobRun]) -> Vec<Task> {
    let mut seen: Vec<&str> = Vec::new();
    let mut tasks = Vec::new();
    for run in imports.iter().filter(|run| !run.dry_run && run.kind == IMPORTS.name) {
        if seen.contains(&run.subject.as_str()) {
            continue;
        }
        seen.push(&run.subject);
        let counts = run.document.as_ref().map(|document| document["counts"].clone()).unwrap_or_default();
        let rejected = number(&counts["rejected"]);
        let path = format!("/imports/{}", run.id);
        if rejected > 0 {
            let what = format!("{}: {} rejected", run.subject, plural(rejected, "event"));
            tasks.push(task(("bad", "Rejected"), what, path, "Look and correct"));
        } else if run.exit_code == Some(Exit::Failed as i32) {
            tasks.push(task(("bad", "Import failed"), format!("{} was not imported", run.subject), path, "Look"));
        }
    }
    tasks
}
