//! The demo's Administrate: the simulator on loopback, and settings that point at it and at nothing else.

use std::path::PathBuf;

use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};

use crate::app::Context;
use crate::config::{Config, DEFAULTS};
use crate::database::Database;
use crate::error::{Error, Result};

/// Requests in five minutes; the simulator sets no limit of its own.
const RATE_LIMIT: u32 = 100_000;

/// The context in which the demo's commands run: this database, and none of the settings of a real Administrate.
pub fn joined(context: &Context, database: &Database) -> Result<Context> {
    let defaults: Config =
        toml::from_str(DEFAULTS).map_err(|error| Error::Failed(format!("the default settings: {error}")))?;
    let mut joined = context.clone();
    joined.config.administrate = defaults.administrate;
    joined.config.administrate.rate_limit = RATE_LIMIT;
    joined.config.database_url = database.url.clone().into();
    Ok(joined)
}

/// Starts the simulator with its state in this file; the tenant is used only where there is no such file.
pub async fn start(state: PathBuf, tenant: Tenant) -> Result<RunningSimulator> {
    let options = Options { state: Some(state), ..Options::default() };
    Simulator::start(options, tenant).await.map_err(|error| Error::Failed(error.to_string()))
}

/// The context whose Administrate this simulator is.
pub fn pointed_at(mut context: Context, simulator: &RunningSimulator) -> Context {
    let settings = &mut context.config.administrate;
    settings.api_url = simulator.graphql_url();
    settings.auth_url = simulator.auth_url();
    settings.instance_url = simulator.instance_url();
    settings.client_id = simulator.client_id().to_owned();
    settings.client_secret = simulator.client_secret().to_owned().into();
    context
}
