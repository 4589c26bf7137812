//! The simulator that the demo uses instead of Administrate, and the settings with which commands reach it.

use std::path::PathBuf;

use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};

use crate::app::Context;
use crate::config::effective;
use crate::config::{Config, DEFAULTS};
use crate::database::Database;
use crate::error::{Error, Result};

/// Requests in five minutes. The simulator itself has no limit.
const RATE_LIMIT: u32 = 100_000;

/// Returns a context with the database of the demo and without settings of a real Administrate.
pub fn isolated_context(context: &Context, database: &Database) -> Result<Context> {
    let defaults: Config =
        toml::from_str(DEFAULTS).map_err(|error| Error::Failed(format!("the default settings: {error}")))?;
    let mut isolated = context.clone();
    isolated.config.administrate = defaults.administrate;
    isolated.config.administrate.rate_limit = RATE_LIMIT;
    isolated.config.database_url = database.url.clone().into();
    Ok(isolated)
}

/// Starts the simulator. `state`: its file; `tenant`: the initial state if the file does not exist.
pub async fn start(state: PathBuf, tenant: Tenant) -> Result<RunningSimulator> {
    let options = Options { state: Some(state), ..Options::default() };
    Simulator::start(options, tenant).await.map_err(|error| Error::Failed(error.to_string()))
}

/// Returns a context that uses the simulator as Administrate.
pub fn with_simulator(mut context: Context, simulator: &RunningSimulator) -> Context {
    let settings = &mut context.config.administrate;
    settings.api_url = simulator.graphql_url();
    settings.auth_url = simulator.auth_url();
    settings.instance_url = simulator.instance_url();
    settings.client_id = simulator.client_id().to_owned();
    settings.client_secret = simulator.client_secret().to_owned().into();
    for (name, value) in [
        ("api_url", settings.api_url.as_str()),
        ("auth_url", &settings.auth_url),
        ("instance_url", &settings.instance_url),
        ("client_id", &settings.client_id),
        ("client_secret", settings.client_secret.reveal()),
    ] {
        effective::replace(&mut context.settings, &format!("administrate.{name}"), value, "the demo");
    }
    context
}
