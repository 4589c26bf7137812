//! The work of the demo once everything stands: the commands that anybody would use, then the site.

use std::io::ErrorKind;
use std::net::SocketAddr;

use administrate_sim::Running;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::chosen::Ready;
use super::commands;
use super::folder::Folder;
use super::steps::Steps;
use crate::cli::Context;
use crate::db::Database;
use crate::error::{Error, Exit, Result};
use crate::search::follow::Follower;
use crate::server;

/// How many ports are tried after the one wished for.
const PORTS: u16 = 100;

/// Where the work happens.
#[derive(Debug)]
pub struct Site<'a> {
    /// The data folder.
    pub folder: &'a mut Folder,
    /// The database.
    pub database: &'a Database,
    /// The simulator.
    pub simulator: &'a Running,
    /// Whether to end after the search.
    pub once: bool,
}

/// The demo's JSON document (contract §2).
pub fn document(sync: Value, import: Value, search: Value, url: Option<&str>) -> Value {
    json!({ "sync": sync, "import": import, "search": search, "url": url })
}

/// Synchronises, imports, searches, and serves until stopped; ends as the worst of the commands did.
pub async fn work(context: &Context, steps: &mut Steps<'_>, ready: &Ready, site: Site<'_>) -> Result<Exit> {
    let pool = &site.database.pool;
    let sync = commands::sync(context, site.database, steps, &ready.provider).await?;
    if sync.exit == Exit::Failed {
        context.console.document(&document(sync.document, Value::Null, Value::Null, None))?;
        return Ok(sync.exit);
    }
    let import = commands::import(context, pool, steps, ready).await?;
    let follower = Follower::open(pool.clone()).await?;
    let search = commands::search(context, steps, &follower, &ready.question).await?;
    let exit = sync.exit.max(import.exit);
    let document = |url: Option<&str>| document(sync.document, import.document, search.document, url);
    if site.once || context.stop.is_cancelled() {
        context.console.document(&document(None))?;
        context.console.say(format_args!("All of it took {}. `lectern demo` shows it as a site.", steps.elapsed()));
        return Ok(exit);
    }
    let listener = steps.take("Serving the site", listen(&context.config.bind)).await?;
    let address = listener.local_addr().map_err(|error| Error::Failed(format!("the site has no address: {error}")))?;
    let url = format!("http://{address}/");
    site.folder.say_where(&url)?;
    context.console.document(&document(Some(&url)))?;
    for line in farewell(&url, site.simulator, &site.database.url) {
        context.console.say(line);
    }
    let following = tokio::spawn(follower.clone().follow(context.stop.clone()));
    server::serve(listener, server::cli::site(&context.config, follower), context.stop.clone()).await;
    let _ = following.await;
    Ok(exit)
}

/// Listens where the settings say, or at the next free port.
async fn listen(bind: &str) -> Result<TcpListener> {
    let refused = match TcpListener::bind(bind).await {
        Ok(listener) => return Ok(listener),
        Err(error) if error.kind() != ErrorKind::AddrInUse => return server::cli::listen(bind).await,
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
fn farewell(url: &str, simulator: &Running, database_url: &str) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("Look at {url}  (Ctrl-C ends the demo; run it again and it goes on from here)"),
        String::new(),
        "To use other commands on it, in another terminal:".into(),
    ];
    for (name, value) in [
        ("DATABASE_URL", database_url),
        ("ADMINISTRATE_API_URL", &simulator.graphql_url()),
        ("ADMINISTRATE_AUTH_URL", &simulator.auth_url()),
        ("ADMINISTRATE_INSTANCE_URL", &simulator.instance_url()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
    ] {
        lines.push(format!("  export {name}='{value}'"));
    }
    lines.push("  lectern sync all    # for instance".into());
    lines
}
