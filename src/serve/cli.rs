//! `lectern serve`.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::app::Context;
use crate::database::Database;
use crate::delivery;
use crate::delivery::worker::run_worker;
use crate::error::{Error, Exit, Result};
use crate::gateway::{AuditMode, connect};
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
    remove_incomplete_uploads(context);
    let mut background = JoinSet::new();
    if has_worker {
        start_work(context, database, listener.is_none(), &mut background).await?;
    }
    match listener {
        Some(listener) => {
            if let Ok(address) = listener.local_addr() {
                context.console.notify(format_args!("serving at http://{address}/"));
            }
            serve_site(context, database, listener).await?;
        }
        None => context.stop.cancelled().await,
    }
    background.join_all().await;
    Ok(Exit::Done)
}

/// Removes uploads that an earlier server left behind.
pub fn remove_incomplete_uploads(context: &Context) {
    let removed = timetable_import::upload::sweep(&context.config.data_dir, SystemTime::now());
    if removed > 0 {
        tracing::info!(removed, "incomplete uploads were removed");
    }
}

/// Starts all background work of a server: delivery, webhooks, schedule, and the queues of imports and syncs.
///
/// # Errors
/// Administrate is not configured although delivery is required.
pub async fn start_work(
    context: &Context,
    database: &Database,
    requires_delivery: bool,
    background: &mut JoinSet<()>,
) -> Result<()> {
    start_worker(context, database, requires_delivery, background).await?;
    start_background(context, database, background);
    Ok(())
}

/// Serves the site on a listener until the command is stopped.
pub async fn serve_site(context: &Context, database: &Database, listener: TcpListener) -> Result<()> {
    let follower = Follower::open(database.pool.clone()).await?;
    let follow_task = tokio::spawn(follower.clone().follow(context.stop.clone()));
    let state = ServerState::new(&database.pool, &context.config, &context.stop);
    crate::serve::serve(listener, site(&state, follower), context.stop.clone()).await;
    let _ = follow_task.await;
    Ok(())
}

/// Starts the delivery worker. Without access to Administrate this is an error only if the worker is `required`;
/// otherwise the reason is printed.
async fn start_worker(
    context: &Context,
    database: &Database,
    required: bool,
    background: &mut JoinSet<()>,
) -> Result<()> {
    let client = match connect(&context.config, &database.pool, "serve", AuditMode::On).await {
        Err(Error::Prerequisite(reason)) if !required => {
            context.console.notify(format_args!("no delivery to Administrate: {reason}"));
            return Ok(());
        }
        client => client?,
    };
    background.spawn(run_worker(database.pool.clone(), client, context.config.clone(), context.stop.clone()));
    Ok(())
}

/// Starts the background work other than delivery: webhooks, schedule, and the queues of imports and syncs.
fn start_background(context: &Context, database: &Database, background: &mut JoinSet<()>) {
    let config = Arc::new(context.config.clone());
    let (pool, stop) = (&database.pool, &context.stop);
    background.spawn(webhooks::worker::run_worker(pool.clone(), config.clone(), stop.clone()));
    background.spawn(sync::schedule::run_schedule(pool.clone(), config.clone(), stop.clone()));
    background.spawn(run_queue(pool.clone(), ImportJobs { pool: pool.clone(), config: config.clone() }, stop.clone()));
    background.spawn(run_queue(pool.clone(), SyncJobs { pool: pool.clone(), config }, stop.clone()));
}

/// Returns the application with the routes of every module.
pub fn site(state: &ServerState, follower: Follower) -> crate::serve::App {
    let urls = search::compose::SessionUrls::from_setting(state.config.public_session_urls);
    let routes = crate::serve::health::router(follower.clone())
        .merge(search::api::router(follower.clone(), urls))
        .merge(search::pages::router(follower, urls, state.config.zone()))
        .merge(delivery::api::router(state.clone()))
        .merge(timetable_import::api::router(state.clone()))
        .merge(sync::api::router(state.clone()))
        .merge(webhooks::api::router(state.clone()));
    crate::serve::app(routes)
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
