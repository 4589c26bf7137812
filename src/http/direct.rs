//! Routes that can be answered before the layers of the server.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use axum::response::Response;

type DirectAnswer = dyn Fn(&Uri, &HeaderMap) -> Option<Response> + Send + Sync;

/// A `GET` that is answered from memory, without waiting.
#[derive(Clone)]
pub struct DirectRoute {
    path: &'static str,
    answer: Arc<DirectAnswer>,
}

impl fmt::Debug for DirectRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectRoute").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DirectRoute {
    /// Returns a route with a path without a slash at its end. The answer is the response of its handler, from the address
    /// and the headers of a request. It is none where that would be a problem: layers describe problems.
    pub fn new(
        path: &'static str,
        answer: impl Fn(&Uri, &HeaderMap) -> Option<Response> + Send + Sync + 'static,
    ) -> DirectRoute {
        DirectRoute { path, answer: Arc::new(answer) }
    }

    /// Reports whether a path is the one of the route.
    pub fn has_path(&self, path: &str) -> bool {
        path.strip_suffix('/').unwrap_or(path) == self.path
    }

    /// Returns the response; none if the handler has to respond.
    pub fn answer(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        (self.answer)(uri, headers)
    }
}
