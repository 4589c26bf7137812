//! How a request leaves: the one place where the client touches the network.
//!
//! An implementation sends exactly once. It neither retries nor follows redirects nor waits longer than it must: the
//! client decides all of that, because only the client knows whether a request may be repeated.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A future that may be sent between threads, boxed so that the traits of this crate can be used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends one POST request and reads the whole answer.
pub trait Transport: Send + Sync {
    /// Sends `request` once.
    ///
    /// # Errors
    /// [`TransportError`] tells whether the request can have reached the other side.
    fn post<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, TransportError>>;
}

/// One POST request.
#[derive(Clone)]
pub struct Request {
    /// Absolute URL.
    pub url: String,
    /// Media type of `body`.
    pub content_type: &'static str,
    /// Bearer token, if the call needs one.
    pub bearer: Option<String>,
    /// The body, complete.
    pub body: Vec<u8>,
    /// More bytes than this in the answer are [`TransportError::TooLarge`].
    pub max_answer_bytes: usize,
}

impl fmt::Debug for Request {
    /// Leaves out the token, and the body because a login's body holds the client secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.url)
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// The `Retry-After` header as it stood there, seconds or an HTTP date.
    pub retry_after: Option<String>,
    /// The body, complete.
    pub body: Vec<u8>,
}

/// No answer could be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// No connection came about, so nothing was sent.
    #[error("cannot connect: {0}")]
    NotSent(String),
    /// The connection broke after the request may have been sent.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The answer was larger than the request allows; it was not read further.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}
