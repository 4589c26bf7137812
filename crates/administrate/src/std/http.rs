//! The HTTPS transport, by reqwest.

use std::error::Error as _;
use std::time::Duration;

use crate::call::transport::{BoxFuture, Request, Response, Transport, TransportError};
use crate::error::Error;

/// Longest wait for a connection; nothing has been sent before it is established.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep idle connections open: one that closes during a request leaves a write in doubt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Sends requests over HTTP and HTTPS. It follows no redirect, because that could turn a POST into a GET.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Creates a transport with its own connection pool.
    ///
    /// # Errors
    /// [`Error::Setup`] if the machine's root certificates cannot be used.
    pub fn new() -> Result<Self, Error> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Err means that another thread has installed one meanwhile.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("lectern/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Setup(cause(&error)))?;
        Ok(Self { client })
    }
}

impl Transport for HttpTransport {
    fn post<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, TransportError>> {
        Box::pin(async move {
            let mut builder = self
                .client
                .post(&request.url)
                .header(reqwest::header::CONTENT_TYPE, request.content_type)
                .header(reqwest::header::ACCEPT, "application/json")
                .body(request.body.clone());
            if let Some(token) = &request.bearer {
                builder = builder.bearer_auth(token);
            }
            let response = builder.send().await.map_err(|error| transport_error(&error))?;
            read(response, request.max_response_bytes).await
        })
    }
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Response, TransportError> {
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (retry_after, date) = (header(reqwest::header::RETRY_AFTER), header(reqwest::header::DATE));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport_error(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, retry_after, date, body })
}

fn transport_error(error: &reqwest::Error) -> TransportError {
    let cause = cause(error);
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(cause)
    } else {
        TransportError::Broken(cause)
    }
}

/// Returns the innermost cause, without the operating system's error number. Outer causes only name layers.
fn cause(error: &reqwest::Error) -> String {
    let innermost = std::iter::successors(error.source(), |&cause| cause.source()).last();
    let message = innermost.map_or("the address or the request is not valid".to_owned(), ToString::to_string);
    message.split(" (os error").next().unwrap_or_default().to_owned()
}
