//! The work of the demo once everything stands: the commands that anybody would use, then the site.

use std::io::ErrorKind;
use std::net::SocketAddr;

use administrate_sim::Running;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::chosen::Ready;
use super::folder::Folder;
use super::steps::Steps;
use crate::cli::Context;
use crate::db::Database;
use crate::error::{Error, Exit, Result};
use crate::search::compose::SessionUrls;
use crate::search::follow::Follower;
use crate::search::query::Query;
use crate::search::{self, unified};
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

/// Synchronises, imports, searches, and serves until stopped.
pub async fn work(context: &Context, steps: &mut Steps<'_>, ready: &Ready, site: Site<'_>) -> Result<Exit> {
    let pool = &site.database.pool;
    let follower = Follower::open(pool.clone()).await?;
    let search = steps.take(format!("lectern search \"{}\"", ready.question), find(&follower, &ready.question));
    let (search, shown) = search.await?;
    if !context.console.json {
        context.console.print(shown);
    }
    let exit = Exit::Done;
    let mut document = json!({ "sync": Value::Null, "import": Value::Null, "search": search, "url": Value::Null });
    if site.once || context.stop.is_cancelled() {
        context.console.document(&document)?;
        context.console.say(format_args!("All of it took {}. `lectern demo` shows it as a site.", steps.elapsed()));
        return Ok(exit);
    }
    let listener = steps.take("Serving the site", listen(&context.config.bind)).await?;
    let address = listener.local_addr().map_err(|error| Error::Failed(format!("the site has no address: {error}")))?;
    let url = format!("http://{address}/");
    site.folder.say_where(&url)?;
    document["url"] = json!(url);
    context.console.document(&document)?;
    for line in farewell(&url, site.simulator, &site.database.url) {
        context.console.say(line);
    }
    let following = tokio::spawn(follower.clone().follow(context.stop.clone()));
    server::serve(listener, server::cli::site(&context.config, follower), context.stop.clone()).await;
    let _ = following.await;
    Ok(exit)
}

/// One search, as its document and as a table.
async fn find(follower: &Follower, text: &str) -> Result<(Value, String)> {
    follower.reload_now().await?;
    let catalogue = follower.current();
    let began = std::time::Instant::now();
    let mut answer = unified::answer(&catalogue, &Query::for_text(text), SessionUrls::Shown);
    answer.performance.duration = began.elapsed().as_secs_f64();
    let document = serde_json::to_value(&answer).map_err(|error| Error::Failed(error.to_string()))?;
    Ok((document, search::cli::shown(&answer)))
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
