//! The page at `/today`. Everything on it leads to where it is resolved.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::background::WorkerState;
use crate::error::Exit;
use crate::http::state::ServerState;
use crate::jobs::{self, JobRun};
use crate::outbox::{self, Backlog};
use crate::runs::{self, OpenMatches};
use crate::sync::Entity;
use crate::sync::job::SYNCS;
use crate::timetable_import::job::IMPORTS;
use crate::tutorials::store::{UpcomingSession, upcoming_sessions};
use crate::web::document::number;
use crate::web::format::{Clock, ShownTime, plural};
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};
use crate::webhooks;

/// Sessions that come next.
const UPCOMING: i64 = 10;

/// Imports among which those with rejected events are looked for.
const RECENT: i64 = 10;

/// Returns the route of the page.
pub fn router(state: ServerState) -> Router {
    Router::new().route("/today", get(show)).with_state(state)
}

#[derive(Template)]
#[template(path = "today/today.html")]
struct TodayPage {
    frame: Frame,
    tasks: Vec<Task>,
    sessions: Vec<SessionLine>,
    last_sync: Option<RunLine>,
    last_import: Option<RunLine>,
    health: Vec<HealthLine>,
}

/// Something that needs a person, and where it is resolved.
struct Task {
    tag: StateTag,
    what: String,
    path: String,
    action: &'static str,
}

/// A session that comes next.
struct SessionLine {
    event: String,
    title: String,
    start: Option<ShownTime>,
    place: String,
    path: String,
}

/// The latest run of a kind.
struct RunLine {
    what: String,
    tag: StateTag,
    started: Option<ShownTime>,
    path: String,
}

/// Whether a part of the program works.
struct HealthLine {
    name: String,
    tag: StateTag,
}

async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<ServerState>) -> Response {
    match render(&visitor, &state).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ServerState) -> Result<TodayPage, PageProblem> {
    let pool = &state.pool;
    let (backlog, hooks, matches, imports, syncs, sessions) = tokio::try_join!(
        outbox::backlog(pool),
        webhooks::overview(pool),
        runs::open_matches(pool),
        jobs::latest(pool, &IMPORTS, None, RECENT),
        jobs::latest(pool, &SYNCS, None, RECENT),
        upcoming_sessions(pool, UPCOMING),
    )?;
    let mut tasks = delivery_tasks(&backlog);
    if hooks.dead > 0 {
        let what = format!("{} of Administrate could not be applied", plural(hooks.dead, "webhook"));
        tasks.push(task(("bad", "Not applied"), what, "/webhooks".into(), "Look and apply again"));
    }
    tasks.extend(matches.iter().filter_map(sync_task));
    tasks.extend(import_tasks(&imports));
    let clock = &visitor.clock;
    let last = |runs: &[JobRun], place: fn(&JobRun) -> String| {
        runs.iter().find(|run| !run.dry_run).map(|run| RunLine {
            what: run.subject.clone(),
            tag: StateTag::of(run),
            started: clock.time(&run.started_at),
            path: place(run),
        })
    };
    Ok(TodayPage {
        frame: visitor.frame("Today", NavPlace::Today),
        tasks,
        sessions: sessions.iter().map(|session| SessionLine::new(session, clock)).collect(),
        last_sync: last(&syncs, |run| format!("/syncs/{}?run={}", run.subject, run.id)),
        last_import: last(&imports, |run| format!("/imports/{}", run.id)),
        health: health(state),
    })
}

fn task((tone, word): (&'static str, &'static str), what: String, path: String, action: &'static str) -> Task {
    Task { tag: StateTag::new(tone, word), what, path, action }
}

/// Returns what has not reached Administrate and waits for a person.
fn delivery_tasks(backlog: &Backlog) -> Vec<Task> {
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

/// Returns what the latest sync of an entity left open.
fn sync_task(open: &OpenMatches) -> Option<Task> {
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
fn import_tasks(imports: &[JobRun]) -> Vec<Task> {
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

impl SessionLine {
    fn new(session: &UpcomingSession, clock: &Clock) -> SessionLine {
        let zone = jiff::tz::TimeZone::get(&session.time_zone).ok();
        let clock = zone.map_or_else(|| clock.clone(), Clock::new);
        SessionLine {
            title: session.title.clone(),
            start: clock.time(&session.start_date),
            place: session.place.clone(),
            path: format!(
                "/?q={}",
                percent_encoding::utf8_percent_encode(&session.event, percent_encoding::NON_ALPHANUMERIC)
            ),
            event: session.event.clone(),
        }
    }
}

/// Returns the state of the background workers of this process.
fn health(state: &ServerState) -> Vec<HealthLine> {
    let line = |worker: crate::background::WorkerStatus| HealthLine {
        name: worker.name.to_owned(),
        tag: match worker.state {
            WorkerState::Running => StateTag::new("good", "Running"),
            _ => StateTag::new("bad", "Restarting"),
        },
    };
    state.workers.statuses().into_iter().map(line).collect()
}
