//! `lectern serve`.

use tokio::net::TcpListener;

use crate::cli::Context;
use crate::config::Config;
use crate::error::{Error, Exit, Result};
use crate::search;
use crate::search::follow::Follower;

/// Options of `lectern serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to serve at [env: LECTERN_BIND]
    #[arg(long, value_name = "ADDR")]
    bind: Option<String>,
}

/// Carries out `lectern serve`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let bind = args.bind.as_deref().unwrap_or(&context.config.bind);
    let listener = listen(bind).await?;
    let database = context.database().await?;
    let follower = Follower::open(database.pool.clone()).await?;
    let following = tokio::spawn(follower.clone().follow(context.stop.clone()));
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_else(|_| bind.to_owned());
    context.console.say(format_args!("serving at http://{address}/"));
    super::serve(listener, site(&context.config, follower), context.stop.clone()).await;
    let _ = following.await;
    database.close().await;
    Ok(Exit::Done)
}

/// Every module's routes, and what all requests go through.
pub fn site(config: &Config, follower: Follower) -> super::App {
    let urls = search::compose::SessionUrls::from_setting(config.public_session_urls);
    let routes = super::health::router(follower.clone())
        .merge(search::api::router(follower.clone(), urls))
        .merge(search::page::router(follower, urls, config.zone()));
    super::app(routes)
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
