//! The state of handlers.

use std::sync::Arc;

use axum::extract::FromRef;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::streams::Streams;
use crate::background::Workers;
use crate::config::Config;
use crate::config::effective::EffectiveSetting;

/// The state of handlers that use the database.
#[derive(Clone, Debug)]
pub struct ServerState {
    pub pool: PgPool,
    pub config: Arc<Config>,
    /// Cancelled when the server stops, so that endless streams end.
    pub stop: CancellationToken,
    /// The background workers of this process, which the health check reports.
    pub workers: Workers,
    /// The value and the source of each setting, for people.
    pub settings: Arc<Vec<EffectiveSetting>>,
    /// The endless responses of each token.
    pub streams: Streams,
}

impl ServerState {
    /// Creates the state from a database and settings.
    pub fn new(pool: &PgPool, config: &Config, stop: &CancellationToken) -> Self {
        Self {
            pool: pool.clone(),
            config: Arc::new(config.clone()),
            stop: stop.clone(),
            workers: Workers::new(stop),
            settings: Arc::default(),
            streams: Streams::new(pool, config.http.streams_per_token),
        }
    }

    /// Returns the same state with these settings for people.
    pub fn with_settings(self, settings: &[EffectiveSetting]) -> Self {
        Self { settings: Arc::new(settings.to_vec()), ..self }
    }

    /// Returns the same state with these background workers.
    pub fn with_workers(self, workers: &Workers) -> Self {
        Self { workers: workers.clone(), ..self }
    }
}

impl FromRef<ServerState> for PgPool {
    fn from_ref(state: &ServerState) -> Self {
        state.pool.clone()
    }
}
