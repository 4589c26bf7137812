//! `lectern serve`.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::connections::{connection_limit, raise_file_limit};
use super::runtime::RequestRuntime;
use crate::app::Context;
use crate::background::Workers;
use crate::catalogue;
use crate::catalogue_import;
use crate::changes;
use crate::config::Config;
use crate::database::Database;
use crate::delivery;
use crate::delivery::worker::run_worker;
use crate::error::{Error, Exit, Result};
use crate::gateway::{AuditMode, connect};
use crate::history;
use crate::http::idempotency::Replays;
use crate::http::state::ServerState;
use crate::identity;
use crate::jobs::run_queue;
use crate::lessons;
use crate::people;
use crate::resources;
use crate::resources::api::ResourceState;
use crate::resources::pages::{NamedTable, TableGroup, TableSet};
use crate::retention;
use crate::search;
use crate::search::read_model::follow::Follower;
use crate::sync;
use crate::sync::job::SyncJobs;
use crate::timetable_import;
use crate::timetable_import::job::ImportJobs;
use crate::today;
use crate::tutorials;
use crate::web;
use crate::web::frame::NavPlace;
use crate::webhooks;

/// Options of `lectern serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Serve at this address [env: LECTERN_BIND]
    #[arg(long, value_name = "ADDR")]
    bind: Option<String>,
    /// Serve without delivering to Administrate
    #[arg(long, conflicts_with = "worker_only")]
    no_worker: bool,
    /// Deliver to Administrate without serving
    #[arg(long)]
    worker_only: bool,
}

/// How long the first response may wait for the catalogue. Afterwards searches are 503 until it is loaded.
const CATALOGUE_PATIENCE: Duration = Duration::from_secs(1);

/// Runs `lectern serve` until it is stopped.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let bind = args.bind.as_deref().unwrap_or(&context.config.bind);
    let listener = if args.worker_only { None } else { Some(listen(bind).await?) };
    let database = context.database().await?;
    let result = tokio::select! {
        result = serve(context, &database, listener, !args.no_worker) => result,
        error = database.lost() => Err(error),
    };
    database.close().await;
    result
}

async fn serve(
    context: &Context,
    database: &Database,
    listener: Option<TcpListener>,
    has_worker: bool,
) -> Result<Exit> {
    let workers = Workers::new(&context.stop);
    if has_worker {
        start_work(context, database, listener.is_none(), &workers).await?;
    }
    match listener {
        Some(listener) => {
            if let Ok(address) = listener.local_addr() {
                context.console.notify(format_args!("serving at http://{address}/"));
            }
            serve_site(context, database, listener, &workers).await?;
        }
        None => context.stop.cancelled().await,
    }
    workers.join().await;
    Ok(Exit::Done)
}

/// Starts all background work of a server: delivery, webhooks, schedule, the queues of imports and syncs, and retention.
///
/// # Errors
/// Administrate is not configured although delivery is required.
pub async fn start_work(
    context: &Context,
    database: &Database,
    requires_delivery: bool,
    workers: &Workers,
) -> Result<()> {
    start_delivery(context, database, requires_delivery, workers).await?;
    start_background(context, database, workers);
    Ok(())
}

/// Serves the site on a listener until the command is stopped. Requests have threads and database connections of their
/// own.
pub async fn serve_site(
    context: &Context,
    database: &Database,
    listener: TcpListener,
    workers: &Workers,
) -> Result<()> {
    let runtime = RequestRuntime::start()?;
    let pool = database.http_pool(&context.config)?;
    let limits = Limits {
        connections: connection_limit(raise_file_limit(), context.config.http.max_connections),
        ..Limits::default()
    };
    let state =
        ServerState::new(&pool, &context.config, &context.stop).with_workers(workers).with_settings(&context.settings);
    let data_folder = Some(context.config.data_dir.clone());
    let served = runtime.run(async move {
        let follower = Follower::start(pool.clone(), data_folder, CATALOGUE_PATIENCE).await;
        let (followed, stop) = (follower.clone(), state.stop.clone());
        state.workers.spawn("catalogue", move || followed.clone().follow(stop.clone()));
        crate::serve::serve(listener, site(&state, follower, limits), state.stop.clone()).await;
        pool.close().await;
        Ok(())
    });
    served.await
}

/// Starts the delivery worker. Without access to Administrate this is an error only if the worker is `required`;
/// otherwise the reason is printed.
async fn start_delivery(context: &Context, database: &Database, required: bool, workers: &Workers) -> Result<()> {
    let client = match connect(&context.config, &database.pool, "serve", AuditMode::On).await {
        Err(Error::Prerequisite(reason)) if !required => {
            context.console.notify(format_args!("no delivery to Administrate: {reason}"));
            return Ok(());
        }
        client => client?,
    };
    let (pool, config, stop) = (database.pool.clone(), context.config.clone(), context.stop.clone());
    workers.spawn("delivery", move || run_worker(pool.clone(), client.clone(), config.clone(), stop.clone()));
    Ok(())
}

/// What every worker needs.
#[derive(Clone)]
struct Shared {
    pool: PgPool,
    config: Arc<Config>,
    stop: CancellationToken,
}

/// Starts the background work other than delivery: webhooks, schedule, the queues of imports and syncs, and retention.
fn start_background(context: &Context, database: &Database, workers: &Workers) {
    let config = Arc::new(context.config.clone());
    let shared = Shared { pool: database.pool.clone(), config, stop: context.stop.clone() };
    start_worker(workers, "webhooks", &shared, |Shared { pool, config, stop }| {
        webhooks::worker::run_worker(pool, config, stop)
    });
    if sync::schedule::is_set(&context.config) {
        start_worker(workers, "schedule", &shared, |Shared { pool, config, stop }| {
            sync::schedule::run_schedule(pool, config, stop)
        });
    }
    start_worker(workers, "imports", &shared, |Shared { pool, config, stop }| {
        run_queue(pool.clone(), ImportJobs { pool, config }, stop)
    });
    start_worker(workers, "syncs", &shared, |Shared { pool, config, stop }| {
        run_queue(pool.clone(), SyncJobs { pool, config }, stop)
    });
    start_worker(workers, "retention", &shared, |Shared { pool, config, stop }| {
        retention::run_sweeper(pool, config, stop)
    });
}

fn start_worker<F>(workers: &Workers, name: &'static str, shared: &Shared, work: impl Fn(Shared) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let shared = shared.clone();
    workers.spawn(name, move || work(shared.clone()));
}

/// Returns the application with the routes of every module.
pub fn site(state: &ServerState, follower: Follower, limits: Limits) -> crate::serve::App {
    let urls = search::compose::SessionUrls::from_setting(state.config.public_session_urls);
    let searched = search::api::SearchState { follower: follower.clone(), urls, zone: state.config.zone() };
    let resources = resource_state(state, follower.clone());
    let routes = crate::serve::health::router(follower.clone(), state.workers.clone())
        .merge(search::api::router(searched.clone()))
        .merge(changes::api::router(follower.clone(), state.stop.clone()))
        .merge(search::shop::api::router(searched.clone()))
        .merge(search::pages::router(searched.clone(), state.clone()))
        .merge(catalogue::api::router(&resources))
        .merge(timetable_import::mapping::api::router(&resources))
        .merge(search::synonyms::api::router(&resources))
        .merge(tutorials::api::router(&ResourceState { is_public: true, ..resources.clone() }))
        .merge(tutorials::pages::router(resources.clone()))
        .merge(people::api::router(&resources))
        .merge(lessons::api::router(&resources))
        .merge(lessons::pages::router(&resources))
        .merge(delivery::api::router(state.clone()))
        .merge(timetable_import::api::router(state.clone()))
        .merge(sync::api::router(state.clone()))
        .merge(history::api::router(state.clone()))
        .merge(identity::api::router(state.clone()))
        .merge(identity::pages::router(state.clone()))
        .merge(webhooks::api::router(state.clone()))
        .merge(pages(state, &resources, follower.clone()))
        .merge(crate::serve::description::router(state.config.clone()));
    let known = [
        search::api::parameters(),
        search::shop::api::parameters(),
        changes::api::parameters(),
        catalogue::api::parameters(),
        tutorials::api::parameters(),
        people::api::parameters(),
        lessons::api::parameters(),
        delivery::api::parameters(),
        timetable_import::api::parameters(),
        timetable_import::mapping::api::parameters(),
        search::synonyms::api::parameters(),
        sync::api::parameters(),
        history::api::parameters(),
        identity::api::parameters(),
        crate::serve::description::parameters(),
    ];
    let replays = Replays { pool: state.pool.clone(), body_limit: crate::serve::BODY_LIMIT };
    let origins = state.config.cors_origins.clone();
    let known = known.into_iter().flatten().collect();
    let direct = search::api::direct_route(searched);
    crate::serve::app(routes, direct, crate::serve::Layers { known, replays, origins, limits })
}

/// Returns the pages of staff, and the files that pages load.
fn pages(state: &ServerState, resources: &ResourceState, follower: Follower) -> axum::Router {
    today::pages::router(resources.clone(), follower)
        .merge(timetable_import::pages::router(state.clone()))
        .merge(sync::pages::router(state.clone()))
        .merge(delivery::pages::router(state.clone()))
        .merge(webhooks::pages::router(state.clone()))
        .merge(records(resources))
        .merge(web::assets::router())
}

/// Returns the pages of the tables that events and lessons refer to.
fn records(state: &ResourceState) -> axum::Router {
    let people = ResourceState { is_public: false, guards: people::resources::CASCADE_GUARDS, ..state.clone() };
    let reference = catalogue::pages::TABLES.iter().chain(&tutorials::pages::TABLES);
    let groups = vec![
        TableGroup {
            path: "/reference",
            title: "Reference data",
            about: "The records that events and search refer to: the catalogue, places and instructors.",
            place: NavPlace::Reference,
            pages: reference.copied().collect(),
            state: state.clone(),
        },
        TableGroup {
            path: "/people",
            title: "People",
            about: "The people who give and take lessons, their enrolments, and the days without lessons.",
            place: NavPlace::People,
            pages: people::pages::TABLES.iter().chain(&lessons::pages::TABLES).copied().collect(),
            state: people,
        },
    ];
    let named = |resource, title, item_path| NamedTable { resource, title, item_path };
    let named = vec![
        named(&tutorials::api::resources::events::EVENTS, "Events", "/events"),
        named(&tutorials::api::resources::sessions::SESSIONS, "Sessions", ""),
        named(&tutorials::api::resources::people::ACCOUNTS, "Accounts", ""),
        named(&people::resources::ACCOUNTS, "Accounts", ""),
        named(&lessons::api::resources::LESSONS, "Lessons", "/lessons"),
    ];
    let tables = Arc::new(TableSet { groups, named });
    resources::pages::router(&tables)
        .merge(catalogue::pages::router(state))
        .merge(catalogue_import::pages::router(state))
        .merge(history::pages::router(&state.server, &tables))
        .merge(crate::config::pages::router(&state.server))
        .merge(crate::migrate::pages::router(&state.server))
}

/// Returns what the routes of resources share. A write is in the next search of this process.
fn resource_state(state: &ServerState, follower: Follower) -> ResourceState {
    let refresh = move || -> futures_util::future::BoxFuture<'static, ()> {
        let follower = follower.clone();
        Box::pin(async move {
            if let Err(error) = follower.reload_now().await {
                // The write is done. The follower tries again.
                tracing::warn!(%error, "the catalogue cannot be loaded after a change");
            }
        })
    };
    let guards = crate::bridges::store::CASCADE_GUARDS;
    let is_public = state.config.public_catalogue;
    ResourceState { server: state.clone(), refresh: Arc::new(refresh), is_public, guards }
}

/// Listens at an address.
///
/// # Errors
/// [`Error::Failed`] with the reason and advice.
pub async fn listen(bind: &str) -> Result<TcpListener> {
    TcpListener::bind(bind).await.map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "the address is in use: choose another one with --bind".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied: choose a port from 1024 on".to_owned(),
            std::io::ErrorKind::InvalidInput => "not an address: write one like 127.0.0.1:8080".to_owned(),
            _ => error.to_string(),
        };
        Error::Failed(format!("cannot serve at {bind}: {reason}"))
    })
}
