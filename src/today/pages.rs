//! The page at `/today`. Everything on it leads to where it is resolved.

use askama::Template;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;

use super::clashes::{self, ClashFinder};
use super::lessons::{self, LessonLine};
use super::tasks::{Task, approval_task, delivery_tasks, import_tasks, sync_task, task};
use crate::background::WorkerState;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs::{self, JobRun};
use crate::outbox;
use crate::resources::api::ResourceState;
use crate::runs;
use crate::search::read_model::follow::Follower;
use crate::sync::Entity;
use crate::sync::job::SYNCS;
use crate::sync::stored_plans;
use crate::timetable_import::job::IMPORTS;
use crate::tutorials::store::{UpcomingSession, upcoming_sessions};
use crate::web::format::{Clock, ShownTime, plural, sentence};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};
use crate::webhooks;

/// Sessions that come next.
const UPCOMING: i64 = 10;

/// Imports among which those with rejected events are looked for.
const RECENT: i64 = 10;

/// What the page needs.
#[derive(Clone)]
struct TodayState {
    resources: ResourceState,
    follower: Follower,
    clashes: ClashFinder,
}

impl FromRef<TodayState> for ServerState {
    fn from_ref(state: &TodayState) -> Self {
        state.resources.server.clone()
    }
}

/// Returns the route of the page.
pub fn router(resources: ResourceState, follower: Follower) -> Router {
    let state = TodayState { resources, follower, clashes: ClashFinder::default() };
    Router::new().route("/today", get(show)).with_state(state)
}

#[derive(Template)]
#[template(path = "today/today.html")]
struct TodayPage {
    frame: Frame,
    tasks: Vec<Task>,
    sessions: Vec<SessionLine>,
    lessons: Vec<LessonLine>,
    last_sync: Option<RunLine>,
    last_import: Option<RunLine>,
    health: Vec<HealthLine>,
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

async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<TodayState>, address: Pairs) -> Response {
    match render(&visitor, &state, address).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &TodayState, address: Pairs) -> Result<TodayPage, PageProblem> {
    let show_all_clashes = Address::of(address)?.get("clashes") == "all";
    let (server, clock) = (&state.resources.server, &visitor.clock);
    let pool = &server.pool;
    let (backlog, hooks, matches, imports, syncs, sessions, clashes) = tokio::try_join!(
        outbox::backlog(pool),
        webhooks::overview(pool),
        runs::open_matches(pool),
        jobs::latest(pool, &IMPORTS, None, RECENT),
        jobs::latest(pool, &SYNCS, None, RECENT),
        upcoming_sessions(pool, UPCOMING),
        state.clashes.find(pool, state.follower.current().version),
    )?;
    let lessons = lessons::next(&state.resources, &visitor.caller, clock, &server.config.zone()).await?;
    let mut tasks = delivery_tasks(&backlog);
    if hooks.dead > 0 {
        let what = format!("{} of Administrate could not be applied", plural(hooks.dead, "webhook"));
        tasks.push(task(("bad", "Not applied"), what, "/webhooks".into(), "Look and apply again"));
    }
    tasks.extend(stored_plans::waiting(pool, &server.config).await?.iter().map(approval_task));
    tasks.extend(matches.iter().filter_map(sync_task));
    tasks.extend(import_tasks(&imports));
    tasks.extend(clashes::tasks(&clashes, show_all_clashes, clock));
    let last = |runs: &[JobRun], place: fn(&JobRun) -> String| {
        runs.iter().find(|run| !run.dry_run).map(|run| RunLine {
            what: run.subject.parse().map_or_else(|_| run.subject.clone(), |entity: Entity| entity.heading()),
            tag: StateTag::of(run),
            started: clock.time(&run.started_at),
            path: place(run),
        })
    };
    Ok(TodayPage {
        frame: visitor.frame("Today", NavPlace::Today),
        tasks,
        sessions: sessions.iter().map(|session| SessionLine::new(session, clock)).collect(),
        lessons,
        last_sync: last(&syncs, |run| format!("/syncs/{}?run={}", run.subject, run.id)),
        last_import: last(&imports, |run| format!("/imports/{}", run.id)),
        health: health(server),
    })
}

impl SessionLine {
    fn new(session: &UpcomingSession, clock: &Clock) -> SessionLine {
        let zone = jiff::tz::TimeZone::get(&session.time_zone).ok();
        let clock = zone.map_or_else(|| clock.clone(), Clock::new);
        SessionLine {
            title: session.title.clone(),
            start: clock.time(&session.start_date),
            place: session.place.clone(),
            path: format!("/events/{}", session.event_id),
            event: session.event.clone(),
        }
    }
}

/// Returns the state of the background workers of this process.
fn health(state: &ServerState) -> Vec<HealthLine> {
    let line = |worker: crate::background::WorkerStatus| HealthLine {
        name: sentence(worker.name),
        tag: match worker.state {
            WorkerState::Running => StateTag::new("good", "Running"),
            _ => StateTag::new("bad", "Restarting"),
        },
    };
    state.workers.statuses().into_iter().map(line).collect()
}
