//! The network as an argument: the only interface through which the client sends requests.
//!
//! An implementation sends each request exactly once. It neither retries nor follows redirects: only the client knows
//! whether a request may be repeated.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A future that can be sent between threads, boxed so that the traits of this crate can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends one POST request and reads the whole response.
pub trait Transport: Send + Sync {
    /// Sends `request` once.
    ///
    /// # Errors
    /// [`TransportError`] says whether the request can have reached the server.
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
    /// The complete body.
    pub body: Vec<u8>,
    /// A larger response is [`TransportError::TooLarge`].
    pub max_response_bytes: usize,
}

impl fmt::Debug for Request {
    /// Omits the token, and the body because a login's body contains the client secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.url)
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A complete response of any status.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// The `Retry-After` header as received: seconds or an HTTP date.
    pub retry_after: Option<String>,
    /// The `Date` header as received: the server's clock.
    pub date: Option<String>,
    /// The complete body.
    pub body: Vec<u8>,
}

/// Why there is no complete response.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// No connection could be established, so nothing was sent.
    #[error("cannot connect: {0}")]
    NotSent(String),
    /// The connection broke after the request may have been sent.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The response is larger than the request allows; the rest was not read.
    #[error("the response is larger than {0} bytes")]
    TooLarge(usize),
}
