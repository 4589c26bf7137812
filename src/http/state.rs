//! The state of handlers.

use std::sync::Arc;

use axum::extract::FromRef;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// The state of handlers that use the database.
#[derive(Clone, Debug)]
pub struct ServerState {
    pub pool: PgPool,
    pub config: Arc<Config>,
    /// Cancelled when the server stops, so that endless streams end.
    pub stop: CancellationToken,
}

impl ServerState {
    /// Creates the state from a database and settings.
    pub fn new(pool: &PgPool, config: &Config, stop: &CancellationToken) -> Self {
        Self { pool: pool.clone(), config: Arc::new(config.clone()), stop: stop.clone() }
    }
}

impl FromRef<ServerState> for PgPool {
    fn from_ref(state: &ServerState) -> Self {
        state.pool.clone()
    }
}
