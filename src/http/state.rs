//! What routes are given.

use std::sync::Arc;

use axum::extract::FromRef;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// What the routes that change something work with.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// The database.
    pub pool: PgPool,
    /// The settings.
    pub config: Arc<Config>,
    /// Cancelled when the server ends: what streams for ever ends then.
    pub stop: CancellationToken,
}

impl ServerState {
    /// Over a database, with these settings.
    pub fn new(pool: &PgPool, config: &Config, stop: &CancellationToken) -> Self {
        Self { pool: pool.clone(), config: Arc::new(config.clone()), stop: stop.clone() }
    }
}

impl FromRef<ServerState> for PgPool {
    fn from_ref(state: &ServerState) -> Self {
        state.pool.clone()
    }
}
