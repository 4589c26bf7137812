//! Serving the site at the end of the demo, and saying where it is.

use std::io::ErrorKind;
use std::net::SocketAddr;

use administrate_sim::RunningSimulator;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::app::Context;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::http::state::ServerState;
use crate::search::read_model::follow::Follower;
use crate::serve;

/// How many ports are tried after the one wished for.
const PORTS: u16 = 100;

/// Serves the site until stopped. Says where, once it is there, with the addresses by which other commands join.
pub async fn serve(
    context: &Context,
    database: &Database,
    simulator: &RunningSimulator,
    announce: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let listener = listen(&context.config.bind).await?;
    let follower = Follower::open(database.pool.clone()).await?;
    let address = listener.local_addr().map_err(|error| Error::Failed(format!("the site has no address: {error}")))?;
    let url = format!("http://{address}/");
    announce(&url)?;
    for line in farewell(&url, context, simulator) {
        context.console.say(line);
    }
    let mut background = JoinSet::new();
    serve::cli::start_background(context, database, &mut background);
    let following = tokio::spawn(follower.clone().follow(context.stop.clone()));
    let state = ServerState::new(&database.pool, &context.config, &context.stop);
    serve::serve(listener, serve::cli::site(&state, follower), context.stop.clone()).await;
    let _ = following.await;
    background.join_all().await;
    Ok(())
}

/// Listens where the settings say, or at the next free port.
async fn listen(bind: &str) -> Result<TcpListener> {
    let refused = match TcpListener::bind(bind).await {
        Ok(listener) => return Ok(listener),
        Err(error) if error.kind() != ErrorKind::AddrInUse => return serve::cli::listen(bind).await,
        Err(error) => error,
    };
    let wished = tokio::net::lookup_host(bind).await.ok().and_then(|mut addresses| addresses.next());
    for next in wished.into_iter().flat_map(following) {
        if let Ok(listener) = TcpListener::bind(next).await {
            return Ok(listener);
        }
    }
    Err(Error::Failed(format!("cannot serve at {bind} nor at any of the {PORTS} ports after it: {refused}")))
}

fn following(wished: SocketAddr) -> impl Iterator<Item = SocketAddr> {
    let ports = wished.port().saturating_add(1)..=wished.port().saturating_add(PORTS);
    ports.map(move |port| SocketAddr::new(wished.ip(), port))
}

/// Where to look, and how other commands join.
fn farewell(url: &str, context: &Context, simulator: &RunningSimulator) -> Vec<String> {
    let config = &context.config;
    let folder = config.data_dir.canonicalize().unwrap_or_else(|_| config.data_dir.clone());
    let mut lines = vec![
        String::new(),
        format!("Look at {url}  (Ctrl-C ends the demo; run it again and it goes on from here)"),
        String::new(),
        "To use other commands on it, in another terminal:".into(),
    ];
    for (name, value) in [
        ("DATABASE_URL", config.database_url.reveal()),
        ("LECTERN_DATA_DIR", &folder.to_string_lossy()),
        ("ADMINISTRATE_API_URL", &simulator.graphql_url()),
        ("ADMINISTRATE_AUTH_URL", &simulator.auth_url()),
        ("ADMINISTRATE_INSTANCE_URL", &simulator.instance_url()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
    ] {
        lines.push(format!("  export {name}={}", quoted(value)));
    }
    lines.push("  lectern sync all    # for instance".into());
    lines
}

/// A value as a shell reads it back.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
