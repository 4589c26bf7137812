//! `lectern serve`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;

use super::Limits;
use super::connections::{connection_limit, raise_file_limit};
use super::runtime::RequestRuntime;
use crate::app::Context;
use crate::background::Workers;
use crate::database::Database;
use crate::delivery;
use crate::delivery::worker::run_worker;
use crate::error::{Error, Exit, Result};
use crate::gateway::{AuditMode, connect};
use crate::http::idempotency::Replays;
use crate::http::state::ServerState;
use crate::jobs::run_queue;
use crate::search;
use crate::search::read_model::follow::Follower;
use crate::sync;
use crate::sync::job::SyncJobs;
use crate::timetable_import;
use crate::timetable_import::job::ImportJobs;
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
const CATALOGUE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs `lectern serve` until it is stopped.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let bind = args.bind.as_deref().unwrap_or(&context.config.bind);
    let listener = if args.worker_only { None } else { Some(listen(bind).await?) };
    let database = context.database().await?;
    let result = serve(context, &database, listener, !args.no_worker).await;
    database.close().await;
    result
}

async fn serve(
    context: &Context,
    database: &Database,
    listener: Option<TcpListener>,
    has_worker: bool,
) -> Result<Exit> {
    let removed = timetable_import::upload::sweep(&context.config.data_dir, SystemTime::now());
    if removed > 0 {
        tracing::info!(removed, "incomplete uploads were removed");
    }
    let workers = Workers::new(&context.stop);
    if has_worker {
        start_delivery(context, database, listener.is_none(), &workers).await?;
        start_background(context, database, &workers);
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
    let state = ServerState::new(&pool, &context.config, &context.stop).with_workers(workers);
    let served = runtime.run(async move {
        let follower = Follower::start(pool.clone(), CATALOGUE_PATIENCE).await;
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

/// Starts the background work other than delivery: webhooks, schedule, and the queues of imports and syncs.
pub fn start_background(context: &Context, database: &Database, workers: &Workers) {
    let (pool, config, stop) = (database.pool.clone(), Arc::new(context.config.clone()), context.stop.clone());
    let shared = move || (pool.clone(), config.clone(), stop.clone());
    workers.spawn("webhooks", {
        let shared = shared.clone();
        move || {
            let (pool, config, stop) = shared();
            webhooks::worker::run_worker(pool, config, stop)
        }
    });
    if sync::schedule::is_set(&context.config) {
        workers.spawn("schedule", {
            let shared = shared.clone();
            move || {
                let (pool, config, stop) = shared();
                sync::schedule::run_schedule(pool, config, stop)
            }
        });
    }
    workers.spawn("imports", {
        let shared = shared.clone();
        move || {
            let (pool, config, stop) = shared();
            run_queue(pool.clone(), ImportJobs { pool, config }, stop)
        }
    });
    workers.spawn("syncs", move || {
        let (pool, config, stop) = shared();
        run_queue(pool.clone(), SyncJobs { pool, config }, stop)
    });
}

/// Returns the application with the routes of every module.
pub fn site(state: &ServerState, follower: Follower, limits: Limits) -> crate::serve::App {
    let urls = search::compose::SessionUrls::from_setting(state.config.public_session_urls);
    let routes = crate::serve::health::router(follower.clone(), state.workers.clone())
        .merge(search::api::router(follower.clone(), urls))
        .merge(search::pages::router(follower, urls, state.config.zone()))
        .merge(delivery::api::router(state.clone()))
        .merge(timetable_import::api::router(state.clone()))
        .merge(sync::api::router(state.clone()))
        .merge(webhooks::api::router(state.clone()));
    let known = [
        search::api::parameters(),
        delivery::api::parameters(),
        timetable_import::api::parameters(),
        sync::api::parameters(),
    ];
    let replays = Replays { pool: state.pool.clone(), body_limit: crate::serve::BODY_LIMIT };
    crate::serve::app(routes, known.into_iter().flatten().collect(), replays, limits)
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
