//! Serves the site at the end of the demo.

use std::io::ErrorKind;
use std::net::SocketAddr;

use administrate_sim::RunningSimulator;
use tokio::net::TcpListener;

use crate::app::Context;
use crate::background::Workers;
use crate::database::{Database, without_password};
use crate::error::{Error, Result};
use crate::identity::{self, Role};
use crate::serve;

/// The login that the demo creates.
const LOGIN: &str = "demo";

/// The number of ports after the configured one that are tried.
const MORE_PORTS: u16 = 100;

/// Serves the site until the command is stopped. Prints its URL and the environment variables for other commands.
pub async fn serve(
    context: &Context,
    database: &Database,
    simulator: &RunningSimulator,
    announce: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let listener = listen(&context.config.bind).await?;
    let address = listener.local_addr().map_err(|error| Error::Failed(format!("the site has no address: {error}")))?;
    let url = format!("http://{address}/");
    announce(&url)?;
    let login = identity::logins::ensure(&database.pool, LOGIN, Role::Admin).await?;
    let secret = identity::logins::create_link(&database.pool, login).await?;
    let link = format!("{url}login/{}", secret.reveal());
    for line in instructions(&url, &link, context, simulator) {
        context.console.notify(line);
    }
    let workers = Workers::new(&context.stop);
    serve::cli::start_work(context, database, true, &workers).await?;
    serve::cli::serve_site(context, database, listener, &workers).await?;
    workers.join().await;
    Ok(())
}

/// Listens at the configured address or at the next free port.
async fn listen(bind: &str) -> Result<TcpListener> {
    let reason = match TcpListener::bind(bind).await {
        Ok(listener) => return Ok(listener),
        Err(error) if error.kind() != ErrorKind::AddrInUse => return serve::cli::listen(bind).await,
        Err(error) => error,
    };
    let configured = tokio::net::lookup_host(bind).await.ok().and_then(|mut addresses| addresses.next());
    for address in configured.into_iter().flat_map(next_addresses) {
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
    }
    Err(Error::Failed(format!("cannot serve at {bind} or at the {MORE_PORTS} ports after it: {reason}")))
}

fn next_addresses(address: SocketAddr) -> impl Iterator<Item = SocketAddr> {
    let ports = address.port().saturating_add(1)..=address.port().saturating_add(MORE_PORTS);
    ports.map(move |port| SocketAddr::new(address.ip(), port))
}

/// Returns the lines that explain how to open the site and how to use other commands.
fn instructions(url: &str, link: &str, context: &Context, simulator: &RunningSimulator) -> Vec<String> {
    let config = &context.config;
    let folder = config.data_dir.canonicalize().unwrap_or_else(|_| config.data_dir.clone());
    let mut lines = vec![
        String::new(),
        format!("Open {url} to search as a customer does"),
        format!("Open {link} to sign in as {LOGIN}. The link works once, within a day;"),
        format!("    `lectern user password {LOGIN}` sets a password for later"),
        format!("Open {}/ to see what has arrived in the simulator of Administrate", simulator.instance_url()),
        "Ctrl-C stops the demo. Run `lectern demo` again to continue with the same data.".into(),
        String::new(),
        "To run other commands with this data, paste these lines into another terminal:".into(),
    ];
    // A password in scrollback and screenshots would outlive the demo.
    let database_url = without_password(config.database_url.reveal());
    for (name, value) in [
        ("DATABASE_URL", database_url.as_str()),
        ("LECTERN_DATA_DIR", &folder.to_string_lossy()),
        ("ADMINISTRATE_API_URL", &simulator.graphql_url()),
        ("ADMINISTRATE_AUTH_URL", &simulator.auth_url()),
        ("ADMINISTRATE_INSTANCE_URL", &simulator.instance_url()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
    ] {
        lines.push(format!("  export {name}={}", shell_quoted(value)));
    }
    lines.push("  lectern sync all".into());
    if database_url != config.database_url.reveal() {
        lines.push("The password of the database is not shown: set PGPASSWORD or use a file ~/.pgpass.".into());
    }
    lines
}

/// Quotes a value for a POSIX shell.
fn shell_quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
