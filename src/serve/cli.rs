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
    /// Address to serve at [env: LECTERN_BIND]
    #[arg(long, value_name = "ADDR")]
    bind: Option<String>,
    /// Serve without delivering to Administrate
    #[arg(long, conflicts_with = "worker_only")]
    no_worker: bool,
    /// Deliver to Administrate without serving
    #[arg(long)]
    worker_only: bool,
}

/// Carries out `lectern serve`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let bind = args.bind.as_deref().unwrap_or(&context.config.bind);
    let listener = if args.worker_only { None } else { Some(listen(bind).await?) };
    let database = context.database().await?;
    let ended = serve(context, &database, listener, !args.no_worker).await;
    database.close().await;
    ended
}

async fn serve(context: &Context, database: &Database, listener: Option<TcpListener>, works: bool) -> Result<Exit> {
    let swept = timetable_import::upload::sweep(&context.config.data_dir, SystemTime::now());
    if swept > 0 {
        tracing::info!(swept, "uploads that never arrived whole were removed");
    }
    let mut background = JoinSet::new();
    if works {
        start_worker(context, database, listener.is_none(), &mut background).await?;
        start_background(context, database, &mut background);
    }
    match listener {
        Some(listener) => {
            if let Ok(address) = listener.local_addr() {
                context.console.say(format_args!("serving at http://{address}/"));
            }
            serve_site(context, database, listener).await?;
        }
        None => context.stop.cancelled().await,
    }
    background.join_all().await;
    Ok(Exit::Done)
}

/// Serves the site on a listener until stopped.
pub async fn serve_site(context: &Context, database: &Database, listener: TcpListener) -> Result<()> {
    let follower = Follower::open(database.pool.clone()).await?;
    let following = tokio::spawn(follower.clone().follow(context.stop.clone()));
    let state = ServerState::new(&database.pool, &context.config, &context.stop);
    crate::serve::serve(listener, site(&state, follower), context.stop.clone()).await;
    let _ = following.await;
    Ok(())
}

/// Starts the delivery worker. Where Administrate is not named there is nothing to deliver to, which is an error only
/// if delivering is all that was asked.
async fn start_worker(
    context: &Context,
    database: &Database,
    needed: bool,
    background: &mut JoinSet<()>,
) -> Result<()> {
    let client = match connect(&context.config, &database.pool, "serve", AuditMode::On).await {
        Err(Error::Prerequisite(why)) if !needed => {
            context.console.say(format_args!("delivering nothing: {why}"));
            return Ok(());
        }
        client => client?,
    };
    background.spawn(run_worker(database.pool.clone(), client, context.config.clone(), context.stop.clone()));
    Ok(())
}

/// Starts whatever else goes on beside requests.
pub fn start_background(context: &Context, database: &Database, background: &mut JoinSet<()>) {
    let config = Arc::new(context.config.clone());
    let (pool, stop) = (&database.pool, &context.stop);
    background.spawn(webhooks::worker::run_worker(pool.clone(), config.clone(), stop.clone()));
    background.spawn(sync::schedule::run_schedule(pool.clone(), config.clone(), stop.clone()));
    background.spawn(run_queue(pool.clone(), ImportJobs { pool: pool.clone(), config: config.clone() }, stop.clone()));
    background.spawn(run_queue(pool.clone(), SyncJobs { pool: pool.clone(), config }, stop.clone()));
}

/// Every module's routes, and what all requests go through.
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

/// Listens at an address, or says what is in the way.
pub async fn listen(bind: &str) -> Result<TcpListener> {
    TcpListener::bind(bind).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program is there already; choose another with --bind".to_owned(),
            std::io::ErrorKind::PermissionDenied => "this user may not; take a port from 1024 on".to_owned(),
            std::io::ErrorKind::InvalidInput => "an address looks like 127.0.0.1:8080".to_owned(),
            _ => error.to_string(),
        };
        Error::Failed(format!("cannot serve at {bind}: {why}"))
    })
}
