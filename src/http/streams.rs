//! Endless responses: how many a token may have, and their end when it is revoked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::problem::HttpProblem;
use crate::identity::{self, Caller};

/// How often a token with open streams is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The open streams of each token. Clones share them.
#[derive(Clone, Debug)]
pub struct Streams {
    pool: PgPool,
    per_token: usize,
    open: Arc<Mutex<HashMap<i64, TokenStreams>>>,
}

#[derive(Debug)]
struct TokenStreams {
    count: usize,
    end: CancellationToken,
}

/// An open stream. It counts until it is dropped.
#[derive(Debug)]
pub struct StreamPermit {
    streams: Streams,
    token: i64,
    end: CancellationToken,
}

impl Streams {
    /// Creates a register without streams.
    pub fn new(pool: &PgPool, per_token: usize) -> Streams {
        Streams { pool: pool.clone(), per_token, open: Arc::default() }
    }

    /// Opens a stream for a caller.
    ///
    /// # Errors
    /// 429 when the token has as many streams as it may have.
    pub fn admit(&self, caller: &Caller) -> Result<StreamPermit, HttpProblem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.entry(caller.token_id).or_insert_with(|| {
            let end = CancellationToken::new();
            tokio::spawn(self.clone().watch(caller.token_id, end.clone()));
            TokenStreams { count: 0, end }
        });
        if entry.count >= self.per_token {
            let detail = format!("this token has {} open streams: close one first", self.per_token);
            return Err(HttpProblem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        entry.count += 1;
        Ok(StreamPermit { streams: self.clone(), token: caller.token_id, end: entry.end.clone() })
    }

    /// Ends the streams of a token when it is revoked or expires. Returns when the token has no streams.
    async fn watch(self, token: i64, end: CancellationToken) {
        while end.run_until_cancelled(tokio::time::sleep(CHECK_INTERVAL)).await.is_some() {
            // While the database cannot be reached, streams stay open.
            if let Ok(false) = identity::is_valid(&self.pool, token).await {
                tracing::info!(token, "the streams of a revoked token are ended");
                end.cancel();
            }
        }
    }
}

impl StreamPermit {
    /// Returns when the stream must end because its token is no longer valid.
    pub async fn ended(&self) {
        self.end.cancelled().await;
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = open.get_mut(&self.token) else { return };
        entry.count -= 1;
        if entry.count == 0 {
            // Also stops watching the token.
            entry.end.cancel();
            open.remove(&self.token);
        }
    }
}
